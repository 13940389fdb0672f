import { BrowserWindow, nativeTheme, screen, type WebPreferences } from "electron";
import type { Log } from "../lib/log.ts";
import { appOrigin } from "./app-files.ts";
import { decideRestart } from "./restart-policy.ts";
import type { SettingsFile } from "./settings.ts";
import { type Bounds, minWindow, placeWindow } from "./window-bounds.ts";

/** Moving a window tells every pixel; its place is kept when it rests. */
const saveDelayMs = 500;

export interface MainWindowOptions {
  readonly preloadPath: string;
  readonly version: string;
  readonly isPackaged: boolean;
  readonly settings: SettingsFile;
  readonly log: Log;
  /** Called when focus, size or visibility changed. */
  readonly onChange: () => void;
  /** Whether closing the window leaves the app in the tray. */
  readonly staysInTray: () => boolean;
}

/** The one window of the app: made at the first `show`, hidden rather than closed while the app stays in the tray. */
export class MainWindow {
  readonly #options: MainWindowOptions;
  #window: BrowserWindow | undefined;
  #crashes: number[] = [];
  #saving: NodeJS.Timeout | undefined;

  constructor(options: MainWindowOptions) {
    this.#options = options;
    const back = (): void => this.#moveBack();
    screen.on("display-removed", back);
    screen.on("display-metrics-changed", back);
  }

  /** The id of the page that may use the bridge. */
  get contentsId(): number | undefined {
    return this.#window?.webContents.id;
  }

  get view(): { readonly focused: boolean; readonly maximized: boolean; readonly fullScreen: boolean } {
    const window = this.#window;
    return {
      focused: window?.isFocused() ?? false,
      maximized: window?.isMaximized() ?? false,
      fullScreen: window?.isFullScreen() ?? false,
    };
  }

  /** Brings the window to the front, on a route when one is given. */
  show(route?: string): void {
    const window = this.#window;
    if (window === undefined) return this.#open(route ?? "/environments");
    if (route !== undefined) this.send("berth:navigate", route);
    if (window.isMinimized()) window.restore();
    window.show();
    window.focus();
  }

  send(channel: string, value: unknown): void {
    if (this.#window?.webContents.isDestroyed() === false) this.#window.webContents.send(channel, value);
  }

  /** For dialogs, which belong to a window that is seen. */
  get visible(): BrowserWindow | undefined {
    return this.#window?.isVisible() === true ? this.#window : undefined;
  }

  control(action: "minimize" | "toggle-maximize" | "close"): void {
    const window = this.#window;
    if (action === "minimize") window?.minimize();
    else if (action === "close") window?.close();
    else if (window?.isMaximized() === true) window.unmaximize();
    else window?.maximize();
  }

  destroy(): void {
    clearTimeout(this.#saving);
    this.#window?.destroy();
    this.#window = undefined;
  }

  #open(route: string): void {
    const { settings, preloadPath, version, isPackaged } = this.#options;
    const window = new BrowserWindow({
      ...placeWindow(settings.window.bounds, workAreas()),
      minWidth: minWindow.width,
      minHeight: minWindow.height,
      title: "Berth",
      show: false,
      // Until the page paints; a white flash in a dark room is unkind.
      backgroundColor: nativeTheme.shouldUseDarkColors ? "#16181d" : "#ffffff",
      webPreferences: webPreferences(preloadPath, version, isPackaged),
    });
    this.#window = window;
    if (settings.window.maximized) window.maximize();
    window.once("ready-to-show", () => window.show());
    this.#follow(window);
    void window.loadURL(appOrigin + route);
  }

  #follow(window: BrowserWindow): void {
    const { onChange, staysInTray, log } = this.#options;
    const saveLater = (): void => {
      clearTimeout(this.#saving);
      this.#saving = setTimeout(() => this.#save(window), saveDelayMs);
    };
    window.on("resize", saveLater);
    window.on("move", saveLater);
    window.on("maximize", () => (saveLater(), onChange()));
    window.on("unmaximize", () => (saveLater(), onChange()));
    window.on("focus", onChange);
    window.on("blur", onChange);
    window.on("enter-full-screen", onChange);
    window.on("leave-full-screen", onChange);
    window.on("close", (event) => {
      this.#save(window);
      if (!staysInTray()) return;
      event.preventDefault();
      window.hide();
    });
    window.on("closed", () => {
      if (this.#window === window) this.#window = undefined;
      clearTimeout(this.#saving);
    });
    window.webContents.on("render-process-gone", (_event, { reason }) => {
      if (reason === "clean-exit") return;
      this.#crashes.push(Date.now());
      log.warn("the window's page ended", { reason });
      if (decideRestart(this.#crashes, Date.now()).kind === "restart") window.webContents.reload();
    });
  }

  #save(window: BrowserWindow): void {
    if (window.isDestroyed()) return;
    clearTimeout(this.#saving);
    const { settings, log } = this.#options;
    settings
      .rememberWindow({ bounds: window.getNormalBounds(), maximized: window.isMaximized() })
      .catch((error: unknown) => log.warn("the window's place was not kept", { reason: String(error) }));
  }

  /** Where a display went away, the window comes back to one that is there. */
  #moveBack(): void {
    const window = this.#window;
    if (window === undefined || window.isFullScreen() || window.isMaximized()) return;
    const bounds = window.getBounds();
    const place = placeWindow(bounds, workAreas());
    if (place.x !== bounds.x || place.y !== bounds.y || place.width !== bounds.width || place.height !== bounds.height)
      window.setBounds(place);
  }
}

function webPreferences(preload: string, version: string, isPackaged: boolean): WebPreferences {
  return {
    preload,
    additionalArguments: [`--berth-version=${version}`],
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
    webviewTag: false,
    navigateOnDragDrop: false,
    spellcheck: false,
    devTools: !isPackaged,
  };
}

function workAreas(): readonly [Bounds, ...Bounds[]] {
  const primary = screen.getPrimaryDisplay();
  const others = screen.getAllDisplays().filter(({ id }) => id !== primary.id);
  return [primary.workArea, ...others.map(({ workArea }) => workArea)];
}
