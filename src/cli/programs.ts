import { join } from "node:path";

const sources = { host: "../host/main.ts", proxy: "proxy.ts" } as const;

/** Arguments of Node that run one of our programs: its bundle beside this file's own, or its source when this is source. */
export function programArguments(name: keyof typeof sources): readonly string[] {
  const bundled = import.meta.filename.endsWith(".mjs");
  return bundled
    ? [join(import.meta.dirname, `${name}.mjs`)]
    : ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, sources[name])];
}
