import { createHmac, timingSafeEqual } from "node:crypto";
import type { Environment } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { environmentKind } from "../store/kinds.ts";
import type { Store, View } from "../store/store.ts";
import { runnerStateKind } from "./kinds.ts";

/** What the key of these tokens is derived for. */
export const environmentTokenKeyUse = "berth environment access tokens";

const pattern = /^berth_ea_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;

/**
 * What environments call the plane with. A token is a mark that only this installation can make, so that none is kept.
 * It is good as long as the environment is on the runner that got it, with the credential that the runner has.
 */
export class EnvironmentTokens {
  readonly #view: View;
  readonly #key: Uint8Array;

  constructor(store: Store, key: Uint8Array) {
    this.#view = store.system("authentication");
    this.#key = key;
  }

  /** The tokens of environments of one runner, in their order. */
  async of(runnerId: string, environments: readonly Environment[]): Promise<readonly string[]> {
    const issuedAtMs = await this.#credentialIssuedAtMs(runnerId);
    return environments.map(({ id }) => `berth_ea_${id}_${this.#mark(id, runnerId, issuedAtMs).toString("base64url")}`);
  }

  /** The environment whose token this is; undefined when it is none, or not good any more. */
  async authenticate(token: string): Promise<{ readonly id: string; readonly organizationId: string } | undefined> {
    const [, id, given] = pattern.exec(token) ?? [];
    if (id === undefined || given === undefined) return undefined;
    const stored = await this.#view.get(environmentKind, id);
    const runnerId = stored?.message.metadata?.runnerId ?? "";
    // Asked for also where there is no such environment, so that the time tells nothing.
    const mark = this.#mark(id, runnerId, await this.#credentialIssuedAtMs(runnerId));
    const isGood = timingSafeEqual(mark, Buffer.from(given, "base64url"));
    return stored !== undefined && isGood ? { id, organizationId: stored.organizationId } : undefined;
  }

  /** Grows with each new credential, so that who held the one before is shut out here too. */
  async #credentialIssuedAtMs(runnerId: string): Promise<bigint> {
    return (await this.#view.get(runnerStateKind, runnerId))?.message.credentialIssuedAtMs ?? 0n;
  }

  #mark(environmentId: string, runnerId: string, issuedAtMs: bigint): Buffer {
    return createHmac("sha256", this.#key)
      .update(JSON.stringify([environmentId, runnerId, String(issuedAtMs)]))
      .digest();
  }
}
