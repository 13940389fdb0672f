import { randomBytes } from "node:crypto";
import type { HostKeychain } from "../contract/host-keychain.ts";
import { type Log, messageOf } from "../lib/log.ts";
import type { SafeStore } from "./safe-store.ts";

const keyBytes = 32;

/** The key by which the host seals sign-ins to planes; made once, and kept by the system's keychain or not at all. */
export async function signInKey(store: SafeStore, log: Log): Promise<HostKeychain> {
  const { backend, keeps } = store;
  try {
    if (!keeps) return { kind: "keychain", backend };
    const kept = await store.get();
    if (kept !== "") return { kind: "keychain", backend, key: kept };
    const key = randomBytes(keyBytes).toString("base64");
    return (await store.set(key)) ? { kind: "keychain", backend, key } : { kind: "keychain", backend };
  } catch (error) {
    // A host without a key still has everything else, and says that sign-ins end with it.
    log.warn("the key that seals sign-ins could not be kept", { backend, reason: messageOf(error) });
    return { kind: "keychain", backend };
  }
}
