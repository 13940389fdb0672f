import { Dialog } from "@base-ui/react/dialog";
import { type KeyboardEvent, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useStore } from "zustand";
import type { Command } from "../commands/registry.ts";
import { search } from "../commands/search.ts";
import { cx } from "../ui/cx.ts";
import { Kbd } from "../ui/kbd.tsx";
import { useApp, useAppState, useStrings } from "./context.ts";

/** Everything that can be done or opened, found by typing a part of its name. */
export function Palette({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const { shell } = useStrings();
  return (
    <Dialog.Root open={open} onOpenChange={(next) => next || onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-backdrop" />
        <Dialog.Popup
          aria-label={shell.commandPalette}
          className="fixed top-[10vh] left-1/2 z-40 flex w-150 max-w-[calc(100vw-32px)] -translate-x-1/2 flex-col rounded-lg border bg-raised shadow-overlay"
        >
          <PaletteList onClose={onClose} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function PaletteList({ onClose }: { readonly onClose: () => void }) {
  const { shell } = useStrings();
  const [query, setQuery] = useState("");
  const [wanted, setWanted] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();
  // At once, where the dialog by itself would do it a frame later: what is typed right after the shortcut belongs here.
  useLayoutEffect(() => input.current?.focus(), []);
  const found = search(usePaletteCommands(), query);
  const at = Math.min(wanted, Math.max(0, found.length - 1));
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [at, query]);
  const run = (command: Command | undefined): void => {
    if (command === undefined || command.disabledReason !== undefined) return;
    onClose();
    command.run();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0 && found.length > 0) setWanted((at + step + found.length) % found.length);
    else if (event.key === "Enter" && !event.nativeEvent.isComposing) run(found[at]);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <input
        ref={input}
        role="combobox"
        aria-expanded
        aria-controls={id}
        aria-activedescendant={found.length === 0 ? undefined : `${id}-${at}`}
        aria-label={shell.searchOrRun}
        placeholder={shell.searchOrRun}
        value={query}
        spellCheck={false}
        onChange={(event) => {
          setQuery(event.target.value);
          setWanted(0);
        }}
        onKeyDown={onKeyDown}
        className="h-11 rounded-t-lg bg-transparent px-4 text-lg outline-none placeholder:text-muted"
      />
      <div ref={list} id={id} role="listbox" aria-label={shell.commandPalette} className="max-h-[56vh] overflow-y-auto border-t p-1.5">
        {found.map((command, index) => (
          <Option
            key={command.id}
            id={`${id}-${index}`}
            command={command}
            selected={index === at}
            onPoint={() => setWanted(index)}
            onRun={() => run(command)}
          />
        ))}
        {found.length > 0 ? null : <p className="px-2.5 py-3 text-muted">{shell.noCommandFound}</p>}
      </div>
    </>
  );
}

function Option({
  id,
  command,
  selected,
  onPoint,
  onRun,
}: {
  readonly id: string;
  readonly command: Command;
  readonly selected: boolean;
  readonly onPoint: () => void;
  readonly onRun: () => void;
}) {
  return (
    // The keyboard works through the input above, which names the chosen option to screen readers.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={selected}
      aria-disabled={command.disabledReason !== undefined}
      onPointerMove={onPoint}
      onClick={onRun}
      className={cx("flex min-h-8 items-center gap-3 rounded-md px-2.5", selected && "bg-hover")}
    >
      <span className={cx("min-w-0 flex-1 truncate", command.disabledReason !== undefined && "text-muted")}>
        {command.title}
        {command.disabledReason === undefined ? null : <span className="ml-2 text-sm">{command.disabledReason}</span>}
      </span>
      <span className="text-sm text-muted">{command.section}</span>
      {command.shortcut === undefined ? null : <Kbd shortcut={command.shortcut} />}
    </div>
  );
}

function usePaletteCommands(): readonly Command[] {
  const { commands, router } = useApp();
  const { shell } = useStrings();
  const registered = useStore(commands.commands);
  const environments = useAppState((state) => state.environments);
  return useMemo(
    () => [
      ...registered.filter((command) => command.keyOnly !== true),
      ...[...environments.values()].map(({ id, environment }) => ({
        id: `open:${id}`,
        title: environment.metadata?.name ?? id,
        section: shell.openEnvironments,
        keywords: environment.metadata?.originalContextUrl ?? "",
        run: () => router.go({ page: "environment", id, tab: "overview" }),
      })),
    ],
    [registered, environments, shell, router],
  );
}
