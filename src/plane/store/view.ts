import type { DescMessage } from "@bufbuild/protobuf";
import { setTimeout as delay } from "node:timers/promises";
import { BerthError } from "../../contract/berth-error.ts";
import { type Backend, StaleRead } from "./backend.ts";
import type { Kind } from "./kind.ts";
import type { OpenWork } from "./open-work.ts";
import type { PageTokens } from "./page-tokens.ts";
import { countQuery, listQuery, type Scope, sealedQuery } from "./queries.ts";
import { storedOf } from "./rows.ts";
import type { ListOptions, Page, PageRequest, Stored, Transaction, TransactionOptions, View, Where } from "./store.ts";
import { OpenTransaction } from "./transaction.ts";

const defaultPageSize = 25;
const maxPageSize = 100;
/** How often a transaction is done again that others were quicker than. */
const maxTries = 10;
/** Once more would do: by then what took the key is seen. */
const maxTriesOfTaken = 3;
const retryDelayMs = 5;
const maxRetryDelayMs = 50;

/** The records of an organization or, without a scope, of the installation. */
export class ScopedView implements View {
  readonly #backend: Backend;
  readonly #tokens: PageTokens;
  readonly #now: () => number;
  readonly #open: OpenWork;
  protected readonly scope: Scope;

  constructor(options: {
    readonly backend: Backend;
    readonly tokens: PageTokens;
    readonly now: () => number;
    readonly open: OpenWork;
    readonly scope: Scope;
  }) {
    this.#backend = options.backend;
    this.#tokens = options.tokens;
    this.#now = options.now;
    this.#open = options.open;
    this.scope = options.scope;
  }

  async get<Desc extends DescMessage>(kind: Kind<Desc>, id: string): Promise<Stored<Desc> | undefined> {
    const row = await this.#backend.row({ scope: this.scope, kind: kind.name, id });
    return row === undefined ? undefined : storedOf(kind, row);
  }

  async sealed<Desc extends DescMessage>(kind: Kind<Desc>, id: string): Promise<Uint8Array | undefined> {
    const [row] = await this.#backend.rows(sealedQuery(this.#backend.build, this.scope, kind.name, id));
    const value = row?.["sealed"];
    return value instanceof Uint8Array ? value : undefined;
  }

  async find<Desc extends DescMessage>(kind: Kind<Desc>, key: Pick<Where, "nameKey" | "lookupKey">): Promise<Stored<Desc> | undefined> {
    const [found] = await this.#select(kind, { where: key, limit: 1 });
    return found;
  }

  async all<Desc extends DescMessage>(kind: Kind<Desc>, options: ListOptions = {}): Promise<readonly Stored<Desc>[]> {
    return this.#select(kind, options);
  }

  async list<Desc extends DescMessage>(kind: Kind<Desc>, page: PageRequest | undefined, options: ListOptions = {}): Promise<Page<Desc>> {
    const size = pageSizeOf(page);
    const { visible, visibleParentIds: _, ...where } = options.where ?? {};
    const list = JSON.stringify([
      kind.name,
      this.scope ?? null,
      options.orderBy ?? "id",
      options.order ?? "ascending",
      options.asked ?? where,
      visible?.ownerId ?? null,
    ]);
    const after = page === undefined || page.token === "" ? undefined : this.#tokens.read(page.token, list);
    const query = listQuery(this.#backend.build, this.scope, kind.name, {
      ...options,
      ...(after === undefined ? {} : { after }),
      limit: size + 1,
    });
    const rows = await this.#backend.rows(query);
    const items = rows.slice(0, size).map((row) => storedOf(kind, row));
    const last = rows.length > size ? rows[size - 1] : undefined;
    if (last === undefined) return { items, nextToken: "" };
    const { id, order_key: orderKey } = last;
    if (typeof id !== "string" || (typeof orderKey !== "string" && typeof orderKey !== "number"))
      throw new Error("a row without its order");
    return { items, nextToken: this.#tokens.make({ orderKey, id }, list) };
  }

  async count<Desc extends DescMessage>(kind: Kind<Desc>, where: Where = {}): Promise<number> {
    const [row] = await this.#backend.rows(countQuery(this.#backend.build, this.scope, kind.name, where));
    return Number(row?.["n"] ?? 0);
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return this.#open.run(async () => this.#transact(work, options));
  }

  async #transact<T>(work: (tx: Transaction) => Promise<T>, options: TransactionOptions): Promise<T> {
    for (let tries = 1; ; tries++) {
      const nowMs = this.#now();
      const tx = new OpenTransaction({ view: this, scope: this.scope, nowMs });
      const result = await work(tx);
      try {
        const changes = tx.end();
        if (changes.length > 0) await this.#backend.commit(changes, { isObserved: options.isObserved ?? false, nowMs });
        return result;
      } catch (error) {
        // What was not there when it was looked for may have been made since.
        const isTakenSince =
          error instanceof BerthError && error.code === "resource-exists" && tx.missedSomething && tries < maxTriesOfTaken;
        if (!(error instanceof StaleRead) && !isTakenSince) throw error;
        if (tries === maxTries) throw new BerthError("changed-meanwhile", `tried ${tries} times`, { cause: error });
      }
      // At random, so that those who were in each other's way are not again.
      await delay(Math.random() * Math.min(maxRetryDelayMs, retryDelayMs * 2 ** tries));
    }
  }

  async #select<Desc extends DescMessage>(kind: Kind<Desc>, options: ListOptions & { readonly limit?: number }): Promise<Stored<Desc>[]> {
    const rows = await this.#backend.rows(listQuery(this.#backend.build, this.scope, kind.name, options));
    return rows.map((row) => storedOf(kind, row));
  }
}

/** How many items a page has; none or less asks for the usual. */
export function pageSizeOf(page: Pick<PageRequest, "pageSize"> | undefined): number {
  return Math.min(maxPageSize, page === undefined || page.pageSize <= 0 ? defaultPageSize : page.pageSize);
}
