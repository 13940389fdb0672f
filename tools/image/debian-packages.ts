import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { sha256OfFile } from "../../src/vm/image/image-folder.ts";
import type { Step } from "./progress.ts";
import { run } from "./shell.ts";

export const suite = "trixie";
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
/** Debian's own sources with its security updates, for the build and for the dev container alike. */
export const debianSources = `Types: deb
URIs: http://deb.debian.org/debian
Suites: ${suite} ${suite}-updates
Components: main
Signed-By: ${keyring}

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: ${suite}-security
Components: main
Signed-By: ${keyring}
`;

const debianPackageSchema = z.object({ name: z.string(), version: z.string(), sha256: z.string(), sizeBytes: z.number() });
export type DebianPackage = z.infer<typeof debianPackageSchema>;

/** Every package of an image with its exact version and content. */
export const packageLockSchema = z.object({
  machine: z.array(debianPackageSchema),
  devcontainer: z.array(debianPackageSchema),
  kernel: debianPackageSchema,
});
export type PackageLock = z.infer<typeof packageLockSchema>;

/** Asks Debian's signed index which packages the lists mean today. Changes nothing on this computer. */
export async function resolvePackages(
  arch: string,
  lists: { readonly machine: readonly string[]; readonly devcontainer: readonly string[] },
): Promise<PackageLock> {
  return withApt(arch, async (apt) => {
    const [machine, devcontainer] = [
      await resolve(apt, ["?essential", "apt", ...lists.machine]),
      await resolve(apt, ["?essential", "?priority(required)", "apt", ...lists.devcontainer]),
    ];
    const depends = await apt("apt-cache", ["depends", `linux-image-cloud-${arch}`]);
    const kernelName = /Depends: (linux-image-[0-9]\S+)/.exec(depends)?.[1] ?? "";
    const kernel = (await lookUp(apt, [kernelName]))[0];
    if (kernel === undefined) throw new Error("Debian's package index names no kernel for cloud machines");
    return { machine, devcontainer, kernel };
  });
}

/** These packages and all they depend on, as Debian's signed index has them today. */
export async function resolveList(arch: string, names: readonly string[]): Promise<readonly DebianPackage[]> {
  return withApt(arch, async (apt) => resolve(apt, names));
}

