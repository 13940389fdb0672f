import { extractFile, listPackage, uncacheAll } from "@electron/asar";
import { FuseV1Options, getCurrentFuseWire } from "@electron/fuses";
import { existsSync, lstatSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { builtinModules } from "node:module";
import { homedir } from "node:os";

const enabled = "1".charCodeAt(0);
const disabled = "0".charCodeAt(0);
const expectedFuses: ReadonlyMap<FuseV1Options, number> = new Map([
  [FuseV1Options.RunAsNode, disabled],
  [FuseV1Options.EnableCookieEncryption, enabled],
  [FuseV1Options.EnableNodeOptionsEnvironmentVariable, disabled],
  [FuseV1Options.EnableNodeCliInspectArguments, disabled],
  [FuseV1Options.EnableEmbeddedAsarIntegrityValidation, enabled],
  [FuseV1Options.OnlyLoadAppFromAsar, enabled],
  [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot, disabled],
  [FuseV1Options.GrantFileProtocolExtraPrivileges, disabled],
]);
/** What the archive may hold; everything else came in by mistake. */
const allowedFiles =
  /^\/(?:package\.json|main\.mjs|host\.mjs|preload\.cjs|update-key\.pem|icons(?:\/tray(?:Template)?(?:@2x)?\.png)?|renderer(?:\/.*)?)$/;
const requiredFiles = ["/package.json", "/main.mjs", "/host.mjs", "/preload.cjs", "/renderer/index.html", "/icons/tray.png"];
/** Bundles may ask for these and nothing else, since there is no node_modules. */
const available: ReadonlySet<string> = new Set(["electron", ...builtinModules, ...builtinModules.map((name) => `node:${name}`)]);

export interface PackageCheck {
  readonly faults: readonly string[];
  /** Sizes, largest first. */
  readonly report: string;
}

/** Opens an unpacked Linux package and says what is wrong with it. */
export async function checkPackage(folder: string): Promise<PackageCheck> {
  const asar = join(folder, "resources/app.asar");
  // What was read of an archive before may be of another one of the same name.
  uncacheAll();
  const faults = [...(await fuseFaults(join(folder, "berth"))), ...asarFaults(asar), ...resourceFaults(folder)];
  return { faults, report: sizeReport(folder) };
}

async function fuseFaults(binary: string): Promise<string[]> {
  const wire = new Map(Object.entries(await getCurrentFuseWire(binary)));
  return [...expectedFuses].flatMap(([fuse, state]) =>
    wire.get(String(fuse)) === state ? [] : [`the fuse ${FuseV1Options[fuse]} is not ${state === enabled ? "on" : "off"}`],
  );
}

function asarFaults(asar: string): string[] {
  const files = listPackage(asar, { isPack: false });
  const faults = requiredFiles.filter((file) => !files.includes(file)).map((file) => `the archive lacks ${file}`);
  for (const file of files) {
    if (!allowedFiles.test(file)) faults.push(`the archive holds ${file}`);
    if (file.endsWith(".map")) faults.push(`the archive holds the source map ${file}`);
    if (/\.(?:m?js|cjs|css|html)$/.test(file)) faults.push(...textFaults(file, extractFile(asar, file.slice(1)).toString("utf8")));
  }
  const manifest: Record<string, unknown> = JSON.parse(extractFile(asar, "package.json").toString("utf8"));
  for (const name of ["dependencies", "devDependencies", "scripts"])
    if (Object.keys(manifest[name] ?? {}).length > 0) faults.push(`the archive's package.json has ${name}`);
  return faults;
}

function textFaults(file: string, text: string): string[] {
  const faults: string[] = [];
  if (/\/\/[#@] sourceMappingURL=/.test(text)) faults.push(`${file} names a source map`);
  // Where it was built is nobody's business.
  if ([join(import.meta.dirname, ".."), homedir()].some((path) => path.length > 1 && text.includes(`${path}/`)))
    faults.push(`${file} names a path of the building computer`);
  if (/\.[mc]js$/.test(file)) {
    for (const [, name = ""] of text.matchAll(/^import [^;"']*["']([^"']+)["'];/gm))
      if (!available.has(name)) faults.push(`${file} needs ${name}, which is not in the archive`);
  }
  return faults;
}

function resourceFaults(folder: string): string[] {
  const resources = join(folder, "resources");
  const faults = existsSync(join(resources, "default_app.asar")) ? ["Electron's default app is still there"] : [];
  for (const name of ["programs/node", "programs/proxy.mjs", "programs/berth.mjs", "programs/host.mjs", "programs/runner.mjs"])
    if (!existsSync(join(resources, name))) faults.push(`resources/${name} is not there`);
  const node = join(resources, "programs/node");
  if (existsSync(node) && (statSync(node).mode & 0o111) === 0) faults.push("resources/programs/node cannot be run");
  if (existsSync(join(resources, "app"))) faults.push("there is an unpacked app beside the archive");
  return faults;
}

function sizeReport(folder: string): string {
  const parts = [
    ["Electron", sizeOf(folder) - sizeOf(join(folder, "resources"))],
    ["app.asar", sizeOf(join(folder, "resources/app.asar"))],
    ["Node and programs", sizeOf(join(folder, "resources/programs"))],
    ["machine image", sizeOf(join(folder, "resources/images"))],
    ["virtual machine monitor", sizeOf(join(folder, "resources/vm"))],
    ["all", sizeOf(folder)],
  ] as const;
  return parts.map(([name, bytes]) => `${name.padEnd(24)}${(bytes / 1024 ** 2).toFixed(1).padStart(9)} MiB\n`).join("");
}

function sizeOf(path: string): number {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 0;
  if (!found.isDirectory()) return found.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}
