import { Menu as Base } from "@base-ui/react/menu";
import type { LucideIcon } from "lucide-react";
import type { ReactElement, ReactNode } from "react";
import { cx } from "./cx.ts";
import { Kbd } from "./kbd.tsx";

export interface MenuEntry {
  readonly id: string;
  readonly label: string;
  readonly icon?: LucideIcon;
  readonly shortcut?: string;
  readonly danger?: boolean;
  /** Why it cannot be chosen now; shown below its name. */
  readonly disabledReason?: string | undefined;
  readonly onSelect: () => void;
}

/** Entries in groups, opened by `trigger` (a button). */
export function Menu({
  trigger,
  groups,
  align = "end",
}: {
  readonly trigger: ReactElement;
  readonly groups: readonly { readonly label?: string; readonly entries: readonly MenuEntry[] }[];
  readonly align?: "start" | "end";
}) {
  return (
    <Base.Root>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner sideOffset={4} align={align} className="z-50">
          <Base.Popup className="max-h-(--available-height) max-w-80 min-w-52 overflow-y-auto rounded-md border bg-raised p-1 shadow-overlay">
            {groups.map((group, index) => (
              <MenuGroup key={group.label ?? index} label={group.label} first={index === 0}>
                {group.entries.map((entry) => (
                  <MenuItem key={entry.id} entry={entry} />
                ))}
              </MenuGroup>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

function MenuGroup({
  label,
  first,
  children,
}: {
  readonly label: string | undefined;
  readonly first: boolean;
  readonly children: ReactNode;
}) {
  return (
    <>
      {first ? null : <Base.Separator className="my-1 h-px bg-line" />}
      <Base.Group>
        {label === undefined ? null : <Base.GroupLabel className="px-2 py-1 text-xs text-muted">{label}</Base.GroupLabel>}
        {children}
      </Base.Group>
    </>
  );
}

function MenuItem({ entry: { label, icon: Icon, shortcut, danger = false, disabledReason, onSelect } }: { readonly entry: MenuEntry }) {
  const off = disabledReason !== undefined;
  return (
    <Base.Item
      disabled={off}
      onClick={onSelect}
      className={cx(
        "flex min-h-7 items-center gap-2 rounded-sm px-2 py-1 data-highlighted:bg-hover",
        danger && !off && "text-danger",
        off && "text-muted",
      )}
    >
      {Icon === undefined ? null : <Icon size={14} aria-hidden className="shrink-0 self-start mt-0.75" />}
      <span className="flex min-w-0 flex-1 flex-col">
        <span>{label}</span>
        {off ? <span className="text-xs">{disabledReason}</span> : null}
      </span>
      {shortcut === undefined ? null : <Kbd shortcut={shortcut} />}
    </Base.Item>
  );
}
