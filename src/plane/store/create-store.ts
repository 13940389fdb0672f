import type { Backend } from "./backend.ts";
import { renewSealed } from "./renew-sealed.ts";
import { OpenWork } from "./open-work.ts";
import type { PageTokens } from "./page-tokens.ts";
import { accessKinds } from "./access-kinds.ts";
import { eraseQuery, spansQuery } from "./queries.ts";
import { accessRowOf, spanOf } from "./rows.ts";
import type { DescMessage } from "@bufbuild/protobuf";
import type { Kind } from "./kind.ts";
import type { AccessRow, OrganizationStore, Period, Span, SpanOptions, Store } from "./store.ts";
import { ScopedView } from "./view.ts";

class OrganizationView extends ScopedView implements OrganizationStore {
  readonly organizationId: string;
  readonly #backend: Backend;

  constructor(options: ConstructorParameters<typeof ScopedView>[0] & { readonly scope: string }) {
    super(options);
    this.organizationId = options.scope;
    this.#backend = options.backend;
  }

  async access(ids: readonly string[], principalId: string): Promise<readonly AccessRow[]> {
    const rows = await this.#backend.access({ organizationId: this.organizationId, kinds: accessKinds, ids, principalId });
    return rows.map(accessRowOf);
  }

  async spans<Desc extends DescMessage>(kind: Kind<Desc>, period: Period, options: SpanOptions): Promise<readonly Span[]> {
    const rows = await this.#backend.rows(spansQuery(this.#backend.build, this.organizationId, kind.name, period, options));
    return rows.map(spanOf);
  }

  async erase(): Promise<void> {
    await this.#backend.rows(eraseQuery(this.#backend.build, this.organizationId));
  }
}

/** The store on a database that is open. `tokens` marks the tokens of pages. */
export function createStore({
  backend,
  tokens,
  now,
}: {
  readonly backend: Backend;
  readonly tokens: PageTokens;
  readonly now: () => number;
}): Store {
  const { build } = backend;
  const open = new OpenWork();
  return {
    events: backend.events,
    inOrganization: (organizationId) => {
      if (organizationId === "") throw new Error("an organization without an id");
      return new OrganizationView({ backend, tokens, now, open, scope: organizationId });
    },
    system: () => new ScopedView({ backend, tokens, now, open, scope: undefined }),
    settingOnce: async (name, make) => {
      const insert = build.insertInto("settings").values({ name, value: make() });
      await backend.rows(
        insert
          .onConflict((conflict) => conflict.column("name").doNothing())
          .returning("name")
          .compile(),
      );
      const [row] = await backend.rows(build.selectFrom("settings").select("value").where("name", "=", name).compile());
      return String(row?.["value"]);
    },
    renewSealed: async (renew) => renewSealed(backend, renew, now()),
    ping: async (signal) => backend.ping(signal),
    close: async () => {
      await open.close();
      await backend.close();
    },
  };
}
