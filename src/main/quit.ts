import type { QuitChoice } from "../contract/desktop-bridge.ts";
import { liveEnvironments, type ShellState } from "./shell-state.ts";

export type QuitPlan = Exclude<QuitChoice, "ask">;

/** What becomes of the environments when Berth quits, or that the person must be asked. */
export function quitChoice(wanted: QuitChoice | undefined, setting: QuitChoice, state: ShellState): QuitChoice {
  // Nothing runs: a machine that idles without its app only costs memory.
  if (liveEnvironments(state).length === 0) return "suspend";
  return wanted ?? setting;
}

/** What is asked of the host: which environments keep the wish to run, and whether machines run on. */
export function quitCalls(plan: QuitPlan): { readonly stopMachine: boolean; readonly keepMachines: boolean } {
  return { stopMachine: plan === "stop", keepMachines: plan === "leave" };
}
