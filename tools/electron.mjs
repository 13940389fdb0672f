// Where Electron is, for `npm start`. Plain JavaScript for Node 20, like setup.mjs.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodePath, root } from "./setup.mjs";

const electronFolder = join(root, "node_modules", "electron");
/** Says for which lock file Electron was asked for in vain, so that it is asked for once. */
const missedPath = join(root, ".cache", "electron-missed.json");
const downloadTimeoutMs = 300_000;

/** @param {string} text */
function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

/** Electron's binary for a window here; undefined, with the reason said, where there can be none. */
export function electronForWindow() {
  const { env, platform } = process;
  if (platform === "linux" && (env.DISPLAY ?? "") === "" && (env.WAYLAND_DISPLAY ?? "") === "") return without("there is no display here");
  if (platform === "linux" && process.getuid?.() === 0) return without("Electron keeps its sandbox only for users other than root");
  return electronPath() ?? without("Electron is not here (to try again: rm .cache/electron-missed.json)");
}

/**
 * @param {string} reason
 * @returns {undefined}
 */
function without(reason) {
  say(`${reason}; Berth opens in the browser instead`);
}

/** Electron's binary, downloaded when it is not there yet; undefined where it cannot be had. */
export function electronPath() {
  return installed() ?? download();
}

/** @returns {string | undefined} */
function installed() {
  const pathFile = join(electronFolder, "path.txt");
  const path = existsSync(pathFile) ? join(electronFolder, "dist", readFileSync(pathFile, "utf8")) : "";
  return path !== "" && existsSync(path) ? path : undefined;
}

function download() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (existsSync(missedPath) && readFileSync(missedPath, "utf8") === lock) return undefined;
  say("downloading Electron");
  spawnSync(nodePath(), [join(electronFolder, "install.js")], { stdio: ["ignore", 2, 2], cwd: root, timeout: downloadTimeoutMs });
  const path = installed();
  if (path !== undefined) return path;
  mkdirSync(join(root, ".cache"), { recursive: true });
  writeFileSync(missedPath, lock);
  return undefined;
}
