import { fork } from "node:child_process";
import { BerthError } from "../contract/berth-error.ts";
import { programArguments } from "../lib/programs.ts";
import { type HostCheck, type RunnerReport, type RunnerRequest, runnerReportSchema } from "../lib/runner-messages.ts";
import { print, printJson } from "./output.ts";
import { asError } from "./report.ts";

/**
 * Has the runner's program carry a request out, and gives each report but the end. The request goes over a channel between
 * the two alone: a token is in no arguments and no environment. Fails with what the program failed with.
 */
export async function askRunnerProgram(
  request: RunnerRequest,
  onReport: (report: RunnerReport) => void,
  signal: AbortSignal,
): Promise<void> {
  const args = [...programArguments("runner")];
  const script = args.pop() ?? "";
  const child = fork(script, [], { execArgv: args, stdio: "inherit" });
  const end = (): void => void child.kill("SIGTERM");
  signal.addEventListener("abort", end);
  try {
    child.send(request);
    const last = await new Promise<RunnerReport | undefined>((resolve, reject) => {
      let ended: RunnerReport | undefined;
      child.on("message", (message) => {
        const report = runnerReportSchema.parse(message);
        if (report.kind === "done" || report.kind === "failed") ended = report;
        else onReport(report);
      });
      child.once("error", reject).once("close", () => resolve(ended));
    });
    signal.throwIfAborted();
    if (last?.kind === "failed") throw asError(`${last.code}: ${last.detail}`);
    if (last === undefined) throw new BerthError("internal", "the runner's program ended early");
  } finally {
    signal.removeEventListener("abort", end);
  }
}

const marks = { pass: "✓", warn: "!", fail: "✗" } as const satisfies Record<HostCheck["status"], string>;

/** Prints a check or a step as it comes. */
export function tellReport(report: RunnerReport, json: true | undefined): void {
  if (report.kind === "check") {
    const { status, title, detail, fix } = report.check;
    if (json) return printJson({ check: report.check });
    print(`${marks[status]} ${title}: ${detail}`);
    if (fix !== "") print(`  ${fix}`);
  } else if (report.kind === "step") {
    if (json) printJson({ step: report.text, done: report.done });
    else if (!report.done) print(`· ${report.text}`);
  }
}
