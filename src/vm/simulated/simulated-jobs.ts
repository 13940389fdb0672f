import { BerthError } from "../../contract/berth-error.ts";
import { toConnectError } from "../../contract/connect-error.ts";
import type { StartJobRequest } from "../../contract/gen/berth/v1/agent_pb.js";
import type { SimulatedDisk, SimulatedEnvironment, SimulatedJob } from "./simulated-disk.ts";
import { courseOf, type SimulatedCourse, sentinelOf } from "./sentinels.ts";

const stopMs = 20;

export interface SimulatedJobsOptions {
  readonly disk: SimulatedDisk;
  readonly crash: () => void;
  readonly ended: AbortSignal;
}

/** A failure that a job ends with. */
class CourseFailure extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The long work of a simulated machine: takes its time, then changes the disk. */
export class SimulatedJobs {
  readonly #options: SimulatedJobsOptions;
  readonly #live = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();
  readonly #listeners = new Set<() => void>();

  constructor(options: SimulatedJobsOptions) {
    this.#options = options;
    for (const environment of Object.values(options.disk.content.environments)) {
      // What ran when the machine ended is gone, and its containers do not run.
      environment.jobs = environment.jobs.filter((job) => job.state !== "running");
      if (environment.container === "running") environment.container = "stopped";
    }
  }

