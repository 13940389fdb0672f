import { readFile } from "node:fs/promises";
import { z } from "zod";
import { BerthError } from "../../contract/berth-error.ts";
import { isErrno } from "../../lib/errno.ts";

/** Hours of the day in UTC, e.g. `22-04`; the second one is not part of it. */
const windowPattern = /^(?:[01]\d|2[0-3])-(?:[01]\d|2[0-3])$/;
/** In a shorter one a computer that sleeps or is busy may never come to it. */
const minWindowHours = 2;
const hoursOfDay = 24;

export const updateWindowSchema = z
  .string()
  .regex(windowPattern, "an update window is two hours of the day in UTC, e.g. 22-04")
  .transform((text) => ({ startHour: Number(text.slice(0, 2)), endHour: Number(text.slice(3)) }))
  .refine(
    ({ startHour, endHour }) => (endHour - startHour + hoursOfDay) % hoursOfDay >= minWindowHours,
    `an update window has ${minWindowHours} hours or more`,
  );

const configSchema = z.object({
  version: z.literal(1),
  planeUrl: z.url().optional(),
  /** On 127.0.0.1; without one metrics are on a socket alone. */
  metricsPort: z.int().min(1).max(65_535).optional(),
  update: z.object({
    channel: z.enum(["stable", "beta"]),
    /** Where releases are; without one nothing is updated by itself. */
    feed: z.url().optional(),
    /** Without one: at any hour. */
    window: updateWindowSchema.optional(),
  }),
});

export type UpdateWindow = z.output<typeof updateWindowSchema>;
export type RunnerConfig = z.output<typeof configSchema>;
/** As it stands in the file. */
export type RunnerConfigFile = z.input<typeof configSchema>;

const defaultConfig: RunnerConfigFile = { version: 1, update: { channel: "stable" } };

/** What was set for this runner; the defaults where nothing was. Fails with `setting-invalid`. */
export async function readRunnerConfig(path: string): Promise<RunnerConfig> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (isErrno(error, "ENOENT")) return JSON.stringify(defaultConfig);
    throw error;
  });
  try {
    return configSchema.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : "it is not JSON";
    throw new BerthError("setting-invalid", `${path}: ${reason}`);
  }
}
