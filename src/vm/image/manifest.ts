import { z } from "zod";

/** manifest.json beside the files of a machine image. `inputs` is the image's identity. */
export const imageManifestSchema = z.object({
  formatVersion: z.literal(1),
  arch: z.enum(["amd64", "arm64"]),
  /** sha256 over everything the image was made from. */
  inputs: z.string().regex(/^[0-9a-f]{64}$/),
  /** Of the data disk's layout; a host never starts an image on data of a newer one. */
  dataSchema: z.number().int().positive(),
  files: z.object({ kernel: z.string(), initrd: z.string(), "root.erofs": z.string() }),
  /** What `inputs` is the hash of: recipe files, agent, tools, and each package with its version and sha256. */
  sources: z.record(z.string(), z.unknown()).default({}),
});

export type ImageManifest = z.infer<typeof imageManifestSchema>;

/** The names a machine image's folder holds. */
export const imageFileNames = ["kernel", "initrd", "root.erofs"] as const;
