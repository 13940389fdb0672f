import { chmod, cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeDockerArchive } from "./docker-archive.ts";
import { readList } from "./inputs.ts";
import { mmdebstrap } from "./rootfs.ts";
import { run, sourceDateEpoch } from "./shell.ts";

/** The image of repositories without a configuration, known to dockerd under this name. */
const defaultDevcontainerImage = "berth/devcontainer:13";

/** Makes the default dev container image as an archive for `docker load`. */
export async function buildDefaultDevcontainer(options: {
  readonly arch: "amd64" | "arm64";
  readonly recipeFolder: string;
  readonly nodeFolder: string;
  readonly npmFolder: string;
  readonly out: string;
}): Promise<void> {
  const folder = `${options.out}.root`;
  await mmdebstrap(options.arch, "minbase", readList(join(options.recipeFolder, "devcontainer-packages.txt")), folder, [
    'chroot "$1" groupadd -g 1000 vscode',
    'chroot "$1" useradd -u 1000 -g 1000 -m -s /bin/bash vscode',
  ]);
  await writeFile(join(folder, "etc/sudoers.d/vscode"), "vscode ALL=(root) NOPASSWD:ALL\n", { mode: 0o440 });
  for (const path of [
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "var/cache",
    "var/log",
    "var/lib/apt/lists",
    "usr/share/perl/5.40.1/unicore/lib",
  ])
    await rm(join(folder, path), { recursive: true, force: true });
  for (const path of [
    "var/cache/apt/archives/partial",
    "var/log/apt",
    "var/lib/apt/lists/partial",
    "usr/local/lib/node_modules",
    "workspaces",
  ])
    await mkdir(join(folder, path), { recursive: true });
  await cp(join(options.nodeFolder, "bin/node"), join(folder, "usr/local/bin/node"));
  await run("strip", ["--strip-debug", join(folder, "usr/local/bin/node")]).catch(() => undefined);
  await chmod(join(folder, "usr/local/bin/node"), 0o755);
  await cp(options.npmFolder, join(folder, "usr/local/lib/node_modules/npm"), { recursive: true });
  for (const name of ["npm", "npx"])
    await run("ln", ["-sfn", `../lib/node_modules/npm/bin/${name}-cli.js`, join(folder, "usr/local/bin", name)]);
  for (const name of ["machine-id", "hostname", "resolv.conf", "passwd-", "group-", "shadow-", "gshadow-"])
    await rm(join(folder, "etc", name), { force: true });
  const layerTar = `${options.out}.layer`;
  await run("tar", [
    "--sort=name",
    `--mtime=@${sourceDateEpoch}`,
    "--numeric-owner",
    "--exclude=./dev/*",
    "--exclude=./proc/*",
    "--exclude=./sys/*",
    "-cf",
    layerTar,
    "-C",
    folder,
    ".",
  ]);
  await rm(folder, { recursive: true });
  await writeDockerArchive({
    layerTar,
    name: defaultDevcontainerImage,
    arch: options.arch,
    labels: { "devcontainer.metadata": '[{"remoteUser":"vscode"}]' },
    out: options.out,
  });
}
