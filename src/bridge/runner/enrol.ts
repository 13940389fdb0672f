import { BerthError } from "../../contract/berth-error.ts";
import { IdentityService } from "../../contract/gen/gitpod/v1/identity_pb.js";
import { parsePlaneAddress } from "../../contract/plane-address.ts";
import type { Clock } from "../../lib/clock.ts";
import { newKeyPair } from "../../lib/sealed-box.ts";
import { PlaneConnection, type PlaneConnectionOptions } from "./plane-connection.ts";
import type { RunnerState, RunnerStateStore } from "./runner-state.ts";

/**
 * Makes this computer a runner: exchanges the token, which can be used once, and saves what came of it. The runner signs up
 * when it is run. Fails with `argument-invalid`, `exchange-token-invalid` or `plane-unreachable`.
 */
export async function enrolRunner(
  options: {
    readonly planeUrl: string;
    readonly exchangeToken: string;
    readonly state: RunnerStateStore;
    readonly clock: Clock;
  } & Pick<PlaneConnectionOptions, "http2">,
  signal: AbortSignal,
): Promise<RunnerState> {
  const { exchangeToken, state, clock, http2 } = options;
  const planeUrl = parsePlaneAddress(options.planeUrl).href;
  const beginning: RunnerState = { planeUrl, keyPair: await newKeyPair(), accessToken: undefined };
  // Saving comes first: when it fails after the exchange, the token is used up. What worked before is kept until then.
  await state.save((await state.load()) ?? beginning);
  const connection = new PlaneConnection({
    planeUrl,
    accessToken: undefined,
    clock,
    ...(http2 === undefined ? {} : { http2 }),
  });
  try {
    const client = connection.client(IdentityService);
    const { accessToken } = await connection.call((call) => client.exchangeToken({ exchangeToken }, call), signal);
    if (accessToken === "") throw new BerthError("exchange-token-invalid", "the plane gave nothing for it");
    const enrolled: RunnerState = { ...beginning, accessToken };
    await state.save(enrolled);
    return enrolled;
  } finally {
    connection.reset("the token is exchanged");
  }
}
