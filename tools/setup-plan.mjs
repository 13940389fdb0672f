// What a machine lacks and how it gets it; decided here without doing anything. Plain JavaScript for Node 20.

/**
 * @typedef {{ program?: string, orPrograms?: string[], file?: string, apt: string, brew?: string }} Need
 * A thing that has to be there, and the packages that bring it; one of `orPrograms` does as well.
 */
/** @typedef {"run" | "test"} Group */

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Debian's Chromium without its own windows: tests of the window take two thirds of the time in it. Others do without. */
const quickBrowser = "chromium-headless-shell";

/**
 * What Berth uses of a machine. Only what is missing is installed.
 * @param {{ platform: string, arch: string, group: Group }} options
 * @returns {Need[]}
 */
export function needsOf({ platform, arch, group }) {
  const emulator =
    arch === "arm64"
      ? { program: "qemu-system-aarch64", apt: "qemu-system-arm", brew: "qemu" }
      : { program: "qemu-system-x86_64", apt: "qemu-system-x86", brew: "qemu" };
  const run = [
    emulator,
    { program: "git", apt: "git", brew: "git" },
    { program: "ssh", apt: "openssh-client" },
    { program: "ssh-keygen", apt: "openssh-client" },
  ];
  const linuxRun = [
    { program: "qemu-img", apt: "qemu-utils" },
    { program: "passt", apt: "passt" },
    { file: "/etc/ssl/certs/ca-certificates.crt", apt: "ca-certificates" },
    // For the machine image.
    { program: "mmdebstrap", apt: "mmdebstrap" },
    { file: keyring, apt: "debian-archive-keyring" },
    { program: "newuidmap", apt: "uidmap" },
    { program: "mkfs.erofs", apt: "erofs-utils" },
    { program: "cpio", apt: "cpio" },
    { program: "strip", apt: "binutils" },
    { program: "unxz", apt: "xz-utils" },
  ];
  const test = [{ program: "rsync", apt: "rsync", brew: "rsync" }];
  const linuxTest = [
    { program: "docker-registry", apt: "docker-registry" },
    { program: "git-lfs", apt: "git-lfs" },
    { program: "chromium", orPrograms: ["chromium-browser", "google-chrome"], apt: "chromium" },
    { program: "mkfs.ext4", apt: "e2fsprogs" },
    { program: "tinyproxy", apt: "tinyproxy-bin" },
    { program: "openssl", apt: "openssl" },
    // An identity provider that nobody here wrote.
    { program: "glewlwyd", apt: "glewlwyd" },
    { program: "pg_createcluster", apt: "postgresql" },
    { program: "haproxy", apt: "haproxy" },
  ];
  return [
    ...run,
    ...(platform === "darwin" ? [] : linuxRun),
    ...(group === "test" ? [...test, ...(platform === "darwin" ? [] : linuxTest)] : []),
  ];
}

/**
 * The packages of what is not there, each once.
 * @param {Need[]} needs
 * @param {{ has: (program: string) => boolean, exists: (file: string) => boolean, manager: "apt" | "brew" }} machine
 * @returns {string[]}
 */
export function missingPackages(needs, { has, exists, manager }) {
  const missing = needs.filter(
    ({ program, orPrograms = [], file }) =>
      (program !== undefined && ![program, ...orPrograms].some(has)) || (file !== undefined && !exists(file)),
  );
  return [...new Set(missing.flatMap((need) => need[manager] ?? []))];
}

/** QEMU 10 boots a guest a third faster than Debian 12's own 7.2; later releases have it anyway. */
const backported = ["qemu-system-x86", "qemu-system-arm", "qemu-utils"];
/** Their packages start a service, here one with a well-known password; tests run the program themselves. */
const unwantedServices = ["glewlwyd"];
const backportsFile = "/etc/apt/sources.list.d/berth-backports.list";
const defaultMirror = "http://deb.debian.org/debian";
/** Another apt, e.g. of unattended upgrades, is waited for. */
const aptLockTimeoutS = 300;

const apt = ["apt-get", "-q", "-y", "-o", `DPkg::Lock::Timeout=${aptLockTimeoutS}`, "-o", "Acquire::Retries=3"];

/**
 * @typedef {{ argv: string[], input?: string, mayFail?: boolean, instead?: string[] }} Command
 * `input` goes to its stdin; `instead` is tried when it fails; a failure of one that `mayFail` is passed over.
 */

/**
 * The commands, to be run as root, that install Debian packages.
 * @param {{ packages: string[], codename: string, sources: string }} options
 * `sources` is the output of `apt-get indextargets` with a line "URI CODENAME" for each source.
 * @returns {Command[]}
 */
export function aptCommands({ packages, codename, sources }) {
  const late = codename === "bookworm" ? packages.filter((name) => backported.includes(name)) : [];
  const plain = packages.filter((name) => !late.includes(name));
  const install = [...apt, "install", "--no-install-recommends"];
  /** @type {Command[]} */
  const commands = [];
  if (late.length > 0 && !/ bookworm-backports$/m.test(sources)) {
    const mirror = / bookworm$/m.test(sources) ? (/^(\S+) bookworm$/m.exec(sources)?.[1] ?? defaultMirror) : defaultMirror;
    commands.push({ argv: ["tee", backportsFile], input: `deb ${mirror.replace(/\/$/, "")} bookworm-backports main\n` });
  }
  commands.push({ argv: [...apt, "update"], mayFail: true });
  for (const name of unwantedServices.filter((one) => packages.includes(one)))
    commands.push({ argv: ["systemctl", "mask", `${name}.service`], mayFail: true });
  if (plain.length > 0) commands.push({ argv: [...install, ...plain] });
  if (late.length > 0) commands.push({ argv: [...install, "-t", "bookworm-backports", ...late], instead: [...install, ...late] });
  if (packages.includes("chromium")) commands.push({ argv: [...install, quickBrowser], mayFail: true });
  return commands;
}

/**
 * Commands as a person types them: apt asks, and says what it waits for.
 * @param {Command[]} commands
 * @param {string} [prefix] such as "sudo "
 * @returns {string}
 */
export function asText(commands, prefix = "") {
  return commands
    .map(
      ({ argv, input }) =>
        `${input === undefined ? "" : `echo '${input.trim()}' | `}${prefix}${argv.join(" ").replace(apt.join(" "), "apt-get")}`,
    )
    .join("\n  ");
}

/**
 * How to become root: [] when we are, sudo when it works or can ask for a password, else undefined.
 * @param {{ uid: number | undefined, hasSudo: boolean, sudoWithoutPassword: boolean, hasTerminal: boolean }} who
 * @returns {string[] | undefined}
 */
export function elevation({ uid, hasSudo, sudoWithoutPassword, hasTerminal }) {
  if (uid === 0) return [];
  if (!hasSudo) return undefined;
  // sudo drops what it is not told to keep; values stay out of the arguments, where others could read them.
  const keep = "--preserve-env=DEBIAN_FRONTEND,http_proxy,https_proxy,no_proxy,HTTP_PROXY,HTTPS_PROXY,NO_PROXY";
  return sudoWithoutPassword || hasTerminal ? ["sudo", keep] : undefined;
}

/**
 * VERSION_CODENAME of os-release(5).
 * @param {string} osRelease
 * @returns {string}
 */
export function codenameOf(osRelease) {
  return /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(osRelease)?.[1] ?? "";
}
