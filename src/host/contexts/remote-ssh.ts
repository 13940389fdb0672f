import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { openTunnel, type OpenedTunnel } from "../../bridge/open-tunnel.ts";
import { BerthError } from "../../contract/berth-error.ts";
import { EditorService } from "../../contract/gen/gitpod/v1/editor_pb.js";
import {
  type Environment,
  EnvironmentPhase,
  EnvironmentService,
  EnvironmentStatus_ContentPhase,
} from "../../contract/gen/gitpod/v1/environment_pb.js";
import { GatewayService } from "../../contract/gen/gitpod/v1/gateway_pb.js";
import { RunnerPhase, RunnerService } from "../../contract/gen/gitpod/v1/runner_pb.js";
import { remoteSshAliasOf } from "../../lib/ssh-alias.ts";
import { waitUntil } from "../../lib/wait-until.ts";
import type { SshEnvironment } from "../ssh-files.ts";
import { ensureSshKey } from "../ssh-keys.ts";
import type { Contexts } from "./contexts.ts";
import { KnownHosts } from "./known-hosts.ts";
import { plain } from "./list-environments.ts";
import type { RemoteContext } from "./remote-context.ts";

/** How long the runner may take to put a new key in place, and how often that is asked. */
const keyTimeoutMs = 30_000;
const keyPollMs = 500;
/** As many as are tried, one after the other. */
const maxGateways = 10;
const keyIdLetters = 16;

/** An environment of a context. */
export interface RemoteReference {
  readonly contextId: string;
  readonly environmentId: string;
}

/** ssh into environments of contexts, through a gateway of their plane. */
export class RemoteSsh {
  readonly #contexts: Contexts;
  readonly #knownHosts = new Map<string, KnownHosts>();

  constructor(contexts: Contexts) {
    this.#contexts = contexts;
  }

  /** What ssh is to know of the environments that contexts told of last; their names give way to those that are taken. */
  async environments(taken: ReadonlySet<string>): Promise<SshEnvironment[]> {
    const used = new Set(taken);
    const all: SshEnvironment[] = [];
    for (const context of this.#contexts.all)
      // The oldest first: who comes later does not take a name over.
      for (const { environmentId: id, name } of (await context.lastKnown()).toSorted((a, b) =>
        a.environmentId.localeCompare(b.environmentId),
      )) {
        const wanted = remoteSshAliasOf(name, context.record.name, id);
        const alias = used.has(wanted) ? remoteSshAliasOf("", context.record.name, id) : wanted;
        used.add(alias);
        all.push({ id, alias, hostPublicKey: "", remote: { contextId: context.record.id, folder: sshFolderOf(context) } });
      }
    return all;
  }

  /** The environment as its plane has it now. Fails with `environment-not-found`, and as calls to the plane do. */
  async find({ contextId, environmentId }: RemoteReference, signal: AbortSignal): Promise<Environment> {
    const context = this.#contexts.get(contextId);
    const { environment } = await context.ask(
      EnvironmentService,
      async (client, call) => client.getEnvironment({ environmentId }, call),
      signal,
    );
    if (environment === undefined) throw new BerthError("environment-not-found", plain(environmentId));
    return environment;
  }

  /**
   * Connects with an environment's ssh server; then this computer's key may log in, and its host key is known. Fails with
   * `environment-not-running`, `runner-unreachable`, `gateway-missing`, `gateway-unreachable`, `ssh-key-not-accepted`,
   * `host-key-changed`, and as calls to the plane do.
   */
  async dial(reference: RemoteReference, signal: AbortSignal): Promise<Duplex> {
    const context = this.#contexts.get(reference.contextId);
    const environment = await this.find(reference, signal);
    const phase = environment.status?.phase ?? EnvironmentPhase.UNSPECIFIED;
    if (phase !== EnvironmentPhase.RUNNING)
      throw new BerthError(
        "environment-not-running",
        `${plain(environment.metadata?.name ?? "")} is ${EnvironmentPhase[phase].toLowerCase()}`,
      );
    await this.#putKey(context, environment, signal);
    const { stream, sshHostPublicKey } = await this.#open(context, environment.id, signal);
    try {
      await this.#knownHostsOf(context).keep(environment.id, sshHostPublicKey);
      return stream;
    } catch (error) {
      stream.destroy();
      throw error;
    }
  }

  /** Connects once, so that ssh finds its key in place and the host key known. Fails as `dial` does. */
  async prepare(reference: RemoteReference, signal: AbortSignal): Promise<void> {
    const stream = await this.dial(reference, signal);
    stream.destroy();
  }

  /** Fails with `policy-refused` where the plane's organization does not let its environments be opened in this editor. */
  async checkEditor(contextId: string, { id: environmentId, metadata }: Environment, editorId: string, signal: AbortSignal): Promise<void> {
    const request = { environmentId, organizationId: metadata?.organizationId ?? "", editorId };
    // The link that it gives is not used: what is opened on this computer is none of a plane's business.
    await this.#contexts.get(contextId).ask(EditorService, async (client, call) => client.resolveEditorURL(request, call), signal);
  }

  /** Has the environment let this computer's key in, unless it does. */
  async #putKey(context: RemoteContext, environment: Environment, signal: AbortSignal): Promise<void> {
    const { id: environmentId } = environment;
    const { publicKey } = await ensureSshKey(sshFolderOf(context), environmentId);
    const id = `berth-${createHash("sha256").update(publicKey).digest("hex").slice(0, keyIdLetters)}`;
    const isThere = environment.spec?.sshPublicKeys.some((key) => key.id === id && key.value === publicKey) === true;
    if (isThere && isReady(environment, id)) return;
    await this.#checkRunner(context, environment, signal);
    if (!isThere) {
      const request = { environmentId, spec: { sshPublicKeys: [{ id, value: publicKey }] } };
      await context.ask(EnvironmentService, async (client, call) => client.updateEnvironment(request, call), signal);
    }
    const limit = AbortSignal.any([signal, AbortSignal.timeout(keyTimeoutMs)]);
    const reference = { contextId: context.record.id, environmentId };
    const isIn = await waitUntil(async () => isReady(await this.find(reference, signal), id), { intervalMs: keyPollMs, signal: limit });
    signal.throwIfAborted();
    if (!isIn) throw new BerthError("ssh-key-not-accepted", `not within ${keyTimeoutMs / 1000} seconds`);
  }

