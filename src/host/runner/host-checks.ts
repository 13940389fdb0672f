import type { HostCheck } from "../../lib/runner-messages.ts";
import type { HostFacts } from "./host-facts.ts";

const gib = 1024 ** 3;
const minCpus = 2;
const goodCpus = 4;
/** A machine of 2 GiB and what the computer needs for itself. */
const minMemoryBytes = 3 * gib;
const goodMemoryBytes = 8 * gib;
const minDiskBytes = 10 * gib;
const goodDiskBytes = 50 * gib;
const minNodeMajor = 24;
/** Each environment has a dozen processes on this computer at most, and the runner its own. */
const minProcesses = 512;
const minOpenFiles = 4096;
/** Beyond it tokens and certificates are taken for expired or not yet valid. */
const maxClockSkewMs = 5 * 60_000;
const goodClockSkewMs = 30_000;

type Verdict = Omit<HostCheck, "id" | "title">;

/** Whether a computer can be a runner, item by item. */
export function judgeHost(facts: HostFacts): HostCheck[] {
  const item = (id: string, title: string, verdict: Verdict): HostCheck => ({ id, title, ...verdict });
  return [
    item("system", "System", system(facts)),
    item("rights", "Rights", facts.isRoot ? pass("root") : fail("not root", "Run this with sudo; afterwards nothing runs as root")),
    item("node", "Node.js", node(facts)),
    item("systemd", "systemd", systemd(facts)),
    item("virtualization", "Virtualization", virtualization(facts)),
    item("nested", "Nesting", nesting(facts)),
    item("processors", "Processors", processors(facts)),
    item("memory", "Memory", memory(facts)),
    item("disk", "Free disk", disk(facts)),
    item("cgroups", "Control groups", cgroups(facts)),
    item("limits", "Limits", limits(facts)),
    item("tun", "/dev/net/tun", tun(facts)),
    item("sandbox", "User namespaces", sandbox(facts)),
    item("qemu", "QEMU", qemu(facts)),
    item("passt", "passt", program(facts, "passt", "machines use QEMU's slower network", "sudo apt-get install passt")),
    item("virtiofsd", "virtiofsd", program(facts, "virtiofsd", "folders cannot be shared with machines", "sudo apt-get install virtiofsd")),
    item("plane", "Plane", plane(facts)),
    item("clock", "Clock", clock(facts)),
  ];
}

function pass(detail: string): Verdict {
  return { status: "pass", detail, fix: "" };
}

function warn(detail: string, fix = ""): Verdict {
  return { status: "warn", detail, fix };
}

function fail(detail: string, fix: string): Verdict {
  return { status: "fail", detail, fix };
}

function system({ platform, arch }: HostFacts): Verdict {
  const name = `${platform} ${arch}`;
  return platform === "linux" && (arch === "x64" || arch === "arm64")
    ? pass(name)
    : fail(`${name} cannot be a runner`, "Use a computer with Linux on x86-64 or arm64");
}

function node({ nodeVersion }: HostFacts): Verdict {
  return Number(nodeVersion.split(".")[0]) >= minNodeMajor
    ? pass(nodeVersion)
    : fail(`${nodeVersion} is too old`, `Use Node.js ${minNodeMajor} or newer`);
}

function systemd({ hasSystemd, programs }: HostFacts): Verdict {
  return hasSystemd && programs.has("systemctl")
    ? pass("it manages this computer")
    : fail("it does not manage this computer", "Use a distribution with systemd, or keep `berth runner run` running by other means");
}

function virtualization({ probe }: HostFacts): Verdict {
  if (!probe.usable) return fail(probe.reason, probe.fix);
  return probe.accelerator === "tcg"
    ? fail(probe.reason, probe.fix)
    : pass(probe.accelerator === "simulated" ? "simulated" : `${probe.accelerator}: a canary guest made progress in time`);
}

function nesting({ isVirtual, probe }: HostFacts): Verdict {
  if (!isVirtual) return pass("this computer is no virtual machine");
  return warn(
    "this computer is a virtual machine itself",
    probe.accelerator === "kvm"
      ? "Machines in it are slower; own hardware is better"
      : "Switch nested virtualization on, or use own hardware",
  );
}

function processors({ cpus }: HostFacts): Verdict {
  if (cpus < minCpus) return fail(`${cpus}`, `A runner needs ${minCpus} processors`);
  return cpus < goodCpus ? warn(`${cpus}`, `${goodCpus} or more are better`) : pass(`${cpus}`);
}

