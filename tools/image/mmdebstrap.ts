import { rm } from "node:fs/promises";
import { run } from "./shell.ts";

/** One mmdebstrap run as root; `hooks` are its customize hooks, with the tree as $1. */
export async function mmdebstrap(options: {
  readonly arch: string;
  readonly variant: string;
  readonly packages: readonly string[];
  /** A mirror's address or a line of sources.list. */
  readonly source: string;
  readonly suite: string;
  readonly out: string;
  readonly hooks: readonly string[];
}): Promise<void> {
  await rm(options.out, { recursive: true, force: true });
  await run("mmdebstrap", [
    "--quiet",
    `--architectures=${options.arch}`,
    `--variant=${options.variant}`,
    "--mode=root",
    "--format=directory",
    "--skip=check/qemu",
    // After a crash nothing of the tree is used, so that dpkg need not wait for the disk.
    "--dpkgopt=force-unsafe-io",
    `--include=${options.packages.join(",")}`,
    '--customize-hook=rm -f "$1/etc/dpkg/dpkg.cfg.d/99mmdebstrap"',
    ...options.hooks.map((hook) => `--customize-hook=${hook}`),
    options.suite,
    options.out,
    options.source,
  ]);
}
