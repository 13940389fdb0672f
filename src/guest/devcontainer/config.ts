import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { parse, type ParseError, printParseErrorCode } from "jsonc-parser";
import { z } from "zod";
import { JobError } from "../jobs/job.ts";

const maxConfigBytes = 1024 * 1024;

/** The few fields that are read before the devcontainer CLI reads all of them. */
const configSchema = z.looseObject({
  image: z.string().optional(),
  remoteUser: z.string().optional(),
  containerUser: z.string().optional(),
  features: z.record(z.string(), z.unknown()).optional(),
  runArgs: z.array(z.string()).optional(),
  build: z.looseObject({ dockerfile: z.string().optional() }).optional(),
  dockerFile: z.string().optional(),
  dockerComposeFile: z.union([z.string(), z.array(z.string())]).optional(),
  hostRequirements: z
    .looseObject({ cpus: z.number().optional(), memory: z.string().optional(), storage: z.string().optional() })
    .optional(),
});

export type DevcontainerConfig = z.infer<typeof configSchema>;

/** Reads a devcontainer.json (JSON with comments). Fails with `devcontainer-invalid`, saying where. */
export function parseConfig(text: string, path: string): DevcontainerConfig {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first !== undefined) {
    const line = text.slice(0, first.offset).split("\n").length;
    throw new JobError("devcontainer-invalid", `${path}, line ${line}: ${printParseErrorCode(first.error)}`);
  }
  const config = configSchema.safeParse(value);
  if (!config.success) {
    const issue = config.error.issues[0];
    throw new JobError(
      "devcontainer-invalid",
      `${path}: ${issue?.path.join(".") ?? ""} ${issue?.message ?? "cannot be read"}`.replace("  ", " "),
    );
  }
  return config.data;
}

/** Reads a configuration and hashes it with the Dockerfile and Compose files it names. */
export async function loadConfig(
  repository: string,
  path: string,
): Promise<{ readonly config: DevcontainerConfig; readonly hash: string }> {
  const text = await readFile(join(repository, path), "utf8");
  if (text.length > maxConfigBytes) throw new JobError("devcontainer-invalid", `${path} is too long`);
  const config = parseConfig(text, path);
  const compose = config.dockerComposeFile;
  const named = [config.build?.dockerfile, config.dockerFile, ...(typeof compose === "string" ? [compose] : (compose ?? []))].filter(
    (name) => name !== undefined,
  );
  const hash = createHash("sha256").update(text);
  for (const name of named)
    hash.update(`\0${name}\0`).update(await readFile(join(repository, normalize(join(dirname(path), name)))).catch(() => ""));
  return { config, hash: hash.digest("hex") };
}

/** How big a machine a configuration asks for; 0 is what it does not say. */
export function hostRequirements(config: DevcontainerConfig): { cpus: number; memoryBytes: number; storageBytes: number } {
  const { cpus = 0, memory, storage } = config.hostRequirements ?? {};
  return { cpus: Math.max(0, Math.ceil(cpus)), memoryBytes: parseSize(memory) ?? 0, storageBytes: parseSize(storage) ?? 0 };
}

/** Why this machine is too small for a configuration's hostRequirements, or undefined. */
export function unmetRequirement(
  config: DevcontainerConfig,
  machine: { readonly cpus: number; readonly memoryBytes: number; readonly diskBytes: number },
): string | undefined {
  const wanted = config.hostRequirements;
  if (wanted === undefined) return undefined;
  if (wanted.cpus !== undefined && wanted.cpus > machine.cpus) return `it asks for ${wanted.cpus} CPUs, the machine has ${machine.cpus}`;
  const memory = parseSize(wanted.memory);
  // The kernel keeps a little of what the machine was given.
  if (memory !== undefined && memory > machine.memoryBytes * 1.1)
    return `it asks for ${wanted.memory} of memory, the machine has ${gib(machine.memoryBytes)}`;
  const storage = parseSize(wanted.storage);
  if (storage !== undefined && storage > machine.diskBytes)
    return `it asks for ${wanted.storage} of storage, the machine has ${gib(machine.diskBytes)}`;
  return undefined;
}

/** Bytes of "4gb", "512mb" and the like (devcontainer.json reference, hostRequirements). */
export function parseSize(text: string | undefined): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(tb|gb|mb|kb)?$/i.exec(text ?? "");
  if (match === null) return undefined;
  const unit = { kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3, tb: 1024 ** 4 }[(match[2] ?? "").toLowerCase()] ?? 1;
  return Number(match[1]) * unit;
}

function gib(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
