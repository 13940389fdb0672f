import type { QuitChoice } from "../contract/desktop-bridge.ts";
import type { ShellText } from "./text.ts";

/** What choosing an item does. */
export type ShellAction =
  | { readonly kind: "show" }
  | { readonly kind: "navigate"; readonly route: string }
  | { readonly kind: "start" | "stop"; readonly environmentId: string }
  | { readonly kind: "quit"; readonly choice: QuitChoice | undefined }
  | { readonly kind: "close-window" }
  | { readonly kind: "restart-host" }
  | { readonly kind: "check-for-update" };

/** One item of a menu, without anything of Electron. */
export type MenuItemModel =
  | { readonly type: "separator" }
  | { readonly type: "role"; readonly role: MenuRole; readonly label?: string }
  | { readonly type: "label"; readonly label: string }
  | { readonly type: "submenu"; readonly label: string; readonly items: readonly MenuItemModel[]; readonly role?: "window" | "help" }
  | {
      readonly type: "action";
      readonly label: string;
      readonly action: ShellAction;
      readonly accelerator?: string;
    };

type MenuRole =
  | "services"
  | "hide"
  | "hideOthers"
  | "unhide"
  | "undo"
  | "redo"
  | "cut"
  | "copy"
  | "paste"
  | "selectAll"
  | "resetZoom"
  | "zoomIn"
  | "zoomOut"
  | "togglefullscreen"
  | "minimize"
  | "zoom"
  | "front";

export const separator: MenuItemModel = { type: "separator" };

/** The application's menu bar. */
export function menuModel(text: ShellText, platform: NodeJS.Platform): readonly MenuItemModel[] {
  const isMac = platform === "darwin";
  const go = (label: string, route: string, accelerator?: string): MenuItemModel => ({
    type: "action",
    label,
    action: { kind: "navigate", route },
    ...(accelerator === undefined ? {} : { accelerator }),
  });
  const quit: MenuItemModel = { type: "action", label: text.quit, action: { kind: "quit", choice: undefined }, accelerator: "CmdOrCtrl+Q" };
  const update: MenuItemModel = { type: "action", label: text.checkForUpdates, action: { kind: "check-for-update" } };
  const about = go(text.about, "/about");
  const settings = go(text.settings, "/settings", "CmdOrCtrl+,");
  const appMenu: MenuItemModel = {
    type: "submenu",
    label: "Berth",
    items: [
      about,
      update,
      separator,
      settings,
      separator,
      { type: "role", role: "services" },
      separator,
      ...roles("hide", "hideOthers", "unhide"),
      separator,
      quit,
    ],
  };
  return [
    ...(isMac ? [appMenu] : []),
    {
      type: "submenu",
      label: text.file,
      items: [
        go(text.newEnvironment, "/new", "CmdOrCtrl+N"),
        separator,
        { type: "action", label: text.close, action: { kind: "close-window" }, accelerator: "CmdOrCtrl+W" },
        ...(isMac ? [] : [separator, settings, separator, quit]),
      ],
    },
    { type: "submenu", label: text.edit, items: [...roles("undo", "redo"), separator, ...roles("cut", "copy", "paste", "selectAll")] },
    {
      type: "submenu",
      label: text.view,
      items: [
        go(text.environments, "/environments", "CmdOrCtrl+1"),
        go(text.machine, "/machine", "CmdOrCtrl+2"),
        separator,
        ...roles("resetZoom", "zoomIn", "zoomOut"),
        separator,
        ...roles("togglefullscreen"),
      ],
    },
    { type: "submenu", label: text.window, role: "window", items: isMac ? roles("minimize", "zoom", "front") : roles("minimize") },
    {
      type: "submenu",
      label: text.help,
      role: "help",
      items: [go(text.diagnostics, "/diagnostics"), ...(isMac ? [] : [update, about])],
    },
  ];
}

function roles(...names: readonly MenuRole[]): MenuItemModel[] {
  return names.map((role) => ({ type: "role", role }));
}
