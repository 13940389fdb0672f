import { create } from "@bufbuild/protobuf";
import { type EnvironmentUsage, EnvironmentUsageSchema } from "../../contract/gen/berth/v1/usage_pb.js";
import { composeProjectLabel } from "../devcontainer/stop.ts";
import type { Container, DockerApi } from "../docker-api.ts";
import type { EnvironmentStates } from "../environment-state.ts";
import type { Observer } from "../observe.ts";
import { type CgroupFigures, cgroupOf, readCgroup } from "./cgroup.ts";
import { folderSizeBytes } from "./folder-size.ts";

/** Sizes on the disk are looked at again so rarely, and only while somebody asks: it reads every folder. */
const diskIntervalMs = 5 * 60_000;

export interface EnvironmentFigure extends CgroupFigures {
  readonly environmentId: string;
  readonly workingCopyBytes: number;
  readonly containerBytes: number;
}

interface DiskFigures {
  readonly workingCopyBytes: number;
  readonly containerBytes: number;
}

const noFigures: CgroupFigures = { memoryBytes: 0, memoryLimitBytes: 0, cpuNanoseconds: 0, processes: 0 };

export interface EnvironmentFiguresOptions {
  readonly docker: DockerApi;
  readonly states: EnvironmentStates;
  readonly observer: Observer;
  readonly now: () => number;
}

/** What each environment's containers use. */
export class EnvironmentFigures {
  readonly #options: EnvironmentFiguresOptions;
  readonly #disk = new Map<string, DiskFigures>();
  #measuredAtMs = Number.NEGATIVE_INFINITY;
  #measuring = false;

  constructor(options: EnvironmentFiguresOptions) {
    this.#options = options;
  }

  /** Cheap: reads a few files of the kernel. Sizes on the disk are those of the last look. */
  async read(): Promise<EnvironmentFigure[]> {
    void this.#measure();
    return Promise.all(
      this.#options.states.ids().map(async (environmentId) => ({
        environmentId,
        ...sum(await this.#cgroups(environmentId)),
        ...(this.#disk.get(environmentId) ?? { workingCopyBytes: 0, containerBytes: 0 }),
      })),
    );
  }

  async #cgroups(environmentId: string): Promise<CgroupFigures[]> {
    const main = this.#options.observer.container(environmentId);
    const path = main?.State.Running === true ? cgroupOf(main.State.Pid) : undefined;
    if (main === undefined || path === undefined) return [];
    const ids = await this.#siblings(main);
    return ids.map((id) => readCgroup(path.replace(main.Id, id))).filter((figures) => figures !== undefined);
  }

  /** The container and the others of its Compose project. */
  async #siblings(main: Container): Promise<string[]> {
    const project = main.Config.Labels[composeProjectLabel];
    if (project === undefined) return [main.Id];
    const listed = await this.#options.docker.listContainers(`${composeProjectLabel}=${project}`).catch(() => []);
    return [...new Set([main.Id, ...listed.map((c) => c.Id)])];
  }

  async #measure(): Promise<void> {
    const { now, states, docker, observer } = this.#options;
    if (this.#measuring || now() - this.#measuredAtMs < diskIntervalMs) return;
    this.#measuring = true;
    const ids = states.ids();
    try {
      // One after the other, so that it never takes more than a small part of the disk's time.
      for (const id of ids) {
        const container = observer.container(id);
        const containerBytes = container === undefined ? 0 : await docker.containerBytes(container.Id).catch(() => 0);
        this.#disk.set(id, { containerBytes, workingCopyBytes: (await folderSizeBytes(states.workingCopy(id))) ?? 0 });
      }
      for (const id of this.#disk.keys()) if (!ids.includes(id)) this.#disk.delete(id);
    } finally {
      this.#measuredAtMs = now();
      this.#measuring = false;
    }
  }
}

export function usageMessage(figure: EnvironmentFigure): EnvironmentUsage {
  return create(EnvironmentUsageSchema, {
    environmentId: figure.environmentId,
    memoryBytes: BigInt(figure.memoryBytes),
    memoryLimitBytes: BigInt(figure.memoryLimitBytes),
    cpuNanoseconds: BigInt(figure.cpuNanoseconds),
    workingCopyBytes: BigInt(figure.workingCopyBytes),
    containerBytes: BigInt(figure.containerBytes),
    processes: figure.processes,
  });
}

function sum(all: readonly CgroupFigures[]): CgroupFigures {
  return all.reduce(
    (total, one) => ({
      memoryBytes: total.memoryBytes + one.memoryBytes,
      memoryLimitBytes: total.memoryLimitBytes + one.memoryLimitBytes,
      cpuNanoseconds: total.cpuNanoseconds + one.cpuNanoseconds,
      processes: total.processes + one.processes,
    }),
    noFigures,
  );
}
