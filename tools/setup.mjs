// Makes a fresh machine ready: Node 24, npm packages, system packages, the machine image's tools.
// Plain JavaScript for Node 20 without any dependency, because it runs before anything is installed.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cacheFolder = join(root, ".cache");
const stampPath = join(cacheFolder, "setup.json");

/** What each group of system packages is for; `npm test` needs the test group too. */
const aptPackages = {
  run: {
    programs: ["qemu-system-x86_64", "passt", "mmdebstrap", "mkfs.erofs", "git", "ssh", "busybox"],
    packages: [
      "qemu-system-x86",
      "qemu-utils",
      "passt",
      "mmdebstrap",
      "erofs-utils",
      "busybox-static",
      "cpio",
      "zstd",
      "kmod",
      "git",
      "openssh-client",
      "openssl",
      "ca-certificates",
    ],
  },
  test: {
    programs: ["docker-registry", "rsync", "git-lfs", "socat", "chromium"],
    packages: ["docker-registry", "rsync", "git-lfs", "socat", "chromium"],
  },
};
const brewPackages = {
  run: { programs: ["qemu-system-aarch64", "git", "ssh"], packages: ["qemu", "git"] },
  test: { programs: ["rsync"], packages: ["rsync", "git-lfs"] },
};
/** QEMU 10 boots a guest a third faster than Debian 12's own 7.2. */
const backportsList = "/etc/apt/sources.list.d/berth-backports.list";
const backported = ["qemu-system-x86", "qemu-utils"];

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

function fail(title, command) {
  process.stderr.write(`\n${title}\nRun this, then try again:\n\n  ${command}\n\n`);
  process.exit(1);
}

function has(program) {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"];
  return folders.some((folder) => folder !== "" && existsSync(join(folder, program)));
}

function run(command, args, options = {}) {
  say([command, ...args].join(" "));
  const result = spawnSync(command, args, { stdio: ["ignore", 2, 2], cwd: root, ...options });
  return result.status === 0;
}

function debianCodename() {
  try {
    return /VERSION_CODENAME=(\S+)/.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "";
  } catch {
    return "";
  }
}

/** How to become root: nothing when we are, sudo when it is there, else undefined. */
function elevation() {
  if (process.getuid?.() === 0) return [];
  return has("sudo") ? ["sudo"] : undefined;
}

function aptInstall(packages) {
  const rights = elevation();
  const bookworm = debianCodename() === "bookworm";
  const byHand = `sudo apt-get update && sudo apt-get install -y ${packages.join(" ")}`;
  if (rights === undefined)
    fail("System packages are missing, and neither root nor sudo is there to install them.", byHand.replaceAll("sudo ", ""));
  const elevated = (args) => (rights.length === 0 ? run(args[0], args.slice(1), aptOptions()) : run("sudo", args, aptOptions()));
  if (bookworm && packages.some((name) => backported.includes(name))) {
    const line = "deb http://deb.debian.org/debian bookworm-backports main";
    elevated([
      "sh",
      "-c",
      `grep -qrs bookworm-backports /etc/apt/sources.list /etc/apt/sources.list.d || echo '${line}' > ${backportsList}`,
    ]);
  }
  if (!elevated(["apt-get", "update", "-q"])) say("apt-get update had errors; going on with the lists that are there");
  const fromBackports = packages.filter((name) => bookworm && backported.includes(name));
  const plain = packages.filter((name) => !fromBackports.includes(name));
  const base = ["apt-get", "install", "-y", "-q", "--no-install-recommends"];
  if (plain.length > 0 && !elevated([...base, ...plain])) fail("System packages could not be installed.", byHand);
  if (
    fromBackports.length > 0 &&
    !elevated([...base, "-t", "bookworm-backports", ...fromBackports]) &&
    !elevated([...base, ...fromBackports])
  ) {
    fail("QEMU could not be installed.", byHand);
  }
}

function aptOptions() {
  return { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
}

function systemPackages(group) {
  const table = process.platform === "darwin" ? brewPackages : aptPackages;
  const wanted = group === "test" ? [table.run, table.test] : [table.run];
  const missing = wanted.filter(({ programs }) => programs.some((program) => !has(program)));
  if (missing.length === 0) return;
  const packages = missing.flatMap((entry) => entry.packages);
  if (process.platform === "darwin") {
    if (!has("brew")) fail("Homebrew is needed to install QEMU.", "see https://brew.sh, then: brew install " + packages.join(" "));
    if (!run("brew", ["install", ...packages])) fail("Homebrew could not install what is needed.", `brew install ${packages.join(" ")}`);
    return;
  }
  if (!has("apt-get")) fail("Berth sets itself up on Debian, Ubuntu and macOS; on this system install by hand:", packages.join(" "));
  aptInstall(packages);
}

function npmPackages() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = existsSync(stampPath) ? JSON.parse(readFileSync(stampPath, "utf8")) : {};
  if (stamp.lock === lock && existsSync(nodePath())) return;
  say("installing npm packages");
  if (!run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))
    fail("npm packages could not be installed.", "npm ci --ignore-scripts");
  if (!existsSync(nodePath())) {
    // The npm package `node` fetches the binary of this platform from the registry in its install script.
    if (!run("npm", ["rebuild", "node", "--ignore-scripts=false"]))
      fail("Node 24 could not be installed.", "npm rebuild node --ignore-scripts=false");
  }
  mkdirSync(cacheFolder, { recursive: true });
  writeFileSync(`${stampPath}.tmp`, JSON.stringify({ lock }));
  renameSync(`${stampPath}.tmp`, stampPath);
}

/** The Node 24 that the npm package `node` brings. */
export function nodePath() {
  return join(root, "node_modules", "node", "bin", "node");
}

/**
 * Does what is not done yet and says so; silent when all is there.
 * @param {"run" | "test"} group
 */
export function setup(group) {
  if (Number(process.versions.node.split(".")[0]) < 20) fail("Node 20 or newer is needed to start.", "sudo apt-get install nodejs npm");
  npmPackages();
  systemPackages(group);
  const version = execFileSync(nodePath(), ["--version"], { encoding: "utf8" }).trim();
  if (!version.startsWith("v24.")) fail(`Node 24 is needed; node_modules holds ${version}.`, "rm -rf node_modules && npm start");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setup(process.argv.includes("--test") ? "test" : "run");
