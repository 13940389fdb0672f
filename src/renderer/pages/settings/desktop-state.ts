import { z } from "zod";

const stateSchema = z.object({
  settings: z.object({
    launchAtLogin: z.boolean(),
    globalShortcut: z.string(),
    onQuit: z.enum(["ask", "leave", "suspend", "stop"]),
    keepInTray: z.boolean(),
    notifyReady: z.boolean(),
    notifyFailed: z.boolean(),
    notifyPorts: z.boolean(),
    updateChannel: z.enum(["stable", "beta"]),
  }),
  update: z.object({
    phase: z.enum(["off", "idle", "checking", "downloading", "ready", "failed"]),
    version: z.string(),
    message: z.string(),
  }),
  warning: z.string(),
});

/** What the app around this window tells of itself, as far as the settings show it. */
export type DesktopState = z.infer<typeof stateSchema>;
export type DesktopSettings = DesktopState["settings"];

/** What the settings use of the app's bridge. */
export interface DesktopBridge {
  getState(): Promise<unknown>;
  onState(listener: (state: unknown) => void): () => void;
  changeSettings(change: Partial<DesktopSettings> & { readonly theme?: "system" | "light" | "dark" }): Promise<unknown>;
  checkForUpdate(): Promise<void>;
  /** The reason when it cannot be now. */
  installUpdate(): Promise<string | undefined>;
}

const methods = ["getState", "onState", "changeSettings", "checkForUpdate", "installUpdate"] as const;

/** The app's bridge; nothing in a browser. */
export function desktopBridgeOf(window: Window): DesktopBridge | undefined {
  const bridge: unknown = Reflect.get(window, "berthDesktop");
  return isBridge(bridge) ? bridge : undefined;
}

function isBridge(value: unknown): value is DesktopBridge {
  return typeof value === "object" && value !== null && methods.every((name) => typeof Reflect.get(value, name) === "function");
}

/** Nothing when it is not what this version understands. */
export function parseDesktopState(state: unknown): DesktopState | undefined {
  return stateSchema.safeParse(state).data;
}
