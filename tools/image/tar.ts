import { run, sourceDateEpoch } from "./shell.ts";

/** An archive of a folder that depends on names, modes and contents alone. `exclude` are tar's patterns. */
export async function tarFolder(
  folder: string,
  out: string,
  options: { readonly exclude?: readonly string[]; readonly rootOwned?: boolean } = {},
): Promise<void> {
  await run("tar", [
    "--sort=name",
    "--format=gnu",
    `--mtime=@${sourceDateEpoch}`,
    "--numeric-owner",
    ...(options.rootOwned === true ? ["--owner=0", "--group=0"] : []),
    ...(options.exclude ?? []).map((pattern) => `--exclude=${pattern}`),
    "-cf",
    out,
    "-C",
    folder,
    ".",
  ]);
}