/** Fetches the packages that are not in `folder` yet; each lies there under its sha256. */
export async function downloadPackages(arch: string, packages: readonly DebianPackage[], folder: string, step: Step): Promise<void> {
  await mkdir(folder, { recursive: true });
  const missing = new Map(packages.filter(({ sha256 }) => !existsSync(debPath(folder, sha256))).map((each) => [each.sha256, each]));
  if (missing.size === 0) return;
  const incoming = await mkdtemp(join(folder, "incoming-"));
  const totalBytes = [...missing.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const wanted = [...missing.values()].map(({ name, version }) => `${name}=${version}`);
  try {
    await step(
      `fetching ${missing.size} Debian packages`,
      async () => withApt(arch, async (apt) => apt("apt-get", ["download", "-q", "--", ...wanted], incoming)),
      async () => `${Math.floor((100 * (await bytesIn(incoming))) / totalBytes)} % of ${(totalBytes / 1e6).toFixed(0)} MB`,
    );
    for (const name of await readdir(incoming)) {
      const sha256 = await sha256OfFile(join(incoming, name));
      if (missing.delete(sha256)) await rename(join(incoming, name), debPath(folder, sha256));
    }
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
  const lost = [...missing.values()].map(({ name, version }) => `${name} ${version}`);
  if (lost.length > 0) throw new Error(`Debian's archive gave something else for ${lost.join(", ")}; try again`);
}

/** A package archive of these packages alone, in one folder: what mmdebstrap installs cannot be anything else. */
export async function makeRepository(
  arch: string,
  packages: readonly DebianPackage[],
  debsFolder: string,
  folder: string,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const stanzas: string[] = [];
  for (const { sha256, sizeBytes } of packages) {
    const control = await run("dpkg-deb", ["--field", debPath(debsFolder, sha256)]);
    await symlink(debPath(debsFolder, sha256), join(folder, `${sha256}.deb`));
    stanzas.push(`${control.trimEnd()}\nFilename: ./${sha256}.deb\nSize: ${sizeBytes}\nSHA256: ${sha256}\n`);
  }
  await writeFile(join(folder, "Packages"), stanzas.join("\n"));
  await writeFile(join(folder, "Release"), `Suite: ${suite}\nCodename: ${suite}\nArchitectures: ${arch} all\n`);
  return `deb [trusted=yes] copy://${encodeURI(folder)} ./`;
}

export function debPath(folder: string, sha256: string): string {
  return join(folder, `${sha256}.deb`);
}

type Apt = (program: "apt-get" | "apt-cache", args: readonly string[], cwd?: string) => Promise<string>;

/** apt with its own folders, an index fetched just now and no package installed. */
async function withApt<T>(arch: string, work: (apt: Apt) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "berth-apt-"));
  try {
    for (const name of ["etc/sources.list.d", "etc/apt.conf.d", "etc/preferences.d", "state/lists/partial", "cache/archives/partial"])
      await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, "status"), "");
    await writeFile(join(folder, "etc/sources.list.d/debian.sources"), debianSources);
    await writeFile(join(folder, "apt.conf"), aptConfiguration(arch, folder));
    const apt: Apt = async (program, args, cwd) =>
      run(program, args, { env: { APT_CONFIG: join(folder, "apt.conf") }, ...(cwd === undefined ? {} : { cwd }) });
    await apt("apt-get", ["update", "-q", "--error-on=any"]).catch((error: unknown) => {
      const reasons = String(error).match(/^E: Failed.*$/gm) ?? [String(error)];
      throw new Error(`Debian's package index could not be fetched; is the network there?\n${reasons.join("\n")}`, { cause: error });
    });
    return await work(apt);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function aptConfiguration(arch: string, folder: string): string {
  return `Dir::Etc "${folder}/etc";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::parts "apt.conf.d";
Dir::State "${folder}/state";
Dir::State::status "${folder}/status";
Dir::Cache "${folder}/cache";
APT::Architecture "${arch}";
APT::Architectures { "${arch}"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
`;
}

async function resolve(apt: Apt, wanted: readonly string[]): Promise<DebianPackage[]> {
  const text = await apt("apt-get", ["install", "--print-uris", "-qq", "-y", "--", ...wanted]);
  const names = [...text.matchAll(/^'\S+' ([^\s_]+)_([^\s_]+)_\S+\.deb /gm)].map(
    ([, name, version]) => `${name}=${decodeURIComponent(version ?? "")}`,
  );
  return lookUp(apt, names);
}

async function lookUp(apt: Apt, names: readonly string[]): Promise<DebianPackage[]> {
  const text = await apt("apt-cache", ["show", "--no-all-versions", "--", ...names]);
  const field = (stanza: string, name: string): string => new RegExp(`^${name}: (\\S+)`, "m").exec(stanza)?.[1] ?? "";
  const packages = text
    .split("\n\n")
    .filter((stanza) => stanza.trim() !== "")
    .map((stanza) =>
      debianPackageSchema.parse({
        name: field(stanza, "Package"),
        version: field(stanza, "Version"),
        sha256: field(stanza, "SHA256"),
        sizeBytes: Number(field(stanza, "Size")),
      }),
    );
  if (packages.length !== names.length) throw new Error(`apt showed ${packages.length} of ${names.length} packages`);
  return packages.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function bytesIn(folder: string): Promise<number> {
  let sum = 0;
  for (const path of await readdir(folder, { recursive: true })) sum += (await stat(join(folder, path)).catch(() => undefined))?.size ?? 0;
  return sum;
}

/** How many packages dpkg has set up in a tree, for the progress of an installation. */
export async function countInstalled(root: string): Promise<number> {
  const folder = join(root, "var/lib/dpkg");
  // dpkg writes each change to a file of its own and only now and then all of them into status.
  const changes = (await readdir(join(folder, "updates")).catch(() => [])).map((name) => join(folder, "updates", name));
  const installed = new Set<string>();
  for (const path of [join(folder, "status"), ...changes]) {
    const text = await readFile(path, "utf8").catch(() => "");
    for (const match of text.matchAll(/^Package: (\S+)\n(?:.+\n)*?Status: install ok installed$/gm)) installed.add(match[1] ?? "");
  }
  return installed.size;
}
