import { z } from "zod";
import { imageSourcesSchema } from "./inputs.ts";

/** What the command hands to the build in its namespaces: one line of JSON on its standard input. */
export const buildJobSchema = z.object({
  imagesFolder: z.string(),
  /** Only this build's, and gone after it. */
  workFolder: z.string(),
  projectFolder: z.string(),
  recipeFolder: z.string(),
  inputs: z.string(),
  sources: imageSourcesSchema,
  agentBundle: z.string(),
  force: z.boolean(),
});
export type BuildJob = z.infer<typeof buildJobSchema>;

export const workFolderPrefix = "work-";
