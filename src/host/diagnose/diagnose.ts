import { create } from "@bufbuild/protobuf";
import { errorCatalogue } from "../../contract/error-catalogue.ts";
import { type Diagnosis, Diagnosis_Severity, DiagnosisSchema } from "../../contract/gen/berth/v1/host_pb.js";
import type { MachineView } from "../../engine/machine-view.ts";
import type { DriverProbe } from "../../vm/driver.ts";

const gib = 1024 ** 3;
const littleMemoryBytes = 4 * gib;
const tooLittleMemoryBytes = 2 * gib;
const littleDiskBytes = 10 * gib;
const tooLittleDiskBytes = 2 * gib;
/** A data disk with less left than this is worth a word. */
const littleDataDiskShare = 0.1;

/** What was found on this computer. */
export interface Facts {
  readonly version: string;
  readonly nodeVersion: string;
  readonly home: string;
  readonly driver: string;
  readonly probe: DriverProbe;
  readonly memoryBytes: number;
  readonly availableMemoryBytes: number | undefined;
  readonly freeDiskBytes: number;
  readonly image: { readonly sha256: string } | { readonly failure: string };
  /** Why the machine does not run what came with this version; empty when it does. */
  readonly imageWarning: string;
  readonly machine: { readonly view: MachineView; readonly failure: string; readonly warnings: readonly string[] };
  /** Those that environments have to themselves. */
  readonly ownMachines: readonly (Facts["machine"] & { readonly id: string; readonly name: string })[];
  /** Only while the machine runs. */
  readonly dataDisk: { readonly totalBytes: number; readonly freeBytes: number } | undefined;
  readonly programs: Readonly<Record<string, boolean>>;
  readonly needsPasst: boolean;
  readonly sshWarning: string;
}

/** What is wrong with this computer and how to mend it, and what was looked at and is fine; pure. */
export function diagnose(facts: Facts): Diagnosis[] {
  return [
    found("version", "ok", "Versions", `Berth ${facts.version}, Node ${facts.nodeVersion}, files in ${facts.home}`),
    hypervisor(facts),
    accelerator(facts),
    memory(facts),
    hostDisk(facts),
    image(facts),
    ...programs(facts),
    ssh(facts),
    machine(facts),
    ...facts.ownMachines.flatMap(ownMachine),
    ...dataDisk(facts),
  ];
}

function found(id: string, severity: "ok" | "warning" | "error", title: string, detail: string, fix = ""): Diagnosis {
  const severities = { ok: Diagnosis_Severity.OK, warning: Diagnosis_Severity.WARNING, error: Diagnosis_Severity.ERROR } as const;
  return create(DiagnosisSchema, { id, severity: severities[severity], title, detail, fix });
}

function hypervisor({ driver, probe }: Facts): Diagnosis {
  if (!probe.usable) return found("hypervisor", "error", "Hypervisor", probe.reason, probe.fix);
  return found("hypervisor", "ok", "Hypervisor", probe.version === "" ? driver : `${driver} ${probe.version}`);
}

function accelerator({ probe }: Facts): Diagnosis {
  if (!probe.usable || probe.reason === "") return found("accelerator", "ok", "Acceleration", probe.accelerator);
  return found("accelerator", "warning", "Acceleration", `${probe.accelerator}: ${probe.reason}`, probe.fix);
}

function memory({ memoryBytes, availableMemoryBytes }: Facts): Diagnosis {
  const text = `${inGib(memoryBytes)}${availableMemoryBytes === undefined ? "" : `, ${inGib(availableMemoryBytes)} available`}`;
  const smallest = Math.min(memoryBytes, availableMemoryBytes ?? memoryBytes);
  if (smallest < tooLittleMemoryBytes)
    return found("memory", "error", "Memory", text, "Close programs, or use a computer with more memory: the machine takes half of it");
  if (smallest < littleMemoryBytes)
    return found("memory", "warning", "Memory", text, "Close programs that use much memory; large dev containers may run out of it");
  return found("memory", "ok", "Memory", text);
}

