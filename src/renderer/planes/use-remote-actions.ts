import { useState } from "react";
import type { BerthError } from "../../contract/berth-error.ts";
import { fromConnectError } from "../../contract/connect-error.ts";
import { WaitingChange_Kind as Kind } from "../../contract/gen/berth/v1/context_pb.js";
import { useApp, useStrings } from "../app/context.ts";

/** What failed, and at which environment; shown where it happened. */
export interface RemoteFailure {
  readonly environmentId: string;
  readonly error: BerthError;
}

export interface RemoteActions {
  readonly failure: RemoteFailure | undefined;
  readonly forgetFailure: () => void;
  readonly start: (environmentId: string) => void;
  readonly stop: (environmentId: string) => void;
  /** `acceptLoss` is for work that the person was shown and does not need. */
  readonly delete: (environmentId: string, options: { readonly acceptLoss: boolean }) => void;
  /** Throws, so that a form can say what is wrong with the name. */
  readonly rename: (environmentId: string, newName: string) => Promise<void>;
  readonly takeBack: (changeId: string) => void;
  readonly forgetDropped: (changeIds: readonly string[]) => void;
}

/** What can be done with the environments of a plane. `onDone` is told after each, also after one that failed. */
export function useRemoteActions(contextId: string, onDone: () => void): RemoteActions {
  const { clients, toasts } = useApp();
  const { environments } = useStrings();
  const [failure, setFailure] = useState<RemoteFailure | undefined>();
  const change = async (environmentId: string, kind: Kind, rest: { newName?: string; acceptLoss?: boolean } = {}): Promise<void> => {
    setFailure(undefined);
    const { waiting } = await clients.contexts.changeRemoteEnvironment({ contextId, environmentId, kind, ...rest });
    if (waiting !== undefined) toasts.info(environments.remote.kept);
  };
  const attempt = (environmentId: string, work: Promise<void>): void => {
    work.catch((thrown: unknown) => setFailure({ environmentId, error: fromConnectError(thrown) })).finally(onDone);
  };
  const attemptAside = (work: Promise<unknown>): void => {
    work.catch((thrown: unknown) => void toasts.failed(thrown)).finally(onDone);
  };
  return {
    failure,
    forgetFailure: () => setFailure(undefined),
    start: (id) => attempt(id, change(id, Kind.START)),
    stop: (id) => attempt(id, change(id, Kind.STOP)),
    delete: (id, options) => attempt(id, change(id, Kind.DELETE, options)),
    rename: async (id, newName) => change(id, Kind.RENAME, { newName }).finally(onDone),
    takeBack: (changeId) => attemptAside(clients.contexts.takeBackChange({ contextId, changeId })),
    forgetDropped: (changeIds) => attemptAside(clients.contexts.forgetDroppedChanges({ contextId, changeIds: [...changeIds] })),
  };
}
