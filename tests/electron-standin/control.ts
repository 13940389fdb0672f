import { z } from "zod";
import type { StandinWindow } from "./browser-window.ts";
import type { MenuItem } from "./electron.ts";
import type { Runtime } from "./runtime.ts";

const areaSchema = z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() });

/** What a test may do to the app from outside, as a person or the system would. */
const commandSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("state") }),
  z.object({ kind: z.literal("click"), menu: z.enum(["application", "tray"]), path: z.array(z.string()) }),
  z.object({ kind: z.literal("click-notification"), index: z.number() }),
  z.object({ kind: z.literal("answer-dialog"), value: z.unknown() }),
  z.object({ kind: z.literal("press-shortcut"), accelerator: z.string() }),
  z.object({ kind: z.literal("emit"), target: z.enum(["app", "power", "screen"]), event: z.string(), args: z.array(z.unknown()) }),
  z.object({ kind: z.literal("window"), action: z.enum(["close", "blur", "focus", "hide", "crash"]) }),
  z.object({ kind: z.literal("set-bounds"), bounds: areaSchema }),
  z.object({ kind: z.literal("displays"), areas: z.array(areaSchema) }),
]);
const requestSchema = z.object({ id: z.number(), command: commandSchema });

export type ControlCommand = z.infer<typeof commandSchema>;

export interface Controlled {
  readonly runtime: Runtime;
  readonly menus: { readonly application: readonly MenuItem[]; readonly tray: readonly MenuItem[] };
  readonly windows: readonly StandinWindow[];
  readonly emit: (target: "app" | "power" | "screen", event: string, args: readonly unknown[]) => void;
  readonly setDisplays: (areas: z.infer<typeof areaSchema>[]) => void;
}

/** Answers the test that started this process. */
export function serveControl(controlled: Controlled): void {
  // Started by a test that ended: nobody would end this process.
  process.once("disconnect", () => process.exit(1));
  process.once("SIGTERM", () => process.exit(1));
  process.on("message", (message) => {
    const { id, command } = requestSchema.parse(message);
    void perform(controlled, command).then(
      (value) => process.send?.({ id, value }),
      (error: unknown) => process.send?.({ id, error: String(error) }),
    );
  });
}

async function perform(controlled: Controlled, command: ControlCommand): Promise<unknown> {
  const { runtime, menus, windows, emit, setDisplays } = controlled;
  const { records } = runtime;
  switch (command.kind) {
    case "state":
      return stateOf(controlled);
    case "click": {
      const item = find(menus[command.menu], command.path);
      if (item?.click === undefined || item.enabled === false) throw new Error(`${command.path.join(" > ")} cannot be clicked`);
      return item.click();
    }
    case "click-notification":
      return records.notifications[command.index]?.click();
    case "answer-dialog":
      return records.dialogs.shift()?.answer(command.value);
    case "press-shortcut":
      return records.shortcuts.get(command.accelerator)?.();
    case "emit":
      return emit(command.target, command.event, command.args);
    case "window":
      if (command.action === "crash") return windows[0]?.webContents.crash();
      return windows[0]?.[command.action]();
    case "set-bounds":
      return windows[0]?.setBounds(command.bounds);
    case "displays":
      return setDisplays(command.areas);
  }
}

async function stateOf({ runtime, menus, windows }: Controlled) {
  const { external, notifications, dialogs, shortcuts, badge, theme, loginItem } = runtime.records;
  return {
    endpoint: (await runtime.browser).endpoint,
    origin: runtime.schemes.outward("app://berth"),
    menu: menus.application.map(shown),
    tray: menus.tray.map(shown),
    external,
    notifications: notifications.map(({ title, body }) => ({ title, body })),
    dialogs: dialogs.map(({ kind, options }) => ({ kind, options })),
    shortcuts: [...shortcuts.keys()],
    badge,
    theme,
    loginItem,
    windows: windows.map((window) => ({
      visible: window.isVisible(),
      focused: window.isFocused(),
      maximized: window.isMaximized(),
      bounds: window.getBounds(),
      url: window.webContents.getURL(),
    })),
  };
}

function shown({ label = "", submenu }: MenuItem): unknown {
  return submenu === undefined ? label : { label, items: submenu.map(shown) };
}

function find(items: readonly MenuItem[], path: readonly string[]): MenuItem | undefined {
  const [label, ...rest] = path;
  const found = items.find((item) => item.label === label);
  return rest.length === 0 ? found : find(found?.submenu ?? [], rest);
}
