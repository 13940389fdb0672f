import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { SsoConfigurationRecordSchema } from "../../../src/contract/gen/berth/v1/sign_in_records_pb.js";
import {
  DomainVerificationState,
  SSOConfigurationSchema,
  SSOConfigurationState,
} from "../../../src/contract/gen/gitpod/v1/organization_pb.js";
import { silentLog } from "../../../src/lib/log.ts";
import { createFirstAdministrator } from "../../../src/plane/membership.ts";
import { DomainChecks, verifiedRecord } from "../../../src/plane/sign-in-store/domain-checks.ts";
import { domainVerificationKind, ssoConfigurationKind } from "../../../src/plane/sign-in-store/provider-kinds.ts";
import { allowsDeviceSignIn, StoredProviders } from "../../../src/plane/sign-in-store/stored-providers.ts";
import { DomainVerifier } from "../../../src/plane/sign-in/domain-verification.ts";
import type { Store } from "../../../src/plane/store/store.ts";
import { sqliteDatabases } from "../store/databases.ts";

const dayMs = 24 * 60 * 60_000;
const startMs = 1_700_000_000_000;
const databases = sqliteDatabases();
const ids = { domain: "018f0000-0000-7000-8000-000000000001", sso: "018f0000-0000-7000-8000-000000000002" };
const sealing = { seal: (value: string) => Buffer.from(value), open: (sealed: Uint8Array) => Buffer.from(sealed).toString() };

let store: Store;
let organizationId: string;
let nowMs: number;
/** What DNS answers. */
let resolve: () => Promise<string[][]>;
let checks: DomainChecks;
let lookUps: number;

beforeAll(async () => databases.start());
afterAll(async () => databases.stop());
beforeEach(async () => {
  store = await databases.open(await databases.make());
  nowMs = startMs;
  lookUps = 0;
  resolve = async () => [["berth-domain-verification=token"]];
  const who = { organization: "Org", name: "Root", email: "root@example.com" };
  ({ organizationId } = await createFirstAdministrator(store, who, () => nowMs));
  const domain = { organizationId, domain: "example.com", verificationToken: "token", createdAt: timestampFromMs(nowMs) };
  const state = SSOConfigurationState.SSO_CONFIGURATION_STATE_ACTIVE;
  const configuration = { id: ids.sso, organizationId, clientId: "berth", issuerUrl: "https://idp.example.net", state };
  await store.inOrganization(organizationId).transaction(async (tx) => {
    const pending = create(domainVerificationKind.schema, { verification: { id: ids.domain, ...domain } }).verification;
    if (pending !== undefined) tx.insert(domainVerificationKind, ids.domain, verifiedRecord(pending, nowMs));
    const record = create(SsoConfigurationRecordSchema, { configuration });
    tx.insert(ssoConfigurationKind, ids.sso, record, { sealed: sealing.seal("secret") });
  });
  const resolveTxt = async (): Promise<string[][]> => {
    lookUps++;
    return resolve();
  };
  checks = new DomainChecks({ store, verifier: new DomainVerifier({ resolveTxt }), log: silentLog, now: () => nowMs });
});
afterEach(async () => store.close());

/** Lets days pass, with a look at each. */
async function days(count: number): Promise<void> {
  for (let day = 0; day < count; day++) {
    nowMs += dayMs + 1;
    await checks.checkDue(new AbortController().signal);
  }
}

async function isVerified(): Promise<boolean> {
  const stored = await store.inOrganization(organizationId).get(domainVerificationKind, ids.domain);
  const found = await new StoredProviders(store, sealing).byVerifiedDomain("example.com");
  const is = stored?.message.verification?.state === DomainVerificationState.VERIFIED;
  expect(found.length > 0).toBe(is);
  return is;
}

test("a verified domain is looked at once a day and stays as long as its record is there", async () => {
  await checks.checkDue(new AbortController().signal);
  expect(lookUps).toBe(0);
  await days(10);
  expect(lookUps).toBe(10);
  expect(await isVerified()).toBe(true);
});

test("a domain whose record is missing for a week counts no more, and one that comes back in time does", async () => {
  const there = resolve;
  resolve = async () => [];
  await days(6);
  expect(await isVerified()).toBe(true);
  resolve = there;
  await days(1);
  resolve = async () => [["berth-domain-verification=another"]];
  await days(6);
  expect(await isVerified()).toBe(true);
  await days(3);
  expect(await isVerified()).toBe(false);
});

test("a resolver that fails takes no domain away", async () => {
  resolve = async () => {
    throw Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
  };
  await days(30);
  expect(await isVerified()).toBe(true);
});

test("a provider has its secret, and only the verified domains that it is for; device codes are off unless one allows them", async () => {
  const providers = new StoredProviders(store, sealing);
  expect(await providers.byId(ids.sso)).toMatchObject({
    displayName: "idp.example.net",
    clientSecret: "secret",
    enabled: true,
    verifiedDomains: ["example.com"],
    linkByVerifiedEmail: false,
  });
  expect(await allowsDeviceSignIn(store, organizationId)).toBe(false);
  await store.inOrganization(organizationId).transaction(async (tx) => {
    const stored = await tx.get(ssoConfigurationKind, ids.sso);
    if (stored === undefined) return;
    const { configuration = create(SSOConfigurationSchema) } = stored.message;
    const narrowed = create(SSOConfigurationSchema, { ...configuration, emailDomains: ["other.example.com"] });
    tx.update(ssoConfigurationKind, stored, create(SsoConfigurationRecordSchema, { configuration: narrowed, deviceSignIn: true }));
  });
  expect((await providers.byId(ids.sso))?.verifiedDomains).toEqual([]);
  expect(await providers.byVerifiedDomain("example.com")).toEqual([]);
  expect(await allowsDeviceSignIn(store, organizationId)).toBe(true);
});
