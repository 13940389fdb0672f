import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Environment, EnvironmentPhase, EnvironmentSchema } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { ResourceOperation } from "../../../src/contract/gen/gitpod/v1/event_pb.js";
import { SecretSchema } from "../../../src/contract/gen/gitpod/v1/secret_pb.js";
import { environmentKind, secretKind } from "../../../src/plane/store/kinds.ts";
import type { OrganizationStore, Store, StoreEvent, View } from "../../../src/plane/store/store.ts";
import { postgresDatabases, sqliteDatabases } from "./databases.ts";

const organization = "018f0000-0000-7000-8000-0000000000a1";
const otherOrganization = "018f0000-0000-7000-8000-0000000000a2";
const creator = "018f0000-0000-7000-8000-0000000000c1";

function idOf(n: number): string {
  return `018f0000-0000-7000-8000-${String(n).padStart(12, "0")}`;
}

function environment(n: number, fields: { name?: string; organizationId?: string; archivedAtMs?: number } = {}): Environment {
  const { name = `env ${n}`, organizationId = organization, archivedAtMs } = fields;
  return create(EnvironmentSchema, {
    id: idOf(n),
    metadata: {
      name,
      organizationId,
      creator: { id: creator },
      originalContextUrl: `https://github.com/o/r${n}`,
      ...(archivedAtMs === undefined ? {} : { archivedAt: timestampFromMs(archivedAtMs) }),
    },
    status: { phase: n % 2 === 0 ? EnvironmentPhase.RUNNING : EnvironmentPhase.STOPPED },
  });
}

async function insert(view: View, ...environments: Environment[]): Promise<void> {
  await view.transaction(async (tx) => {
    for (const message of environments) tx.insert(environmentKind, message.id, message);
  });
}

async function rename(view: View, id: string, name: string): Promise<void> {
  await view.transaction(async (tx) => {
    const stored = await tx.get(environmentKind, id);
    if (stored?.message.metadata === undefined) throw new Error("it is gone");
    tx.update(environmentKind, stored, { ...stored.message, metadata: { ...stored.message.metadata, name } });
  });
}

