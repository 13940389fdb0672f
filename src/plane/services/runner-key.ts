import { BerthError } from "../../contract/berth-error.ts";
import { sealTo } from "../../lib/sealed-box.ts";
import { runnerKind } from "../store/fleet-kinds.ts";
import type { Reader } from "../store/store.ts";
import { found } from "./found.ts";

/** Seals values so that one runner alone opens them. Fails with `resource-not-found` or `runner-not-signed-up`. */
export async function sealerFor(reader: Reader, runnerId: string): Promise<(value: string) => Promise<Uint8Array>> {
  const { message } = await found(reader, runnerKind, runnerId, "runner");
  const { publicKey } = message.status ?? {};
  return async (value) => {
    if (publicKey === undefined || publicKey.length === 0) throw new BerthError("runner-not-signed-up", `'${message.name}'`);
    return sealTo(publicKey, value);
  };
}
