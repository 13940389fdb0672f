import { z } from "zod";

/** Where a headless runner keeps everything, unless BERTH_HOME says otherwise. */
export const runnerHome = "/var/lib/berth";
export const runnerUnit = "berth-runner.service";

const setupSchema = z.object({
  command: z.literal("setup"),
  /** Undefined: the credential that is there already, or none where the runner stands alone. */
  exchangeToken: z.string().min(1).optional(),
  planeUrl: z.url().optional(),
  standAlone: z.boolean(),
  dryRun: z.boolean(),
  /** The folder that is to be the root of the file system; `/` but for images of computers, and tests. */
  root: z.string().startsWith("/"),
  metricsPort: z.int().min(1).max(65_535).optional(),
  channel: z.enum(["stable", "beta"]),
  updateFeed: z.url().optional(),
  updateWindow: z.string().optional(),
});

const uninstallSchema = z.object({
  command: z.literal("uninstall"),
  root: z.string().startsWith("/"),
  deleteData: z.boolean(),
});

/** What the command line asks of the runner's program, over a channel that no other process sees. */
export const runnerRequestSchema = z.discriminatedUnion("command", [setupSchema, uninstallSchema, z.object({ command: z.literal("run") })]);
export type RunnerRequest = z.infer<typeof runnerRequestSchema>;
export type SetupRequest = z.infer<typeof setupSchema>;
export type UninstallRequest = z.infer<typeof uninstallSchema>;

export const hostCheckSchema = z.object({
  id: z.string(),
  title: z.string(),
  status: z.enum(["pass", "warn", "fail"]),
  detail: z.string(),
  /** What a person can do; empty where there is nothing to do. */
  fix: z.string(),
});
/** One thing about a computer that a runner needs. */
export type HostCheck = z.infer<typeof hostCheckSchema>;

/** What the program tells the command line, in this order: checks, steps, one end. */
export const runnerReportSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("check"), check: hostCheckSchema }),
  z.object({ kind: z.literal("step"), text: z.string(), done: z.boolean() }),
  z.object({ kind: z.literal("done"), text: z.string() }),
  z.object({ kind: z.literal("failed"), code: z.string(), detail: z.string() }),
]);
export type RunnerReport = z.infer<typeof runnerReportSchema>;
