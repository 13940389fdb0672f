import { type Diagnosis, Diagnosis_Severity } from "../../contract/gen/berth/v1/host_pb.js";
import { type Environment, EnvironmentPhase } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { type Known, redact } from "../../lib/redact.ts";

/** What a bundle is made of. A part that could not be read says why. */
export interface SupportSources {
  readonly versions: readonly (readonly [string, string])[];
  readonly diagnoses: readonly Diagnosis[];
  readonly environments: readonly Environment[];
  readonly hostLog: Part;
  readonly machineConsole: Part;
}

export type Part = { readonly text: string } | { readonly failure: string };

export interface SupportSection {
  readonly id: string;
  readonly text: string;
  readonly hidden: { [kind: string]: number };
  readonly failureMessage: string;
}

/** The sections of a support bundle, with nothing secret in them. Pure. */
export function supportSections(
  sources: SupportSources,
  computer: Pick<Known, "homes" | "names">,
  options: { readonly keepNames: boolean },
): SupportSection[] {
  const known: Known = { ...computer, words: options.keepNames ? [] : environmentWords(sources.environments) };
  const section = (id: string, part: Part): SupportSection => {
    const raw = "text" in part ? part.text : "";
    const { text, hidden } = redact(raw, known);
    return { id, text, hidden, failureMessage: "failure" in part ? redact(part.failure, known).text : "" };
  };
  return [
    section("versions", { text: sources.versions.map(([name, value]) => `${name}: ${value}`).join("\n") }),
    section("diagnosis", { text: sources.diagnoses.map(diagnosisLine).join("\n") }),
    section("environments", { text: sources.environments.map(environmentLine).join("\n") }),
    section("host-log", sources.hostLog),
    section("machine-console", sources.machineConsole),
  ];
}

/** Names and repositories say what somebody works on. */
function environmentWords(environments: readonly Environment[]): { word: string; standIn: string }[] {
  return environments.flatMap(({ metadata }, index) => {
    const standIn = `environment-${index + 1}`;
    const source = metadata?.originalContextUrl ?? "";
    const path = /^(?:[a-z+-]+:\/\/)?(?:[^/\s]*@)?[^/\s]+?[/:]\/*(.+?)(?:\.git)?\/?$/i.exec(source)?.[1] ?? "";
    return [metadata?.name ?? "", path].filter((word) => word !== "").map((word) => ({ word, standIn }));
  });
}

function environmentLine({ id, metadata, spec, status }: Environment): string {
  const parts = [
    metadata?.name ?? "",
    id,
    `wanted ${phaseName(spec?.desiredPhase)}`,
    `is ${phaseName(status?.phase)}`,
    `from ${metadata?.originalContextUrl ?? ""}`,
    ...(status?.failureMessage ?? []),
    status?.devcontainer?.failureMessage ?? "",
  ];
  return parts.filter((part) => part !== "").join("; ");
}

function phaseName(phase: EnvironmentPhase | undefined): string {
  return (EnvironmentPhase[phase ?? EnvironmentPhase.UNSPECIFIED] ?? "").toLowerCase();
}

function diagnosisLine({ severity, title, detail, fix }: Diagnosis): string {
  const word = (Diagnosis_Severity[severity] ?? "").toLowerCase();
  return `${word.padEnd(8)}${title}: ${detail}${fix === "" ? "" : ` (${fix})`}`;
}
