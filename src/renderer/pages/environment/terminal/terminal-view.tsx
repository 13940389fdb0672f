import { useEffect, useRef, useState } from "react";
import type { Terminal } from "../../../../contract/gen/berth/v1/terminal_pb.js";
import { useApp, useCopy, useStrings } from "../../../app/context.ts";
import { Button } from "../../../ui/button.tsx";
import { FindBar } from "./find-bar.tsx";
import { type LinkState, TerminalLink } from "./terminal-link.ts";
import { XtermScreen } from "./xterm-screen.ts";

/** A window that is not looked at for this long lets go of its connection; the terminal keeps what it prints. */
const hiddenDetachMs = 30_000;
const usualSize = { index: -1, count: 0 };

interface Parts {
  readonly screen: XtermScreen;
  readonly link: TerminalLink;
}

/** One terminal on the page. Only the one that is looked at is attached. */
export function TerminalView({
  terminal,
  active,
  finding,
  onFinding,
  onChange,
  onClose,
}: {
  readonly terminal: Terminal;
  readonly active: boolean;
  readonly finding: boolean;
  readonly onFinding: (finding: boolean) => void;
  readonly onChange: (terminal: Terminal) => void;
  readonly onClose: () => void;
}) {
  const { environment } = useStrings();
  const words = environment.terminal;
  const place = useRef<HTMLDivElement>(null);
  const [state, setState] = useState<LinkState>("connecting");
  const [found, setFound] = useState(usualSize);
  const { environmentId, terminalId } = terminal;
  const parts = useParts({ environmentId, terminalId, place, setState, setFound, onChange, onFind: () => onFinding(true) });
  useAttached(parts, place, active);
  const ended = state === "ended" || terminal.exited;
  return (
    <div className={active ? "flex h-full min-h-0 flex-col" : "hidden"} data-terminal={terminalId} data-state={state}>
      {finding && active && parts !== undefined ? (
        <FindBar
          found={found}
          onFind={(text, direction, incremental) => parts.screen.find(text, direction, incremental)}
          onClose={() => {
            parts.screen.find("", "next", false);
            onFinding(false);
            parts.screen.focus();
          }}
        />
      ) : null}
      <div data-keys="own" className="min-h-0 flex-1 bg-bg py-1 pl-3">
        <div ref={place} className="h-full min-w-0" />
      </div>
      {ended || state === "lost" || state === "gone" ? (
        <div role="status" className="flex h-9 shrink-0 items-center gap-3 border-t bg-sunken px-3">
          <span className="flex-1">{state === "lost" ? words.lost : state === "gone" ? words.gone : words.ended(terminal.exitCode)}</span>
          {state === "lost" ? null : <Button onClick={onClose}>{words.closeEnded}</Button>}
        </div>
      ) : null}
    </div>
  );
}

/** The screen and its link, made once for a terminal. */
function useParts(options: {
  readonly environmentId: string;
  readonly terminalId: string;
  readonly place: { readonly current: HTMLDivElement | null };
  readonly setState: (state: LinkState) => void;
  readonly setFound: (found: { readonly index: number; readonly count: number }) => void;
  readonly onChange: (terminal: Terminal) => void;
  readonly onFind: () => void;
}): Parts | undefined {
  const { clients, isMac } = useApp();
  const copy = useCopy();
  const [parts, setParts] = useState<Parts | undefined>();
  // What the parts call back is as it is then, not as it was when they were made.
  const latest = useRef({ ...options, copy });
  useEffect(() => {
    latest.current = { ...options, copy };
  });
  const { environmentId, terminalId, place } = options;
  useEffect(() => {
    if (place.current === null) return undefined;
    const screen: XtermScreen = new XtermScreen({
      isMac,
      onInput: (data) => link.type(data),
      onResize: (columns, rows) => link.resize(columns, rows),
      onFind: () => latest.current.onFind(),
      onFound: (found) => latest.current.setFound(found),
      copy: (text) => latest.current.copy(text),
    });
    const link = new TerminalLink({
      client: clients.terminals,
      environmentId,
      terminalId,
      screen,
      onTerminal: (terminal) => latest.current.onChange(terminal),
      onState: (state) => latest.current.setState(state),
    });
    screen.open(place.current);
    setParts({ screen, link });
    return () => {
      link.detach();
      screen.dispose();
      setParts(undefined);
    };
  }, [clients, environmentId, terminalId, isMac, place]);
  return parts;
}

/** Attaches while the terminal is looked at, draws it at its place's size, and gives it the keyboard. */
function useAttached(parts: Parts | undefined, place: { readonly current: HTMLDivElement | null }, active: boolean): void {
  useEffect(() => {
    if (parts === undefined || !active || place.current === null) return undefined;
    const { screen, link } = parts;
    screen.show();
    screen.focus();
    link.attach();
    const ended = new AbortController();
    const resized = new ResizeObserver(() => requestAnimationFrame(() => !ended.signal.aborted && screen.fit()));
    resized.observe(place.current);
    let hiding: ReturnType<typeof setTimeout> | undefined;
    const onVisibility = (): void => {
      clearTimeout(hiding);
      if (document.hidden) hiding = setTimeout(() => link.detach(), hiddenDetachMs);
      else link.attach();
    };
    document.addEventListener("visibilitychange", onVisibility, { signal: ended.signal });
    return () => {
      ended.abort();
      clearTimeout(hiding);
      resized.disconnect();
      link.detach();
      screen.hide();
    };
  }, [parts, place, active]);
}
