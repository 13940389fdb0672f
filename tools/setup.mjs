// Makes a fresh machine ready: npm packages, Node 24, system packages.
// Plain JavaScript for Node 20 without any dependency, because it runs before anything is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { aptCommands, asText, codenameOf, elevation, missingPackages, needsOf } from "./setup-plan.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cacheFolder = join(root, ".cache");
const stampPath = join(cacheFolder, "setup.json");
/** Where programs are that the PATH of a plain user leaves out. */
const systemFolders = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** @param {string} text */
function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

/**
 * @param {string} title
 * @param {string} command
 * @returns {never}
 */
function fail(title, command) {
  process.stderr.write(`\n${title}\nRun this, then try again:\n\n  ${command}\n\n`);
  process.exit(1);
}

/** @param {string} program */
function has(program) {
  return completePath()
    .split(":")
    .some((folder) => folder !== "" && existsSync(join(folder, program)));
}

/** PATH with the system's folders at its end. */
export function completePath() {
  return [process.env.PATH ?? "", ...systemFolders].join(":");
}

/**
 * Shows a command and runs it; true when it succeeded.
 * @param {string[]} argv
 * @param {string} [input]
 */
function run(argv, input) {
  say(argv.join(" "));
  const [program = "", ...args] = argv;
  const result = spawnSync(program, args, {
    cwd: root,
    env: { ...process.env, PATH: completePath(), DEBIAN_FRONTEND: "noninteractive" },
    ...(input === undefined ? { stdio: ["ignore", 2, 2] } : { input, stdio: ["pipe", "ignore", 2] }),
  });
  return result.status === 0;
}

/**
 * What a command prints; empty when it failed.
 * @param {string} program
 * @param {string[]} args
 */
function outputOf(program, args) {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return status === 0 ? stdout : "";
}

/** @param {string[]} packages */
function aptInstall(packages) {
  const osRelease = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const sources = outputOf("apt-get", ["indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"]);
  const commands = aptCommands({ packages, codename: codenameOf(osRelease), sources });
  const uid = process.getuid?.();
  const rights = elevation({
    uid,
    hasSudo: has("sudo"),
    sudoWithoutPassword: uid !== 0 && has("sudo") && spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0,
    hasTerminal: process.stderr.isTTY === true,
  });
  const missing = `These system packages are missing: ${packages.join(" ")}.`;
  if (rights === undefined && has("sudo"))
    fail(`${missing}\nsudo would have to ask for a password, and there is no terminal to ask on.`, asText(commands, "sudo "));
  if (rights === undefined) fail(`${missing}\nNeither root nor sudo is there to install them.`, `su -\n  ${asText(commands)}`);
  say(missing);
  for (const { argv, input, mayFail, instead } of commands) {
    if (run([...rights, ...argv], input)) continue;
    if (mayFail === true) say("that had errors; going on with what is there");
    else if (instead === undefined || !run([...rights, ...instead]))
      fail("System packages could not be installed; see the messages above.", asText(commands, uid === 0 ? "" : "sudo "));
  }
}

/** @param {import("./setup-plan.mjs").Group} group */
function systemPackages(group) {
  const { platform, arch } = process;
  const manager = platform === "darwin" ? "brew" : "apt";
  const missing = () => missingPackages(needsOf({ platform, arch, group }), { has, exists: existsSync, manager });
  const packages = missing();
  if (packages.length === 0) return;
  if (manager === "brew") {
    const byHand = `brew install ${packages.join(" ")}`;
    if (!has("brew")) fail("Homebrew is needed to install what is missing; see https://brew.sh.", byHand);
    if (!run(["brew", "install", ...packages])) fail("Homebrew could not install what is needed.", byHand);
  } else if (has("apt-get")) aptInstall(packages);
  else fail("Berth sets itself up on Debian, Ubuntu and macOS. Here, install what these Debian packages hold:", packages.join(" "));
  const still = missing();
  if (still.length > 0) fail("Packages were installed, and yet something is missing.", `apt-get install --reinstall ${still.join(" ")}`);
}

function npmPackages() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const wanted = JSON.stringify({ lock, platform: process.platform, arch: process.arch });
  const stamp = existsSync(stampPath) ? readFileSync(stampPath, "utf8") : "";
  // The stamp is written when all is there, so that an interrupted run begins anew.
  if (stamp === wanted && existsSync(nodePath())) return;
  // Installing would first empty the folder that a link leads to, which is another working copy's.
  if (lstatSync(join(root, "node_modules"), { throwIfNoEntry: false })?.isSymbolicLink() === true && isNode24()) return;
  say("installing npm packages");
  if (!run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]))
    fail("npm packages could not be installed; see the messages above.", "npm ci --ignore-scripts");
  // The npm package `node` fetches the binary of this platform from the registry in its install script.
  if (!isNode24() && !run(["npm", "rebuild", "node", "--ignore-scripts=false", "--loglevel=error"]))
    fail("Node 24 could not be installed; see the messages above.", "npm rebuild node --ignore-scripts=false");
  if (!isNode24()) fail("Node 24 was installed but does not run here.", "rm -rf node_modules && npm run setup");
  mkdirSync(cacheFolder, { recursive: true });
  writeFileSync(`${stampPath}.tmp`, wanted);
  renameSync(`${stampPath}.tmp`, stampPath);
}

/** The Node 24 that the npm package `node` brings. */
export function nodePath() {
  return join(root, "node_modules", "node", "bin", "node");
}

function isNode24() {
  return outputOf(nodePath(), ["--version"]).startsWith("v24.");
}

/**
 * Does what is not done yet and says so; silent when all is there.
 * @param {import("./setup-plan.mjs").Group} group
 */
export function setup(group) {
  if (Number(process.versions.node.split(".")[0]) < 20)
    fail(`Node 20 or newer is needed to start; this is ${process.version}.`, "see https://nodejs.org/en/download");
  npmPackages();
  systemPackages(group);
}

// A path through a symbolic link names the same file.
if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === realpathSync(fileURLToPath(import.meta.url)))
  setup(process.argv.includes("--test") ? "test" : "run");
