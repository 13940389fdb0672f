import { readFileSync } from "node:fs";
import { z } from "zod";
import { parseJson } from "../../lib/parse-json.ts";
import type { MachineImage } from "../driver.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";

/** What the kernel's file of a simulated image says, as JSON; one without files is the usual one. */
const imageSchema = z.object({
  dataSchema: z.int().positive().default(1),
  /** The machine ends while it boots. */
  panics: z.boolean().default(false),
  /** Its migration destroys what is on the disk. */
  damagesDisk: z.boolean().default(false),
  /** Its migration does not come to its end. */
  migrates: z.boolean().default(true),
});
export type SimulatedImage = z.infer<typeof imageSchema>;

export function simulatedImageOf({ kernelPath }: MachineImage): SimulatedImage {
  return imageSchema.parse(kernelPath === "" ? {} : parseJson(readFileSync(kernelPath, "utf8")));
}

/** What berth-boot does to a data disk of an older schema. */
export async function bootDisk(disk: SimulatedDisk, image: SimulatedImage): Promise<void> {
  const { content } = disk;
  if (image.damagesDisk) content.environments = {};
  else if (image.migrates && content.dataSchema < image.dataSchema) content.dataSchema = image.dataSchema;
  else return;
  await disk.save();
}
