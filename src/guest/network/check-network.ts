import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { type CheckNetworkRequest, NetworkCheck_Result } from "../../contract/gen/berth/v1/agent_pb.js";
import { abortable } from "../../lib/abortable.ts";
import { proxyFor } from "../../lib/network/proxy.ts";
import { type Reached, reachByHttps, reachByName, reachByTcp, reachByTls, type Target } from "../../lib/network/reach.ts";
import type { Observer } from "../observe.ts";
import type { EnvironmentStates } from "../environment-state.ts";
import type { GuestNetwork } from "./guest-network.ts";
import { systemBundle } from "./trust-store.ts";

interface Check {
  readonly id: string;
  readonly result: NetworkCheck_Result;
  readonly detail: string;
  readonly issuer: string;
}

export interface CheckDependencies {
  readonly network: GuestNetwork;
  readonly states: EnvironmentStates;
  readonly observer: Observer;
}

const containerTimeoutMs = 10_000;
const maxSaidLength = 300;

/** Goes the way to a target from the machine and, when one runs, from a container. */
export async function checkNetwork(request: CheckNetworkRequest, dependencies: CheckDependencies, signal: AbortSignal): Promise<Check[]> {
  const target: Target = { host: request.host, port: request.port };
  const registry: Target = { host: request.registryHost, port: request.registryPort };
  const ca = [await readFile(systemBundle, "utf8")];
  const proxy = proxyFor(target.host, dependencies.network.proxies);
  const registryProxy = proxyFor(registry.host, dependencies.network.proxies);
  const throughProxy = async (): Promise<Check> =>
    proxy === undefined ? skipped("proxy", "no proxy is set for it") : checked("proxy", await reachByTls(target, { proxy, ca }, signal));
  const [dns, tcp, tls, viaProxy, ofRegistry, container] = await Promise.all([
    reachByName(target.host, signal),
    reachByTcp(target, signal),
    reachByTls(target, { proxy: undefined, ca }, signal),
    throughProxy(),
    registry.host === "" ? undefined : reachByHttps(registry, "/v2/", { proxy: registryProxy, ca }, signal),
    checkContainer(proxy === undefined ? target : targetOf(proxy), dependencies, signal),
  ]);
  return [
    await checkLink(),
    checked("dns", dns),
    checked("tcp", tcp),
    tcp.ok ? checked("tls", tls) : skipped("tls", "there is no connection"),
    viaProxy,
    ofRegistry === undefined ? skipped("registry", "none was asked for") : checked("registry", ofRegistry),
    container,
  ];
}

async function checkLink(): Promise<Check> {
  const address = networkInterfaces()["eth0"]?.find(({ family }) => family === "IPv4")?.address;
  const routes = await readFile("/proc/net/route", "utf8").catch(() => "");
  if (address === undefined) return failed("link", "the network card has no address");
  if (!/^\S+\t0{8}\t/m.test(routes)) return failed("link", "there is no route to the world");
  return { id: "link", result: NetworkCheck_Result.OK, detail: `${address}, with a route`, issuer: "" };
}

/** What a container's way is, whatever programs are in it: the agent's own Node in its network. */
async function checkContainer({ host, port }: Target, { states, observer }: CheckDependencies, signal: AbortSignal): Promise<Check> {
  const container = states
    .ids()
    .map((id) => observer.container(id))
    .find((c) => c?.State.Running === true);
  if (container === undefined) return skipped("container", "no dev container runs now");
  const script = `require("node:net").connect({host:process.argv[1],port:Number(process.argv[2])}).on("connect",()=>process.exit(0)).on("error",(e)=>{process.stderr.write(e.message);process.exit(1)})`;
  const child = spawn(
    "nsenter",
    [`--net=/proc/${container.State.Pid}/ns/net`, "--", process.execPath, "--eval", script, host, String(port)],
    { stdio: ["ignore", "ignore", "pipe"], env: {}, timeout: containerTimeoutMs },
  );
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(0, maxSaidLength)));
  const code = await abortable(new Promise<number | null>((resolve, reject) => child.once("close", resolve).once("error", reject)), signal);
  const name = container.Name.replace(/^\//, "");
  if (code === 0) return { id: "container", result: NetworkCheck_Result.OK, detail: `${name} reaches ${host}:${port}`, issuer: "" };
  return failed(
    "container",
    `${name} does not reach ${host}:${port}: ${said === "" ? `no answer within ${containerTimeoutMs / 1000} s` : said}`,
  );
}

function targetOf(proxy: URL): Target {
  const port = Number(proxy.port === "" ? (proxy.protocol === "https:" ? 443 : 80) : proxy.port);
  return { host: proxy.hostname.replace(/^\[|\]$/g, ""), port };
}

function checked(id: string, { ok, detail, issuer }: Reached): Check {
  return { id, result: ok ? NetworkCheck_Result.OK : NetworkCheck_Result.FAILED, detail, issuer: issuer ?? "" };
}

function skipped(id: string, detail: string): Check {
  return { id, result: NetworkCheck_Result.SKIPPED, detail, issuer: "" };
}

function failed(id: string, detail: string): Check {
  return { id, result: NetworkCheck_Result.FAILED, detail, issuer: "" };
}
