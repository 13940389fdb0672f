import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { writeFileAtomically } from "../lib/atomic-file.ts";
import { openLink } from "./editor-link.ts";

/**
 * Opens a secret link in the browser of this computer. Gives why it could not; undefined when it was opened. It goes
 * through a page in a folder that only this person may enter: arguments of programs are seen by everybody on the computer.
 */
export async function openSecretLink(url: string, privateFolder: string): Promise<string | undefined> {
  const page = join(privateFolder, "open-ui.html");
  await writeFileAtomically(
    page,
    `<!doctype html><meta http-equiv="refresh" content="0;url=${url.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}"><title>Berth</title>`,
  );
  return openLink(pathToFileURL(page).href, { env: process.env, platform: process.platform });
}
