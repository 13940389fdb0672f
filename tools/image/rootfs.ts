import { chmod, cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readList } from "./inputs.ts";
import { run } from "./shell.ts";

const suite = "trixie";
const mirror = "http://deb.debian.org/debian";
/** What no machine reads: documentation, translations, caches, logs. */
const uselessPaths = [
  "usr/share/doc",
  "usr/share/man",
  "usr/share/info",
  "usr/share/locale",
  "usr/share/lintian",
  "usr/share/bug",
  "var/cache",
  "var/log",
  "var/lib/apt/lists",
  "var/lib/dpkg/info",
  "etc/ssh/ssh_host_rsa_key",
  "boot",
];

export interface RootfsOptions {
  readonly arch: "amd64" | "arm64";
  readonly recipeFolder: string;
  readonly folder: string;
  readonly nodeFolder: string;
  readonly npmPackages: string;
  readonly agentBundle: string;
  readonly say: (text: string) => void;
}

/** Makes the machine's root tree with mmdebstrap and lays our own files over it. Gives its packages' versions. */
export async function buildRootfs(options: RootfsOptions): Promise<Record<string, string>> {
  const { folder, recipeFolder } = options;
  options.say("installing Debian packages of the machine");
  await mmdebstrap(options.arch, "apt", readList(join(recipeFolder, "packages.txt")), folder, [
    // The kernel is unpacked, not installed: its scripts would build an initramfs that nothing reads.
    'cd "$1/tmp" && chroot "$1" sh -c \'cd /tmp && apt-get download -q $(apt-cache depends linux-image-cloud-$(dpkg --print-architecture) | sed -n "s/^ *Depends: \\(linux-image-[0-9].*\\)/\\1/p" | head -n 1)\' && dpkg-deb -x "$1"/tmp/linux-image-*.deb "$1" && rm "$1"/tmp/*.deb',
    'chroot "$1" groupadd -g 1000 berth',
    'chroot "$1" useradd -u 1000 -g 1000 -G docker -m -s /bin/bash berth',
    'chroot "$1" sed -i "s/^root:[^:]*:/root:*:/;s/^berth:[^:]*:/berth:*:/" /etc/shadow',
  ]);
  const packages = await packageVersions(folder);
  await cp(join(folder, "boot"), `${folder}.boot`, { recursive: true });
  await keepModules(options);
  for (const path of uselessPaths) await rm(join(folder, path), { recursive: true, force: true });
  for (const path of [
    "data",
    "var/cache",
    "var/log",
    "var/tmp",
    "var/lib/dpkg/info",
    "opt/berth",
    "boot",
    "dev",
    "proc",
    "sys",
    "run",
    "tmp",
  ])
    await mkdir(join(folder, path), { recursive: true });
  await cp(join(recipeFolder, "root"), folder, { recursive: true, force: true });
  await rm(join(folder, "sbin/init"), { force: true });
  await run("ln", ["-sfn", "/bin/busybox", join(folder, "usr/sbin/init")]);
  await run("ln", ["-sfn", "/bin/busybox", join(folder, "usr/sbin/poweroff")]);
  await installOurs(options);
  await makeInContainer(folder);
  for (const name of ["machine-id", "hostname", "resolv.conf", "passwd-", "group-", "shadow-", "gshadow-", "subuid-", "subgid-"])
    await rm(join(folder, "etc", name), { force: true });
  for (const name of await readdir(join(folder, "etc/ssh"))) if (name.startsWith("ssh_host_")) await rm(join(folder, "etc/ssh", name));
  await writeFile(join(folder, "etc/hosts"), "127.0.0.1 localhost berth\n::1 localhost\n");
  await writeFile(join(folder, "etc/resolv.conf"), "");
  await writeFile(join(folder, "etc/machine-id"), "");
  return packages;
}

/** One mmdebstrap run; `hooks` are its customize hooks, with the tree as $1. */
export async function mmdebstrap(
  arch: string,
  variant: string,
  packages: readonly string[],
  out: string,
  hooks: readonly string[],
): Promise<void> {
  await rm(out, { recursive: true, force: true });
  const args = [
    "--quiet",
    `--architectures=${arch}`,
    `--variant=${variant}`,
    "--mode=root",
    "--skip=check/qemu",
    `--include=${packages.join(",")}`,
  ];
  await run("mmdebstrap", [...args, ...hooks.map((hook) => `--customize-hook=${hook}`), suite, out, mirror]);
}

