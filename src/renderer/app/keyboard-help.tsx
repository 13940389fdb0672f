import { useStore } from "zustand";
import type { Command } from "../commands/registry.ts";
import { Dialog } from "../ui/dialog.tsx";
import { Kbd } from "../ui/kbd.tsx";
import { useApp, useStrings } from "./context.ts";

/** What every key does on this screen. */
export function KeyboardHelp({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const { shell } = useStrings();
  const commands = useStore(useApp().commands.commands).filter((command) => command.shortcut !== undefined);
  const sections = Map.groupBy(commands, (command: Command) => command.section);
  return (
    <Dialog open={open} onClose={onClose} title={shell.keyboardShortcuts} width="w-150">
      <div className="grid grid-cols-2 gap-x-8 gap-y-4">
        {[...sections].map(([section, entries]) => (
          <section key={section}>
            <h3 className="mb-1 text-sm font-medium text-muted">{section}</h3>
            <ul>
              {entries.map((command) => (
                <li key={command.id} className="flex h-7 items-center gap-3">
                  <span className="min-w-0 flex-1 truncate">{command.title}</span>
                  <Kbd shortcut={command.shortcut ?? ""} />
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
