/** The module `electron` of the stand-in: the part of its API that src/main uses, on Node and Debian's Chromium. */
import { fork } from "node:child_process";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { launchBrowser } from "./browser.ts";
import { StandinWindow, type WindowOptions } from "./browser-window.ts";
import { serveControl } from "./control.ts";
import { lockInstance } from "./instance-lock.ts";
import type { Runtime } from "./runtime.ts";
import { SchemeServer } from "./scheme-server.ts";

const appFolder = process.env["STANDIN_APP"] ?? "";
const ready = Promise.withResolvers<void>();
const switches: string[] = [];
const windows: StandinWindow[] = [];
const menus: { application: MenuItem[]; tray: MenuItem[] } = { application: [], tray: [] };
let permissionCheck: Runtime["permissions"]["check"] = () => true;

function fail(error: unknown): void {
  process.stderr.write(`stand-in: ${error instanceof Error ? error.stack : String(error)}\n`);
}

const runtime: Runtime = {
  browser: ready.promise.then(async () => launchBrowser(switches)),
  schemes: new SchemeServer(),
  ipcHandlers: new Map(),
  permissions: { check: (...args) => permissionCheck(...args) },
  records: { external: [], notifications: [], dialogs: [], shortcuts: new Map(), badge: 0, theme: "system", loginItem: undefined },
  fail,
};
const { records } = runtime;

class App extends EventEmitter {
  readonly isPackaged = process.env["STANDIN_PACKAGED"] === "1";
  readonly #paths = new Map<string, string>();
  readonly commandLine = {
    appendSwitch: (name: string, value: string): void => void switches.push(`--${name}=${value}`),
  };

  setName(): void {}
  enableSandbox(): void {}
  setAsDefaultProtocolClient(): boolean {
    return true;
  }

  setPath(name: string, path: string): void {
    this.#paths.set(name, path);
  }

  getVersion(): string {
    return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(join(appFolder, "package.json"), "utf8"))).version;
  }

  getLocale(): string {
    return process.env["STANDIN_LOCALE"] ?? "en-US";
  }

  requestSingleInstanceLock(): boolean {
    return lockInstance(this.#paths.get("userData") ?? appFolder, process.argv, (argv) => this.emit("second-instance", {}, argv, "", {}));
  }

  async whenReady(): Promise<void> {
    return ready.promise;
  }

  setBadgeCount(count: number): boolean {
    records.badge = count;
    return true;
  }

  setLoginItemSettings(settings: unknown): void {
    records.loginItem = settings;
  }

  quit(): void {
    let prevented = false;
    this.emit("before-quit", { preventDefault: () => (prevented = true) });
    if (!prevented) this.exit(0);
  }

  exit(code: number): void {
    // What was written to another instance still arrives.
    setImmediate(() => process.exit(code));
  }
}

export const app = new App();

export class BrowserWindow extends StandinWindow {
  constructor(options: WindowOptions) {
    super(runtime, windows.length + 1, options);
    windows.push(this);
    app.emit("web-contents-created", {}, this.webContents);
    this.once("closed", () => {
      windows.splice(windows.indexOf(this), 1);
      if (windows.length === 0) app.emit("window-all-closed");
    });
  }
}

export const protocol = {
  registerSchemesAsPrivileged: (): void => undefined,
  handle: (scheme: string, handler: (request: Request) => Promise<Response>): void => runtime.schemes.handle(scheme, handler),
};

export const ipcMain = {
  handle: (channel: string, handler: (event: object, ...args: unknown[]) => unknown): void =>
    void runtime.ipcHandlers.set(channel, handler),
};

type PermissionRequest = (contents: unknown, permission: string, answer: (granted: boolean) => void) => void;

export const session = {
  defaultSession: {
    setPermissionRequestHandler: (_handler: PermissionRequest): void => undefined,
    setPermissionCheckHandler: (handler: Runtime["permissions"]["check"]): void => void (permissionCheck = handler),
    setDevicePermissionHandler: (): void => undefined,
  },
};

export interface MenuItem {
  readonly label?: string;
  readonly role?: string;
  readonly type?: string;
  readonly enabled?: boolean;
  readonly accelerator?: string;
  readonly click?: () => void;
  readonly submenu?: readonly MenuItem[];
}

export class Menu {
  readonly items: MenuItem[];

  constructor(items: MenuItem[]) {
    this.items = items;
  }