describe.each([sqliteDatabases(), postgresDatabases()])("a store on $name", (databases) => {
  let url: string;
  let store: Store;
  let own: OrganizationStore;
  let other: OrganizationStore;

  beforeAll(async () => databases.start());
  afterAll(async () => databases.stop());
  beforeEach(async () => {
    url = await databases.make();
    store = await databases.open(url);
    own = store.inOrganization(organization);
    other = store.inOrganization(otherOrganization);
  });
  afterEach(async () => store.close());

  test("what was committed is there when it is opened again", async () => {
    await insert(own, environment(1, { name: "Größe 😀 '; DROP TABLE resources; --" }));
    await store.close();
    store = await databases.open(url);
    const found = await store.inOrganization(organization).get(environmentKind, idOf(1));
    expect(found?.message.metadata?.name).toBe("Größe 😀 '; DROP TABLE resources; --");
    expect(found).toMatchObject({ id: idOf(1), organizationId: organization, revision: 1 });
  });

  test("an organization neither sees nor changes what is another's", async () => {
    await insert(own, environment(1));
    const stored = (await own.get(environmentKind, idOf(1)))!;
    expect(await other.get(environmentKind, idOf(1))).toBeUndefined();
    expect(await other.find(environmentKind, { nameKey: `${creator}/env-1.berth` })).toBeUndefined();
    expect(await other.all(environmentKind)).toEqual([]);
    expect((await other.list(environmentKind, undefined)).items).toEqual([]);
    expect(await other.count(environmentKind)).toBe(0);
    await expect(other.transaction(async (tx) => tx.delete(environmentKind, stored))).rejects.toMatchObject({ code: "changed-meanwhile" });
    const taken = { ...stored, organizationId: otherOrganization };
    const message = environment(1, { name: "taken", organizationId: otherOrganization });
    await expect(other.transaction(async (tx) => tx.update(environmentKind, taken, message))).rejects.toMatchObject({
      code: "changed-meanwhile",
    });
    await expect(insert(other, message)).rejects.toMatchObject({ code: "resource-exists" });
    await expect(insert(other, environment(2))).rejects.toThrow(/another organization/);
    expect((await own.get(environmentKind, idOf(1)))?.message.metadata?.name).toBe("env 1");
    expect(await store.system("housekeeping").count(environmentKind)).toBe(1);
  });

  test("a name is taken once in an organization, and free in another", async () => {
    await insert(own, environment(1, { name: "My app" }));
    await expect(insert(own, environment(2, { name: "my-app" }))).rejects.toMatchObject({ code: "resource-exists" });
    await insert(other, environment(3, { name: "My app", organizationId: otherOrganization }));
    await insert(own, environment(4));
    await expect(rename(own, idOf(4), "my app")).rejects.toMatchObject({ code: "resource-exists" });
    expect((await own.find(environmentKind, { nameKey: `${creator}/my-app.berth` }))?.id).toBe(idOf(1));
  });

  test("a transaction counts whole or not at all", async () => {
    await insert(own, environment(1));
    const both = own.transaction(async (tx) => {
      tx.insert(environmentKind, idOf(2), environment(2));
      tx.insert(environmentKind, idOf(3), environment(3, { name: "env 1" }));
    });
    await expect(both).rejects.toMatchObject({ code: "resource-exists" });
    await expect(
      own.transaction(async (tx) => {
        tx.insert(environmentKind, idOf(4), environment(4));
        throw new Error("thought better of it");
      }),
    ).rejects.toThrow("thought better of it");
    expect(await own.count(environmentKind)).toBe(1);
  });

  test("of many that count one up at once, each counts", async () => {
    await insert(own, environment(1));
    const countUp = async (): Promise<void> =>
      own.transaction(async (tx) => {
        const stored = (await tx.get(environmentKind, idOf(1)))!;
        const metadata = stored.message.metadata!;
        const n = String(Number(metadata.annotations["n"] ?? "0") + 1);
        tx.update(environmentKind, stored, { ...stored.message, metadata: { ...metadata, annotations: { n } } });
      });
    await Promise.all(Array.from({ length: 6 }, countUp));
    const stored = await own.get(environmentKind, idOf(1));
    expect(stored?.message.metadata?.annotations["n"]).toBe("6");
    expect(stored?.revision).toBe(7);
  });

  test("a change that rests on what is old by now is refused", async () => {
    await insert(own, environment(1));
    const old = (await own.get(environmentKind, idOf(1)))!;
    await rename(own, idOf(1), "newer");
    const change = own.transaction(async (tx) => tx.update(environmentKind, old, old.message));
    await expect(change).rejects.toMatchObject({ code: "changed-meanwhile" });
    expect((await own.get(environmentKind, idOf(1)))?.message.metadata?.name).toBe("newer");
  });

  test("what a transaction only read has to be true still when it commits", async () => {
    await insert(own, environment(1), environment(2));
    let reads = 0;
    await own.transaction(async (tx) => {
      const stored = (await tx.get(environmentKind, idOf(1)))!;
      if (reads++ === 0) await rename(own, idOf(1), "in between");
      const second = (await tx.get(environmentKind, idOf(2)))!;
      const name = `beside ${stored.message.metadata!.name}`;
      tx.update(environmentKind, second, { ...second.message, metadata: { ...second.message.metadata!, name } });
    });
    expect(reads).toBe(2);
    expect((await own.get(environmentKind, idOf(2)))?.message.metadata?.name).toBe("beside in between");
  });

  test("of many that make what is not there yet, one makes it and the others find it", async () => {
    const nameKey = `${creator}/shared.berth`;
    const findOrMake = async (n: number): Promise<string> =>
      own.transaction(async (tx) => {
        const stored = await tx.find(environmentKind, { nameKey });
        if (stored !== undefined) return stored.id;
        tx.insert(environmentKind, idOf(n), environment(n, { name: "shared" }));
        return idOf(n);
      });
    expect(new Set(await Promise.all([1, 2, 3, 4].map(findOrMake))).size).toBe(1);
  });

  test("a sealed value stays beside a message until it is replaced", async () => {
    const message = create(SecretSchema, { id: idOf(1), name: "TOKEN" });
    await own.transaction(async (tx) => tx.insert(secretKind, idOf(1), message, { sealed: Buffer.from([0, 255]) }));
    const write = async (sealed?: Uint8Array): Promise<void> =>
      own.transaction(async (tx) => {
        const stored = (await tx.get(secretKind, idOf(1)))!;
        tx.update(secretKind, stored, { ...stored.message, name: "RENAMED" }, sealed === undefined ? {} : { sealed });
      });
    await write();
    expect(Buffer.from((await own.sealed(secretKind, idOf(1)))!)).toEqual(Buffer.from([0, 255]));
    expect(await other.sealed(secretKind, idOf(1))).toBeUndefined();
    await write(Buffer.from("new"));
    expect(Buffer.from((await own.sealed(secretKind, idOf(1)))!).toString()).toBe("new");
  });

  test("pages give each record once and in order, while others come and go", async () => {
    await insert(own, ...Array.from({ length: 9 }, (_, n) => environment(2 * n + 2)));
    const first = await own.list(environmentKind, { pageSize: 4, token: "" });
    expect(first.items.map(({ id }) => id)).toEqual([2, 4, 6, 8].map(idOf));
    // One before the page's end and one behind it come, and the last of the page goes.
    await insert(own, environment(3), environment(11));
    await own.transaction(async (tx) => tx.delete(environmentKind, (await tx.get(environmentKind, idOf(8)))!));
    const second = await own.list(environmentKind, { pageSize: 4, token: first.nextToken });
    expect(second.items.map(({ id }) => id)).toEqual([10, 11, 12, 14].map(idOf));
    const third = await own.list(environmentKind, { pageSize: 4, token: second.nextToken });
    expect(third.items.map(({ id }) => id)).toEqual([16, 18].map(idOf));
    expect(third.nextToken).toBe("");
  });

  test("an order by another column pages as well, both ways", async () => {
    await insert(own, ...Array.from({ length: 7 }, (_, n) => environment(n + 1, { archivedAtMs: 1000 * (n % 3) + 1 })));
    const byTime = [1, 4, 7, 2, 5, 3, 6].map(idOf);
    for (const [order, expected] of [
      ["ascending", byTime],
      ["descending", byTime.toReversed()],
    ] as const) {
      const ids: string[] = [];
      for (let token = "", pages = 0; pages === 0 || token !== ""; pages++) {
        const page = await own.list(environmentKind, { pageSize: 2, token }, { orderBy: "archivedAt", order });
        ids.push(...page.items.map(({ id }) => id));
        token = page.nextToken;
      }
      expect(ids).toEqual(expected);
    }
  });

  test("a page token is good for the list that it was given for, and for no other", async () => {
    await insert(own, ...Array.from({ length: 5 }, (_, n) => environment(n)));
    await insert(other, environment(9, { organizationId: otherOrganization }));
    const { nextToken: token } = await own.list(environmentKind, { pageSize: 2, token: "" });
    const changed = Buffer.from(token, "base64url");
    changed[changed.length - 3] = (changed[changed.length - 3] ?? 0) ^ 1;
    const tampered = [changed.toString("base64url"), token.slice(0, -4), `${token}AAAA`, "x", "' OR 1=1", token.repeat(50)];
    for (const wrong of tampered)
      await expect(own.list(environmentKind, { pageSize: 2, token: wrong }), wrong).rejects.toMatchObject({ code: "request-invalid" });
    await expect(other.list(environmentKind, { pageSize: 2, token })).rejects.toMatchObject({ code: "request-invalid" });
    await expect(own.list(secretKind, { pageSize: 2, token })).rejects.toMatchObject({ code: "request-invalid" });
    await expect(own.list(environmentKind, { pageSize: 2, token }, { order: "descending" })).rejects.toMatchObject({
      code: "request-invalid",
    });
    await expect(own.list(environmentKind, { pageSize: 2, token }, { where: { search: "x" } })).rejects.toMatchObject({
      code: "request-invalid",
    });
    expect((await own.list(environmentKind, { pageSize: 100, token })).items).toHaveLength(3);
  });

  test("filters want all that they say", async () => {
    await insert(own, ...Array.from({ length: 6 }, (_, n) => environment(n)), environment(7, { name: "100% _!\0 ÄÖ", archivedAtMs: 5 }));
    const ids = async (where: Parameters<OrganizationStore["count"]>[1]): Promise<string[]> => {
      const found = (await own.all(environmentKind, { where: where ?? {} })).map(({ id }) => id);
      expect(await own.count(environmentKind, where)).toBe(found.length);
      return found;
    };
    expect(await ids({ phases: [EnvironmentPhase.RUNNING] })).toEqual([0, 2, 4].map(idOf));
    expect(await ids({ phases: [EnvironmentPhase.RUNNING], ids: [idOf(2), idOf(3)] })).toEqual([idOf(2)]);
    expect(await ids({ isArchived: true })).toEqual([idOf(7)]);
    expect(await ids({ isArchived: false })).toHaveLength(6);
    expect(await ids({ search: "R3" })).toEqual([idOf(3)]);
    expect(await ids({ search: "100% _!" })).toEqual([idOf(7)]);
    expect(await ids({ search: "%" })).toEqual([idOf(7)]);
    expect(await ids({ search: "' OR '1'='1" })).toEqual([]);
    expect(await ids({ creatorIds: [] })).toEqual([]);
    expect(await ids({ ids: ["\0"] })).toEqual([]);
  });

  test("a change is told once it is committed, and told again to who asks for what it missed", async () => {
    const start = await store.events.position();
    const events: StoreEvent[] = [];
    const unsubscribe = store.events.subscribe((event) => events.push(event));
    await insert(own, environment(1));
    await rename(own, idOf(1), "renamed");
    await own.transaction(async (tx) => tx.insert(secretKind, idOf(9), create(SecretSchema, { id: idOf(9) })));
    await expect(insert(own, environment(2, { name: "renamed" }))).rejects.toThrow();
    await own.transaction(async (tx) => tx.delete(environmentKind, (await tx.get(environmentKind, idOf(1)))!));
    await expect.poll(() => events.length).toBe(3);
    unsubscribe();
    await insert(other, environment(3, { organizationId: otherOrganization }));
    const told = events.map(({ organizationId, kind, id, operation, creatorId }) => ({ organizationId, kind, id, operation, creatorId }));
    const about = { organizationId: organization, kind: "environment", id: idOf(1), creatorId: creator };
    const { CREATE, UPDATE, DELETE } = ResourceOperation;
    expect(told).toEqual([CREATE, UPDATE, DELETE].map((operation) => ({ ...about, operation })));
    await expect.poll(async () => (await store.events.after(start, 10)).length).toBe(4);
    const first = (await store.events.after(start, 2)).at(-1);
    expect(first?.operation).toBe(UPDATE);
    expect((await store.events.after(first?.position ?? "", 10)).map((e) => e.operation)).toEqual([DELETE, CREATE]);
  });

  test("a setting that is made once is the same for all who make it", async () => {
    const made = await Promise.all(["a", "b", "c"].map(async (value) => store.settingOnce("installation", () => value)));
    expect(new Set(made).size).toBe(1);
    await store.close();
    store = await databases.open(url);
    expect(await store.settingOnce("installation", () => "d")).toBe(made[0]);
  });

  test("what is under way when it is closed still counts, and nothing new does", async () => {
    const under = insert(own, environment(1));
    const closed = store.close();
    await expect(insert(own, environment(2))).rejects.toMatchObject({ code: "store-unavailable" });
    await Promise.all([under, closed]);
    store = await databases.open(url);
    expect((await store.inOrganization(organization).all(environmentKind)).map(({ id }) => id)).toEqual([idOf(1)]);
  });

  test("it answers while it is open", async () => {
    await store.ping(AbortSignal.timeout(20_000));
  });
});
