import { existsSync } from "node:fs";

const candidates = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** Chromium without windows of its own, which draws the same and is quicker at it. */
const headless = "/usr/bin/chromium-headless-shell";

/** The Chromium of this computer, for who needs no windows the quicker one where it is; BERTH_CHROMIUM names another. */
export function findChromium({ windows = true } = {}): string {
  const found = process.env["BERTH_CHROMIUM"] ?? [...(windows ? [] : [headless]), ...candidates].find((path) => existsSync(path));
  if (found === undefined) throw new Error("no Chromium was found; install it (apt-get install chromium) or name it in BERTH_CHROMIUM");
  return found;
}
