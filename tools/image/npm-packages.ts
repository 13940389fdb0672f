import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./shell.ts";

export interface NpmPackages {
  readonly node: string;
  readonly npm: string;
  readonly devcontainersCli: string;
}

/** Node for the machine's architecture, npm and the devcontainer CLI, exactly as the lock file says and without running their scripts. */
export async function fetchNpmPackages(arch: "amd64" | "arm64", recipeFolder: string, folder: string): Promise<NpmPackages> {
  const cpu = arch === "amd64" ? "x64" : "arm64";
  await mkdir(folder, { recursive: true });
  for (const name of ["package.json", "package-lock.json"]) await cp(join(recipeFolder, "npm", name), join(folder, name));
  await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--os=linux", `--cpu=${cpu}`], { cwd: folder }).catch(
    (error: unknown) => {
      throw new Error(`Node, npm and the devcontainer CLI could not be fetched; is the network there?\n${String(error)}`);
    },
  );
  const modules = join(folder, "node_modules");
  const cli = join(modules, "@devcontainers/cli");
  for (const name of await readdir(join(cli, "dist"), { recursive: true })) if (name.endsWith(".map")) await rm(join(cli, "dist", name));
  return { node: join(modules, `node-linux-${cpu}`), npm: join(modules, "npm"), devcontainersCli: cli };
}
