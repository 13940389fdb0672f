import { spawn } from "node:child_process";
import { join } from "node:path";
import { writeFileAtomically } from "../lib/atomic-file.ts";

/**
 * Opens a secret link in the browser of this computer and says whether there is one. It goes through a page in a
 * folder that only this person may enter: arguments of programs are seen by everybody on the computer.
 */
export async function openLink(url: string, privateFolder: string): Promise<boolean> {
  const isMac = process.platform === "darwin";
  if (!isMac && process.env["DISPLAY"] === undefined && process.env["WAYLAND_DISPLAY"] === undefined) return false;
  const page = join(privateFolder, "open-ui.html");
  await writeFileAtomically(page, `<!doctype html><meta http-equiv="refresh" content="0;url=${url}"><title>Berth</title>`);
  const child = spawn(isMac ? "open" : "xdg-open", [page], { stdio: "ignore", detached: true });
  return new Promise<boolean>((resolve) => {
    child.once("error", () => resolve(false));
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
  });
}
