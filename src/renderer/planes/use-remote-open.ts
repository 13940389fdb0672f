import { useEffect, useRef, useState } from "react";
import { BerthError } from "../../contract/berth-error.ts";
import { fromConnectError } from "../../contract/connect-error.ts";
import type { Editor } from "../../contract/gen/gitpod/v1/editor_pb.js";
import { useApp, useCopy, useStrings } from "../app/context.ts";

/** How the way into an environment of a plane stands, and what leads there. */
export interface RemoteOpen {
  /** The editor that waits for it. */
  readonly opening: string | undefined;
  readonly failure: BerthError | undefined;
  readonly open: (editor: Editor) => void;
  readonly copySsh: () => void;
  /** Ends what is under way, and forgets what failed. */
  readonly cancel: () => void;
}

/** Opening an environment of a plane in an editor, one at a time; it ends with the component. */
export function useRemoteOpen(environment: { readonly contextId: string; readonly environmentId: string }): RemoteOpen {
  const { clients, toasts } = useApp();
  const { environments } = useStrings();
  const copy = useCopy();
  const [opening, setOpening] = useState<string | undefined>();
  const [failure, setFailure] = useState<BerthError | undefined>();
  const underWay = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => underWay.current?.abort(), []);
  const cancel = (): void => {
    underWay.current?.abort();
    setOpening(undefined);
    setFailure(undefined);
  };
  const attempt = (work: (signal: AbortSignal) => Promise<void>): void => {
    cancel();
    const ended = new AbortController();
    underWay.current = ended;
    work(ended.signal)
      .catch((thrown: unknown) => {
        if (!ended.signal.aborted) setFailure(fromConnectError(thrown));
      })
      .finally(() => {
        if (!ended.signal.aborted) setOpening(undefined);
      });
  };
  const warn = (warning: string): void => {
    if (warning !== "") toasts.info(environments.remote.notByName(warning));
  };
  return {
    opening,
    failure,
    open: (editor) => {
      attempt(async (signal) => {
        setOpening(editor.name);
        // First what is told at once: the folder, and what the organization allows.
        const { url, warning } = await clients.remoteAccess.resolveRemoteEditorURL({ environment, editor: editor.id }, { signal });
        await clients.remoteAccess.prepareRemoteSsh({ environment }, { signal });
        signal.throwIfAborted();
        warn(warning);
        await openLink(environment, editor.id, url);
      });
    },
    copySsh: () => {
      attempt(async (signal) => {
        const { hostAlias, warning } = await clients.remoteAccess.getRemoteSshConfig(environment, { signal });
        warn(warning);
        copy(`ssh ${hostAlias}`);
      });
    },
    cancel,
  };
}

/** The app asks the host for the link itself. */
async function openLink(
  { contextId, environmentId }: { readonly contextId: string; readonly environmentId: string },
  editorId: string,
  url: string,
): Promise<void> {
  const desktop = window.berthDesktop;
  if (desktop === undefined) return window.location.assign(url);
  const reason = await desktop.openRemoteEditor(contextId, environmentId, editorId);
  if (reason !== undefined) throw new BerthError("editor-unknown", reason);
}
