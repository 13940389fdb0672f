import { chmod, cp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { debianSources } from "./debian-packages.ts";
import { writeDockerArchive } from "./docker-archive.ts";
import { run } from "./shell.ts";
import { tarFolder } from "./tar.ts";
import { copyTree, makeFolders, removeIdentity, removePaths } from "./tree.ts";

/** The image of repositories without a configuration, known to dockerd under this name. */
const defaultDevcontainerImage = "berth/devcontainer:13";

/** Users of the image, made while its own programs can run. */
export const devcontainerHooks = [
  'chroot "$1" groupadd -g 1000 vscode',
  'chroot "$1" useradd -u 1000 -g 1000 -m -s /bin/bash vscode',
] as const;

/** Makes the default dev container image of an installed tree, as an archive for `docker load`. */
export async function finishDefaultDevcontainer(options: {
  readonly folder: string;
  readonly arch: "amd64" | "arm64";
  readonly nodeFolder: string;
  readonly npmFolder: string;
  readonly out: string;
}): Promise<void> {
  const { folder } = options;
  await writeFile(join(folder, "etc/sudoers.d/vscode"), "vscode ALL=(root) NOPASSWD:ALL\n");
  await chmod(join(folder, "etc/sudoers.d/vscode"), 0o440);
  await rm(join(folder, "etc/apt/sources.list"), { force: true });
  await writeFile(join(folder, "etc/apt/sources.list.d/debian.sources"), debianSources);
  await removePaths(folder, [
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "var/cache",
    "var/log",
    "var/lib/apt/lists",
    "usr/share/perl/5.40.1/unicore/lib",
  ]);
  await makeFolders(folder, [
    "var/cache/apt/archives/partial",
    "var/log/apt",
    "var/lib/apt/lists/partial",
    "usr/local/lib/node_modules",
    "workspaces",
  ]);
  await cp(join(options.nodeFolder, "bin/node"), join(folder, "usr/local/bin/node"));
  await chmod(join(folder, "usr/local/bin/node"), 0o755);
  await copyTree(options.npmFolder, join(folder, "usr/local/lib/node_modules/npm"));
  await run("chmod", ["-R", "u=rwX,go=rX", join(folder, "usr/local/lib/node_modules")]);
  for (const name of ["npm", "npx"])
    await run("ln", ["-sfn", `../lib/node_modules/npm/bin/${name}-cli.js`, join(folder, "usr/local/bin", name)]);
  await removeIdentity(folder);
  const layerTar = `${options.out}.layer`;
  await tarFolder(folder, layerTar, { exclude: ["./dev/*", "./proc/*", "./sys/*"] });
  await rm(folder, { recursive: true });
  await writeDockerArchive({
    layerTar,
    name: defaultDevcontainerImage,
    arch: options.arch,
    labels: { "devcontainer.metadata": '[{"remoteUser":"vscode"}]' },
    out: options.out,
  });
}