  /** Resolves after the next change or when the signal aborts. */
  async nextChange(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#listeners.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#listeners.add(done);
      signal.addEventListener("abort", done);
      if (signal.aborted) done();
    });
  }

  /** Starts a job unless one of this id is known. */
  async start(request: StartJobRequest): Promise<SimulatedJob> {
    const { environmentId, jobId, job } = request;
    const environments = this.#options.disk.content.environments;
    if (job.case === "clone") {
      const { beginFailure } = courseOf(sentinelOf(job.value.remoteUri));
      if (beginFailure !== undefined) throw toConnectError(new BerthError(beginFailure.code, beginFailure.message));
    }
    if (job.case === "clone") environments[environmentId] ??= newEnvironment(job.value.directoryName, sentinelOf(job.value.remoteUri));
    const environment = environments[environmentId];
    if (environment === undefined) throw new Error("the environment is not known");
    const existing = environment.jobs.find((j) => j.id === jobId);
    if (existing !== undefined) return existing;
    const kind = ({ clone: "clone", devcontainerUp: "devcontainer-up", stop: "stop", delete: "delete" } as const)[job.case ?? "stop"];
    const record: SimulatedJob = {
      id: jobId,
      kind,
      state: "running",
      errorCode: "",
      errorMessage: "",
      startedAtMs: Date.now(),
      log: "",
      steps: [],
    };
    environment.jobs.push(record);
    await this.changed();
    const abort = new AbortController();
    const done = this.#run(environmentId, environment, record, request, AbortSignal.any([abort.signal, this.#options.ended]));
    this.#live.set(`${environmentId}/${jobId}`, { abort, done });
    return record;
  }

  async cancel(environmentId: string, jobId: string): Promise<void> {
    const live = this.#live.get(`${environmentId}/${jobId}`);
    live?.abort.abort();
    await live?.done;
  }

  async authorize(environmentId: string, keys: readonly string[]): Promise<Record<string, never>> {
    const environment = this.#options.disk.content.environments[environmentId];
    if (environment === undefined) throw new Error("the environment is not known");
    environment.authorizedKeys = [...keys];
    await this.changed();
    return {};
  }

  async keepUpload(environmentId: string, directoryName: string): Promise<void> {
    const environments = this.#options.disk.content.environments;
    environments[environmentId] ??= newEnvironment(directoryName, "");
    environments[environmentId].contentReady = true;
    await this.changed();
  }

  async #run(
    id: string,
    environment: SimulatedEnvironment,
    record: SimulatedJob,
    request: StartJobRequest,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.#work(id, environment, record, request, signal);
      record.state = "succeeded";
    } catch (error) {
      if (this.#options.ended.aborted) return;
      record.state = signal.aborted ? "cancelled" : "failed";
      record.errorCode = signal.aborted ? "canceled" : error instanceof CourseFailure ? error.code : "internal";
      record.errorMessage = error instanceof Error ? error.message : String(error);
    }
    endStep(record, record.state !== "succeeded");
    this.#live.delete(`${id}/${record.id}`);
    await this.changed();
  }

  async #work(
    id: string,
    environment: SimulatedEnvironment,
    record: SimulatedJob,
    { job }: StartJobRequest,
    signal: AbortSignal,
  ): Promise<void> {
    const course = courseOf(environment.sentinel);
    switch (job.case) {
      case "clone":
        await this.#step(record, "Cloning the repository", course.cloneMs, signal);
        if (course.cloneFailure !== undefined) throw new CourseFailure(course.cloneFailure.code, course.cloneFailure.message);
        environment.contentReady = true;
        return;
      case "devcontainerUp":
        environment.authorizedKeys = [...job.value.authorizedKeys];
        return this.#bringUp(
          environment,
          record,
          { session: job.value.session, configPath: job.value.configPath, rebuild: job.value.rebuild },
          course,
          signal,
        );
      case "stop":
        await this.#cancelOthers(id, record.id);
        await this.#step(record, "Stopping the containers", stopMs, signal);
        if (environment.container === "running") environment.container = "stopped";
        return;
      case "delete":
        await this.#cancelOthers(id, record.id);
        await this.#step(record, "Removing the working copy", stopMs, signal);
        if (environment.jobs.filter((j) => j.kind === "delete" && j.state === "failed").length < course.deleteFailures)
          throw new CourseFailure("internal", "the working copy was not removed: its disk has errors");
        delete this.#options.disk.content.environments[id];
        return;
      case undefined:
        throw new Error("the job is missing");
    }
  }

  async #bringUp(
    environment: SimulatedEnvironment,
    record: SimulatedJob,
    wanted: { session: string; configPath: string; rebuild: boolean },
    course: SimulatedCourse,
    signal: AbortSignal,
  ): Promise<void> {
    const { content } = this.#options.disk;
    const isNew = environment.container === "absent" || environment.session !== wanted.session || wanted.rebuild;
    if (isNew) {
      const building = this.#step(record, "Building the image", course.buildMs, signal);
      record.log += buildLog(course.logLines);
      await building;
    }
    await this.#step(record, "Starting the container", stopMs, signal);
    const crashes = content.crashes[environment.sentinel] ?? 0;
    if (crashes < course.crashes) {
      content.crashes[environment.sentinel] = crashes + 1;
      await this.#options.disk.save();
      this.#options.crash();
      throw new Error("the machine ended");
    }
    const choice =
      wanted.configPath === "" && course.configPaths.length > 1
        ? { code: "devcontainer-choice", message: `choose one of ${course.configPaths.join(", ")}` }
        : undefined;
    const failure = choice ?? course.buildFailure;
    if (isNew) environment.containerNumber = ++content.containersMade;
    environment.container = "running";
    environment.session = wanted.session;
    environment.configPath = wanted.configPath === "" ? (course.configPaths[0] ?? "") : wanted.configPath;
    environment.recovery = failure !== undefined;
    environment.failureMessage = failure === undefined ? "" : `${failure.code}: ${failure.message}`;
  }

  async #step(record: SimulatedJob, name: string, durationMs: number, signal: AbortSignal): Promise<void> {
    endStep(record, false);
    record.steps.push({ name, startedAtMs: Date.now(), failed: false, logOffset: Buffer.byteLength(record.log) });
    record.log += `${name}\n`;
    await this.changed();
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(new Error("cancelled"));
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      }, durationMs);
      signal.addEventListener("abort", onAbort);
      if (signal.aborted) onAbort();
    });
  }

  async #cancelOthers(environmentId: string, exceptJobId: string): Promise<void> {
    const others = [...this.#live.keys()].filter((key) => key.startsWith(`${environmentId}/`) && key !== `${environmentId}/${exceptJobId}`);
    await Promise.all(others.map(async (key) => this.cancel(environmentId, key.slice(environmentId.length + 1))));
  }

  /** Keeps what changed, and tells who waits for it. */
  async changed(): Promise<void> {
    if (!this.#options.ended.aborted) await this.#options.disk.save();
    for (const listener of [...this.#listeners]) listener();
  }
}

/** A step lasts until the next one or the job's end. */
function endStep(record: SimulatedJob, failed: boolean): void {
  const last = record.steps.at(-1);
  if (last === undefined || last.finishedAtMs !== undefined) return;
  last.finishedAtMs = Date.now();
  last.failed = failed;
}

/** What a build prints, in colours as such programs do. */
function buildLog(lines: number): string {
  const colors = [32, 33, 34, 36];
  return Array.from({ length: lines }, (_, i) => {
    const color = colors[i % colors.length];
    return `\u001b[${color}m#${(i % 9) + 1}\u001b[0m [${i + 1}/${lines}] RUN apt-get install --yes package-${i + 1}\n`;
  }).join("");
}

function newEnvironment(directoryName: string, sentinel: string): SimulatedEnvironment {
  return {
    directoryName,
    sentinel,
    contentReady: false,
    container: "absent",
    containerNumber: 0,
    session: "",
    configPath: "",
    recovery: false,
    failureMessage: "",
    jobs: [],
  };
}
