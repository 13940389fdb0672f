import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "../../src/lib/atomic-file.ts";
import { debianSources, type PackageLock, packageLockSchema, resolvePackages } from "./debian-packages.ts";
import { readList, sha256 } from "./inputs.ts";
import { readJson } from "./json-file.ts";
import { progress, say } from "./progress.ts";

/** For so long Debian is not asked again what the newest packages are. */
const freshMs = 24 * 60 * 60_000;

const answerSchema = z.object({ question: z.string(), atMs: z.number(), packages: packageLockSchema });

/**
 * The exact packages of an image: those of the last day's answer, else Debian's answer of now. Without network
 * the last answer to the same question holds.
 */
export async function lockPackages(options: {
  readonly arch: "amd64" | "arm64";
  readonly recipeFolder: string;
  readonly imagesFolder: string;
  readonly update: boolean;
}): Promise<PackageLock> {
  const lists = {
    machine: readList(join(options.recipeFolder, "packages.txt")),
    devcontainer: readList(join(options.recipeFolder, "devcontainer-packages.txt")),
  };
  const path = join(options.imagesFolder, `packages-${options.arch}.json`);
  const question = sha256(JSON.stringify([debianSources, lists]));
  const known = answerSchema.safeParse(await readJson(path)).data;
  const answered = known?.question === question ? known : undefined;
  const ageMs = Date.now() - (answered?.atMs ?? 0);
  if (answered !== undefined && ageMs >= 0 && ageMs < freshMs && !options.update) return answered.packages;
  try {
    const packages = await progress()("asking for the newest Debian packages", async () => resolvePackages(options.arch, lists));
    await writeFileAtomically(path, JSON.stringify({ question, atMs: Date.now(), packages }), 0o644);
    return packages;
  } catch (error) {
    if (answered === undefined) throw error;
    say(`${String(error)}\nimage: going on with the packages of ${new Date(answered.atMs).toISOString()}`);
    return answered.packages;
  }
}
