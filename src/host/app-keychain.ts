import { EventEmitter, once } from "node:events";
import { z } from "zod";
import type { Keychain } from "../bridge/token-store.ts";
import { type HostKeychain, hostKeychainSchema } from "../contract/host-keychain.ts";
import { Sealer } from "../plane/seal.ts";

/** The app has opened its keychain before it starts a host, and gives a host a minute to start. */
const keychainTimeoutMs = 20_000;
const sealedFor = "sign-in";
const messageEventSchema = z.object({ data: hostKeychainSchema });

/** The keychain of the app that started this host; undefined when no app did. One that does not answer keeps nothing. */
export async function appKeychain(): Promise<Keychain | undefined> {
  // Electron's own name in its processes; Node has none of it.
  const port: unknown = Reflect.get(process, "parentPort");
  if (!(port instanceof EventEmitter)) return undefined;
  const [event]: unknown[] = await once(port, "message", { signal: AbortSignal.timeout(keychainTimeoutMs) }).catch(() => []);
  const parsed = messageEventSchema.safeParse(event);
  return keychainOf(parsed.success ? parsed.data.data : { kind: "keychain", backend: "unknown" });
}

/** Seals by the key of a message; without one it is there for nothing. */
function keychainOf({ backend, key }: HostKeychain): Keychain {
  const sealer = key === undefined ? undefined : Sealer.ofKey(Buffer.from(key, "base64"));
  const unusable = (): never => {
    throw new Error("the app gave no key");
  };
  return {
    isAvailable: () => Promise.resolve(sealer !== undefined),
    backend: () => Promise.resolve(backend),
    seal: async (text) => sealer?.seal(text, sealedFor) ?? unusable(),
    open: async (sealed) => sealer?.open(sealed, sealedFor) ?? unusable(),
  };
}
