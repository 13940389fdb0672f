/**
 * What the app gives its window beyond a browser: `window.berthDesktop`. A window without it is a browser's, and does
 * without. Everything about environments goes through the API instead.
 */
export interface BerthDesktop {
  readonly version: string;
  readonly platform: "darwin" | "linux";
  /** Opens a page (https) or a mail; false when the address is of another kind. */
  openExternal(url: string): Promise<boolean>;
  /** Opens an environment in an editor (its id or alias), by the link EditorService makes. The reason when it was not opened. */
  openEditor(environmentId: string, editor: string): Promise<string | undefined>;
  /** The same for an environment of a context. */
  openRemoteEditor(contextId: string, environmentId: string, editor: string): Promise<string | undefined>;
  /** The folder the person chose; nothing when the dialog was closed. */
  pickFolder(): Promise<string | undefined>;
  /** The path of a file or folder dropped on the window; empty when it has none. */
  pathOfFile(file: File): Promise<string>;
  getState(): Promise<DesktopState>;
  /** Tells every change of the state until the function it gives is called. */
  onState(listener: (state: DesktopState) => void): () => void;
  /** Asks the window to show a route of the app: a click in the tray, on a notification, a deep link. */
  onNavigate(listener: (route: string) => void): () => void;
  changeSettings(change: Partial<DesktopSettings>): Promise<DesktopState>;
  /** The token of a private update feed; kept only where the system has a keychain. An empty one removes it. */
  setUpdateToken(token: string): Promise<{ readonly kept: boolean }>;
  checkForUpdate(): Promise<void>;
  /** Ends Berth and starts the new version; the reason when something is still busy. */
  installUpdate(): Promise<string | undefined>;
  /** Starts the host again after Berth gave up. */
  restartHost(): Promise<void>;
  controlWindow(action: "minimize" | "toggle-maximize" | "close"): Promise<void>;
}

/** The part of the app that runs environments, as the window is told about it. */
export interface HostState {
  readonly phase: "starting" | "running" | "restarting" | "failed" | "stopped";
  /** How often it ended by itself lately. */
  readonly recentEnds: number;
  /** Why it ended last; empty before it ever did. */
  readonly message: string;
  /** When it is started again, while it is `restarting`. */
  readonly nextStartAtMs?: number;
}

export interface UpdateState {
  readonly phase: "off" | "idle" | "checking" | "downloading" | "ready" | "failed";
  readonly version: string;
  readonly message: string;
}

export type QuitChoice = "ask" | "leave" | "suspend" | "stop";

export interface DesktopSettings {
  readonly theme: "system" | "light" | "dark";
  readonly launchAtLogin: boolean;
  /** Electron's accelerator that shows the window from anywhere; empty for none. */
  readonly globalShortcut: string;
  /** What becomes of running environments when Berth quits. */
  readonly onQuit: QuitChoice;
  /** Closing the window leaves Berth in the tray. */
  readonly keepInTray: boolean;
  readonly notifyReady: boolean;
  readonly notifyFailed: boolean;
  readonly notifyPorts: boolean;
  readonly updateChannel: "stable" | "beta";
  /** Where updates come from, https only; empty for none. */
  readonly updateFeed: string;
}

export interface DesktopState {
  readonly host: HostState;
  readonly update: UpdateState;
  readonly settings: DesktopSettings;
  readonly window: { readonly focused: boolean; readonly maximized: boolean; readonly fullScreen: boolean };
  /** A setting that the system did not take, in a sentence; empty otherwise. */
  readonly warning: string;
}

declare global {
  interface Window {
    readonly berthDesktop?: BerthDesktop;
  }
}

/** The names under which the window asks the app; one per function of BerthDesktop. */
export const bridgeChannels = {
  openExternal: "berth:open-external",
  openEditor: "berth:open-editor",
  openRemoteEditor: "berth:open-remote-editor",
  pickFolder: "berth:pick-folder",
  getState: "berth:get-state",
  changeSettings: "berth:change-settings",
  setUpdateToken: "berth:set-update-token",
  checkForUpdate: "berth:check-for-update",
  installUpdate: "berth:install-update",
  restartHost: "berth:restart-host",
  controlWindow: "berth:control-window",
} as const;

/** The names under which the app tells the window something. */
export const bridgeEvents = { state: "berth:state", navigate: "berth:navigate" } as const;
