import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EventService } from "../../../src/contract/gen/gitpod/v1/event_pb.js";
import { OrganizationRole } from "../../../src/contract/gen/gitpod/v1/organization_pb.js";
import { MemberRecordSchema } from "../../../src/contract/gen/berth/v1/records_pb.js";
import { create } from "@bufbuild/protobuf";
import { UserStatus } from "../../../src/contract/gen/gitpod/v1/user_pb.js";
import { deleteAccess } from "../../../src/plane/credentials-of.ts";
import { deleteMember } from "../../../src/plane/membership.ts";
import { watcherCheckIntervalMs } from "../../../src/plane/services/checked-watch.ts";
import { memberKind } from "../../../src/plane/store/identity-kinds.ts";
import { environmentKind } from "../../../src/plane/store/kinds.ts";
import { projectKind } from "../../../src/plane/store/project-kinds.ts";
import type { Transaction } from "../../../src/plane/store/store.ts";
import { postgresDatabases, sqliteDatabases } from "../store/databases.ts";
import { AttackWorld } from "./attack-world.ts";
import { newMember, type Person } from "./people.ts";

const limitMs = 20_000;

/** What takes somebody's right to watch away. */
const takings: Readonly<Record<string, (tx: Transaction, who: Person) => Promise<void>>> = {
  "their token is deleted": async (tx, { userId }) => deleteAccess(tx, userId),
  "they are removed": async (tx, { userId }) => {
    const stored = await tx.get(memberKind, userId);
    if (stored !== undefined) await deleteMember(tx, stored);
  },
  "they are suspended": async (tx, { userId }) => {
    const stored = await tx.get(memberKind, userId);
    const user = stored?.message.user;
    if (stored === undefined || user === undefined) return;
    const status = UserStatus.SUSPENDED;
    tx.update(memberKind, stored, create(MemberRecordSchema, { ...stored.message, user: { ...user, status } }));
  },
};

describe.each([sqliteDatabases(), postgresDatabases()])("watches that are open, on $name", (databases) => {
  let world: AttackWorld;

  beforeAll(async () => {
    await databases.start();
    world = await AttackWorld.start(databases);
  }, 60_000);
  afterAll(async () => {
    await world.stop();
    await databases.stop();
  });

  /** Writes a record as it is, so that it is told of. */
  async function touch(kind: typeof environmentKind | typeof projectKind, id = ""): Promise<void> {
    await world.store.inOrganization(world.ada.organizationId).transaction(async (tx) => {
      if (kind.name === projectKind.name) {
        const stored = await tx.get(projectKind, id);
        if (stored !== undefined) tx.update(projectKind, stored, stored.message);
      } else {
        const stored = await tx.get(environmentKind, id);
        if (stored !== undefined) tx.update(environmentKind, stored, stored.message);
      }
    });
  }

  test.each(Object.keys(takings))("one ends in half a minute when %s", async (name) => {
    const who = await newMember(world.store, world.ada.organizationId, `Dave, of whom ${name}`);
    const others = await newMember(world.store, world.ada.organizationId, `Ella beside one of whom ${name}`);
    const transport = createConnectTransport({
      baseUrl: world.baseUrl,
      httpVersion: "1.1",
      interceptors: [
        (next) => async (request) => {
          request.header.set("authorization", `Bearer ${who.token}`);
          return next(request);
        },
      ],
    });
    const seen: string[] = [];
    const over = (async () => {
      const scope = { case: "organization", value: true } as const;
      for await (const { resourceId } of createClient(EventService, transport).watchEvents({ scope })) seen.push(resourceId);
    })().then(
      () => undefined,
      (error: unknown) => ConnectError.from(error).code,
    );
    const lines = await world.watch(who, "never");
    const goesOn = await world.watch(others, world.ids.project ?? "");
    const tells = async (): Promise<readonly string[]> => {
      await touch(projectKind, world.carolsIds.project);
      return [seen.join(), lines.heard()];
    };
    const toldOfIt = expect.stringContaining(world.carolsIds.project ?? "");
    await expect.poll(tells, { timeout: limitMs }).toEqual([toldOfIt, toldOfIt]);
    await world.store.inOrganization(world.ada.organizationId).transaction(async (tx) => takings[name]?.(tx, who));
    world.clock.jump(watcherCheckIntervalMs);
    expect(await over).toBe(Code.Unauthenticated);
    await lines.over;
    // Others go on.
    await touch(projectKind, world.ids.project);
    expect(await goesOn.over).toContain(world.ids.project);
  });

  test("who is no administrator any more sees no more than a member", async () => {
    const { organizationId } = world.ada;
    const fay = await newMember(world.store, organizationId, "Fay");
    const setRole = async (role: OrganizationRole): Promise<void> =>
      world.store.inOrganization(organizationId).transaction(async (tx) => {
        const stored = await tx.get(memberKind, fay.userId);
        if (stored !== undefined) tx.update(memberKind, stored, create(MemberRecordSchema, { ...stored.message, role }));
      });
    await setRole(OrganizationRole.ADMIN);
    const watch = await world.watch(fay, world.ids.project ?? "");
    // Hers alone: those of the watches before are over.
    await expect.poll(() => world.clock.waiting, { timeout: limitMs }).toBe(1);
    await touch(environmentKind, world.carolsIds.environment);
    await expect.poll(watch.heard, { timeout: limitMs }).toContain(world.carolsIds.environment);
    await setRole(OrganizationRole.MEMBER);
    world.clock.jump(watcherCheckIntervalMs);
    // Who she is has been read anew when the next look is set.
    await expect.poll(() => world.clock.waiting, { timeout: limitMs }).toBe(1);
    await touch(environmentKind, world.ids.environment);
    await touch(projectKind, world.ids.project);
    expect(await watch.over).not.toContain(world.ids.environment);
  });
});
