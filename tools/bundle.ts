import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Our programs as single files: without the compiler that runs sources, a host takes 60 MB less and a command starts in half the time. */
const root = join(import.meta.dirname, "..");
const programs = {
  host: "src/host/main.ts",
  runner: "src/host/runner/main.ts",
  berth: "src/cli/main.ts",
  start: "src/cli/start.ts",
  proxy: "src/cli/proxy.ts",
  "berth-plane": "src/server/main.ts",
} as const;
const updateKey = join(root, "resources/update-key.pem");
/** What the runner's set-up installs. */
const unit = join(root, "resources/systemd/berth-runner.service");
// As deep as src/<part>, so that paths relative to a program's folder hold in both.
const out = join(root, ".cache/app");
const stamp = join(out, "stamp");

function isUpToDate(): boolean {
  const made = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(tsx?|js|css|html|svg)$/.test(path))
    .map((path) => join(root, "src", path));
  return [...sources, unit, join(root, "package-lock.json"), import.meta.filename].every((path) => statSync(path).mtimeMs < made);
}

if (!isUpToDate()) {
  const begunAt = new Date();
  // Loading the bundlers takes longer than finding that there is nothing to do.
  const [{ rolldown }, { buildRenderer }] = await Promise.all([import("rolldown"), import("./renderer.ts")]);
  const temporary = `${out}.${process.pid}`;
  await buildRenderer(root, join(temporary, "renderer"));
  for (const [name, input] of Object.entries(programs)) {
    const bundle = await rolldown({ input: join(root, input), platform: "node", logLevel: "warn", cwd: root });
    await bundle.write({ dir: temporary, format: "esm", codeSplitting: false, entryFileNames: `${name}.mjs` });
    await bundle.close();
  }
  mkdirSync(out, { recursive: true });
  for (const name of Object.keys(programs)) renameSync(join(temporary, `${name}.mjs`), join(out, `${name}.mjs`));
  copyFileSync(unit, join(out, "berth-runner.service"));
  // Builds that may update themselves carry the public half of the release key.
  if (existsSync(updateKey)) copyFileSync(updateKey, join(out, "update-key.pem"));
  rmSync(join(out, "renderer"), { recursive: true, force: true });
  renameSync(join(temporary, "renderer"), join(out, "renderer"));
  rmSync(temporary, { recursive: true });
  writeFileSync(stamp, begunAt.toISOString());
}
