import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { Diagnosis_Severity, DiagnosisSchema } from "../../contract/gen/berth/v1/host_pb.js";
import { EnvironmentPhase, EnvironmentSchema } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { type SupportSources, supportSections } from "./support-bundle.ts";

const sources: SupportSources = {
  versions: [["Berth", "1.2.3"]],
  diagnoses: [
    create(DiagnosisSchema, { severity: Diagnosis_Severity.WARNING, title: "ssh", detail: "/home/ada/.ssh is not writable", fix: "chmod" }),
  ],
  environments: [
    create(EnvironmentSchema, {
      id: "0190-a",
      metadata: { name: "merger", originalContextUrl: "https://ada:s3cret@git.example/acme/merger-plans.git" },
      spec: { desiredPhase: EnvironmentPhase.RUNNING },
      status: { phase: EnvironmentPhase.STOPPED, failureMessage: ["clone of acme/merger-plans failed"] },
    }),
  ],
  hostLog: { text: '{"msg":"cloning https://git.example/acme/merger-plans.git for merger","token":"abc"}\n' },
  machineConsole: { failure: "no such file /home/ada/x" },
};
const computer = { homes: ["/home/ada"], names: ["ada"] };

function all(keepNames: boolean): string {
  return supportSections(sources, computer, { keepNames })
    .map((section) => `${section.text}\n${section.failureMessage}`)
    .join("\n");
}

test("nothing in it tells who works on what, or with which secret", () => {
  const text = all(false);
  for (const secret of ["ada", "s3cret", "merger", "acme", "abc"]) expect(text).not.toContain(secret);
  expect(text).toContain("environment-1; 0190-a; wanted running; is stopped; from https://[credentials]@git.example/environment-1");
  expect(text).toContain("warning ssh: ~/.ssh is not writable (chmod)");
  expect(text).toContain("no such file ~/x");
});

test("names stay when the person wants them to, secrets do not", () => {
  const text = all(true);
  expect(text).toContain("acme/merger-plans");
  for (const secret of ["ada", "s3cret", "abc"]) expect(text).not.toContain(secret);
});

test("what was hidden is counted by kind", () => {
  const environments = supportSections(sources, computer, { keepNames: false }).find((section) => section.id === "environments");
  expect(environments?.hidden).toMatchObject({ "credentials in addresses": 1, "names of environments": 3 });
});
