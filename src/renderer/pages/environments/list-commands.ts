import type { Command } from "../../commands/registry.ts";
import { type EnvironmentAction, whyEnvironmentCannot } from "../../../contract/environment-can.ts";
import type { EnvironmentRow } from "../../environments/environment-row.ts";
import type { Strings } from "../../i18n/strings.ts";

/** What the keys of the list do, by the parts of the page that do it. */
export interface ListHands {
  move(step: number | "first" | "last"): void;
  moveLine(step: 1 | -1): void;
  toggle(): void;
  selectAll(): void;
  clear(): void;
  search(): void;
  switchLayout(): void;
  open(row: EnvironmentRow): void;
  start(row: EnvironmentRow): void;
  stop(row: EnvironmentRow): void;
  rename(row: EnvironmentRow): void;
  delete(row: EnvironmentRow): void;
  copySsh(row: EnvironmentRow): void;
  openEditor(row: EnvironmentRow): void;
}

/** The commands of the list, those of the current row named after it. */
export function listCommands({ environments }: Strings, row: EnvironmentRow | undefined, hands: ListHands): Command[] {
  const { keys, actions } = environments;
  const moving = (id: string, title: string, shortcut: string, run: () => void): Command => ({
    id: `list:${id}`,
    title,
    section: keys.section,
    shortcut,
    keyOnly: true,
    run,
  });
  return [
    moving("next", keys.next, "j", () => hands.move(1)),
    moving("previous", keys.previous, "k", () => hands.move(-1)),
    moving("down", keys.next, "ArrowDown", () => hands.moveLine(1)),
    moving("up", keys.previous, "ArrowUp", () => hands.moveLine(-1)),
    moving("first", keys.first, "Home", () => hands.move("first")),
    moving("last", keys.last, "End", () => hands.move("last")),
    moving("select", keys.select, "x", hands.toggle),
    moving("select-all", environments.selectAll, "mod+a", hands.selectAll),
    moving("clear", environments.clearSelection, "Escape", hands.clear),
    moving("search", keys.search, "/", hands.search),
    { id: "list:layout", title: keys.layout, section: keys.section, shortcut: "v", run: hands.switchLayout },
    ...(row === undefined ? [] : rowCommands({ actions, environments }, row, hands)),
  ];
}

function rowCommands(
  { actions, environments }: Pick<Strings, "environments"> & { readonly actions: Strings["environments"]["actions"] },
  row: EnvironmentRow,
  hands: ListHands,
): Command[] {
  const reasonOf = (action: EnvironmentAction): string | undefined => {
    const reason = whyEnvironmentCannot(action, row.view.environment);
    return reason === undefined ? undefined : environments.whyNot[reason];
  };
  const command = (id: string, title: string, shortcut: string, disabledReason: string | undefined, run: () => void): Command => ({
    id: `row:${id}`,
    title: environments.onOne(title, row.name),
    section: environments.title,
    shortcut,
    disabledReason,
    run,
  });
  const startable = reasonOf("start") === undefined;
  return [
    command("open", actions.open, "Enter", undefined, () => hands.open(row)),
    startable
      ? command("start", actions.start, "s", undefined, () => hands.start(row))
      : command("stop", actions.stop, "s", reasonOf("stop"), () => hands.stop(row)),
    command("editor", environments.actions.openInHeading, "e", reasonOf("open-editor"), () => hands.openEditor(row)),
    command("ssh", actions.copySsh, "c", reasonOf("connect-ssh"), () => hands.copySsh(row)),
    command("rename", actions.rename, "F2", reasonOf("rename"), () => hands.rename(row)),
    command("delete", actions.delete, "Delete", reasonOf("delete"), () => hands.delete(row)),
  ];
}