function hostDisk({ freeDiskBytes, home }: Facts): Diagnosis {
  const text = `${inGib(freeDiskBytes)} free for ${home}`;
  if (freeDiskBytes < tooLittleDiskBytes)
    return found("disk", "error", "Disk of this computer", text, errorCatalogue["host-disk-full"].whatToTry);
  if (freeDiskBytes < littleDiskBytes)
    return found("disk", "warning", "Disk of this computer", text, errorCatalogue["host-disk-full"].whatToTry);
  return found("disk", "ok", "Disk of this computer", text);
}

function image({ image: fact, imageWarning }: Facts): Diagnosis {
  if (imageWarning !== "") return found("image", "warning", "Machine image", imageWarning, "berth machine image tells more");
  if ("failure" in fact) return found("image", "error", "Machine image", fact.failure, "npm run image");
  return found("image", "ok", "Machine image", fact.sha256.slice(0, 16));
}

function programs({ programs: present, needsPasst }: Facts): Diagnosis[] {
  const needed = ["ssh", "ssh-keygen", "git", "tar"];
  const missing = needed.filter((name) => present[name] !== true);
  const tools =
    missing.length === 0
      ? found("programs", "ok", "Programs", needed.join(", "))
      : found("programs", "error", "Programs", `missing: ${missing.join(", ")}`, "sudo apt-get install openssh-client git tar");
  if (!needsPasst) return [tools];
  const network =
    present["passt"] === true
      ? found("network", "ok", "Network", "passt; berth doctor network tries the way to the world and the wall before this computer")
      : found(
          "network",
          "warning",
          "Network",
          "passt is not installed: only the machine's own firewall keeps what runs in it from the loopback of this computer",
          "sudo apt-get install passt",
        );
  return [tools, network];
}

function ssh({ sshWarning }: Facts): Diagnosis {
  return sshWarning === ""
    ? found("ssh", "ok", "ssh configuration", "ssh NAME.berth works")
    : found("ssh", "warning", "ssh configuration", sshWarning, "Make the file writable, or include Berth's ssh/config in it yourself");
}

function machine({ machine: { view, failure, warnings } }: Facts): Diagnosis {
  if (view === "failed")
    return found("machine", "error", "Machine", failure, "berth machine status --console tells more; berth machine start tries again");
  if (view === "paused")
    return found("machine", "warning", "Machine", "paused: the disk of this computer is full", errorCatalogue["host-disk-full"].whatToTry);
  if (warnings.length > 0) return found("machine", "warning", "Machine", warnings.join("; "), "berth machine status --console tells more");
  const words = {
    off: "off; it starts when it is needed",
    busy: "starting",
    ready: "running",
    asleep: "suspended; it wakes when it is used",
  } as const;
  return found("machine", "ok", "Machine", words[view]);
}

/** Only what is wrong: how many there are and what they do is no question of health. */
function ownMachine({ id, name, view, failure, warnings }: Facts["ownMachines"][number]): Diagnosis[] {
  const title = `Machine of ${name}`;
  const more = `berth machine status --console --machine '${name}' tells more`;
  if (view === "failed") return [found(`machine-${id}`, "error", title, failure, `${more}; starting the environment tries again`)];
  return warnings.length === 0 ? [] : [found(`machine-${id}`, "warning", title, warnings.join("; "), more)];
}

function dataDisk({ dataDisk: disk }: Facts): Diagnosis[] {
  if (disk === undefined) return [];
  const text = `${inGib(disk.freeBytes)} of ${inGib(disk.totalBytes)} free`;
  if (disk.freeBytes > disk.totalBytes * littleDataDiskShare) return [found("data-disk", "ok", "Disk of the machine", text)];
  return [
    found(
      "data-disk",
      "warning",
      "Disk of the machine",
      text,
      "berth machine shell -- docker system prune, or delete environments you no longer need",
    ),
  ];
}

function inGib(bytes: number): string {
  return `${(bytes / gib).toFixed(1)} GiB`;
}
