import { BerthError } from "../contract/berth-error.ts";
import { type RemoteEnvironment, WaitingChange_Kind as Kind } from "../contract/gen/berth/v1/context_pb.js";
import type { WaitOptions } from "./commands/options.ts";
import { connectHost, type HostClients } from "./connection.ts";
import { quoteName } from "./create.ts";
import { followRemote, type Goal } from "./follow-remote.ts";
import { interruptible } from "./interrupt.ts";
import { printJson, say } from "./output.ts";
import { findRemote, type FoundRemote, remoteRow, waitingExitCode, waitingRow } from "./remote.ts";
import { reportMessages } from "./report.ts";

export interface RemoteChange {
  readonly kind: Kind;
  /** Of a rename. */
  readonly newName?: string;
  /** Of a deletion: with all its changes. */
  readonly force?: boolean;
}

/** `start`, `stop`, `rename` and `delete` with `--context`. */
export async function changeRemote(name: string, contextName: string, change: RemoteChange, options: WaitOptions): Promise<void> {
  process.exitCode = await interruptible(async (signal) => {
    const clients = await connectHost({ signal });
    const found = await findRemote(clients, contextName, name, signal);
    const { context, environment } = found;
    const { waiting, environment: told } = await clients.contexts.changeRemoteEnvironment(
      {
        ...{ contextId: context.contextId, environmentId: environment.environmentId, kind: change.kind },
        ...{ newName: change.newName ?? "", acceptLoss: change.force ?? false },
      },
      { signal },
    );
    if (waiting !== undefined) {
      if (options.json) printJson({ ...remoteRow(environment), context: context.name, waiting: waitingRow(waiting) });
      say(
        `${context.name} does not answer. This is kept and told when it is back; until then, berth context take-back ${waiting.changeId}`,
      );
      return waitingExitCode;
    }
    return carriedOut(clients, { found, told, change, options }, signal);
  });
}

async function carriedOut(
  clients: HostClients,
  {
    found: { context, environment },
    told,
    change,
    options,
  }: {
    readonly found: FoundRemote;
    readonly told: RemoteEnvironment | undefined;
    readonly change: RemoteChange;
    readonly options: WaitOptions;
  },
  signal: AbortSignal,
): Promise<number> {
  const { environmentId, name } = environment;
  const goal = goalOf(change.kind);
  if (goal === undefined || !options.wait) {
    if (options.json) printDone(told ?? environment, context.name, change, false);
    else if (change.kind === Kind.RENAME) say(`It is ${change.newName} now.`);
    return 0;
  }
  const step = goal === "gone" ? `Deleting ${name}` : goal === "stopped" ? `Stopping ${name}` : undefined;
  const wish = {
    ...{ contextId: context.contextId, contextName: context.name, environmentId, goal },
    specVersion: told?.specVersion ?? 0n,
    ...(step === undefined ? {} : { step }),
  };
  try {
    const details = await followRemote(clients, wish, signal);
    const now = details?.environment ?? environment;
    if (options.json) printDone(now, context.name, change, true);
    else if (goal === "running") say(`${now.name} is running at ${context.name}.`);
    return goal === "running" ? reportMessages(now.warnings, now.failures) : 0;
  } catch (error) {
    if (signal.aborted) say(`${name} ${goesOn[goal](quoteName(name), context.name)}`);
    throw error;
  }
}

const goesOn: Readonly<Record<Goal, (name: string, context: string) => string>> = {
  running: (name, context) => `goes on starting. berth stop ${name} --context ${context} stops it.`,
  stopped: () => "goes on stopping.",
  gone: () => "goes on being deleted.",
};

function goalOf(kind: Kind): Goal | undefined {
  switch (kind) {
    case Kind.START:
      return "running";
    case Kind.STOP:
      return "stopped";
    case Kind.DELETE:
      return "gone";
    case Kind.RENAME:
      return undefined;
    case Kind.UNSPECIFIED:
      throw new BerthError("argument-invalid", "nothing is to change");
  }
}

function printDone(environment: RemoteEnvironment, context: string, { kind }: RemoteChange, waited: boolean): void {
  if (kind === Kind.DELETE) return printJson({ id: environment.environmentId, name: environment.name, context, deleted: waited });
  printJson({ ...remoteRow(environment), context });
}
