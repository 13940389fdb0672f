import { registerHooks } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * `node tests/electron-standin/run.ts [APP] [ARGUMENTS…]`: runs the app in a folder (.cache/desktop unless given) as
 * Electron would, with `electron` being the stand-in.
 */
const [, , folder = join(import.meta.dirname, "../../.cache/desktop"), ...rest] = process.argv;
const app = resolve(folder);
process.env["STANDIN_APP"] = app;
process.argv = [process.execPath, app, ...rest];
const standin = pathToFileURL(join(import.meta.dirname, "electron.ts")).href;

registerHooks({
  resolve: (specifier, context, next) => (specifier === "electron" ? { url: standin, shortCircuit: true } : next(specifier, context)),
});

const { becomeReady } = await import("./electron.ts");
await import(pathToFileURL(join(app, "main.mjs")).href);
await becomeReady();
