import { signAsync, type SignOptions } from "@electron/osx-sign";
import { join } from "node:path";
import { entitlementsOf } from "./mac-entitlements.ts";

const entitlements = join(import.meta.dirname, "../resources/entitlements");

/** electron-builder's hook that signs the Mac app: hardened runtime everywhere, entitlements file by file. */
export async function sign(options: SignOptions): Promise<void> {
  await signAsync({
    ...options,
    optionsForFile: (path) => ({ hardenedRuntime: true, entitlements: join(entitlements, entitlementsOf(path)) }),
  });
}
