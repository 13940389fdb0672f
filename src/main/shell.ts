import { type App, dialog, globalShortcut, Menu, nativeTheme, type Shell as ElectronShell } from "electron";
import { BerthError } from "../contract/berth-error.ts";
import type { DesktopSettings, DesktopState, HostState, QuitChoice } from "../contract/desktop-bridge.ts";
import { bridgeEvents } from "../contract/desktop-bridge.ts";
import { type Log, messageOf } from "../lib/log.ts";
import type { BridgeActions, RemoteEnvironmentId } from "./bridge.ts";
import { editorUrl, externalUrl } from "./external-url.ts";
import type { HostClients } from "./host-clients.ts";
import type { HostSupervisor } from "./host-supervisor.ts";
import { launchAtLogin } from "./login-item.ts";
import type { MainWindow } from "./main-window.ts";
import { menuModel, type ShellAction } from "./menu-model.ts";
import { buildMenu } from "./menus.ts";
import type { Notifier } from "./notifier.ts";
import { quitCalls, quitChoice, type QuitPlan } from "./quit.ts";
import type { SafeStore } from "./safe-store.ts";
import type { SettingsFile } from "./settings.ts";
import { busyEnvironments, emptyState, type ShellState } from "./shell-state.ts";
import type { ShellText } from "./text.ts";
import type { ShellTray } from "./tray.ts";
import { trayModel } from "./tray-model.ts";
import type { UpdateKeeper } from "./updates.ts";

/** Turning a machine off takes a while; a host that does not end is ended. */
const stopMachineTimeoutMs = 150_000;
const hostGraceMs = 10_000;

export interface ShellParts {
  readonly app: App;
  readonly electronShell: ElectronShell;
  readonly window: MainWindow;
  readonly tray: ShellTray;
  readonly notifier: Notifier;
  readonly supervisor: HostSupervisor;
  readonly clients: HostClients;
  readonly settings: SettingsFile;
  readonly updates: UpdateKeeper;
  readonly updateToken: SafeStore;
  readonly text: ShellText;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
}

/** What the parts of the app do together: menus, tray and window show one state and act on one host. */
export class DesktopShell implements BridgeActions {
  readonly #parts: ShellParts;
  #state: ShellState = emptyState;
  #warning = "";
  #ending: Promise<void> | undefined;

  constructor(parts: ShellParts) {
    this.#parts = parts;
  }

  /** Shows menus and takes over the settings of the last time. */
  async start(): Promise<void> {
    const { settings, text } = this.#parts;
    Menu.setApplicationMenu(buildMenu(menuModel(text, process.platform), this.perform));
    this.#showTray();
    await this.#apply(settings.settings, undefined);
  }

  readonly perform = (action: ShellAction): void => {
    const { window, clients, supervisor, updates } = this.#parts;
    const { environments } = clients;
    switch (action.kind) {
      case "show":
        return window.show();
      case "navigate":
        return window.show(action.route);
      case "start":
        return this.#call(environments.startEnvironment({ environmentId: action.environmentId }));
      case "stop":
        return this.#call(environments.stopEnvironment({ environmentId: action.environmentId }));
      case "quit":
        return void this.quit(action.choice);
      case "close-window":
        return window.control("close");
      case "restart-host":
        return supervisor.restart();
      case "check-for-update":
        window.show("/settings");
        return void updates.check();
    }
  };

  /** The host's state after one of its messages. */
  onShellState(state: ShellState): void {
    const before = this.#state;
    this.#state = state;
    this.#parts.notifier.update(before, state);
    const sources = state.environments.map(({ source }) => source).filter((source) => source !== "");
    this.#call(this.#parts.settings.rememberSources(sources));
    this.#showTray();
  }

  /** Something of the app's own changed: the host, an update, the window. */
  onChange(): void {
    if (this.#ending !== undefined) return;
    this.#showTray();
    this.#parts.notifier.updateBadge(this.#state);
    this.#parts.window.send(bridgeEvents.state, this.state());
  }

  /** The host's process began, ended, or was given up: who has no window open hears of the last in a dialog. */
  onHostState({ phase, message }: HostState): void {
    this.onChange();
    const { window, text } = this.#parts;
    if (phase === "failed" && window.visible === undefined)
      this.#call(dialog.showMessageBox({ type: "error", message: text.hostEnded, detail: message }));
  }

  /** The computer is about to sleep, and waits a moment for who is told of it. */
  onSuspend(): void {
    this.#call(this.#parts.clients.host.notifySleeping({}, { timeoutMs: hostGraceMs }));
  }

  /** The computer woke: clocks and connections are looked after at once. */
  onResume(): void {
    this.#call(this.#parts.clients.host.notifyResumed({}, { timeoutMs: hostGraceMs }));
    this.onChange();
  }

  state(): DesktopState {
    const { supervisor, updates, settings, window } = this.#parts;
    return { host: supervisor.state, update: updates.state, settings: settings.settings, window: window.view, warning: this.#warning };
  }

  window(): ReturnType<BridgeActions["window"]> {
    return this.#parts.window.visible;
  }

  async openExternal(url: string): Promise<boolean> {
    const address = externalUrl(url);
    if (address === undefined) return false;
    await this.#parts.electronShell.openExternal(address);
    return true;
  }

  async openEditor(environmentId: string, editorId: string): Promise<string | undefined> {
    const { editors, environments } = this.#parts.clients;
    return this.#openLink(async () => {
      const { environment } = await environments.getEnvironment({ environmentId });
      const known = (await editors.listEditors({})).editors.find(({ id, alias }) => id === editorId || alias === editorId);
      if (known === undefined) throw new BerthError("editor-unknown", `'${editorId}'`);
      const organizationId = environment?.metadata?.organizationId ?? "";
      return editors.resolveEditorURL({ environmentId, editorId: known.id, organizationId });
    });
  }

