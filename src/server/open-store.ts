import { create } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import { statSync } from "node:fs";
import { BerthError } from "../contract/berth-error.ts";
import type { Log } from "../lib/log.ts";
import { Sealer } from "../plane/seal.ts";
import { keyCheckKind } from "../plane/store/identity-kinds.ts";
import { PageTokens, pageTokenKeyUse } from "../plane/store/page-tokens.ts";
import { openPostgresStore } from "../plane/store/postgres/open-postgres-store.ts";
import { openSqliteStore } from "../plane/store/sqlite/open-sqlite-store.ts";
import { sealedOwner } from "../plane/store/renew-sealed.ts";
import type { Store } from "../plane/store/store.ts";

/** Bits of a file's mode that let others than its owner in. */
const othersMode = 0o077;
const postgresPattern = /^postgres(?:ql)?:\/\//;
const keyCheckId = "key-check";
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
  /** Keys that were replaced, as long as something may be sealed with them. */
  readonly oldKeyFiles: readonly string[];
  readonly now: () => number;
  readonly log: Log;
}): Promise<OpenedStore> {
  const { databaseUrl, keyFile, oldKeyFiles, now, log } = options;
  const sealer = await Sealer.open(keyFile, oldKeyFiles);
  for (const file of [keyFile, ...oldKeyFiles])
    if ((statSync(file).mode & othersMode) !== 0) throw new BerthError("key-unusable", `others may read ${file}: chmod 600`);
  const tokens = new PageTokens(sealer.deriveKey(pageTokenKeyUse));
  const store = isPostgres(databaseUrl)
    ? await openPostgresStore({ url: databaseUrl, tokens, now, log })
    : openSqliteStore({ path: databaseUrl.replace(sqlitePrefix, ""), tokens, now, log });
  try {
    await checkKey(store, sealer);
    return { store, sealer, tokens };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Whether the address of a database is one of PostgreSQL; else it is the path of a SQLite file. */
export function isPostgres(databaseUrl: string): boolean {
  return postgresPattern.test(databaseUrl);
}

/** Of all servers on one database each has to have the same key; what one seals the others could not open. */
async function checkKey(store: Store, sealer: Sealer): Promise<void> {
  const owner = sealedOwner(keyCheckKind.name, keyCheckId);
  const system = store.system("installation");
  await system.transaction(async (tx) => {
    if ((await tx.get(keyCheckKind, keyCheckId)) !== undefined) return;
    tx.insert(keyCheckKind, keyCheckId, create(EmptySchema), { sealed: sealer.seal("opened", owner) });
  });
  const sealed = await system.sealed(keyCheckKind, keyCheckId);
  try {
    sealer.open(sealed ?? new Uint8Array(), owner);
  } catch (error) {
    throw new BerthError("key-unusable", "this database was sealed with another key", { cause: error });
  }
}
