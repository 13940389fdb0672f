import { type BrowserWindow, dialog, ipcMain, type OpenDialogOptions } from "electron";
import { z } from "zod";
import { bridgeChannels, type DesktopState } from "../contract/desktop-bridge.ts";
import { guarded } from "./sender-guard.ts";
import { settingsChangeSchema } from "./settings.ts";

const maxTextLength = 4096;

/** An environment of a context. */
export interface RemoteEnvironmentId {
  readonly contextId: string;
  readonly environmentId: string;
}

/** What the window may ask of the app. */
export interface BridgeActions {
  openExternal(url: string): Promise<boolean>;
  openEditor(environmentId: string, editorId: string): Promise<string | undefined>;
  openRemoteEditor(environment: RemoteEnvironmentId, editorId: string): Promise<string | undefined>;
  state(): DesktopState;
  changeSettings(change: z.infer<typeof settingsChangeSchema>): Promise<DesktopState>;
  setUpdateToken(token: string): Promise<boolean>;
  checkForUpdate(): Promise<void>;
  installUpdate(): Promise<string | undefined>;
  restartHost(): void;
  controlWindow(action: "minimize" | "toggle-maximize" | "close"): void;
  /** The window a dialog belongs to. */
  window(): BrowserWindow | undefined;
}

const none = z.tuple([]);
const text = z.string().max(maxTextLength);
const editorName = z.string().max(64);

/** Answers the functions of `window.berthDesktop`, for the own page of one window alone. */
export function serveBridge(windowId: () => number | undefined, actions: BridgeActions): void {
  const handle = <Schema extends z.ZodType<readonly unknown[]>>(
    channel: string,
    schema: Schema,
    run: (args: z.infer<Schema>) => unknown,
  ): void => ipcMain.handle(channel, guarded(windowId, schema, run));
  handle(bridgeChannels.openExternal, z.tuple([text]), async ([url]) => actions.openExternal(url));
  handle(bridgeChannels.openEditor, z.tuple([z.uuid(), editorName]), async ([environment, editor]) =>
    actions.openEditor(environment, editor),
  );
  handle(bridgeChannels.openRemoteEditor, z.tuple([z.uuid(), z.uuid(), editorName]), async ([contextId, environmentId, editor]) =>
    actions.openRemoteEditor({ contextId, environmentId }, editor),
  );
  handle(bridgeChannels.pickFolder, none, async () => pickFolder(actions.window()));
  handle(bridgeChannels.getState, none, () => actions.state());
  handle(bridgeChannels.changeSettings, z.tuple([settingsChangeSchema]), async ([change]) => actions.changeSettings(change));
  handle(
    bridgeChannels.setUpdateToken,
    z.tuple([
      z
        .string()
        .max(maxTextLength)
        .regex(/^[\x21-\x7e]*$/),
    ]),
    async ([token]) => ({
      kept: await actions.setUpdateToken(token),
    }),
  );
  handle(bridgeChannels.checkForUpdate, none, async () => actions.checkForUpdate());
  handle(bridgeChannels.installUpdate, none, async () => actions.installUpdate());
  handle(bridgeChannels.restartHost, none, () => actions.restartHost());
  handle(bridgeChannels.controlWindow, z.tuple([z.enum(["minimize", "toggle-maximize", "close"])]), ([action]) =>
    actions.controlWindow(action),
  );
}

async function pickFolder(window: BrowserWindow | undefined): Promise<string | undefined> {
  const options: OpenDialogOptions = { properties: ["openDirectory", "createDirectory"] };
  const { canceled, filePaths } = await (window === undefined ? dialog.showOpenDialog(options) : dialog.showOpenDialog(window, options));
  return canceled ? undefined : filePaths[0];
}
