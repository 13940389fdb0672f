import { existsSync } from "node:fs";

const candidates = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** The Chromium of this computer; BERTH_CHROMIUM names another one. */
export function findChromium(): string {
  const found = process.env["BERTH_CHROMIUM"] ?? candidates.find((path) => existsSync(path));
  if (found === undefined) throw new Error("no Chromium was found; install it (apt-get install chromium) or name it in BERTH_CHROMIUM");
  return found;
}
