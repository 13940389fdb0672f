import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { hostImageArch } from "../src/vm/image/find-image.ts";
import { debPath, type DebianPackage, downloadPackages, resolveList } from "./image/debian-packages.ts";
import { progress } from "./image/progress.ts";
import { run } from "./image/shell.ts";

/**
 * `npm run vm-dist -- [--arch amd64|arm64]`: QEMU of Debian with all it needs, so that a packaged app runs
 * where no QEMU is installed, whatever its distribution's C library. `npm run package` takes it from where it is put.
 */
const root = join(import.meta.dirname, "..");
const perArch = {
  amd64: { package: "qemu-system-x86", program: "qemu-system-x86_64", triplet: "x86_64-linux-gnu", loader: "ld-linux-x86-64.so.2" },
  arm64: { package: "qemu-system-arm", program: "qemu-system-aarch64", triplet: "aarch64-linux-gnu", loader: "ld-linux-aarch64.so.1" },
} as const;
/** What QEMU reads to boot a kernel directly on q35; virt needs none. */
const firmware = ["bios-256k.bin", "linuxboot.bin", "linuxboot_dma.bin", "pvh.bin", "kvmvapic.bin"];
const firmwareFolders = ["usr/share/qemu", "usr/share/seabios"];

type Arch = keyof typeof perArch;

/** The files of Debian packages, each unpacked in a folder of its own. */
class Unpacked {
  readonly #folder: string;
  readonly used = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The first of these paths that some package has, and remembers whose it is. */
  find(paths: readonly string[]): string | undefined {
    for (const name of readdirSync(this.#folder)) {
      for (const path of paths) {
        const found = join(this.#folder, name, path);
        if (!existsSync(found)) continue;
        const real = realpathSync(found);
        // A link of a package that leads out of it would bring in this computer's own file.
        if (!real.startsWith(`${realpathSync(this.#folder)}/`)) continue;
        this.used.add(name);
        return real;
      }
    }
    return undefined;
  }

  /** As `find`, for what has to be there. */
  get(name: string, folders: readonly string[]): string {
    const found = this.find(folders.map((folder) => join(folder, name)));
    if (found === undefined) throw new Error(`no Debian package has ${name}`);
    return found;
  }

  /** The licence of every package that something was taken from. */
  copyLicences(to: string): void {
    mkdirSync(to, { recursive: true });
    for (const name of [...this.used]) copyFileSync(this.#licenceOf(name), join(to, name));
  }

  /** A package may have its documentation in that of another of the same source: its folder is a link to that one's then. */
  #licenceOf(name: string): string {
    const folder = join(this.#folder, name, "usr/share/doc", name);
    const linked = lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink() === true ? basename(readlinkSync(folder)) : name;
    return this.get("copyright", [join("usr/share/doc", linked)]);
  }
}

/** The libraries that a program or library names (ld.so(8)). */
async function neededBy(path: string): Promise<string[]> {
  const text = await run("readelf", ["--dynamic", "--wide", "--", path]);
  return [...text.matchAll(/\(NEEDED\).*\[([^\]]+)\]/g)].map(([, name = ""]) => name);
}

async function copyLibraries(program: string, packages: Unpacked, arch: Arch, to: string): Promise<void> {
  const { triplet, loader } = perArch[arch];
  const folders = [`usr/lib/${triplet}`, `lib/${triplet}`, "usr/lib", "lib", "usr/lib64", "lib64"];
  const seen = new Set<string>();
  const waiting = [loader, ...(await neededBy(program))];
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const path = packages.get(name, folders);
    copyFileSync(path, join(to, name));
    waiting.push(...(await neededBy(path)));
  }
  chmodSync(join(to, loader), 0o755);
}

/** Starts the program by the loader that lies beside it: a distribution's own may be older than its C library needs. */
function launcher(arch: Arch): string {
  const { program, loader } = perArch[arch];
  return `#!/bin/sh
set -eu
here=$(dirname -- "$(readlink -f -- "$0")")/..
exec "$here/lib/${loader}" --library-path "$here/lib" --argv0 ${program} "$here/libexec/${program}" -L "$here/share/qemu" "$@"
`;
}

async function unpack(packages: readonly DebianPackage[], debs: string, to: string): Promise<Unpacked> {
  for (const { name, sha256 } of packages) {
    mkdirSync(join(to, name), { recursive: true });
    await run("dpkg-deb", ["--extract", debPath(debs, sha256), join(to, name)]);
  }
  return new Unpacked(to);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { arch: { type: "string", default: hostImageArch() } } });
  const { arch } = values;
  if (arch !== "amd64" && arch !== "arm64") throw new Error(`--arch is amd64 or arm64, not ${arch}`);
  const out = join(root, ".cache/vm-dist", arch);
  const step = progress("vm-dist");
  mkdirSync(join(out, ".."), { recursive: true });
  const work = mkdtempSync(`${out}.work-`);
  try {
    const { package: wanted, program } = perArch[arch];
    const packages = await step("asking Debian for QEMU's packages", async () =>
      resolveList(arch, [wanted, ...(arch === "amd64" ? ["seabios"] : [])]),
    );
    const debs = join(root, ".cache/images/debs");
    await downloadPackages(arch, packages, debs, step);
    const unpacked = await step("unpacking", async () => unpack(packages, debs, join(work, "packages")));
    const made = join(work, "made");
    for (const name of ["bin", "lib", "libexec", "share/qemu"]) mkdirSync(join(made, name), { recursive: true });
    const binary = unpacked.get(program, ["usr/bin"]);
    copyFileSync(binary, join(made, "libexec", program));
    chmodSync(join(made, "libexec", program), 0o755);
    await step("copying what it needs", async () => copyLibraries(binary, unpacked, arch, join(made, "lib")));
    if (arch === "amd64") for (const name of firmware) copyFileSync(unpacked.get(name, firmwareFolders), join(made, "share/qemu", name));
    writeFileSync(join(made, "bin", program), launcher(arch), { mode: 0o755 });
    unpacked.copyLicences(join(made, "licences"));
    // Where the sources are found of what is given on.
    const versions = packages.filter(({ name }) => unpacked.used.has(name)).map(({ name, version }) => `${name} ${version}\n`);
    writeFileSync(join(made, "licences/DEBIAN-PACKAGES"), versions.join(""));
    rmSync(out, { recursive: true, force: true });
    renameSync(made, out);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  process.stdout.write(`${out}\n`);
}

await main().catch((error: unknown) => {
  process.stderr.write(`vm-dist: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