function memory({ memoryBytes, memoryLimitBytes }: HostFacts): Verdict {
  const usable = Math.min(memoryBytes, memoryLimitBytes ?? memoryBytes);
  const detail = usable < memoryBytes ? `${size(usable)} of ${size(memoryBytes)}, by a control group's limit` : size(usable);
  if (usable < minMemoryBytes)
    return fail(detail, `A runner needs ${size(minMemoryBytes)}; each environment with a machine of its own takes 2 GiB`);
  return usable < goodMemoryBytes ? warn(detail, "Each environment with a machine of its own takes 2 GiB") : pass(detail);
}

function disk({ diskFreeBytes }: HostFacts): Verdict {
  const detail = size(diskFreeBytes);
  if (diskFreeBytes < minDiskBytes) return fail(detail, `A runner needs ${size(minDiskBytes)} free for /var/lib/berth`);
  return diskFreeBytes < goodDiskBytes ? warn(detail, `${size(goodDiskBytes)} or more are better`) : pass(detail);
}

function cgroups({ hasCgroupsV2 }: HostFacts): Verdict {
  return hasCgroupsV2
    ? pass("version 2")
    : warn(
        "version 1 or none: what the service takes is limited and accounted less exactly",
        "Start the kernel with systemd.unified_cgroup_hierarchy=1, or use a newer distribution",
      );
}

function limits({ maxProcesses, maxOpenFiles }: HostFacts): Verdict {
  if (maxProcesses !== undefined && maxProcesses < minProcesses)
    return fail(`at most ${maxProcesses} processes by a control group's limit`, `Allow ${minProcesses} or more (TasksMax, pids.max)`);
  if (maxOpenFiles !== undefined && maxOpenFiles < minOpenFiles)
    return warn(`at most ${maxOpenFiles} open files`, `Allow ${minOpenFiles} or more (ulimit -Hn)`);
  return pass("wide enough");
}

function tun({ hasTun }: HostFacts): Verdict {
  return hasTun ? pass("there") : warn("not there", "sudo modprobe tun; without it VPNs in environments' networks do not work");
}

function sandbox({ mayUnshareUsers }: HostFacts): Verdict {
  return mayUnshareUsers
    ? pass("allowed")
    : warn(
        "refused to programs without rights: passt and virtiofsd cannot wall themselves off",
        "sudo sysctl kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0",
      );
}

function qemu({ arch, programs, probe }: HostFacts): Verdict {
  const name = arch === "arm64" ? "qemu-system-aarch64" : "qemu-system-x86_64";
  const fix = `sudo apt-get install ${arch === "arm64" ? "qemu-system-arm" : "qemu-system-x86"} qemu-utils passt virtiofsd`;
  if (probe.accelerator === "simulated") return pass("simulated");
  return programs.has(name) ? pass(`${programs.get(name) ?? ""} ${probe.version}`.trim()) : fail(`${name} was not found`, fix);
}

function program({ programs }: HostFacts, name: string, without: string, fix: string): Verdict {
  const path = programs.get(name);
  return path === undefined ? warn(`not found; ${without}`, fix) : pass(path);
}

function plane({ plane: reach }: HostFacts): Verdict {
  switch (reach.kind) {
    case "none":
      return pass("none: this runner stands alone");
    case "reached":
      return pass(reach.url);
    case "unreachable":
      return fail(
        `${reach.url}: ${reach.reason}`,
        "Check the address, name servers, proxy and firewall: the runner dials out to it, port 443 for https",
      );
  }
}

function clock({ plane: reach }: HostFacts): Verdict {
  if (reach.kind !== "reached" || reach.clockSkewMs === undefined) return pass("not compared");
  const seconds = Math.round(Math.abs(reach.clockSkewMs) / 1000);
  const detail = `${seconds} s ${reach.clockSkewMs < 0 ? "behind" : "ahead of"} the plane`;
  const fix = "sudo timedatectl set-ntp true";
  if (Math.abs(reach.clockSkewMs) > maxClockSkewMs) return fail(detail, fix);
  return Math.abs(reach.clockSkewMs) > goodClockSkewMs ? warn(detail, fix) : pass(detail);
}

function size(bytes: number): string {
  return `${(bytes / gib).toFixed(1)} GiB`;
}
