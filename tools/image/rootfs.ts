import { chmod, cp, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./shell.ts";
import { copyTree, makeFolders, removeIdentity, removePaths } from "./tree.ts";

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
  // It names the folder of the build.
  "etc/apt/sources.list",
];
const folders = ["data", "var/cache", "var/log", "var/tmp", "var/lib/dpkg/info", "opt/berth", "boot", "dev", "proc", "sys", "run", "tmp"];

/** Users of the machine, made while its own programs can run. */
export const machineHooks = [
  'chroot "$1" groupadd -g 1000 berth',
  'chroot "$1" useradd -u 1000 -g 1000 -G docker -m -s /bin/bash berth',
  'chroot "$1" sed -i "s/^root:[^:]*:/root:*:/;s/^berth:[^:]*:/berth:*:/" /etc/shadow',
] as const;

export interface RootfsOptions {
  /** The tree with its Debian packages installed. */
  readonly folder: string;
  readonly recipeFolder: string;
  readonly kernelDeb: string;
  readonly nodeFolder: string;
  readonly cliFolder: string;
  readonly agentBundle: string;
  /** Where the kernel goes. */
  readonly kernel: string;
}

/** Makes the machine's root of an installed tree: the kernel's modules, our own files, nothing that is not read. */
export async function finishRootfs(options: RootfsOptions): Promise<void> {
  const { folder, recipeFolder } = options;
  // The kernel is unpacked, not installed: its scripts would build an initramfs that nothing reads.
  await run("dpkg-deb", ["-x", options.kernelDeb, folder]);
  const kernel = (await readdir(join(folder, "boot"))).find((name) => name.startsWith("vmlinuz-"));
  await rename(join(folder, "boot", kernel ?? ""), options.kernel);
  await chmod(options.kernel, 0o644);
  await removePaths(folder, [...uselessPaths, "boot"]);
  await makeFolders(folder, folders);
  await overlayRecipe(join(recipeFolder, "root"), folder);
  for (const name of ["init", "poweroff"]) await run("ln", ["-sfn", "/bin/busybox", join(folder, "usr/sbin", name)]);
  await installOurs(options);
  await makeInContainer(folder);
  await removeIdentity(folder);
  for (const name of await readdir(join(folder, "etc/ssh"))) if (name.startsWith("ssh_host_")) await rm(join(folder, "etc/ssh", name));
  await writeFile(join(folder, "etc/hosts"), "127.0.0.1 localhost berth\n::1 localhost\n");
  await writeFile(join(folder, "etc/resolv.conf"), "");
  await writeFile(join(folder, "etc/machine-id"), "");
}

/** Our files with the modes they have in git, whatever the umask of whoever checked them out. */
async function overlayRecipe(recipe: string, folder: string): Promise<void> {
  const copy = `${folder}.recipe`;
  await copyTree(recipe, copy);
  await run("chmod", ["-R", "u=rwX,go=rX", copy]);
  await run("cp", ["-RT", "--preserve=mode", copy, folder]);
  await rm(copy, { recursive: true });
}

async function installOurs({ folder, nodeFolder, cliFolder, agentBundle }: RootfsOptions): Promise<void> {
  await mkdir(join(folder, "usr/local/bin"), { recursive: true });
  await cp(join(nodeFolder, "bin/node"), join(folder, "usr/local/bin/node"));
  await copyTree(cliFolder, join(folder, "opt/berth/devcontainers-cli"));
  await writeFile(
    join(folder, "usr/local/bin/devcontainer"),
    '#!/bin/sh\nexec /usr/local/bin/node /opt/berth/devcontainers-cli/devcontainer.js "$@"\n',
  );
  for (const name of ["node", "devcontainer"]) await chmod(join(folder, "usr/local/bin", name), 0o755);
  await mkdir(join(folder, "opt/berth/agent"), { recursive: true });
  await cp(agentBundle, join(folder, "opt/berth/agent/agent.mjs"));
  await run("chmod", ["-R", "u=rwX,go=rX", join(folder, "opt/berth")]);
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
