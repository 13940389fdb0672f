import { create } from "@bufbuild/protobuf";
import { type Diagnosis, Diagnosis_Severity, DiagnosisSchema } from "../../contract/gen/berth/v1/host_pb.js";
import type { MachineView } from "../../engine/machine-view.ts";
import type { Reached } from "../../lib/network/reach.ts";

/** One look of the machine's, as the agent told it. */
export interface MachineCheck {
  readonly id: string;
  readonly result: "ok" | "failed" | "skipped";
  readonly detail: string;
  readonly issuer: string;
}

/** What was found on the way to the world. */
export interface NetworkFacts {
  /** host:port */
  readonly target: string;
  readonly host: { readonly dns: Reached; readonly tls: Reached };
  /** Of the proxy that counts in the machine, without its password; empty when there is none. */
  readonly proxy: string;
  readonly problems: readonly { readonly detail: string; readonly fix: string }[];
  readonly authorities: readonly string[];
  /** Undefined where the link is none of QEMU's. `holes` are addresses that lead a hostile machine to the loopback. */
  readonly wall: { readonly link: "passt" | "slirp"; readonly holes: readonly string[] } | { readonly failure: string } | undefined;
  readonly machine: MachineView;
  readonly checks: readonly MachineCheck[] | { readonly failure: string };
}

const addAuthority = "Ask for the certificate of that authority, and add its file in the settings under Network";

/** Where the way to the world breaks and what to try, in the order of the way; pure. */
export function diagnoseNetwork(facts: NetworkFacts): Diagnosis[] {
  return [...ofComputer(facts), ...ofSettings(facts), ...ofWall(facts), ...ofMachine(facts)];
}

function found(id: string, severity: "ok" | "warning" | "error", title: string, detail: string, fix = ""): Diagnosis {
  const severities = { ok: Diagnosis_Severity.OK, warning: Diagnosis_Severity.WARNING, error: Diagnosis_Severity.ERROR } as const;
  return create(DiagnosisSchema, { id: `network-${id}`, severity: severities[severity], title, detail, fix });
}

function ofComputer({ host: { dns, tls }, target, proxy }: NetworkFacts): Diagnosis[] {
  const name = "This computer's name servers";
  const way = "This computer's way";
  return [
    // Behind a proxy names of the world are often known to the proxy alone.
    dns.ok
      ? found("host-dns", "ok", name, dns.detail)
      : found(
          "host-dns",
          proxy === "" ? "error" : "warning",
          name,
          dns.detail,
          `Check the network and VPN of this computer, and the name in ${target}`,
        ),
    tls.ok
      ? found("host", "ok", way, tls.detail)
      : tls.issuer === undefined
        ? found(
            "host",
            "error",
            way,
            `${target}: ${tls.detail}`,
            "Check the network, VPN and proxy of this computer: nothing in the machine can get further",
          )
        : found("host", "warning", way, `${tls.detail}; issued by ${tls.issuer}`, addAuthority),
  ];
}

function ofSettings({ proxy, problems, authorities }: NetworkFacts): Diagnosis[] {
  const title = "Proxy and certificates";
  const detail = [proxy === "" ? "no proxy" : `proxy ${proxy}`, ...authorities.map((name) => `also trusted: ${name}`)].join("; ");
  return [
    found("settings", "ok", title, detail),
    ...problems.map((problem) => found("settings", "warning", title, problem.detail, problem.fix)),
  ];
}

function ofWall({ wall }: NetworkFacts): Diagnosis[] {
  const title = "Wall before this computer's loopback";
  if (wall === undefined) return [];
  if ("failure" in wall)
    return [found("wall", "warning", title, `it could not be tried: ${wall.failure}`, "Look at passt, or install it anew")];
  if (wall.holes.length === 0) return [found("wall", "ok", title, `${wall.link}: not even the machine's own root gets through`)];
  const firewall = "containers are kept away by the machine's own firewall, which who is root in the machine can take down";
  return [
    found(
      "wall",
      "warning",
      title,
      `${wall.link} lets the machine through by ${wall.holes.join(", ")}; ${firewall}`,
      wall.link === "slirp"
        ? "On Linux install passt, of 2024 or newer"
        : "Install a newer passt (of 2024 or later, as in Debian 13), and restart the machine",
    ),
  ];
}

const machineTitles: Readonly<Record<string, string>> = {
  link: "The machine's network card",
  dns: "The machine's name server",
  tcp: "The machine's way",
  tls: "Certificates as the machine sees them",
  proxy: "Through the proxy",
  registry: "Image registry",
  container: "From a container",
};

function ofMachine({ machine, checks, ...facts }: NetworkFacts): Diagnosis[] {
  const title = "Machine";
  if (machine !== "ready")
    return [
      found("machine", "warning", title, "it is off or sleeps, so its side was not looked at", "berth machine start, then look again"),
    ];
  if ("failure" in checks)
    return [found("machine", "error", title, checks.failure, "berth machine stop, berth machine start, then look again")];
  return checks.map((check) => ofCheck(check, facts));
}

function ofCheck(
  { id, result, detail, issuer }: MachineCheck,
  { host, proxy, target }: Omit<NetworkFacts, "machine" | "checks">,
): Diagnosis {
  const title = machineTitles[id] ?? id;
  if (result !== "failed") return found(id, "ok", title, result === "skipped" ? `not looked at: ${detail}` : detail);
  if (issuer !== "") return found(id, "error", title, `${detail}; issued by ${issuer}`, addAuthority);
  // What the computer itself does not reach is told there; and whoever has a proxy need not get by without it.
  const expected = (id === "dns" || id === "tcp" || id === "tls") && proxy !== "";
  return found(id, expected ? "warning" : "error", title, detail, fixOf(id, host, proxy, target));
}

function fixOf(id: string, host: NetworkFacts["host"], proxy: string, target: string): string {
  if (proxy !== "" && (id === "dns" || id === "tcp" || id === "tls")) return "None is needed when everything goes through the proxy";
  switch (id) {
    case "link":
      return "berth machine stop, berth machine start; its console tells more: berth machine status --console";
    case "dns":
      return host.dns.ok
        ? "This computer knows the name and the machine does not: a VPN may answer on this computer alone; restart the machine so that its link asks anew"
        : `Check the network and VPN of this computer, and the name in ${target}`;
    case "tcp":
      return host.tls.ok || host.tls.issuer !== undefined
        ? "This computer gets there and the machine does not: a VPN or firewall may let single programs through, so allow passt or QEMU"
        : "Check the network of this computer first";
    case "proxy":
      return "Check the proxy's address, user and password in the settings under Network, and that it listens on more than this computer's loopback";
    case "registry":
      return "Images that are in the machine already keep working; check the proxy, and that the registry is allowed in your network";
    case "container":
      return "Containers go through the machine's firewall: a network of the repository's own may be closed (internal), else berth machine stop, berth machine start";
    default:
      return "Check the network of this computer first";
  }
}