  async openRemoteEditor(environment: RemoteEnvironmentId, editor: string): Promise<string | undefined> {
    return this.#openLink(async () => this.#parts.clients.remoteAccess.resolveRemoteEditorURL({ environment, editor }));
  }

  /** The link comes from the host, never from the window: an editor's own scheme can make it run things. */
  async #openLink(ask: () => Promise<{ readonly url: string }>): Promise<string | undefined> {
    try {
      const address = editorUrl((await ask()).url);
      if (address === undefined) return "the link is no editor's";
      await this.#parts.electronShell.openExternal(address);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  async changeSettings(change: Parameters<SettingsFile["change"]>[0]): Promise<DesktopState> {
    const { settings } = this.#parts;
    const before = settings.settings;
    await settings.change(change);
    await this.#apply(settings.settings, before);
    this.onChange();
    return this.state();
  }

  async setUpdateToken(token: string): Promise<boolean> {
    return this.#parts.updateToken.set(token);
  }

  async checkForUpdate(): Promise<void> {
    return this.#parts.updates.check();
  }

  async installUpdate(): Promise<string | undefined> {
    const { updates, text } = this.#parts;
    const busy = busyEnvironments(this.#state);
    if (busy.length > 0) return text.updateBusy(busy.map(({ name }) => name).join(", "));
    if (updates.state.phase !== "ready") return updates.state.message;
    await this.#end("leave");
    await updates.install();
    return undefined;
  }

  restartHost(): void {
    this.#parts.supervisor.restart();
  }

  controlWindow(action: "minimize" | "toggle-maximize" | "close"): void {
    this.#parts.window.control(action);
  }

  /** Ends the app, after asking what becomes of the environments unless that is settled. */
  async quit(wanted: QuitChoice | undefined): Promise<void> {
    const { settings, app } = this.#parts;
    const choice = quitChoice(wanted, settings.settings.onQuit, this.#state);
    const plan = choice === "ask" ? await this.#ask() : choice;
    if (plan === undefined) return;
    await this.#end(plan);
    app.exit(0);
  }

  async #ask(): Promise<QuitPlan | undefined> {
    const { window, text, settings } = this.#parts;
    const options = {
      type: "question" as const,
      message: text.quitTitle,
      detail: text.quitDetail,
      buttons: [text.suspend, text.leave, text.stopAll, text.cancel],
      defaultId: 0,
      cancelId: 3,
      checkboxLabel: text.remember,
      noLink: true,
    };
    const { visible } = window;
    const { response, checkboxChecked } = await (visible === undefined
      ? dialog.showMessageBox(options)
      : dialog.showMessageBox(visible, options));
    const plan = (["suspend", "leave", "stop"] as const)[response];
    if (plan !== undefined && checkboxChecked) await settings.change({ onQuit: plan });
    return plan;
  }

  async #end(plan: QuitPlan): Promise<void> {
    this.#ending ??= this.#endOnce(plan);
    return this.#ending;
  }

  async #endOnce(plan: QuitPlan): Promise<void> {
    const { window, tray, supervisor, clients, updates, log } = this.#parts;
    window.destroy();
    tray.destroy();
    updates.end();
    globalShortcut.unregisterAll();
    const { stopMachine, keepMachines } = quitCalls(plan);
    // A host that was there before Berth's window stays there, when the person wants things left as they are.
    if (plan === "leave" && !supervisor.owns) return supervisor.end(0);
    const ended = supervisor.end(stopMachineTimeoutMs);
    try {
      const options = { timeoutMs: stopMachineTimeoutMs };
      if (supervisor.state.phase === "running") {
        if (stopMachine) await clients.host.stopMachine({}, options);
        await clients.host.stopHost({ keepMachines }, options);
      }
    } catch (error) {
      log.warn("the host did not end when asked", { reason: messageOf(error) });
    }
    await Promise.race([ended, supervisor.end(hostGraceMs)]);
  }

  async #apply(now: DesktopSettings, before: DesktopSettings | undefined): Promise<void> {
    const { app, text, env, log, window, updates } = this.#parts;
    this.#warning = "";
    nativeTheme.themeSource = now.theme;
    if (now.globalShortcut !== before?.globalShortcut) {
      globalShortcut.unregisterAll();
      if (now.globalShortcut !== "" && !globalShortcut.register(now.globalShortcut, () => window.show()))
        this.#warning = text.shortcutTaken(now.globalShortcut);
    }
    // At the start the system's own setting stands: the person may have changed it there.
    if (before !== undefined && now.launchAtLogin !== before.launchAtLogin) {
      try {
        await launchAtLogin(app, now.launchAtLogin, env);
      } catch (error) {
        log.warn("launch at login was not changed", { reason: messageOf(error) });
        this.#warning = text.loginFailed;
      }
    }
    if (before !== undefined && (now.updateFeed !== before.updateFeed || now.updateChannel !== before.updateChannel)) void updates.check();
  }

  #showTray(): void {
    const { tray, supervisor, settings, text } = this.#parts;
    if (this.#ending === undefined) tray.update(trayModel({ state: this.#state, host: supervisor.state, recent: settings.recent, text }));
  }

  #call(call: Promise<unknown>): void {
    call.catch((error: unknown) => this.#parts.log.warn("a call failed", { reason: messageOf(error) }));
  }
}
