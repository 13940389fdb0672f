import { create } from "@bufbuild/protobuf";
import type { Duplex } from "node:stream";
import { BerthError } from "../../contract/berth-error.ts";
import { type MeetTunnelRequest, MeetTunnelRequestSchema, TunnelService } from "../../contract/gen/berth/v1/tunnel_pb.js";
import { GatewayService } from "../../contract/gen/gitpod/v1/gateway_pb.js";
import { feedStream } from "../../lib/feed-stream.ts";
import { type Log } from "../../lib/log.ts";
import { piecesOf } from "../../lib/pieces.ts";
import { isSafeUrl } from "../../contract/safe-url.ts";
import { gatewayFailure } from "../gateway-failure.ts";
import { listPageSize, maxTunnelsAtOnce } from "./limits.ts";
import type { PlaneConnection } from "./plane-connection.ts";

/** The ssh server of an environment that runs here. */
export interface SshEnd {
  readonly stream: Duplex;
  readonly hostPublicKey: string;
}

/** Connects with an environment's ssh server, for which its machine wakes. Fails with `environment-not-running` and the like. */
export type DialSsh = (environmentId: string, signal: AbortSignal) => Promise<SshEnd>;

/** What a gateway gave to this runner for one tunnel. */
export interface TunnelInvitation {
  readonly environmentId: string;
  readonly gatewayUrl: string;
  readonly ticket: string;
}

/** Connects environments' ssh servers with gateways of the plane, which ask for it. */
export class TunnelAnswerer {
  readonly #connection: PlaneConnection;
  readonly #dialSsh: DialSsh;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  #listed: ReadonlySet<string> = new Set();
  #count = 0;

  /** @param options.signal Ends all tunnels. */
  constructor(options: {
    readonly connection: PlaneConnection;
    readonly dialSsh: DialSsh;
    readonly log: Log;
    readonly signal: AbortSignal;
  }) {
    this.#connection = options.connection;
    this.#dialSsh = options.dialSsh;
    this.#log = options.log;
    this.#signal = options.signal;
  }

  /** Returns when both are connected; what they say to each other goes on for as long as they like. */
  async meet(invitation: TunnelInvitation, signal: AbortSignal): Promise<void> {
    await this.#checkGateway(invitation.gatewayUrl, signal);
    if (this.#count >= maxTunnelsAtOnce) throw new BerthError("tunnel-limit", `this runner has ${maxTunnelsAtOnce} open`);
    this.#count++;
    let end: SshEnd;
    try {
      end = await this.#dialSsh(invitation.environmentId, signal);
    } catch (error) {
      this.#count--;
      throw error;
    }
    end.stream.once("close", () => this.#count--);
    end.stream.on("error", () => undefined);
    await this.#join(invitation, end, signal);
  }

  async #join(
    { gatewayUrl, ticket, environmentId }: TunnelInvitation,
    { stream, hostPublicKey }: SshEnd,
    signal: AbortSignal,
  ): Promise<void> {
    // A connection of its own: who reads one tunnel slowly holds up no other.
    const gateway = this.#connection.forTunnel(gatewayUrl);
    const ended = new AbortController();
    const end = (): void => void stream.destroy();
    const stopped = AbortSignal.any([this.#signal, ended.signal]);
    stream.once("close", () => {
      ended.abort();
      gateway.reset("the tunnel has ended");
    });
    this.#signal.addEventListener("abort", end, { signal: ended.signal });
    signal.addEventListener("abort", end);
    try {
      const requests = requestsOf(stream, { ticket, sshHostPublicKey: hostPublicKey });
      const answers = gateway.client(TunnelService).meet(requests, { signal: stopped })[Symbol.asyncIterator]();
      const first = await answers.next();
      if (first.done === true || first.value.message.case !== "joined") throw new BerthError("gateway-unreachable", "it did not join us");
      this.#log.info("a tunnel leads into an environment", { environmentId });
      // The gateway keeps its side open until all was said.
      void feedStream(answers, stream).then(end);
    } catch (error) {
      end();
      throw gatewayFailure(error);
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  /** Our credential goes to no address that the plane does not list, or that somebody in between could hear. */
  async #checkGateway(url: string, signal: AbortSignal): Promise<void> {
    const parsed = URL.parse(url);
    if (parsed === null || !isSafeUrl(parsed))
      throw new BerthError("not-allowed", "a gateway is reached by https, or is on the same computer");
    if (this.#listed.has(url)) return;
    const client = this.#connection.client(GatewayService);
    const { gateways } = await this.#connection.call(
      (call) => client.listGateways({ pagination: { pageSize: listPageSize } }, call),
      signal,
    );
    this.#listed = new Set(gateways.map((gateway) => gateway.url));
    if (!this.#listed.has(url)) throw new BerthError("not-allowed", "the plane lists no such gateway");
  }
}

async function* requestsOf(
  stream: Duplex,
  arrival: { readonly ticket: string; readonly sshHostPublicKey: string },
): AsyncGenerator<MeetTunnelRequest> {
  yield create(MeetTunnelRequestSchema, { message: { case: "arrival", value: arrival } });
  for await (const message of piecesOf(stream)) yield create(MeetTunnelRequestSchema, { message });
}
