import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Any day does: the last change of a password that nobody has. */
const shadowDay = "20454";

export async function removePaths(folder: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(join(folder, path), { recursive: true, force: true });
}

/** Copies a tree as it is: unless told so, Node turns relative links into absolute ones, to where the tree lay. */
export async function copyTree(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, verbatimSymlinks: true });
}

export async function makeFolders(folder: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) await mkdir(join(folder, path), { recursive: true });
}

/** Takes away what tells one build or one computer from another. */
export async function removeIdentity(folder: string): Promise<void> {
  await removePaths(join(folder, "etc"), [
    "machine-id",
    "hostname",
    "resolv.conf",
    "passwd-",
    "group-",
    "shadow-",
    "gshadow-",
    "subuid-",
    "subgid-",
    ".pwd.lock",
  ]);
  await removePaths(join(folder, "var/lib/dpkg"), [
    "lock",
    "lock-frontend",
    "status-old",
    "available-old",
    "diversions-old",
    "statoverride-old",
  ]);
  const shadow = await readFile(join(folder, "etc/shadow"), "utf8");
  await writeFile(join(folder, "etc/shadow"), shadow.replace(/^([^:]*:[^:]*:)[0-9]*:/gm, `$1${shadowDay}:`));
  // git-lfs writes its one section there, the lines in an order of its own.
  const gitConfig = await readFile(join(folder, "etc/gitconfig"), "utf8").catch(() => "");
  const [section = "", ...lines] = gitConfig.trimEnd().split("\n");
  if (lines.some((line) => !line.startsWith("\t"))) throw new Error("etc/gitconfig holds more than git-lfs's section");
  if (section !== "") await writeFile(join(folder, "etc/gitconfig"), `${[section, ...lines.toSorted()].join("\n")}\n`);
  // Python writes what it compiled in an order of its own.
  const names = await readdir(join(folder, "usr"), { recursive: true });
  await removePaths(
    join(folder, "usr"),
    names.filter((name) => name.endsWith("/__pycache__")),
  );
}
