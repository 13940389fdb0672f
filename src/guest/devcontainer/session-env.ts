import { randomUUID } from "node:crypto";
import { chown, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { workUserId } from "../settings.ts";

const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;
const variablesSchema = z.record(z.string(), z.string());

/** Where the variables of every shell and command in an environment are; volatile, because secrets are among them. */
export interface SessionEnvFiles {
  /** For `docker exec --env-file`, which has one line a variable. */
  readonly lines: string;
  /** For sh: exports the values of several lines and adds them to the arguments of `docker exec` by name. */
  readonly script: string;
  /** For the agent itself. */
  readonly json: string;
  /** As `lines`, of proxies and authorities: they change while the container runs. Where both have a name, the others count. */
  readonly network: string;
}

export function sessionEnvFiles(runFolder: string, environmentId: string): SessionEnvFiles {
  const folder = join(runFolder, "secrets", environmentId);
  return { lines: join(folder, "env"), script: join(folder, "env.sh"), json: join(folder, "env.json"), network: join(folder, "network") };
}

/** Writes the files anew; their folder must be there. Only root and the work user's group may read them. */
export async function writeSessionEnv(files: SessionEnvFiles, env: Readonly<Record<string, string>>): Promise<void> {
  const entries = Object.entries(env).filter(([name]) => variableName.test(name));
  const single = entries.filter(([, value]) => !value.includes("\n"));
  const several = entries.filter(([, value]) => value.includes("\n"));
  await replace(files.lines, single.map(([name, value]) => `${name}=${value}\n`).join(""));
  await replace(files.script, several.map(([name, value]) => `export ${name}=${quoteForShell(value)}\nset -- "$@" -e ${name}\n`).join(""));
  await replace(files.json, JSON.stringify(Object.fromEntries(entries)));
}

/** Writes those of the network anew; the folder must be there. */
export async function writeNetworkEnv(files: SessionEnvFiles, env: Readonly<Record<string, string>>): Promise<void> {
  await replace(
    files.network,
    Object.entries(env)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
}

/** The variables as they were last written; none before the first start since boot. */
export async function readSessionEnv(files: SessionEnvFiles): Promise<Readonly<Record<string, string>>> {
  try {
    return variablesSchema.parse(JSON.parse(await readFile(files.json, "utf8")));
  } catch {
    return {};
  }
}

/** Single-quoted for sh. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

async function replace(path: string, content: string): Promise<void> {
  // A name of its own: the network's settings come while an environment starts, and both write the same file.
  const temporaryPath = `${path}.${randomUUID()}.new`;
  await writeFile(temporaryPath, content, { mode: 0o640 });
  if (process.getuid?.() === 0) await chown(temporaryPath, 0, workUserId);
  await rename(temporaryPath, path);
}
