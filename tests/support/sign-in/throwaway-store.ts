import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { Sealer } from "../../../src/plane/seal.ts";
import type { Kind } from "../../../src/plane/store/kind.ts";
import { PageTokens } from "../../../src/plane/store/page-tokens.ts";
import { openSqliteStore } from "../../../src/plane/store/sqlite/open-sqlite-store.ts";
import type { Store } from "../../../src/plane/store/store.ts";

/** A plane's store and its sealer, in a folder of their own. */
export class ThrowawayStore {
  readonly #folder: string;
  readonly store: Store;
  readonly sealer: Sealer;

  private constructor(folder: string, sealer: Sealer) {
    this.#folder = folder;
    this.sealer = sealer;
    this.store = openSqliteStore({ path: join(folder, "berth.db"), tokens: new PageTokens(Buffer.alloc(32, 7)), now: () => Date.now() });
  }

  static async open(): Promise<ThrowawayStore> {
    const folder = mkdtempSync(join(tmpdir(), "berth-store-"));
    return new ThrowawayStore(folder, await Sealer.open(join(folder, "key")));
  }

  async all<Desc extends DescMessage>(kind: Kind<Desc>): Promise<MessageShape<Desc>[]> {
    return (await this.store.system("housekeeping").all(kind)).map(({ message }) => message);
  }

  sealed<Desc extends DescMessage>(kind: Kind<Desc>, id: string): Promise<Uint8Array | undefined> {
    return this.store.system("housekeeping").sealed(kind, id);
  }

  async clear(...kinds: Kind<DescMessage>[]): Promise<void> {
    await this.store.system("housekeeping").transaction(async (tx) => {
      for (const kind of kinds) for (const stored of await tx.all(kind)) tx.delete(kind, stored);
    });
  }

  /** Until the answer is called, the database fails whoever deletes a record of the kind. */
  refuseDeletes({ name }: Kind<DescMessage>): () => void {
    const other = new DatabaseSync(join(this.#folder, "berth.db"));
    other.exec(
      `CREATE TRIGGER refuse BEFORE DELETE ON resources WHEN old.kind = '${name}' BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`,
    );
    return () => {
      other.exec("DROP TRIGGER refuse");
      other.close();
    };
  }

  async end(): Promise<void> {
    await this.store.close();
    rmSync(this.#folder, { recursive: true });
  }
}