  /** Nobody waits for a runner that is away. Who may not look at it waits. */
  async #checkRunner(context: RemoteContext, { metadata }: Environment, signal: AbortSignal): Promise<void> {
    const runnerId = metadata?.runnerId ?? "";
    const answer = await context
      .ask(RunnerService, async (client, call) => client.getRunner({ runnerId }, call), signal)
      .catch(() => undefined);
    if (answer?.runner?.status?.phase === RunnerPhase.INACTIVE)
      throw new BerthError("runner-unreachable", `${plain(answer.runner.name)} is not connected to its plane`);
  }

  async #open(context: RemoteContext, environmentId: string, signal: AbortSignal): Promise<OpenedTunnel> {
    const { gateways } = await context.ask(
      GatewayService,
      async (client, call) => client.listGateways({ pagination: { pageSize: maxGateways } }, call),
      signal,
    );
    let failure = new BerthError("gateway-missing", "it lists none");
    for (const { url: gatewayUrl } of gateways.slice(0, maxGateways)) {
      try {
        return await context.withToken(async (accessToken) => openTunnel({ gatewayUrl, accessToken, environmentId, signal }), signal);
      } catch (error) {
        if (!(error instanceof BerthError) || error.code !== "gateway-unreachable") throw error;
        failure = error;
      }
    }
    throw failure;
  }

  #knownHostsOf(context: RemoteContext): KnownHosts {
    const known = this.#knownHosts.get(context.record.id) ?? new KnownHosts(join(sshFolderOf(context), "known_hosts"));
    this.#knownHosts.set(context.record.id, known);
    return known;
  }
}

/** Gone with its context. */
function sshFolderOf({ folder }: RemoteContext): string {
  return join(folder, "ssh");
}

function isReady({ status }: Environment, keyId: string): boolean {
  return status?.sshPublicKeys.some(({ id, phase }) => id === keyId && phase === EnvironmentStatus_ContentPhase.READY) === true;
}
