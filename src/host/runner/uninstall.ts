import { BerthError } from "../../contract/berth-error.ts";
import type { RunnerReport, UninstallRequest } from "../../lib/runner-messages.ts";
import { carryOut } from "./carry-out-setup.ts";
import { withSetupLock } from "./setup-lock.ts";
import { describeStep, planUninstall, type SetupStep } from "./setup-plan.ts";

/** Takes a runner's service and credential off this computer; its data when that is asked for. Fails with `runner-needs-root`, `runner-setup-running` or `runner-step-failed`. */
export async function uninstallRunner(
  request: UninstallRequest,
  report: (report: RunnerReport) => void,
  signal: AbortSignal,
): Promise<void> {
  if (request.root === "/" && process.getuid?.() !== 0) throw new BerthError("runner-needs-root", "this is not root");
  const nothing = async (): Promise<never> => {
    throw new BerthError("internal", "a runner that is removed makes no copies and enrols nowhere");
  };
  const source = { nodePath: "", appFolder: "", imagesFolder: undefined };
  const computer = { root: request.root, source, exchangeToken: undefined, enrol: nothing };
  const tell = (step: SetupStep, done: boolean): void => report({ kind: "step", text: describeStep(step), done });
  await withSetupLock(request.root, async () => carryOut(planUninstall(request), computer, tell, signal));
}
