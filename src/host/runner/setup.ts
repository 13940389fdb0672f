import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BerthError } from "../../contract/berth-error.ts";
import { parsePlaneAddress } from "../../contract/plane-address.ts";
import { type RunnerReport, runnerHome, type SetupRequest } from "../../lib/runner-messages.ts";
import { version } from "../../lib/version.ts";
import type { DriverProbe } from "../../vm/driver.ts";
import { imagesFolder } from "../settings.ts";
import { carryOut, type Enrol, type VersionSource } from "./carry-out-setup.ts";
import { judgeHost } from "./host-checks.ts";
import { collectHostFacts, type HostFacts } from "./host-facts.ts";
import { updateWindowSchema } from "./runner-config.ts";
import { withSetupLock } from "./setup-lock.ts";
import { describeStep, planSetup } from "./setup-plan.ts";
import { planeOfRunner, settlePlane } from "./whose-runner.ts";

export interface SetupSources {
  readonly env: NodeJS.ProcessEnv;
  readonly probe: (signal: AbortSignal) => Promise<DriverProbe>;
  readonly enrol: Enrol;
  readonly nowMs: () => number;
  readonly report: (report: RunnerReport) => void;
}

/**
 * Makes this computer a runner: checks it, and changes it only when every check is passed. Fails with `runner-unfit`,
 * `runner-needs-root`, `argument-invalid`, `runner-setup-running`, `runner-step-failed` or what the plane says to the token.
 */
export async function setUpRunner(typed: SetupRequest, sources: SetupSources, signal: AbortSignal): Promise<void> {
  const { env, report } = sources;
  refuseContradictions(typed);
  const asked = typed.planeUrl === undefined ? typed : { ...typed, planeUrl: parsePlaneAddress(typed.planeUrl).href };
  const { root } = asked;
  const before = await planeBefore(asked);
  const request = settlePlane(asked, before);
  const facts = await collectHostFacts({ ...sources, planeUrl: request.planeUrl, stateFolder: join(root, runnerHome) }, signal);
  const checks = judgeHost(root === "/" ? facts : forImage(facts)).filter(({ id }) => id !== "rights");
  for (const check of checks) report({ kind: "check", check });
  const failed = checks.filter(({ status }) => status === "fail");
  const steps = planSetup({ request, before, version, unit: await readFile(unitPath(), "utf8") });
  if (request.dryRun) {
    for (const step of steps) report({ kind: "step", text: describeStep(step), done: false });
    if (failed.length === 0) return;
  }
  if (failed.length > 0) throw new BerthError("runner-unfit", failed.map(({ title, detail }) => `${title}: ${detail}`).join("; "));
  if (!facts.isRoot && root === "/") throw new BerthError("runner-needs-root", "this is not root");
  const computer = { root, source: versionSource(env), exchangeToken: request.exchangeToken, enrol: sources.enrol };
  await withSetupLock(root, async () => {
    if ((await planeBefore(asked)) !== before) throw new BerthError("runner-setup-running", "it has become another plane's meanwhile");
    await carryOut(steps, computer, (step, done) => report({ kind: "step", text: describeStep(step), done }), signal);
  });
}

/** Where the plane is not to stay, a credential that cannot be read is in nobody's way. */
async function planeBefore({ root, standAlone, exchangeToken }: SetupRequest): Promise<string | undefined> {
  return planeOfRunner(root).catch((error: unknown) => {
    const isUnreadable = error instanceof BerthError && error.code === "setting-invalid";
    if (isUnreadable && (standAlone || exchangeToken !== undefined)) return "a plane that cannot be told";
    throw error;
  });
}

function refuseContradictions({ exchangeToken, planeUrl, standAlone, updateWindow }: SetupRequest): void {
  const refuse = (why: string): never => {
    throw new BerthError("argument-invalid", why);
  };
  if (exchangeToken !== undefined && planeUrl === undefined) refuse("an exchange token needs --plane URL");
  if (standAlone && (exchangeToken !== undefined || planeUrl !== undefined))
    refuse("a runner that stands alone has neither plane nor token");
  const window = updateWindow === undefined ? undefined : updateWindowSchema.safeParse(updateWindow);
  if (window?.success === false) refuse(window.error.issues.map(({ message }) => message).join("; "));
}

/** What only counts where the runner will run, not where its image is made. */
function forImage(facts: HostFacts): HostFacts {
  return { ...facts, hasSystemd: true };
}

/** This very program, as it is bundled. */
function versionSource(env: NodeJS.ProcessEnv): VersionSource {
  const appFolder = firstThere(import.meta.dirname, "../../../.cache/app");
  const images = imagesFolder(env);
  return { nodePath: process.execPath, appFolder, imagesFolder: existsSync(images) ? images : undefined };
}

function firstThere(bundled: string, fromSource: string): string {
  if (existsSync(join(bundled, "runner.mjs"))) return bundled;
  const built = join(bundled, fromSource);
  if (existsSync(join(built, "runner.mjs"))) return built;
  throw new BerthError("runner-step-failed", "Berth's programs were not built: npm run build");
}

function unitPath(): string {
  const beside = join(import.meta.dirname, "berth-runner.service");
  return existsSync(beside) ? beside : join(import.meta.dirname, "../../../resources/systemd/berth-runner.service");
}
