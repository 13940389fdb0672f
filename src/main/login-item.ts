import type { App } from "electron";
import { mkdir, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { writeFileAtomically } from "../lib/atomic-file.ts";

/** Started so, Berth goes to the tray and opens no window. */
export const hiddenArgument = "--hidden";

/** Makes the system start Berth at login, or no more. Linux has a folder for that, which Electron does not write to. */
export async function launchAtLogin(app: App, wanted: boolean, env: NodeJS.ProcessEnv): Promise<void> {
  if (process.platform === "darwin") return app.setLoginItemSettings({ openAtLogin: wanted, args: [hiddenArgument] });
  const folder = join(env["XDG_CONFIG_HOME"] ?? join(homedir(), ".config"), "autostart");
  const path = join(folder, "berth.desktop");
  if (!wanted) return rm(path, { force: true });
  await mkdir(folder, { recursive: true });
  // An AppImage runs from a folder that is gone at the next login; the file itself stays.
  await writeFileAtomically(path, autostartEntry(env["APPIMAGE"] ?? process.execPath), 0o644);
}

/** The entry of the XDG autostart specification for a program. */
export function autostartEntry(program: string): string {
  const quoted = `"${program.replaceAll(/[\\"`$]/g, String.raw`\$&`).replaceAll("%", "%%")}"`;
  return `[Desktop Entry]\nType=Application\nName=Berth\nExec=${quoted} ${hiddenArgument}\nTerminal=false\nX-GNOME-Autostart-enabled=true\n`;
}