  static buildFromTemplate(items: MenuItem[]): Menu {
    return new Menu(items);
  }

  static setApplicationMenu(menu: Menu): void {
    menus.application = menu.items;
  }
}

export class Tray extends EventEmitter {
  setToolTip(): void {}
  setContextMenu(menu: Menu): void {
    menus.tray = menu.items;
  }
  destroy(): void {
    menus.tray = [];
  }
}

export const nativeImage = {
  createFromPath: (path: string) => {
    if (!existsSync(path)) throw new Error(`${path} is not there`);
    return { setTemplateImage: (): void => undefined };
  },
};

export class Notification extends EventEmitter {
  readonly #words: { title: string; body: string };

  constructor(words: { title: string; body: string }) {
    super();
    this.#words = words;
  }

  static isSupported(): boolean {
    return true;
  }

  show(): void {
    records.notifications.push({ ...this.#words, click: () => this.emit("click") });
  }
}

async function ask(kind: "message" | "open", args: readonly unknown[]): Promise<unknown> {
  return new Promise((answer) => records.dialogs.push({ kind, options: args.at(-1), answer }));
}

export const dialog = {
  showMessageBox: async (...args: unknown[]): Promise<unknown> => ask("message", args),
  showOpenDialog: async (...args: unknown[]): Promise<unknown> => ask("open", args),
};

export const shell = {
  openExternal: async (url: string): Promise<void> => void records.external.push(url),
};

export const globalShortcut = {
  register: (accelerator: string, press: () => void): boolean => {
    if (accelerator === process.env["STANDIN_TAKEN_SHORTCUT"]) return false;
    records.shortcuts.set(accelerator, press);
    return true;
  },
  unregisterAll: (): void => records.shortcuts.clear(),
};

export const nativeTheme = {
  get themeSource(): string {
    return records.theme;
  },
  set themeSource(theme: string) {
    records.theme = theme;
  },
  get shouldUseDarkColors(): boolean {
    return records.theme === "dark";
  },
};

/** A key file stands for the keychain; without STANDIN_KEYCHAIN it is as on a Linux without one. */
export const safeStorage = {
  isEncryptionAvailable: (): boolean => true,
  getSelectedStorageBackend: (): string => (process.env["STANDIN_KEYCHAIN"] === undefined ? "basic_text" : "gnome_libsecret"),
  encryptString: (text: string): Buffer => {
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", keychainKey(), iv);
    const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
  },
  decryptString: (sealed: Buffer): string => {
    const decipher = createDecipheriv("aes-256-gcm", keychainKey(), sealed.subarray(0, 12));
    decipher.setAuthTag(sealed.subarray(12, 28));
    return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString("utf8");
  },
};

function keychainKey(): Buffer {
  const path = process.env["STANDIN_KEYCHAIN"] ?? "";
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, randomBytes(32), { mode: 0o600 });
  }
  return readFileSync(path);
}

export const powerMonitor = new EventEmitter();
export const net = { fetch: async (url: string, init?: RequestInit): Promise<Response> => fetch(url, init) };

const display = { id: 1, workArea: { x: 0, y: 0, width: 1920, height: 1080 } };
let displays = [display];
export const screen = Object.assign(new EventEmitter(), {
  getPrimaryDisplay: () => displays[0] ?? display,
  getAllDisplays: () => displays,
});

/** As Electron's: the process ends with the app, however the app ends. */
export const utilityProcess = {
  fork: (modulePath: string, args: string[] = [], options: { env?: NodeJS.ProcessEnv } = {}) => {
    const child = fork(modulePath, args, {
      env: options.env ?? process.env,
      execArgv: ["--disable-warning=ExperimentalWarning", "--import", new URL("utility-process.ts", import.meta.url).href],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    return Object.assign(child, { postMessage: (message: object): void => void (child.connected && child.send(message)) });
  },
};

serveControl({
  runtime,
  menus,
  windows,
  emit: (target, event, args) =>
    void { app, power: powerMonitor, screen }[target].emit(event, { preventDefault: (): void => undefined }, ...args),
  setDisplays: (areas) => (displays = areas.map((workArea, index) => ({ id: index + 1, workArea }))),
});

/** The stand-in's own start, once the app's main script has run. */
export async function becomeReady(): Promise<void> {
  await runtime.schemes.listen();
  ready.resolve();
  app.emit("ready");
}
