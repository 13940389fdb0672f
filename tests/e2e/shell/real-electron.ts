import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { _electron, type ElectronApplication } from "@playwright/test";
import type { Runner } from "./desktop-app.ts";

const package_ = join(import.meta.dirname, "../../../node_modules/electron");
const recorder = join(import.meta.dirname, "recorder.cjs");

/** Electron's binary, where it was downloaded; BERTH_ELECTRON names another one. */
export const electronBinary = process.env["BERTH_ELECTRON"] ?? downloaded();

function downloaded(): string | undefined {
  const pathFile = join(package_, "path.txt");
  const path = existsSync(pathFile) ? join(package_, "dist", readFileSync(pathFile, "utf8")) : undefined;
  return path !== undefined && existsSync(path) ? path : undefined;
}

/** Runs the app in real Electron, with a recorder that keeps what it shows through the system. */
export function launchElectron(options: { readonly appFolder: string; readonly env: NodeJS.ProcessEnv; readonly args: string[] }): Runner {
  const env = Object.fromEntries(Object.entries(options.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  const started: Promise<ElectronApplication> = _electron.launch({
    executablePath: electronBinary ?? "",
    args: ["-r", recorder, "--no-sandbox", options.appFolder, ...options.args],
    env,
  });
  const exited = started.then(
    async (app) => new Promise<number | null>((resolve) => app.process().once("exit", resolve)),
    // A second instance ends before anything can be attached to it.
    () => 0,
  );
  return {
    exited,
    command: async (command) => (await started).evaluate((_electron, given) => Reflect.get(globalThis, "berthPerform")(given), command),
    page: async () => (await started).firstWindow(),
    kill: () => void started.then((app) => app.process().kill("SIGKILL")),
  };
}
