import { create } from "@bufbuild/protobuf";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { type MeetTunnelRequest, MeetTunnelRequestSchema, TunnelService } from "../../../src/contract/gen/berth/v1/tunnel_pb.js";
import { EnvironmentPhase } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { IdentityService } from "../../../src/contract/gen/gitpod/v1/identity_pb.js";
import { RunnerConfigurationService, RunnerKind, RunnerProvider } from "../../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import {
  RunnerInteractionService,
  type WatchRequestsResponse_MeetTunnel,
} from "../../../src/contract/gen/gitpod/v1/runner_interaction_pb.js";
import { RunnerService } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { EnvironmentService } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { newSession, runnerSessionHeader } from "../../../src/contract/runner-protocol.ts";
import { newKeyPair, openSealed } from "../../../src/lib/sealed-box.ts";
import type { TunnelWorld } from "./tunnel-world.ts";

/** A runner that speaks the protocol by hand, so that it may do what none of ours does. */
export class RawRunner {
  readonly #world: TunnelWorld;
  readonly id: string;
  readonly #token: string;
  readonly #session: string;
  readonly #classId: string;
  readonly #end = new AbortController();
  readonly #invitations: WatchRequestsResponse_MeetTunnel[] = [];
  #wake = (): void => undefined;

  private constructor(
    world: TunnelWorld,
    options: { readonly id: string; readonly token: string; readonly session: string; readonly classId: string },
  ) {
    this.#world = world;
    this.id = options.id;
    this.#token = options.token;
    this.#session = options.session;
    this.#classId = options.classId;
  }

  /** Enrolled by the administrator with this token. */
  static async start(world: TunnelWorld, adminToken: string): Promise<RawRunner> {
    const wanted = { name: `Raw ${performance.now()}`, kind: RunnerKind.REMOTE, provider: RunnerProvider.LINUX_HOST };
    const { runner, exchangeToken } = await world.client(RunnerService, adminToken).createRunner(wanted);
    const id = runner?.runnerId ?? "";
    const { accessToken: token } = await world.client(IdentityService, "").exchangeToken({ exchangeToken });
    const keyPair = await newKeyPair();
    const answered: { header?: Headers } = {};
    const request = { publicKey: keyPair.publicKey, environmentClasses: [{ displayName: `Of ${id}`, description: "raw" }] };
    await world.client(RunnerInteractionService, token).signup(request, {
      headers: { [runnerSessionHeader]: newSession },
      onHeader: (header) => (answered.header = header),
    });
    const session = await openSealed(keyPair, Buffer.from(answered.header?.get(runnerSessionHeader) ?? "", "base64"));
    const { environmentClasses } = await world
      .client(RunnerConfigurationService, adminToken)
      .listEnvironmentClasses({ filter: { runnerIds: [id] } });
    const raw = new RawRunner(world, { id, token, session, classId: environmentClasses[0]?.id ?? "" });
    await raw.#interaction().markRunnerActive({ runnerId: id });
    void raw.#watch().catch(() => undefined);
    return raw;
  }

  end(): void {
    this.#end.abort();
  }

  /** An environment of a person on this runner, which says that it runs. */
  async newEnvironment(token: string): Promise<string> {
    const url = "https://simulated.test/raw.git";
    const initializer = { specs: [{ spec: { case: "contextUrl" as const, value: { url } } }] };
    const spec = { machine: { class: this.#classId }, content: { initializer } };
    const { environment } = await this.#world
      .client(EnvironmentService, token)
      .createEnvironment({ name: `raw-${Math.round(performance.now())}`, spec });
    const environmentId = environment?.id ?? "";
    const status = { phase: EnvironmentPhase.RUNNING, runnerAck: { specVersion: environment?.spec?.specVersion ?? 0n } };
    await this.#interaction().updateRunnerEnvironmentStatus({ runnerId: this.id, environmentId, status });
    return environmentId;
  }

  /** The next tunnel that a gateway asks this runner for. */
  async invitation(): Promise<WatchRequestsResponse_MeetTunnel> {
    for (;;) {
      const next = this.#invitations.shift();
      if (next !== undefined) return next;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Comes to a tunnel; gives the first answer's case. The stream stays open. */
  async meet(ticket: string, options: { readonly isWithoutSession?: true } = {}): Promise<string | undefined> {
    const requests = async function* (): AsyncGenerator<MeetTunnelRequest> {
      yield create(MeetTunnelRequestSchema, { message: { case: "arrival", value: { ticket, sshHostPublicKey: "ssh-ed25519 AAAA" } } });
      await new Promise(() => undefined);
    };
    const client = createClient(TunnelService, this.#transport(this.#world.gatewayUrl, options.isWithoutSession !== true));
    const first = await client.meet(requests(), { signal: this.#end.signal })[Symbol.asyncIterator]().next();
    return first.done === true ? undefined : first.value.message.case;
  }

  async #watch(): Promise<void> {
    for await (const { request } of this.#interaction().watchRequests({ runnerId: this.id }, { signal: this.#end.signal })) {
      if (request.case !== "callMeetTunnel") continue;
      this.#invitations.push(request.value);
      this.#wake();
    }
  }

  #interaction(): Client<typeof RunnerInteractionService> {
    return createClient(RunnerInteractionService, this.#transport(this.#world.apiUrl, true));
  }

  #transport(baseUrl: string, hasSession: boolean): Transport {
    return createConnectTransport({
      baseUrl,
      httpVersion: "2",
      interceptors: [
        (next) => async (request) => {
          request.header.set("authorization", `Bearer ${this.#token}`);
          if (hasSession) request.header.set(runnerSessionHeader, this.#session);
          return next(request);
        },
      ],
    });
  }
}
