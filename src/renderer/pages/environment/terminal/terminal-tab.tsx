import { Pencil, Plus, Search, SquareTerminal, X } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import type { Terminal } from "../../../../contract/gen/berth/v1/terminal_pb.js";
import { useCommands, useStrings } from "../../../app/context.ts";
import type { EnvironmentRow } from "../../../environments/environment-row.ts";
import { Button, IconButton } from "../../../ui/button.tsx";
import { cx } from "../../../ui/cx.ts";
import { EmptyState, ErrorState, Skeleton } from "../../../ui/states.tsx";
import { NotRunning } from "../not-running.tsx";
import { NameDialog } from "./name-dialog.tsx";
import { TerminalView } from "./terminal-view.tsx";
import { type TerminalList, useTerminals } from "./use-terminals.ts";

/** Shells in the container. They run on while the window is elsewhere, is loaded again or is closed. */
export function TerminalTab({ row }: { readonly row: EnvironmentRow }) {
  const { environment, shell } = useStrings();
  const words = environment.terminal;
  const running = row.state === "running" || row.state === "recovery" || row.state === "choice";
  const list = useTerminals(row.id, running);
  const tabs = useTerminalTabs(list);
  if (!running) return <NotRunning row={row} detail={words.notRunning} />;
  if (list.terminals === undefined)
    return list.error === undefined ? (
      <Skeleton className="m-4 h-40" />
    ) : (
      <div className="p-4">
        <ErrorState error={list.error} actions={<Button onClick={() => void tabs.open()}>{shell.retry}</Button>} />
      </div>
    );
  if (list.terminals.length === 0)
    return (
      <EmptyState
        icon={SquareTerminal}
        title={words.none}
        actions={
          <Button kind="primary" icon={Plus} onClick={() => void tabs.open()}>
            {words.new}
          </Button>
        }
      >
        {words.noneDetail}
      </EmptyState>
    );
  return <Terminals list={list} tabs={tabs} />;
}

function Terminals({ list, tabs }: { readonly list: TerminalList; readonly tabs: TerminalTabs }) {
  const { environment } = useStrings();
  const words = environment.terminal;
  const [finding, setFinding] = useState(false);
  const [renaming, setRenaming] = useState<Terminal | undefined>();
  const { open, current } = tabs;
  useCommands(
    useMemo(
      () => [
        { id: "terminal.new", title: words.new, section: words.section, shortcut: "mod+shift+t", run: () => void open() },
        { id: "terminal.find", title: words.find, section: words.section, shortcut: "mod+shift+f", run: () => setFinding(true) },
        { id: "terminal.rename", title: words.rename, section: words.section, run: () => setRenaming(current) },
      ],
      [words, open, current],
    ),
  );
  return (
    <div className="flex h-full min-h-0 flex-col">
      <TerminalBar tabs={tabs} onFind={() => setFinding(true)} onRename={setRenaming} />
      <div className="min-h-0 flex-1">
        {tabs.terminals.map((terminal) => (
          <TerminalView
            key={terminal.terminalId}
            terminal={terminal}
            active={terminal.terminalId === current?.terminalId}
            finding={finding}
            onFinding={setFinding}
            onChange={list.update}
            onClose={() => void tabs.close(terminal)}
          />
        ))}
      </div>
      {renaming === undefined ? null : (
        <NameDialog
          title={words.renameTitle}
          label={words.name}
          value={renaming.name}
          onClose={() => setRenaming(undefined)}
          onSubmit={async (name) => list.rename(renaming, name)}
        />
      )}
    </div>
  );
}

interface TerminalTabs {
  readonly terminals: readonly Terminal[];
  readonly current: Terminal | undefined;
  readonly select: (terminalId: string) => void;
  readonly open: () => Promise<void>;
  readonly close: (terminal: Terminal) => Promise<void>;
}

/** Which terminal is looked at. */
function useTerminalTabs(list: TerminalList): TerminalTabs {
  const [chosen, setChosen] = useState("");
  const known = list.terminals ?? [];
  const current = known.find((t) => t.terminalId === chosen) ?? known[0];
  const openOne = list.open;
  const workingDirectory = current?.workingDirectory ?? "";
  const open = useCallback(async () => {
    const terminal = await openOne(workingDirectory === "" ? {} : { workingDirectory });
    if (terminal !== undefined) setChosen(terminal.terminalId);
  }, [openOne, workingDirectory]);
  return {
    terminals: known,
    current,
    select: setChosen,
    open,
    close: async (terminal) => {
      const at = known.indexOf(terminal);
      const next = known[at + 1] ?? known[at - 1];
      if (terminal === current && next !== undefined) setChosen(next.terminalId);
      await list.close(terminal);
    },
  };
}

function TerminalBar({
  tabs,
  onFind,
  onRename,
}: {
  readonly tabs: TerminalTabs;
  readonly onFind: () => void;
  readonly onRename: (terminal: Terminal) => void;
}) {
  const { environment } = useStrings();
  const words = environment.terminal;
  return (
    <nav aria-label={words.section} className="flex h-9 shrink-0 items-center gap-1 border-b bg-sunken px-2">
      <ul className="flex min-w-0 flex-1 items-center gap-1 overflow-x-auto">
        {tabs.terminals.map((terminal, index) => {
          const label = labelOf(terminal, words.shell(index + 1));
          const isCurrent = terminal === tabs.current;
          return (
            <li key={terminal.terminalId} className={cx("flex shrink-0 items-center rounded-md", isCurrent ? "bg-bg" : "hover:bg-hover")}>
              <button
                type="button"
                aria-current={isCurrent}
                title={label}
                onClick={() => tabs.select(terminal.terminalId)}
                onDoubleClick={() => onRename(terminal)}
                className={cx(
                  "h-7 max-w-52 truncate rounded-md px-2",
                  isCurrent ? "text-fg" : "text-muted",
                  terminal.exited && "line-through",
                )}
              >
                {label}
              </button>
              <IconButton icon={X} label={words.close(label)} onClick={() => void tabs.close(terminal)} className="size-6" />
            </li>
          );
        })}
      </ul>
      <IconButton icon={Plus} label={words.new} onClick={() => void tabs.open()} />
      <IconButton icon={Pencil} label={words.rename} onClick={() => tabs.current !== undefined && onRename(tabs.current)} />
      <IconButton icon={Search} label={words.find} onClick={onFind} />
    </nav>
  );
}

function labelOf(terminal: Terminal, fallback: string): string {
  if (terminal.name !== "") return terminal.name;
  return terminal.title === "" ? fallback : terminal.title;
}
