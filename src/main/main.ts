import { app, nativeTheme, net, powerMonitor, protocol, safeStorage, session, shell as electronShell } from "electron";
import { createPublicKey, type KeyObject } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { berthPaths } from "../lib/paths.ts";
import { appScheme } from "./app-files.ts";
import { appProtocol } from "./app-protocol.ts";
import { serveBridge } from "./bridge.ts";
import { chromiumSwitches } from "./chromium-switches.ts";
import { deepLinkOf, parseDeepLink, routeOfLink } from "./deep-link.ts";
import { fileLog } from "./file-log.ts";
import { hostClients } from "./host-clients.ts";
import { HostConnection } from "./host-connection.ts";
import { hostEnvironment, startHostProcess } from "./host-process.ts";
import { HostSupervisor } from "./host-supervisor.ts";
import { hiddenArgument } from "./login-item.ts";
import { MainWindow } from "./main-window.ts";
import { Notifier } from "./notifier.ts";
import { SafeStore } from "./safe-store.ts";
import { confinePages, denyPermissions } from "./security.ts";
import { SettingsFile } from "./settings.ts";
import { DesktopShell } from "./shell.ts";
import { keepShellState } from "./shell-watch.ts";
import { signInKey } from "./sign-in-key.ts";
import { shellText } from "./text.ts";
import { ShellTray } from "./tray.ts";
import { UpdateKeeper } from "./updates.ts";

const folder = import.meta.dirname;
const paths = berthPaths(process.env);
const desktopFolder = join(paths.home, "desktop");
const log = fileLog(join(paths.logs, "desktop.log"));

app.setName("Berth");
app.setPath("userData", desktopFolder);
app.enableSandbox();
for (const [name, value] of chromiumSwitches) app.commandLine.appendSwitch(name, value);
protocol.registerSchemesAsPrivileged([
  { scheme: appScheme, privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true, codeCache: true } },
]);

if (app.requestSingleInstanceLock()) start().catch(fail);
else app.quit();

/** Starts the app: first what may come before it is ready, then its parts, then what the system tells it. */
async function start(): Promise<void> {
  // A link that opened the app on a Mac comes as an event, perhaps before everything is there.
  let openRoute: string | undefined = routeOf(process.argv);
  let show = (route: string | undefined): void => void (openRoute = route ?? openRoute);
  app.on("open-url", (event, url) => {
    event.preventDefault();
    const link = parseDeepLink(url);
    show(link === undefined ? undefined : routeOfLink(link));
  });
  app.on("second-instance", (_event, argv) => show(routeOf(argv)));
  app.on("activate", () => show(undefined));
  confinePages(app, (url) => void electronShell.openExternal(url));
  await app.whenReady();
  denyPermissions(session.defaultSession);
  if (app.isPackaged) app.setAsDefaultProtocolClient("berth");
  const { shell, window, supervisor, settings, updates } = compose();
  supervisor.start();
  show = (route) => window.show(route);
  if (!process.argv.includes(hiddenArgument) || openRoute !== undefined) window.show(openRoute);
  app.on("window-all-closed", () => (settings.settings.keepInTray ? undefined : void shell.quit(undefined)));
  app.on("before-quit", (event) => {
    event.preventDefault();
    void shell.quit(undefined);
  });
  powerMonitor.on("suspend", () => shell.onSuspend());
  powerMonitor.on("resume", () => shell.onResume());
  powerMonitor.on("shutdown", () => void shell.quit("suspend"));
  updates.start();
  await shell.start();
}

/** Puts the parts of the app together. */
function compose() {
  const text = shellText(app.getLocale());
  const settings = new SettingsFile(join(desktopFolder, "desktop.json"));
  // Before the window is made, so that it opens in its colours.
  nativeTheme.themeSource = settings.settings.theme;
  const connection = new HostConnection(paths.apiSocket);
  const hostEnv = hostEnvironment(process.env, app.isPackaged ? process.resourcesPath : undefined);
  const keychain = signInKey(new SafeStore(safeStorage, join(desktopFolder, "sign-in-key"), process.platform), log);
  const supervisor = new HostSupervisor({
    connection,
    startProcess: () => startHostProcess(join(folder, "host.mjs"), hostEnv, keychain),
    now: () => Date.now(),
    log,
    onState: (state) => shell.onHostState(state),
  });
  const window = new MainWindow({
    preloadPath: join(folder, "preload.cjs"),
    version: app.getVersion(),
    isPackaged: app.isPackaged,
    settings,
    log,
    onChange: () => shell.onChange(),
    staysInTray: () => settings.settings.keepInTray,
  });
  const tray = new ShellTray(join(folder, "icons"), process.platform, (action) => shell.perform(action));
  const notifier = new Notifier({
    app,
    text,
    settings: () => settings.settings,
    isWatched: () => window.view.focused,
    show: (route) => window.show(route),
  });
  const updateToken = new SafeStore(safeStorage, join(desktopFolder, "update-token"), process.platform);
  const updates = makeUpdates(settings, updateToken, () => shell.onChange());
  const clients = hostClients(paths.apiSocket);
  const parts = { app, electronShell, window, tray, notifier, supervisor, clients, settings, updates, updateToken, text, log };
  const shell: DesktopShell = new DesktopShell({ ...parts, env: process.env });
  const whenHostSettled = async (signal: AbortSignal): Promise<void> => supervisor.whenSettled(signal);
  protocol.handle(appScheme, appProtocol({ rendererFolder: join(folder, "renderer"), connection, whenHostSettled }));
  serveBridge(() => window.contentsId, shell);
  void keepShellState(
    { watch: (signal) => clients.workspaces.watch({}, { signal }), whenHostSettled, onState: (state) => shell.onShellState(state) },
    new AbortController().signal,
  );
  return { shell, window, supervisor, settings, updates };
}

function makeUpdates(settings: SettingsFile, token: SafeStore, onState: () => void): UpdateKeeper {
  return new UpdateKeeper({
    version: app.getVersion(),
    publicKey: app.isPackaged ? updateKey() : undefined,
    settings: () => settings.settings,
    token: async () => token.get(),
    updater: async () => configuredUpdater(),
    fetch: async (url, init) => net.fetch(url, init),
    onState,
    log,
  });
}

function routeOf(argv: readonly string[]): string | undefined {
  const link = deepLinkOf(argv);
  return link === undefined ? undefined : routeOfLink(link);
}

/** Builds that may update themselves carry the public half of the release key. */
function updateKey(): KeyObject | undefined {
  const path = join(folder, "update-key.pem");
  return existsSync(path) ? createPublicKey(readFileSync(path)) : undefined;
}

async function configuredUpdater() {
  const { autoUpdater } = await import("electron-updater");
  autoUpdater.autoDownload = false;
  autoUpdater.autoInstallOnAppQuit = false;
  autoUpdater.allowDowngrade = false;
  return autoUpdater;
}

function fail(error: unknown): void {
  log.error("Berth did not start", { reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  app.exit(1);
}
