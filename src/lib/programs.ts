import { join } from "node:path";

/** Where our programs are as source, from this file's folder. */
const sources = { host: "../host/main.ts", runner: "../host/runner/main.ts", proxy: "../cli/proxy.ts" } as const;

/** Arguments of Node that run one of our programs: its bundle beside the one that runs now, or its source when source runs. */
export function programArguments(name: keyof typeof sources): readonly string[] {
  const bundled = import.meta.filename.endsWith(".mjs");
  return bundled
    ? [join(import.meta.dirname, `${name}.mjs`)]
    : ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, sources[name])];
}
