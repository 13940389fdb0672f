import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../lib/clock.ts";
import { messageOf } from "../../lib/log.ts";
import { type RunnerReport, runnerHome, runnerRequestSchema, type RunnerRequest } from "../../lib/runner-messages.ts";
import { fromConnectError } from "../../contract/connect-error.ts";
import { serviceLog } from "../log.ts";
import { enrolWithPlane } from "./enrol.ts";
import { probeComputer } from "./probe-computer.ts";
import { findUpdate, updateKey } from "./find-update.ts";
import { runRunner } from "./run-runner.ts";
import { RunnerSupervisor } from "./run-supervisor.ts";
import { readRunnerConfig } from "./runner-config.ts";
import { runnerPaths } from "./runner-paths.ts";
import { serviceManager } from "./service-manager.ts";
import { setUpRunner } from "./setup.ts";
import { Supervisor } from "./supervisor-channel.ts";
import { uninstallRunner } from "./uninstall.ts";

/** `runner.mjs` asks nothing of its arguments but what it is to be: what is secret comes over the channel of its parent. */
const [role] = process.argv.slice(2);
if (role === "run") await serve(async (signal) => runRunner({ env: process.env, supervisor: new Supervisor(process), signal }));
else if (role === "supervise") await serve(supervise);
else process.once("message", (message) => void answer(message));

async function serve(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  try {
    await work(endingSignal());
    process.exit();
  } catch (error) {
    const { code, detail } = fromConnectError(error);
    process.stderr.write(`${code}: ${detail}\n`);
    process.exit(1);
  }
}

async function supervise(signal: AbortSignal): Promise<void> {
  const { env } = process;
  const paths = runnerPaths(env["BERTH_HOME"] ?? runnerHome);
  const config = await readRunnerConfig(paths.config);
  const logs = join(paths.home, "logs");
  await mkdir(logs, { recursive: true, mode: 0o700 });
  const log = serviceLog(join(logs, "supervisor.log"));
  const publicKey = updateKey(import.meta.dirname);
  const faults = new Set((env["BERTH_SIMULATE"] ?? "").split(","));
  const supervisor = new RunnerSupervisor({
    paths,
    config,
    env,
    clock: systemClock,
    log,
    manager: serviceManager(env, log),
    findUpdate: async (current, finding) =>
      findUpdate({ update: config.update, publicKey, versionsFolder: paths.versions, fetch }, current, finding),
    onStep: (step) => {
      // As `kill -9` at this moment would.
      if (faults.has(`die-at-${step}`)) process.kill(process.pid, "SIGKILL");
    },
  });
  await supervisor.run(signal);
}

/** Aborts on a signal of the system, and when whoever started this process is gone. */
function endingSignal(): AbortSignal {
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => ending.abort());
  process.once("disconnect", () => ending.abort());
  return ending.signal;
}

async function answer(message: unknown): Promise<void> {
  try {
    await carryOutRequest(runnerRequestSchema.parse(message), endingSignal());
    await tell({ kind: "done", text: "" });
  } catch (error) {
    const { code, detail } = fromConnectError(error);
    await tell({ kind: "failed", code, detail: detail === "" ? messageOf(error) : detail });
  }
  process.exit();
}

async function carryOutRequest(request: RunnerRequest, signal: AbortSignal): Promise<void> {
  const report = (one: RunnerReport): void => void tell(one);
  switch (request.command) {
    case "setup": {
      const { env } = process;
      const probe = async (probing: AbortSignal) => probeComputer(env, probing);
      return setUpRunner(request, { env, probe, enrol: enrolWithPlane, nowMs: () => Date.now(), report }, signal);
    }
    case "uninstall":
      return uninstallRunner(request, report, signal);
    case "run":
      return runRunner({ env: process.env, supervisor: undefined, signal });
  }
}

async function tell(report: RunnerReport): Promise<void> {
  await new Promise<void>((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(report, undefined, {}, () => resolve());
  });
}
