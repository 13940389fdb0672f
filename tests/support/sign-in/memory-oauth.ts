import type { AuthorizationEvents, Members, OAuthRecord, OAuthRecords } from "../../../src/plane/authorization-server/ports.ts";

/** What the plane's store keeps of OAuth, in memory. */
export class MemoryOAuthRecords implements OAuthRecords {
  readonly all = new Map<string, OAuthRecord>();

  put(record: OAuthRecord) {
    const { consumedAtMs, attemptHash } = this.all.get(record.keyHash) ?? {};
    this.all.set(record.keyHash, {
      ...record,
      ...(consumedAtMs === undefined ? {} : { consumedAtMs }),
      ...(attemptHash === undefined ? {} : { attemptHash }),
    });
    return Promise.resolve();
  }

  get(keyHash: string) {
    return Promise.resolve(this.all.get(keyHash));
  }

  getByIndex(model: string, indexHash: string) {
    return Promise.resolve([...this.all.values()].find((one) => one.model === model && one.indexHash === indexHash));
  }

  consume(keyHash: string, { consumedAtMs, attemptHash }: { consumedAtMs: number; attemptHash: string | undefined }) {
    const record = this.all.get(keyHash);
    if (record === undefined || record.consumedAtMs !== undefined) return Promise.resolve(false);
    this.all.set(keyHash, { ...record, consumedAtMs, ...(attemptHash === undefined ? {} : { attemptHash }) });
    return Promise.resolve(true);
  }

  remove(keyHash: string) {
    this.all.delete(keyHash);
    return Promise.resolve();
  }

  removeByGrant(grantHash: string) {
    return this.#removeWhere((one) => one.grantHash === grantHash);
  }

  removeBySubject(subject: string) {
    return this.#removeWhere((one) => one.subject === subject);
  }

  #removeWhere(matches: (record: OAuthRecord) => boolean) {
    for (const [keyHash, one] of this.all) if (matches(one)) this.all.delete(keyHash);
    return Promise.resolve();
  }
}

export class MemoryMembers implements Members {
  readonly all = new Map<string, { name: string; email: string }>();
  allowsDevices = true;

  find(organizationId: string, accountId: string) {
    return Promise.resolve(this.all.get(`${organizationId}.${accountId}`));
  }

  allowsDeviceSignIn() {
    return Promise.resolve(this.allowsDevices);
  }
}

export class RecordedEvents implements AuthorizationEvents {
  readonly all: string[] = [];

  signedIn({ organizationId, accountId, withDeviceCode, address }: Parameters<AuthorizationEvents["signedIn"]>[0]) {
    this.all.push(`signed in ${organizationId}.${accountId} ${withDeviceCode ? "with a device code" : "here"} from ${address}`);
  }

  reuseDetected({ subject, model }: Parameters<AuthorizationEvents["reuseDetected"]>[0]) {
    this.all.push(`reuse of ${model} of ${subject ?? "nobody"}`);
  }
}
