import { contextBridge, ipcRenderer, webUtils } from "electron";
import { type BerthDesktop, bridgeChannels, bridgeEvents, type DesktopState } from "../contract/desktop-bridge.ts";

/** Only what a browser lacks. The app checks every argument and every sender again: this file guards nothing. */
const desktop: BerthDesktop = {
  version: argument("berth-version"),
  platform: process.platform === "darwin" ? "darwin" : "linux",
  openExternal: async (url) => ipcRenderer.invoke(bridgeChannels.openExternal, url),
  openEditor: async (environmentId, editorId) => ipcRenderer.invoke(bridgeChannels.openEditor, environmentId, editorId),
  openRemoteEditor: async (contextId, environmentId, editorId) =>
    ipcRenderer.invoke(bridgeChannels.openRemoteEditor, contextId, environmentId, editorId),
  pickFolder: async () => ipcRenderer.invoke(bridgeChannels.pickFolder),
  pathOfFile: async (file) => webUtils.getPathForFile(file),
  getState: async () => ipcRenderer.invoke(bridgeChannels.getState),
  onState: (listener) => listen<DesktopState>(bridgeEvents.state, listener),
  onNavigate: (listener) => listen<string>(bridgeEvents.navigate, listener),
  changeSettings: async (change) => ipcRenderer.invoke(bridgeChannels.changeSettings, change),
  setUpdateToken: async (token) => ipcRenderer.invoke(bridgeChannels.setUpdateToken, token),
  checkForUpdate: async () => ipcRenderer.invoke(bridgeChannels.checkForUpdate),
  installUpdate: async () => ipcRenderer.invoke(bridgeChannels.installUpdate),
  restartHost: async () => ipcRenderer.invoke(bridgeChannels.restartHost),
  controlWindow: async (action) => ipcRenderer.invoke(bridgeChannels.controlWindow, action),
};

/** The window's listener never sees Electron's event, which would give it the whole of ipcRenderer. */
function listen<T>(channel: string, listener: (value: T) => void): () => void {
  const wrapped = (_event: unknown, value: T): void => listener(value);
  ipcRenderer.on(channel, wrapped);
  return () => void ipcRenderer.off(channel, wrapped);
}

function argument(name: string): string {
  const prefix = `--${name}=`;
  return process.argv.find((each) => each.startsWith(prefix))?.slice(prefix.length) ?? "";
}

contextBridge.exposeInMainWorld("berthDesktop", desktop);
