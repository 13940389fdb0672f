import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { SampleSchema } from "../contract/gen/berth/v1/host_pb.js";

/** The folders to begin with that came along: each one that has a dev container. */
export async function samples(env: NodeJS.ProcessEnv): Promise<MessageInitShape<typeof SampleSchema>[]> {
  const folder = env["BERTH_SAMPLES"] ?? join(import.meta.dirname, "../../samples");
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => {
      const config = await stat(join(folder, name, ".devcontainer", "devcontainer.json")).catch(() => undefined);
      return config === undefined ? [] : [{ name, folder: join(folder, name) }];
    }),
  );
  return found.flat().toSorted((a, b) => a.name.localeCompare(b.name));
}
