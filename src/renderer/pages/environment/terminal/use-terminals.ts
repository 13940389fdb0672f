import { useCallback, useEffect, useRef, useState } from "react";
import type { Terminal } from "../../../../contract/gen/berth/v1/terminal_pb.js";
import { fromConnectError } from "../../../../contract/connect-error.ts";
import type { BerthError } from "../../../../contract/berth-error.ts";
import { useApp } from "../../../app/context.ts";

/** How often it is asked what other windows opened, closed or renamed. */
const pollMs = 3000;

export interface TerminalList {
  /** Undefined until it is known. */
  readonly terminals: readonly Terminal[] | undefined;
  readonly error: BerthError | undefined;
  open(options?: { readonly workingDirectory?: string }): Promise<Terminal | undefined>;
  close(terminal: Terminal): Promise<void>;
  rename(terminal: Terminal, name: string): Promise<void>;
  update(terminal: Terminal): void;
}

/** The terminals of an environment, kept up to date while it runs. */
export function useTerminals(environmentId: string, running: boolean): TerminalList {
  const { clients, toasts } = useApp();
  const [terminals, setTerminals] = useState<readonly Terminal[] | undefined>();
  const [error, setError] = useState<BerthError | undefined>();
  // An answer from before a change of ours would undo it on screen.
  const changes = useRef(0);
  const update = useCallback(
    (terminal: Terminal) => setTerminals((all) => all?.map((other) => (other.terminalId === terminal.terminalId ? terminal : other))),
    [],
  );
  const open = useCallback(
    async (options: { readonly workingDirectory?: string } = {}) => {
      changes.current++;
      try {
        const { terminal } = await clients.terminals.createTerminal({ environmentId, ...options });
        if (terminal !== undefined) setTerminals((all) => [...(all ?? []).filter((t) => t.terminalId !== terminal.terminalId), terminal]);
        return terminal;
      } catch (failure) {
        toasts.failed(failure);
        return undefined;
      }
    },
    [clients, environmentId, toasts],
  );
  useEffect(() => {
    if (!running) return undefined;
    const ended = new AbortController();
    let isFirst = true;
    const load = async (): Promise<void> => {
      const before = changes.current;
      try {
        const answer = await clients.terminals.listTerminals({ environmentId }, { signal: ended.signal });
        if (changes.current !== before) return;
        setTerminals(answer.terminals);
        setError(undefined);
        // Who comes here wants a terminal.
        const wantsOne = isFirst && answer.terminals.length === 0;
        isFirst = false;
        if (wantsOne) await open();
      } catch (failure) {
        if (!ended.signal.aborted) setError(fromConnectError(failure));
      }
    };
    void load();
    const timer = setInterval(() => void (document.hidden ? undefined : load()), pollMs);
    return () => {
      ended.abort();
      clearInterval(timer);
    };
  }, [clients, environmentId, running, open]);
  const close = useCallback(
    async ({ terminalId }: Terminal) => {
      changes.current++;
      setTerminals((all) => all?.filter((t) => t.terminalId !== terminalId));
      await clients.terminals.closeTerminal({ environmentId, terminalId }).catch((failure: unknown) => void toasts.failed(failure));
      changes.current++;
    },
    [clients, environmentId, toasts],
  );
  const rename = useCallback(
    async ({ terminalId }: Terminal, name: string) => {
      try {
        const { terminal } = await clients.terminals.renameTerminal({ environmentId, terminalId, name });
        if (terminal !== undefined) update(terminal);
      } catch (failure) {
        toasts.failed(failure);
      }
    },
    [clients, environmentId, toasts, update],
  );
  return { terminals: running ? terminals : undefined, error, open, close, rename, update };
}
