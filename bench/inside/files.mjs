// Runs in a dev container and in the bare machine alike, by Node: `files.mjs prepare DIR NPM`, then
// `files.mjs git-status|npm-ci|untar DIR NPM`, which prints how many seconds the work took.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { basename, join } from "node:path";

const treeFiles = 20_000;
const treeFilesPerFolder = 100;
const statusRuns = 8;
const packages = 60;
const filesPerPackage = 25;
const [action, folder, npm] = process.argv.slice(2);
const registryFolder = join(folder, "registry");

function run(program, args, options = {}) {
  const result = spawnSync(program, args, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8", cwd: folder, ...options });
  if (result.status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${result.status ?? result.error}: ${result.stderr}`);
}

function makeTree(tree) {
  for (let n = 0; n < treeFiles; n++) {
    const parent = join(tree, `folder-${Math.floor(n / treeFilesPerFolder)}`);
    if (n % treeFilesPerFolder === 0) mkdirSync(parent, { recursive: true });
    writeFileSync(join(parent, `file-${n}.txt`), `${n} `.repeat(150));
  }
}

/** Packages of npm's own format; a registry serves them on whatever port it gets. */
function makePackages() {
  mkdirSync(registryFolder, { recursive: true });
  const work = join(folder, "work");
  mkdirSync(join(work, "package"), { recursive: true });
  for (let file = 0; file < filesPerPackage; file++)
    writeFileSync(join(work, `package/module-${file}.js`), `export const value = ${file};\n`.repeat(80));
  for (let n = 0; n < packages; n++) {
    writeFileSync(join(work, "package/package.json"), JSON.stringify({ name: `package-${n}`, version: "1.0.0" }));
    run("tar", ["-czf", join(registryFolder, `package-${n}.tgz`), "-C", work, "package"]);
  }
  rmSync(work, { recursive: true });
}

/** A project whose lock file names the packages on the registry at this port. */
function makeProject(port) {
  const lock = {
    name: "bench",
    version: "1.0.0",
    lockfileVersion: 3,
    requires: true,
    packages: { "": { name: "bench", version: "1.0.0", dependencies: {} } },
  };
  for (let n = 0; n < packages; n++) {
    const name = `package-${n}`;
    const integrity = `sha512-${createHash("sha512")
      .update(readFileSync(join(registryFolder, `${name}.tgz`)))
      .digest("base64")}`;
    lock.packages[""].dependencies[name] = "1.0.0";
    lock.packages[`node_modules/${name}`] = { version: "1.0.0", resolved: `http://127.0.0.1:${port}/${name}.tgz`, integrity };
  }
  mkdirSync(join(folder, "project"), { recursive: true });
  writeFileSync(
    join(folder, "project/package.json"),
    JSON.stringify({ name: "bench", version: "1.0.0", dependencies: lock.packages[""].dependencies }),
  );
  writeFileSync(join(folder, "project/package-lock.json"), JSON.stringify(lock));
}

function prepare() {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "repository"), { recursive: true });
  makeTree(join(folder, "repository"));
  run("tar", ["-cf", join(folder, "tree.tar"), "-C", join(folder, "repository"), "."]);
  const git = (...args) =>
    run("git", ["-c", "user.name=Bench", "-c", "user.email=bench@example.com", ...args], { cwd: join(folder, "repository") });
  git("init", "--quiet");
  git("add", "--all");
  git("commit", "--quiet", "--message", "Tree");
  makePackages();
}

async function withRegistry(work) {
  const server = createServer((request, response) => response.end(readFileSync(join(registryFolder, basename(request.url)))));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await work(server.address().port);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function timed(program, args, cwd) {
  spawnSync("sync");
  const startedAtMs = performance.now();
  const child = spawn(program, args, { cwd, stdio: ["ignore", "ignore", "inherit"] });
  const code = await new Promise((resolve, reject) => child.once("close", resolve).once("error", reject));
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
  return (performance.now() - startedAtMs) / 1000;
}

/** The mean of several runs, for work too short for one run to say much. */
async function repeated(runs, work) {
  let seconds = 0;
  for (let run = 0; run < runs; run++) seconds += await work();
  return seconds / runs;
}

async function measure() {
  switch (action) {
    case "git-status":
      return repeated(statusRuns, () => timed("git", ["status", "--porcelain"], join(folder, "repository")));
    case "untar":
      rmSync(join(folder, "untarred"), { recursive: true, force: true });
      mkdirSync(join(folder, "untarred"));
      return timed("tar", ["-xf", join(folder, "tree.tar"), "-C", join(folder, "untarred")], folder);
    case "npm-ci":
      return withRegistry(async (port) => {
        makeProject(port);
        rmSync(join(folder, "project/node_modules"), { recursive: true, force: true });
        rmSync(join(folder, "npm-cache"), { recursive: true, force: true });
        return timed(
          process.execPath,
          [
            npm,
            "ci",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            // It would ask the registry for npm itself.
            "--no-update-notifier",
            "--cache",
            join(folder, "npm-cache"),
            "--registry",
            `http://127.0.0.1:${port}`,
          ],
          join(folder, "project"),
        );
      });
    default:
      throw new Error(`there is no '${action}'`);
  }
}

if (action === "prepare") prepare();
else process.stdout.write(`${await measure()}\n`);
