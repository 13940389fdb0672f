import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { SetNetworkRequest } from "../../contract/gen/berth/v1/agent_pb.js";
import { noProxies, type ProxySettings, proxyVariables } from "../../lib/network/proxy.ts";
import { readSessionEnv, sessionEnvFiles, writeNetworkEnv } from "../devcontainer/session-env.ts";
import type { DevcontainerState, EnvironmentStates } from "../environment-state.ts";
import type { DockerProcess } from "./docker-process.ts";
import { useNameServer } from "./name-server.ts";
import { containerBundle, trustInContainer, trustInMachine } from "./trust-store.ts";

type Wanted = Pick<SetNetworkRequest, "httpProxy" | "httpsProxy" | "noProxy" | "caCertificatesPem" | "nameServers">;

export interface GuestNetworkOptions {
  readonly runFolder: string;
  readonly states: EnvironmentStates;
  readonly dockerProcess: DockerProcess;
}

/** How the machine, dockerd and containers get to the world, as the host said last. Kept in memory and volatile files: there are passwords in it. */
export class GuestNetwork {
  readonly #options: GuestNetworkOptions;
  #proxies: ProxySettings = noProxies;
  #extraPem = "";
  /** All that is trusted; empty until the host said something. */
  #bundle = "";
  #setting: Promise<unknown> = Promise.resolve();
  #last = "";

  constructor(options: GuestNetworkOptions) {
    this.#options = options;
  }

  get proxies(): ProxySettings {
    return this.#proxies;
  }

  /** Variables of what runs in the machine itself. */
  get machineEnv(): Readonly<Record<string, string>> {
    return proxyVariables(this.#proxies);
  }

  /** For docker's own configuration, from where builds and new containers get them; undefined without proxies. */
  get dockerClientProxies(): object | undefined {
    const { httpProxy, httpsProxy, noProxy } = this.#proxies;
    if (httpProxy === "" && httpsProxy === "") return undefined;
    return { default: { ...(httpProxy === "" ? {} : { httpProxy }), ...(httpsProxy === "" ? {} : { httpsProxy }), noProxy } };
  }

  /** Takes over what the host says, everywhere; true when dockerd does so later. */
  async set(wanted: Wanted): Promise<boolean> {
    const setting = this.#setting.then(async () => this.#set(wanted));
    this.#setting = setting.catch(() => undefined);
    await setting;
    // Not within: another change must not wait for a dockerd that starts.
    return !(await this.#options.dockerProcess.want(this.#dockerEnv(), this.#extraPem));
  }

  async #set({ httpProxy, httpsProxy, noProxy, caCertificatesPem, nameServers }: Wanted): Promise<void> {
    const { runFolder, states } = this.#options;
    // The host says it on every connection, and a machine that wakes is to be ready at once.
    const said = JSON.stringify([httpProxy, httpsProxy, noProxy, caCertificatesPem, nameServers]);
    if (said === this.#last) return;
    this.#proxies = { httpProxy, httpsProxy, noProxy };
    this.#extraPem = caCertificatesPem;
    this.#bundle = await trustInMachine(caCertificatesPem, join(runFolder, "network"));
    await useNameServer(nameServers[0]);
    for (const id of states.ids()) await this.placeIn(id);
    this.#last = said;
  }

  #dockerEnv(): Readonly<Record<string, string>> {
    const upperCase = Object.entries(proxyVariables(this.#proxies)).filter(([name]) => name === name.toUpperCase());
    const trust = this.#extraPem === "" ? {} : { BERTH_TRUST: createHash("sha256").update(this.#extraPem).digest("hex") };
    return { ...Object.fromEntries(upperCase), ...trust };
  }

  /**
   * Variables of every new session in a container. One that was made with proxies keeps those for its own processes, so
   * that they are blanked when there are none any more.
   */
  sessionEnv(devcontainer: Pick<DevcontainerState, "proxied"> | undefined): Readonly<Record<string, string>> {
    const blank = proxyVariables({ httpProxy: "-", httpsProxy: "-", noProxy: "-" });
    const blanks = devcontainer?.proxied === true ? Object.fromEntries(Object.keys(blank).map((name) => [name, ""])) : {};
    return { ...blanks, ...proxyVariables(this.#proxies), ...this.#trustEnv() };
  }

  /** Puts authorities and variables where an environment's sessions find them. Call before its container comes up, and after. */
  async placeIn(environmentId: string): Promise<void> {
    const { runFolder, states } = this.#options;
    if (this.#bundle !== "" && existsSync(states.runFolderOf(environmentId)))
      // What a container put in the way is its own loss.
      await trustInContainer(states.runFolderOf(environmentId), this.#bundle, this.#extraPem).catch(() => undefined);
    const files = sessionEnvFiles(runFolder, environmentId);
    const devcontainer = states.get(environmentId)?.devcontainer;
    if (devcontainer === undefined || !existsSync(files.json)) return;
    const own = { ...devcontainer.remoteEnv, ...(await readSessionEnv(files)) };
    const env = Object.entries(this.sessionEnv(devcontainer)).filter(([name]) => own[name] === undefined);
    await writeNetworkEnv(files, Object.fromEntries(env));
  }

  /** Gives dockerd the chance to take the settings over before it pulls and builds for this environment. */
  async settleDocker(environmentId: string): Promise<void> {
    await this.#options.dockerProcess.settle(environmentId);
  }

  /** The variables by which OpenSSL, Go, curl, git, Python's requests and Node find authorities. */
  #trustEnv(): Readonly<Record<string, string>> {
    if (this.#extraPem === "") return {};
    const all = `/run/berth/${containerBundle.all}`;
    return {
      SSL_CERT_FILE: all,
      CURL_CA_BUNDLE: all,
      GIT_SSL_CAINFO: all,
      REQUESTS_CA_BUNDLE: all,
      NODE_EXTRA_CA_CERTS: `/run/berth/${containerBundle.extra}`,
    };
  }
}
