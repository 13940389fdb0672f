import { expect, test } from "vitest";
import { Diagnosis_Severity } from "../../contract/gen/berth/v1/host_pb.js";
import { diagnose, type Facts } from "./diagnose.ts";

const gib = 1024 ** 3;
const fine: Facts = {
  version: "1",
  nodeVersion: "24.0.0",
  home: "/home/me/.local/share/berth",
  driver: "qemu",
  probe: { usable: true, accelerator: "kvm", reason: "", fix: "", version: "10.0.0" },
  memoryBytes: 16 * gib,
  availableMemoryBytes: 12 * gib,
  freeDiskBytes: 100 * gib,
  image: { sha256: "ab".repeat(32) },
  imageWarning: "",
  machine: { view: "ready", failure: "", warnings: [] },
  ownMachines: [{ id: "env-1", name: "web", view: "asleep", failure: "", warnings: [] }],
  dataDisk: { totalBytes: 64 * gib, freeBytes: 60 * gib },
  programs: { ssh: true, "ssh-keygen": true, git: true, tar: true, passt: true },
  needsPasst: true,
  sshWarning: "",
};

test("a computer that is well has nothing to mend", () => {
  expect(diagnose(fine).filter((d) => d.severity !== Diagnosis_Severity.OK)).toEqual([]);
});

test.each<[string, Partial<Facts>, string, Diagnosis_Severity]>([
  [
    "QEMU is missing",
    {
      probe: { ...fine.probe, usable: false, reason: "qemu-system-x86_64 is not in the PATH", fix: "sudo apt-get install qemu-system-x86" },
    },
    "hypervisor",
    Diagnosis_Severity.ERROR,
  ],
  ["a new machine image did not come up", { imageWarning: "The new machine image 2 did not come up" }, "image", Diagnosis_Severity.WARNING],
  [
    "/dev/kvm is useless",
    { probe: { ...fine.probe, accelerator: "tcg", reason: "a guest makes no progress under it", fix: "x" } },
    "accelerator",
    Diagnosis_Severity.WARNING,
  ],
  ["memory is short", { availableMemoryBytes: 3 * gib }, "memory", Diagnosis_Severity.WARNING],
  ["there is no memory", { availableMemoryBytes: gib }, "memory", Diagnosis_Severity.ERROR],
  ["the disk is nearly full", { freeDiskBytes: 5 * gib }, "disk", Diagnosis_Severity.WARNING],
  ["the disk is full", { freeDiskBytes: gib }, "disk", Diagnosis_Severity.ERROR],
  ["the image is damaged", { image: { failure: "image-corrupt: root.erofs differs" } }, "image", Diagnosis_Severity.ERROR],
  ["ssh is missing", { programs: { ...fine.programs, ssh: false } }, "programs", Diagnosis_Severity.ERROR],
  ["passt is missing", { programs: { ...fine.programs, passt: false } }, "network", Diagnosis_Severity.WARNING],
  ["ssh's configuration cannot be changed", { sshWarning: "read-only" }, "ssh", Diagnosis_Severity.WARNING],
  [
    "the machine failed",
    { machine: { view: "failed", failure: "machine-crashed: thrice", warnings: [] } },
    "machine",
    Diagnosis_Severity.ERROR,
  ],
  [
    "an environment's own machine failed",
    { ownMachines: [{ id: "env-1", name: "web", view: "failed", failure: "machine-crashed: thrice", warnings: [] }] },
    "machine-env-1",
    Diagnosis_Severity.ERROR,
  ],
  [
    "something is wrong in an environment's own machine",
    { ownMachines: [{ id: "env-1", name: "web", view: "ready", failure: "", warnings: ["its disk is read-only"] }] },
    "machine-env-1",
    Diagnosis_Severity.WARNING,
  ],
  ["the machine is paused", { machine: { view: "paused", failure: "", warnings: [] } }, "machine", Diagnosis_Severity.WARNING],
  ["the machine's disk is nearly full", { dataDisk: { totalBytes: 64 * gib, freeBytes: gib } }, "data-disk", Diagnosis_Severity.WARNING],
])("%s: it is told with what to do", (_what, change, id, severity) => {
  const wrong = diagnose({ ...fine, ...change }).filter((d) => d.severity !== Diagnosis_Severity.OK);
  expect(wrong.map((d) => d.id)).toEqual([id]);
  expect(wrong[0]).toMatchObject({ severity, fix: expect.stringMatching(/\w/) });
});