async function packageVersions(folder: string): Promise<Record<string, string>> {
  const text = await run("dpkg-query", [`--admindir=${join(folder, "var/lib/dpkg")}`, "-W", "-f", "${Package} ${Version}\n"]);
  return Object.fromEntries(
    text
      .trim()
      .split("\n")
      .map((line) => line.split(" ") as [string, string])
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Loading a compressed module costs the guest more than its size on disk is worth. */
async function keepModules({ folder, recipeFolder }: RootfsOptions): Promise<void> {
  const base = join(folder, "usr/lib/modules");
  const version = (await readdir(base))[0] ?? "";
  await run("find", [join(base, version), "-name", "*.ko.xz", "-exec", "unxz", "{}", "+"]);
  await run("chroot", [folder, "/usr/sbin/depmod", version]);
  const wanted = readList(join(recipeFolder, "modules.txt"));
  const upTo = async (kinds: string) =>
    loadOrder(
      join(base, version),
      wanted.filter((l) => kinds.includes(l.charAt(0))).map((l) => l.slice(2)),
    );
  const [early, boot, all] = [await upTo("i"), await upTo("ib"), await upTo("ibs")];
  await mkdir(join(folder, "usr/lib/berth"), { recursive: true });
  for (const [name, order, before] of [
    ["modules-boot", boot, early],
    ["modules-services", all, boot],
  ] as const) {
    await writeFile(
      join(folder, "usr/lib/berth", name),
      order
        .filter((p) => !before.includes(p))
        .map((p) => `/usr/lib/modules/${version}/${p}\n`)
        .join(""),
    );
  }
  await writeFile(`${folder}.early-modules`, early.map((p) => `${join(base, version, p)}\n`).join(""));
}

/** Paths of modules with what they need first; a module that is built in is left out. */
async function loadOrder(folder: string, names: readonly string[]): Promise<string[]> {
  const lines = (await readFile(join(folder, "modules.dep"), "utf8")).trim().split("\n");
  const needs = new Map(
    lines.map((line) => [
      line.slice(0, line.indexOf(":")),
      line
        .slice(line.indexOf(":") + 1)
        .trim()
        .split(" ")
        .filter((p) => p !== ""),
    ]),
  );
  const byName = new Map([...needs.keys()].map((path) => [path.replace(/^.*\//, "").replace(/\.ko$/, "").replaceAll("-", "_"), path]));
  const order: string[] = [];
  for (const name of names) {
    const path = byName.get(name.replaceAll("-", "_"));
    if (path === undefined) continue;
    for (const step of [...(needs.get(path) ?? []).toReversed(), path]) if (!order.includes(step)) order.push(step);
  }
  return order;
}

async function installOurs(options: RootfsOptions): Promise<void> {
  const { folder } = options;
  await mkdir(join(folder, "usr/local/bin"), { recursive: true });
  await cp(join(options.nodeFolder, "bin/node"), join(folder, "usr/local/bin/node"));
  await run("strip", ["--strip-debug", join(folder, "usr/local/bin/node")]).catch(() => undefined);
  await chmod(join(folder, "usr/local/bin/node"), 0o755);
  await cp(join(options.npmPackages, "node_modules/@devcontainers/cli"), join(folder, "opt/berth/devcontainers-cli"), { recursive: true });
  await writeFile(
    join(folder, "usr/local/bin/devcontainer"),
    '#!/bin/sh\nexec /usr/local/bin/node /opt/berth/devcontainers-cli/devcontainer.js "$@"\n',
    { mode: 0o755 },
  );
  await mkdir(join(folder, "opt/berth/agent"), { recursive: true });
  await cp(options.agentBundle, join(folder, "opt/berth/agent/agent.mjs"));
}

/** Programs that must run inside any container, whatever its libc: with their own loader and libraries. */
async function makeInContainer(folder: string): Promise<void> {
  const target = join(folder, "opt/berth/in-container");
  await mkdir(join(target, "lib"), { recursive: true });
  await cp(join(folder, "usr/lib/openssh/sftp-server"), join(target, "lib/sftp-server"));
  const listing = await run("chroot", [folder, "ldd", "/usr/lib/openssh/sftp-server"]);
  let loader = "";
  for (const match of listing.matchAll(/(?:=> )?(\/\S+) \(0x/g)) {
    const path = match[1] ?? "";
    const name = path.replace(/^.*\//, "");
    if (name.startsWith("ld-linux")) loader = name;
    await cp(join(folder, path), join(target, "lib", name), { dereference: true });
  }
  if (loader === "") throw new Error("the loader of sftp-server was not found");
  await writeFile(
    join(target, "sftp-server"),
    `#!/bin/sh\nexec /opt/berth/lib/${loader} --library-path /opt/berth/lib /opt/berth/lib/sftp-server "$@"\n`,
    { mode: 0o755 },
  );
  await run("chmod", ["-R", "a+rX", target]);
}
