import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** Not dependencies at run time, and yet a part of what ships: the style sheet's base, and the app's own runtime. */
const alsoShipped = ["tailwindcss", "electron"];

const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ dev: z.boolean().optional(), link: z.boolean().optional() })),
});
const manifestSchema = z.object({
  name: z.string(),
  version: z.string(),
  license: z.union([z.string(), z.object({ type: z.string() })]).optional(),
  main: z.unknown().optional(),
});

/** One package that ships. `text` is the index of its licence's text; -1 when it has none. */
interface ShippedPackage {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly text: number;
}

/** What the window shows about licences: packages, and each text once. */
export interface Licences {
  readonly packages: readonly ShippedPackage[];
  readonly texts: readonly string[];
}

/** Reads the licences of all packages that ship, by package-lock.json and what is installed. */
export function collectLicences(root: string): Licences {
  const lock = lockSchema.parse(JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")));
  const folders = Object.entries(lock.packages)
    .filter(([path, { dev, link }]) => path !== "" && dev !== true && link !== true)
    .map(([path]) => path);
  // Of the Apache License there is one text for all, and some packages leave it out; it is our own too.
  const apache = readFileSync(join(root, "LICENSE"), "utf8").trim();
  const texts: string[] = [];
  const packages = [...folders, ...alsoShipped.map((name) => `node_modules/${name}`)].flatMap((path): ShippedPackage[] => {
    const folder = join(root, path);
    // What is optional and for another system is not installed and does not ship either.
    const manifest = readManifest(folder);
    // An empty entry point means nothing but types.
    if (manifest === undefined || manifest.main === "") return [];
    const own = licenceText(folder);
    const licence = typeof manifest.license === "string" ? manifest.license : (manifest.license?.type ?? "");
    const text = own === "" && licence.includes("Apache-2.0") ? apache : own;
    if (text !== "" && !texts.includes(text)) texts.push(text);
    return [{ name: manifest.name, version: manifest.version, licence, text: text === "" ? -1 : texts.indexOf(text) }];
  });
  const byName = new Map(packages.map((p) => [`${p.name}@${p.version}`, p]));
  return { packages: [...byName.values()].toSorted((a, b) => a.name.localeCompare(b.name, "en")), texts };
}

function readManifest(folder: string): z.infer<typeof manifestSchema> | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, "package.json"), "utf8");
  } catch {
    return undefined;
  }
  return manifestSchema.parse(JSON.parse(text));
}

function licenceText(folder: string): string {
  return readdirSync(folder)
    .filter((name) => /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i.test(name))
    .toSorted()
    .map((name) => readFileSync(join(folder, name), "utf8").trim())
    .join("\n\n");
}
