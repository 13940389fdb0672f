import { timestampMs } from "@bufbuild/protobuf/wkt";
import { useEffect, useState } from "react";
import type { BerthError } from "../../contract/berth-error.ts";
import { fromConnectError } from "../../contract/connect-error.ts";
import {
  type Context,
  type RemoteEnvironment,
  type RemoteEnvironmentDetails,
  RemoteEnvironmentDetails_Stage as Stage,
} from "../../contract/gen/berth/v1/context_pb.js";
import { RunnerPhase } from "../../contract/gen/gitpod/v1/runner_pb.js";
import { useApp, useFormats, useNow, useStrings } from "../app/context.ts";
import { StateLabel } from "../environments/state-label.tsx";
import { statusError } from "../environments/status-error.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Notice } from "../ui/notice.tsx";
import { Facts } from "../ui/row.tsx";
import { ErrorState } from "../ui/states.tsx";
import { remoteState } from "./remote-state.ts";

const agoTickMs = 30_000;

interface Watched {
  readonly details?: RemoteEnvironmentDetails;
  /** Why the plane does not answer; undefined when it does. */
  readonly offline?: string;
  readonly isGone?: boolean;
  readonly error?: BerthError;
}

/** How an environment of a plane is, while it is looked at. */
function useWatched({ contextId }: Context, { environmentId }: RemoteEnvironment): Watched {
  const { clients } = useApp();
  const [watched, setWatched] = useState<Watched>({});
  useEffect(() => {
    const ended = new AbortController();
    const { signal } = ended;
    const run = async (): Promise<void> => {
      for await (const { seen } of clients.contexts.watchRemoteEnvironment({ contextId, environmentId }, { signal })) {
        if (seen.case === "details") setWatched({ details: seen.value });
        if (seen.case === "offline") setWatched((before) => ({ ...before, offline: seen.value }));
        if (seen.case === "gone") setWatched((before) => ({ ...before, isGone: true }));
      }
    };
    run().catch((thrown: unknown) => {
      if (!signal.aborted) setWatched((before) => ({ ...before, error: fromConnectError(thrown) }));
    });
    return () => ended.abort();
  }, [clients, contextId, environmentId]);
  return watched;
}

/** Everything about an environment of a plane, kept up to date; what it said last while it is away. */
export function RemoteDetailsDialog({
  context,
  environment: known,
  onClose,
}: {
  readonly context: Context;
  readonly environment: RemoteEnvironment;
  readonly onClose: () => void;
}) {
  const { environments, shell } = useStrings();
  const words = environments.remote;
  const { details, offline, isGone = false, error } = useWatched(context, known);
  const environment = details?.environment ?? known;
  const [failure] = environment.failures;
  return (
    <Dialog
      open
      onClose={onClose}
      title={environment.name}
      description={words.at(context.name)}
      width="w-160"
      footer={<Button onClick={onClose}>{shell.close}</Button>}
    >
      {isGone ? <Notice title={words.isGone} /> : null}
      {offline === undefined || isGone ? null : <Notice tone="warn" title={words.awayNow} />}
      {error === undefined ? null : <ErrorState error={error} compact />}
      {failure === undefined ? null : <ErrorState error={statusError(failure)} compact />}
      <Facts rows={useFacts(environment, details)} />
    </Dialog>
  );
}

function useFacts(environment: RemoteEnvironment, details: RemoteEnvironmentDetails | undefined) {
  const { environments } = useStrings();
  const { facts, stages, runnerAway, phaseUnknown } = environments.remote;
  const formats = useFormats();
  const nowMs = useNow(agoTickMs);
  const state = remoteState(environment);
  const stage = details?.stage ?? Stage.UNSPECIFIED;
  const work = [
    environment.workUnknown ? environments.delete.unknown : "",
    environment.changedFiles === 0 ? "" : environments.changed(environment.changedFiles),
    environment.unpushedCommits === 0 ? "" : environments.unpushed(environment.unpushedCommits),
  ].filter((text) => text !== "");
  const runner = details?.runnerName === undefined || details.runnerName === "" ? environment.runnerId : details.runnerName;
  const runnerNote = details?.runnerPhase === RunnerPhase.INACTIVE ? ` · ${runnerAway}` : "";
  const createdAt = details?.createdAt;
  const startedAt = details?.lastStartedAt;
  return [
    {
      name: environments.columns.state,
      value: (
        <span className="flex items-center gap-2">
          {state === undefined ? phaseUnknown : <StateLabel row={{ state, step: undefined, failure: "" }} />}
          {stage === Stage.UNSPECIFIED ? null : <span className="text-muted">{stages[stage]}</span>}
        </span>
      ),
    },
    { name: facts.repository, value: environment.source },
    { name: environments.columns.branch, value: environment.branch },
    { name: environments.columns.work, value: work.join(", ") },
    { name: facts.class, value: details?.className === undefined || details.className === "" ? environment.classId : details.className },
    { name: facts.runner, value: `${runner}${runnerNote}` },
    { name: facts.project, value: details?.projectId ?? "" },
    ...environment.warnings.map((warning) => ({ name: facts.warning, value: warning })),
    { name: environments.columns.age, value: createdAt === undefined ? "" : formats.ago(timestampMs(createdAt), nowMs) },
    { name: facts.started, value: startedAt === undefined ? "" : formats.ago(timestampMs(startedAt), nowMs) },
    { name: facts.id, value: environment.environmentId },
  ].filter(({ value }) => value !== "");
}
