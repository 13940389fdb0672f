import type { Command } from "commander";
import { version } from "../../lib/version.ts";
import { print, printJson } from "../output.ts";
import { jsonOption } from "./options.ts";

/** `berth version`. */
export function registerVersion(program: Command): void {
  program
    .command("version")
    .description("Print the version")
    .addOption(jsonOption())
    .action(({ json }: { readonly json?: true }) => {
      if (json) printJson({ version, node: process.versions.node, platform: process.platform, arch: process.arch });
      else print(version);
    });
}
