import { create, type DescService } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Client, type Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AccessTokenRecordSchema } from "../../../src/contract/gen/berth/v1/records_pb.js";
import { type Account, AccountSchema } from "../../../src/contract/gen/gitpod/v1/account_pb.js";
import { OrganizationRole } from "../../../src/contract/gen/gitpod/v1/organization_pb.js";
import { PersonalAccessTokenSchema } from "../../../src/contract/gen/gitpod/v1/user_pb.js";
import { silentLog } from "../../../src/lib/log.ts";
import { uuidV7 } from "../../../src/lib/uuid.ts";
import { newToken } from "../../../src/plane/access-tokens.ts";
import { insertOrganization, joinOrganization } from "../../../src/plane/membership.ts";
import { accessTokenKind, accountKind } from "../../../src/plane/store/identity-kinds.ts";
import type { Store, Transaction } from "../../../src/plane/store/store.ts";
import { readConfig } from "../../../src/server/config.ts";
import { type RunningServer, serve } from "../../../src/server/serve.ts";
import type { Databases } from "../store/databases.ts";

/** Somebody with a token. */
export interface Person {
  readonly account: Account;
  readonly userId: string;
  readonly organizationId: string;
  readonly token: string;
}

/** A server in this process, and what signs people in where there is no provider to do it. */
export class ServedServer {
  readonly store: Store;
  readonly #server: RunningServer;
  readonly #folder: string;

  private constructor(options: { server: RunningServer; store: Store; folder: string }) {
    this.#server = options.server;
    this.store = options.store;
    this.#folder = options.folder;
  }

  static async start(databases: Databases): Promise<ServedServer> {
    const folder = mkdtempSync(join(tmpdir(), "berth-served-"));
    const databaseUrl = await databases.make();
    const flags = { databaseUrl, keyFile: join(folder, "key"), listen: "127.0.0.1:0", drainLimitSeconds: "1" };
    const server = await serve(readConfig(flags, {}), silentLog);
    return new ServedServer({ server, store: await databases.open(databaseUrl), folder });
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  async stop(): Promise<void> {
    await this.store.close();
    await this.#server.drain();
    rmSync(this.#folder, { recursive: true });
  }

  /** A client of somebody, by person or by token. */
  as<Service extends DescService>(who: Person | string, service: Service): Client<Service> {
    const token = typeof who === "string" ? who : who.token;
    const transport = createConnectTransport({
      baseUrl: this.baseUrl,
      httpVersion: "1.1",
      interceptors: [
        (next) => async (request) => {
          request.header.set("authorization", `Bearer ${token}`);
          return next(request);
        },
      ],
    });
    return createClient(service, transport);
  }

  /** Makes an organization with its administrator. */
  async founder(name: string, email = `${name.toLowerCase()}@example.com`): Promise<Person> {
    const account = newAccount(name, email);
    return this.store.system("accounts").transaction(async (tx) => {
      tx.insert(accountKind, account.id, account);
      const { organization, member } = insertOrganization(tx, { name: `${name}'s`, account, loginProvider: "test", nowMs: Date.now() });
      const userId = member.user?.id ?? "";
      return { account, userId, organizationId: organization.id, token: insertToken(tx, userId, organization.id) };
    });
  }

  /** Makes somebody a member of an organization. */
  async member(organizationId: string, name: string, account = newAccount(name, `${name.toLowerCase()}@example.com`)): Promise<Person> {
    return insertMember(this.store, organizationId, account);
  }
}

/** Makes an account a member of an organization, with a token. */
export async function insertMember(store: Store, organizationId: string, account: Account): Promise<Person> {
  const system = store.system("accounts");
  if ((await system.get(accountKind, account.id)) === undefined)
    await system.transaction(async (tx) => tx.insert(accountKind, account.id, account));
  return store.inOrganization(organizationId).transaction(async (tx) => {
    const member = await joinOrganization(tx, {
      organizationId,
      account,
      role: OrganizationRole.MEMBER,
      loginProvider: "test",
      nowMs: Date.now(),
    });
    const userId = member.user?.id ?? "";
    return { account, userId, organizationId, token: insertToken(tx, userId, organizationId) };
  });
}

export function newAccount(name: string, email: string): Account {
  const at = timestampFromMs(Date.now());
  return create(AccountSchema, { id: uuidV7(Date.now()), name, email, createdAt: at, updatedAt: at });
}

function insertToken(tx: Transaction, userId: string, organizationId: string): string {
  const { token, hash } = newToken("personal");
  const personal = create(PersonalAccessTokenSchema, { id: uuidV7(Date.now()), userId, createdAt: timestampFromMs(Date.now()) });
  const record = create(AccessTokenRecordSchema, { hash, token: { case: "personal", value: personal } });
  tx.insert(accessTokenKind, personal.id, record, { organizationId });
  return token;
}

/** What a call failed with; undefined when it did not. */
export async function codeOf(call: Promise<unknown>): Promise<Code | undefined> {
  return call.then(
    () => undefined,
    (error: unknown) => ConnectError.from(error).code,
  );
}
