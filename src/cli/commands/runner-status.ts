import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Command } from "commander";
import { BerthError } from "../../contract/berth-error.ts";
import { type GetRunnerHostResponse, RunnerLinkState, type RunnerUpdateStatus } from "../../contract/gen/berth/v1/runner_pb.js";
import { runnerHome, runnerUnit } from "../../lib/runner-messages.ts";
import { waitUntil } from "../../lib/wait-until.ts";
import { findHost, type HostClients } from "../connection.ts";
import { formatPairs } from "../format.ts";
import { interruptible } from "../interrupt.ts";
import { print, printJson, printTable, say } from "../output.ts";
import { jsonOption } from "./options.ts";

/** A trial, the probation after it, and taking it back. */
const trialTimeoutMs = 3 * 60_000;
const pollMs = 1000;

/** `berth runner status`, `berth runner update`. */
export function registerRunnerStatus(runner: Command): void {
  runner
    .command("status")
    .description("How the runner of this computer is: its plane, machines, environments, version and what is wrong")
    .addOption(jsonOption())
    .action(async ({ json }: { readonly json?: true }) => {
      const state = await (await findRunner()).runner.getRunnerHost({});
      if (json) printJson(statusFacts(state));
      else printStatus(state);
      if (state.degradedReasons.length > 0) process.exitCode = 1;
    });
  runner
    .command("update")
    .description("Look for a newer version now and bring the runner to it; environments run on")
    .addOption(jsonOption())
    .action(async ({ json }: { readonly json?: true }) => interruptible(async (signal) => update(signal, json)));
}

const orphanText = "its plane does not know it any more: berth runner delete";

/** Fails with `runner-not-set-up` where none runs, or one that is no runner. */
export async function findRunner(): Promise<HostClients> {
  process.env["BERTH_HOME"] ??= runnerHome;
  const clients = await findHost();
  if (clients === undefined)
    throw new BerthError(
      "runner-not-set-up",
      `none answers in ${process.env["BERTH_HOME"]}. Where it was set up: systemctl status ${runnerUnit}`,
    );
  try {
    await clients.runner.getRunnerHost({});
  } catch (error) {
    if (ConnectError.from(error).code === Code.Unimplemented)
      throw new BerthError("runner-not-set-up", `the host in ${process.env["BERTH_HOME"]} is no headless runner`, { cause: error });
    throw error;
  }
  return clients;
}

async function update(signal: AbortSignal, json: true | undefined): Promise<void> {
  const clients = await findRunner();
  let state = (await clients.runner.updateRunnerHost({}, { signal })).update;
  if (state?.state === "trying") {
    say(`Version ${state.version} is tried; environments run on.`);
    // The process that answers changes meanwhile.
    const limit = AbortSignal.any([signal, AbortSignal.timeout(trialTimeoutMs)]);
    await waitUntil(
      async () => {
        state = await findHost()
          .then(
            async (found) => (await found?.runner.getRunnerHost({}))?.update ?? state,
            () => state,
          )
          .catch(() => state);
        return state?.state !== "trying";
      },
      { intervalMs: pollMs, signal: limit },
    );
    signal.throwIfAborted();
  }
  const facts = updateFacts(state);
  if (state?.state === "rolled-back") throw new BerthError("runner-update-failed", `${facts.version}: ${facts.message}`);
  if (json) printJson(facts);
  else say(facts.message === "" ? "Nothing was found." : `${facts.message.charAt(0).toUpperCase()}${facts.message.slice(1)}.`);
}

function updateFacts(update: RunnerUpdateStatus | undefined) {
  const { channel = "", window = "", feed = "", state = "", version = "", message = "", checkedAt } = update ?? {};
  return {
    channel,
    window,
    feed,
    state,
    version,
    message,
    checkedAt: checkedAt === undefined ? "" : timestampDate(checkedAt).toISOString(),
  };
}

function statusFacts({
  version,
  pid,
  startedAt,
  link,
  environmentLimit,
  environments,
  machines,
  accelerator,
  ...rest
}: GetRunnerHostResponse) {
  return {
    version,
    pid: Number(pid),
    startedAt: startedAt === undefined ? "" : timestampDate(startedAt).toISOString(),
    link: {
      state: (RunnerLinkState[link?.state ?? 0] ?? "unknown").toLowerCase(),
      plane: link?.planeUrl ?? "",
      since: link?.since === undefined ? "" : timestampDate(link.since).toISOString(),
      reason: link?.reason ?? "",
      pending: link?.pendingCount ?? 0,
    },
    environmentLimit,
    environments: environments.map(({ id, name, phase, machineId, failure, isOrphan }) => ({
      id,
      name,
      phase,
      machine: machineId,
      failure,
      orphan: isOrphan,
    })),
    machines: machines.map(({ id, view, failure }) => ({ id, state: view, failure })),
    accelerator,
    degraded: rest.degradedReasons,
    update: updateFacts(rest.update),
    metricsSocket: rest.metricsSocket,
    metricsPort: rest.metricsPort,
  };
}

function printStatus(state: GetRunnerHostResponse): void {
  const { version, startedAt, link, environments, environmentLimit, machines, degraded, update, accelerator, metricsPort, metricsSocket } =
    statusFacts(state);
  const { plane, state: linkState, reason, pending } = link;
  const pairs = formatPairs([
    ["version", version],
    ["since", startedAt],
    ["plane", plane === "" ? "none: it stands alone" : `${plane}, ${linkState}${pending === 0 ? "" : `, ${pending} statuses wait`}`],
    ["why", reason],
    ["accelerator", accelerator],
    ["machines", machines.map(({ id, state: view }) => `${id} ${view}`).join(", ")],
    ["environments", `${environments.length} of at most ${environmentLimit}`],
    ["updates", [update.channel, update.window, update.state, update.version, update.message].filter((text) => text !== "").join(", ")],
    ["metrics", metricsPort === 0 ? metricsSocket : `http://127.0.0.1:${metricsPort}/metrics`],
  ]);
  for (const line of pairs) print(line);
  if (environments.length > 0)
    printTable(
      [{ title: "ENVIRONMENT", minWidth: 12 }, { title: "PHASE" }, { title: "MACHINE" }, { title: "FAILURE", minWidth: 12 }],
      environments.map(({ name, phase, machine, failure, orphan }) => [name, phase, machine, orphan ? orphanText : failure]),
    );
  for (const text of degraded) print(`! ${text}`);
}
