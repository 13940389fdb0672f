import { z } from "zod";

const licencesSchema = z.object({
  packages: z.array(z.object({ name: z.string(), version: z.string(), licence: z.string(), text: z.number() })),
  texts: z.array(z.string()),
});

/** What ships with Berth and under which licence; tools/licences.ts makes the file when the window is built. */
export type Licences = z.infer<typeof licencesSchema>;

export async function loadLicences(signal: AbortSignal): Promise<Licences> {
  const answer = await fetch("/licences.json", { signal });
  if (!answer.ok) throw new Error(`licences.json: ${answer.status}`);
  return licencesSchema.parse(await answer.json());
}
