import { createHash } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256OfFile } from "../../src/vm/image/image-folder.ts";
import { sourceDateEpoch } from "./shell.ts";
import { tarFolder } from "./tar.ts";

/** What `docker load` reads: one layer and its configuration (the image specification's v1 archive). */
export async function writeDockerArchive(options: {
  readonly layerTar: string;
  readonly name: string;
  readonly arch: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly out: string;
}): Promise<void> {
  const folder = `${options.out}.d`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const layer = await sha256OfFile(options.layerTar);
  await rename(options.layerTar, join(folder, "layer.tar"));
  const created = new Date(sourceDateEpoch * 1000).toISOString();
  const config = JSON.stringify({
    architecture: options.arch,
    os: "linux",
    created,
    config: {
      Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"],
      Cmd: ["bash"],
      Labels: options.labels,
    },
    rootfs: { type: "layers", diff_ids: [`sha256:${layer}`] },
    history: [{ created, created_by: "berth" }],
  });
  const configName = `${createHash("sha256").update(config).digest("hex")}.json`;
  await writeFile(join(folder, configName), config);
  await writeFile(join(folder, "manifest.json"), JSON.stringify([{ Config: configName, RepoTags: [options.name], Layers: ["layer.tar"] }]));
  await tarFolder(folder, options.out, { rootOwned: true });
  await rm(folder, { recursive: true });
}
