import { type Command, Option } from "commander";
import { BerthError } from "../../contract/berth-error.ts";
import { type Diagnosis, Diagnosis_Severity } from "../../contract/gen/berth/v1/host_pb.js";
import { berthPaths } from "../../lib/paths.ts";
import { messageOf } from "../../lib/log.ts";
import { connectHost } from "../connection.ts";
import { interruptible } from "../interrupt.ts";
import { checkLocally, startFailure } from "../local-checks.ts";
import { print, printJson } from "../output.ts";
import { jsonOption } from "./options.ts";

const marks = { 0: "?", 1: "✓", 2: "!", 3: "✗" } as const satisfies Record<Diagnosis_Severity, string>;
const severityNames = { 0: "unknown", 1: "ok", 2: "warning", 3: "error" } as const satisfies Record<Diagnosis_Severity, string>;

/** `berth doctor`, `berth doctor network`. */
export function registerDoctor(program: Command): void {
  const command = program
    .command("doctor")
    .description("Tell what is wrong with this computer and how to mend it")
    .addOption(jsonOption())
    .action(async (options: { readonly json?: true }) => {
      process.exitCode = await interruptible(async (signal) => tell(await diagnose(signal), options));
    });
  command
    .command("network")
    .description("Go the way to the world step by step, here and in the machine, and tell where it breaks")
    .argument("[target]", "a host, HOST:PORT or https address to try, instead of a usual one")
    .addOption(new Option("--registry <target>", "an image registry to try, instead of Docker Hub's"))
    .addOption(jsonOption())
    .action(async (target: string | undefined, options: { readonly registry?: string; readonly json?: true }) => {
      process.exitCode = await interruptible(async (signal) => {
        const clients = await connectHost({ signal });
        const request = { target: target ?? "", registry: options.registry ?? "" };
        return tell((await clients.host.diagnoseNetwork(request, { signal })).diagnoses, options);
      });
    });
}

function tell(diagnoses: readonly Diagnosis[], { json }: { readonly json?: true }): number {
  for (const diagnosis of diagnoses) {
    const { id, severity, title, detail, fix } = diagnosis;
    if (json) printJson({ id, severity: severityNames[severity], title, detail, fix });
    else {
      print(`${marks[severity]} ${title}: ${detail}`);
      if (fix !== "") print(`  ${fix}`);
    }
  }
  return diagnoses.some((d) => d.severity === Diagnosis_Severity.ERROR) ? 1 : 0;
}

/** By the host; when it does not start, why, and what can be seen without it. */
async function diagnose(signal: AbortSignal): Promise<readonly Diagnosis[]> {
  try {
    const clients = await connectHost({ signal });
    return (await clients.host.diagnose({}, { signal })).diagnoses;
  } catch (error) {
    signal.throwIfAborted();
    const failure = error instanceof BerthError ? error : new BerthError("host-not-running", messageOf(error));
    const facts = { env: process.env, paths: berthPaths(process.env), nodeVersion: process.versions.node, arch: process.arch };
    return [startFailure(failure.code, failure.detail), ...(await checkLocally(facts))];
  }
}
