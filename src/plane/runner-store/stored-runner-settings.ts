import { clone, create } from "@bufbuild/protobuf";
import {
  type EnvironmentClass,
  EnvironmentClassSchema,
  type SCMIntegration,
  SCMIntegrationSchema,
} from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import type { PageOf, PageRequest, RunnerSettings, SealedHostToken } from "../runners/ports.ts";
import { environmentClassKind, runnerKind } from "../store/fleet-kinds.ts";
import { hostTokenKind } from "../store/kinds.ts";
import type { Store, View } from "../store/store.ts";
import { scmIntegrationKind, sealedHostTokenKind } from "./kinds.ts";

interface ListOptions {
  readonly ids: readonly string[];
  readonly page: PageRequest | undefined;
}

/** What was set up for runners, in the plane's store. */
export class StoredRunnerSettings implements RunnerSettings {
  readonly #view: View;
  readonly #now: () => number;

  constructor(store: Store, now: () => number) {
    this.#view = store.system("runners");
    this.#now = now;
  }

  async classes(runnerId: string, { ids, page }: ListOptions): Promise<PageOf<EnvironmentClass>> {
    const { items, nextToken } = await this.#view.list(environmentClassKind, page, { where: whereOf(runnerId, ids) });
    return { items: items.map(({ message }) => message), nextToken };
  }

  async integrations(runnerId: string, { ids, page }: ListOptions): Promise<PageOf<SCMIntegration>> {
    const { items, nextToken } = await this.#view.list(scmIntegrationKind, page, { where: whereOf(runnerId, ids) });
    return { items: items.map(({ message }) => message), nextToken };
  }

  async offerClasses(runnerId: string, classes: readonly EnvironmentClass[]): Promise<void> {
    if (classes.length === 0) return;
    await this.#view.transaction(async (tx) => {
      const runner = await tx.get(runnerKind, runnerId);
      if (runner === undefined) return;
      const there = await tx.all(environmentClassKind, { where: { runnerIds: [runnerId] } });
      const names = new Set(there.map(({ message }) => nameOf(message)));
      const offeredNames = new Set(classes.map(nameOf));
      // Administrators may have given one another name; it keeps its id, which projects and environments know it by.
      const renamed = there.filter(({ message }) => !offeredNames.has(nameOf(message))).map(({ message }) => machineOf(message));
      for (const offered of classes) {
        if (names.has(nameOf(offered)) || renamed.includes(machineOf(offered))) continue;
        names.add(nameOf(offered));
        const id = uuidV7(this.#now());
        const taken = create(EnvironmentClassSchema, { ...offered, id, runnerId, enabled: true });
        tx.insert(environmentClassKind, id, taken, { organizationId: runner.organizationId });
      }
    });
  }

  async hostToken(runnerId: string, principalId: string, host: string): Promise<SealedHostToken | undefined> {
    const where = { runnerIds: [runnerId], creatorIds: [principalId], labels: [host] };
    const tokens = await this.#view.all(sealedHostTokenKind, { where });
    const isGood = ({ message }: (typeof tokens)[number]): boolean =>
      message.expiresAtMs === undefined || Number(message.expiresAtMs) > this.#now();
    const newest = tokens.findLast(isGood);
    if (newest === undefined) return undefined;
    const { sealedValue, sealedRefreshToken, expiresAtMs } = newest.message;
    return {
      tokenId: newest.id,
      sealedValue,
      sealedRefreshToken,
      expiresAtMs: expiresAtMs === undefined ? undefined : Number(expiresAtMs),
    };
  }

  async forgetSealed(runnerId: string): Promise<void> {
    const where = { runnerIds: [runnerId] };
    await this.#view.transaction(async (tx) => {
      for (const sealed of await tx.all(sealedHostTokenKind, { where })) tx.delete(sealedHostTokenKind, sealed);
      for (const token of await tx.all(hostTokenKind, { where })) tx.delete(hostTokenKind, token);
      for (const stored of await tx.all(scmIntegrationKind, { where })) {
        if (stored.message.oauth === undefined) continue;
        const integration = clone(SCMIntegrationSchema, stored.message);
        if (integration.oauth !== undefined) integration.oauth.encryptedClientSecret = new Uint8Array();
        tx.update(scmIntegrationKind, stored, integration);
      }
    });
  }
}

function whereOf(runnerId: string, ids: readonly string[]) {
  return { runnerIds: [runnerId], ...(ids.length === 0 ? {} : { ids }) };
}

/** What a class is besides its words; its own where nothing is configured. */
function machineOf({ id, configuration }: EnvironmentClass): string {
  return configuration.length === 0
    ? id
    : configuration
        .map(({ key, value }) => JSON.stringify([key, value]))
        .toSorted()
        .join();
}

function nameOf({ displayName }: EnvironmentClass): string {
  return displayName.toLowerCase();
}
