import { statSync } from "node:fs";
import { createHash, timingSafeEqual } from "node:crypto";
import { BerthError } from "../contract/berth-error.ts";
import type { Log } from "../lib/log.ts";
import { Sealer } from "../plane/seal.ts";
import { PageTokens, pageTokenKeyUse } from "../plane/store/page-tokens.ts";
import { openPostgresStore } from "../plane/store/postgres/open-postgres-store.ts";
import { openSqliteStore } from "../plane/store/sqlite/open-sqlite-store.ts";
import type { Store } from "../plane/store/store.ts";

/** Bits of a file's mode that let others than its owner in. */
const othersMode = 0o077;
const postgresPattern = /^postgres(?:ql)?:\/\//;
const sqlitePrefix = /^sqlite:/;

export interface OpenedStore {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly tokens: PageTokens;
}

/**
 * Opens the database and the key that seals what is secret in it. Fails with `key-unusable` when others may read the key
 * file or the database was sealed with another key, and as the databases do.
 */
export async function openStore(options: {
  readonly databaseUrl: string;
  readonly keyFile: string;
  readonly now: () => number;
  readonly log: Log;
}): Promise<OpenedStore> {
  const { databaseUrl, keyFile, now, log } = options;
  const sealer = await Sealer.open(keyFile);
  if ((statSync(keyFile).mode & othersMode) !== 0) throw new BerthError("key-unusable", `others may read ${keyFile}: chmod 600`);
  const tokens = new PageTokens(sealer.deriveKey(pageTokenKeyUse));
  const store = postgresPattern.test(databaseUrl)
    ? await openPostgresStore({ url: databaseUrl, tokens, now, log })
    : openSqliteStore({ path: databaseUrl.replace(sqlitePrefix, ""), tokens, now });
  try {
    await checkKey(store, sealer);
    return { store, sealer, tokens };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Of all servers on one database each has to have the same key; what one seals the others could not open. */
async function checkKey(store: Store, sealer: Sealer): Promise<void> {
  const own = createHash("sha256").update(sealer.deriveKey("berth key check")).digest("hex");
  const first = await store.settingOnce("key-check", () => own);
  if (!timingSafeEqual(Buffer.from(own), Buffer.from(first.padEnd(own.length).slice(0, own.length))))
    throw new BerthError("key-unusable", "this database was sealed with another key");
}
