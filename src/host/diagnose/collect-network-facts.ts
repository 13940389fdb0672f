import { getCACertificates } from "node:tls";
import { BerthError } from "../../contract/berth-error.ts";
import { type CheckNetworkResponse, NetworkCheck_Result } from "../../contract/gen/berth/v1/agent_pb.js";
import type { MachineKeeper } from "../../engine/machine-keeper.ts";
import { findProgram } from "../../lib/find-program.ts";
import { messageOf } from "../../lib/log.ts";
import { proxyFor, redactProxyUrl } from "../../lib/network/proxy.ts";
import { reachByName, reachByTls, type Target } from "../../lib/network/reach.ts";
import { holesInPasst, holesInSlirp } from "../../vm/qemu/wall.ts";
import type { HostParts } from "../create-host.ts";
import { collectNetwork, environmentProxies } from "../network/machine-network.ts";
import type { MachineCheck, NetworkFacts } from "./network.ts";

/** What is tried when nobody says what. */
const usualTarget = "github.com:443";
const usualRegistry = "registry-1.docker.io:443";
const httpsPort = 443;
const machineTimeoutMs = 60_000;
/** The machine is not trusted: more than it ever has to say is cut off. */
const maxChecks = 20;
const maxTextLength = 500;

/** Looks at the way from here and from the machine. Fails with `target-invalid` for a target that is none. */
export async function collectNetworkFacts(
  parts: HostParts,
  env: NodeJS.ProcessEnv,
  wanted: { readonly target: string; readonly registry: string },
  signal: AbortSignal,
): Promise<NetworkFacts> {
  const target = parseTarget(wanted.target === "" ? usualTarget : wanted.target);
  const registry = parseTarget(wanted.registry === "" ? usualRegistry : wanted.registry);
  const { network, problems, authorities } = await collectNetwork(parts.networkSettings.stored, env);
  const ca = [
    ...getCACertificates("bundled"),
    ...getCACertificates("system"),
    ...(network.caCertificatesPem === "" ? [] : [network.caCertificatesPem]),
  ];
  const [dns, tls, wall, checks] = await Promise.all([
    reachByName(target.host, signal),
    reachByTls(target, { proxy: hostProxy(target, network.httpsProxy === "" ? env : undefined, network), ca }, signal),
    lookAtWall(parts, env, signal),
    askMachine(parts, target, registry, signal),
  ]);
  return {
    target: `${target.host}:${target.port}`,
    host: { dns, tls },
    proxy: redactProxyUrl(network.httpsProxy === "" ? network.httpProxy : network.httpsProxy),
    problems,
    authorities,
    wall,
    machine: machineToAsk(parts).view,
    checks,
  };
}

/** HOST, HOST:PORT or an https address. */
export function parseTarget(text: string): Target {
  try {
    const url = new URL(text.includes("://") ? text : `https://${text}`);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    if (url.protocol !== "https:" || host === "" || url.username !== "" || url.password !== "" || /[^\w.:-]/.test(host))
      throw new Error("it is no https address");
    return { host, port: url.port === "" ? httpsPort : Number(url.port) };
  } catch (error) {
    throw new BerthError("target-invalid", `${redactProxyUrl(text)}: ${messageOf(error)}`);
  }
}

/** A proxy on the loopback, which the machine does without, still is this computer's own way. */
function hostProxy(target: Target, env: NodeJS.ProcessEnv | undefined, network: Parameters<typeof proxyFor>[1]): URL | undefined {
  try {
    return proxyFor(target.host, env === undefined ? network : environmentProxies(env));
  } catch {
    return undefined;
  }
}

async function lookAtWall({ driver, paths }: HostParts, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<NetworkFacts["wall"]> {
  if (driver.name !== "qemu") return undefined;
  const passt = process.platform === "linux" && env["BERTH_NETWORK"] !== "slirp" ? findProgram("passt", env["PATH"]) : undefined;
  if (passt === undefined) return { link: "slirp", holes: holesInSlirp };
  try {
    return { link: "passt", holes: await holesInPasst(passt, paths.run, signal) };
  } catch (error) {
    signal.throwIfAborted();
    return { failure: messageOf(error) };
  }
}

/** Any one that runs goes the same way; the shared one first. */
function machineToAsk({ machines }: HostParts): MachineKeeper {
  return machines.all.find(({ keeper }) => keeper.view === "ready")?.keeper ?? machines.shared.keeper;
}

async function askMachine(parts: HostParts, target: Target, registry: Target, signal: AbortSignal): Promise<NetworkFacts["checks"]> {
  const machine = machineToAsk(parts);
  if (machine.view !== "ready") return [];
  try {
    const request = { ...target, registryHost: registry.host, registryPort: registry.port };
    return checksOf(await machine.agent().checkNetwork(request, { signal, timeoutMs: machineTimeoutMs }));
  } catch (error) {
    signal.throwIfAborted();
    return { failure: plain(messageOf(error)) };
  }
}

const results = {
  [NetworkCheck_Result.OK]: "ok",
  [NetworkCheck_Result.FAILED]: "failed",
  [NetworkCheck_Result.SKIPPED]: "skipped",
  [NetworkCheck_Result.UNSPECIFIED]: "skipped",
} as const;

function checksOf({ checks }: CheckNetworkResponse): MachineCheck[] {
  return checks.slice(0, maxChecks).map(({ id, result, detail, issuer }) => ({
    id: plain(id),
    result: results[result],
    detail: plain(detail),
    issuer: plain(issuer),
  }));
}

/** One line that a terminal shows as it is. */
function plain(text: string): string {
  return text.slice(0, maxTextLength).replaceAll(/\p{C}+/gu, " ");
}
