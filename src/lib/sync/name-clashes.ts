import type { Scan, SkipReason } from "./entries.ts";

/**
 * Names of the environment that this computer's file system takes for a name it has already, or for each other: `A`
 * and `a`, or two spellings of one letter. They are left alone, since one would be written over the other.
 */
export function nameClashes(local: Scan, remote: Scan): ReadonlyMap<string, SkipReason> {
  const owners = new Map<string, string>();
  for (const path of local.entries.keys()) owners.set(folded(path), path);
  const clashes = new Map<string, SkipReason>();
  for (const path of [...remote.entries.keys()].sort()) {
    const owner = owners.get(folded(path));
    if (owner === undefined) owners.set(folded(path), path);
    else if (owner !== path) clashes.set(path, "name-clash");
  }
  return clashes;
}

function folded(path: string): string {
  return path.normalize("NFC").toLowerCase();
}
