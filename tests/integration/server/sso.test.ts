import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { createLocalJWKSet, decodeJwt, jwtVerify } from "jose";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { PlaneSession } from "../../../src/bridge/plane-session.ts";
import { signInWithBrowser } from "../../../src/bridge/sign-in.ts";
import { FileTokenStore } from "../../../src/bridge/token-store.ts";
import { AccountService } from "../../../src/contract/gen/gitpod/v1/account_pb.js";
import { EnvironmentSchema } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { EventService } from "../../../src/contract/gen/gitpod/v1/event_pb.js";
import { IdentityService } from "../../../src/contract/gen/gitpod/v1/identity_pb.js";
import {
  DomainVerificationState,
  OrganizationService,
  SSOConfiguration_ProviderType,
  SSOConfigurationState,
} from "../../../src/contract/gen/gitpod/v1/organization_pb.js";
import { UserService } from "../../../src/contract/gen/gitpod/v1/user_pb.js";
import { silentLog } from "../../../src/lib/log.ts";
import { uuidV7 } from "../../../src/lib/uuid.ts";
import { EnvironmentTokens, environmentTokenKeyUse } from "../../../src/plane/runner-store/environment-tokens.ts";
import { Sealer } from "../../../src/plane/seal.ts";
import { environmentKind } from "../../../src/plane/store/kinds.ts";
import { freePort } from "../../support/free-port.ts";
import { DnsServer } from "../../support/sign-in/dns-server.ts";
import { StandardProvider } from "../../support/sign-in/standard-provider.ts";
import { WebBrowser } from "../../support/sign-in/web-browser.ts";
import { postgresDatabases, sqliteDatabases } from "../store/databases.ts";
import { createAdmin, type DatabaseFlags, PlaneProcess } from "./plane-process.ts";
import { codeOf } from "./served-server.ts";

const never = new AbortController().signal;
const clientSecret = "secret-of-berth-at-the-provider";
const people = {
  ada: { name: "Ada", email: "ada@example.com", email_verified: true },
  grace: { name: "Grace", email: "grace@example.com", email_verified: true },
  mallory: { name: "Mallory", email: "mallory@elsewhere.test", email_verified: true },
};

describe.each([sqliteDatabases(), postgresDatabases()])("single sign-on of a served plane on $name", (databases) => {
  let folder: string;
  let plane: PlaneProcess;
  let provider: StandardProvider;
  let dns: DnsServer;
  let database: DatabaseFlags;
  let admin: Awaited<ReturnType<typeof createAdmin>>;

  beforeAll(async () => databases.start());
  afterAll(async () => databases.stop());
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "berth-sso-"));
    database = { databaseUrl: await databases.make(), keyFile: join(folder, "key") };
    admin = await createAdmin(database);
    dns = await DnsServer.start();
    provider = new StandardProvider();
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    await provider.start(people, () => [`${origin}/auth/callback/${admin.organizationId}`], "localhost");
    const flags = ["--listen", `127.0.0.1:${port}`, "--public-url", origin, "--dns-servers", dns.address];
    plane = await PlaneProcess.start(database, ...flags, "--provider-allow-http", "on", "--provider-networks", "127.0.0.0/8,::1");
  });
  afterEach(async () => {
    await plane.stop();
    await provider.end();
    dns.end();
    rmSync(folder, { recursive: true });
  });

  const organizations = () => plane.client(OrganizationService, admin.token);

  async function configure(): Promise<string> {
    const wanted = { organizationId: admin.organizationId, clientId: "berth", clientSecret, issuerUrl: provider.issuer };
    const { ssoConfiguration } = await organizations().createSSOConfiguration({ ...wanted, displayName: "The provider" });
    return ssoConfiguration?.id ?? "";
  }

  async function verifyDomain(): Promise<string> {
    const { organizationId } = admin;
    const { domainVerification } = await organizations().createDomainVerification({ organizationId, domain: "Example.com" });
    dns.records.set("_berth-challenge.example.com", ["another record", domainVerification?.verificationToken ?? ""]);
    const domainVerificationId = domainVerification?.id ?? "";
    await organizations().verifyDomain({ domainVerificationId });
    return domainVerificationId;
  }

  async function signInDesktop(browser: WebBrowser): Promise<PlaneSession> {
    const openBrowser = async (url: URL): Promise<void> => {
      const login = await browser.submit(await browser.open(url), { email: "grace@example.com" });
      const ask = await browser.submit(await browser.submit(login, { login: "grace" }));
      void browser.submit(ask, { answer: "allow" });
    };
    const store = new FileTokenStore(join(folder, "sign-in.json"));
    const session = new PlaneSession({ store, lockPath: join(folder, "sign-in.lock"), log: silentLog, now: () => Date.now() });
    await session.begin(await signInWithBrowser({ planeUrl: new URL(plane.baseUrl), openBrowser, signal: never }));
    return session;
  }

  test("an administrator sets it up, a person signs the desktop in and works, and is out at once when removed", async () => {
    await configure();
    await verifyDomain();
    const browser = new WebBrowser();
    const session = await signInDesktop(browser);
    const token = await session.accessToken(never);
    const users = plane.client(UserService, token);
    const { user } = await users.getAuthenticatedUser({});
    expect(user).toMatchObject({ name: "Grace", email: "grace@example.com", organizationId: admin.organizationId });
    // The browser that did it is signed in too, by its cookie and the key of its page.
    const { key } = JSON.parse((await browser.open(`${plane.baseUrl}/auth/session`)).text) as { key: string };
    const asPage = (headers: Record<string, string>) =>
      fetch(`${plane.baseUrl}/gitpod.v1.UserService/GetAuthenticatedUser`, {
        method: "POST",
        headers: { "content-type": "application/json", cookie: browser.cookieHeader(new URL(plane.baseUrl)), ...headers },
        body: "{}",
      });
    expect(await (await asPage({ "berth-session-key": key })).json()).toMatchObject({ user: { id: user?.id } });
    expect((await asPage({})).status).toBe(401);

    const actions = async (): Promise<string[]> => {
      const { entries } = await plane.client(EventService, admin.token).listAuditLogs({ filter: { actorIds: [user?.id ?? ""] } });
      return entries.map(({ action }) => action);
    };
    // A sign-in does not wait for its entry.
    for (const through of ["app", "browser"])
      await expect.poll(actions, { timeout: 20_000 }).toContain(`SignIn: created sign-in through ${through}`);
    await plane.client(UserService, admin.token).deleteUser({ userId: user?.id ?? "" });
    expect(await codeOf(users.getAuthenticatedUser({}))).toBe(Code.Unauthenticated);
    expect((await asPage({ "berth-session-key": key })).status).toBe(401);
    expect((await browser.open(`${plane.baseUrl}/auth/session`)).status).toBe(401);
  });

  test("whoever made the installation signs in as the same person, once accounts may be joined by address", async () => {
    const ssoConfigurationId = await configure();
    await verifyDomain();
    const enter = async () => {
      const browser = new WebBrowser();
      const login = await browser.open(`${plane.baseUrl}/auth/sign-in?email=ada@example.com`);
      const { text } = await browser.submit(await browser.submit(login, { login: "ada" }));
      return { text, session: JSON.parse((await browser.open(`${plane.baseUrl}/auth/session`)).text) as { accountId?: string } };
    };
    const refused = await enter();
    expect(refused.text).toContain("sign-in-account-exists");
    expect(refused.session.accountId).toBeUndefined();
    await organizations().updateSSOConfiguration({ ssoConfigurationId, claims: { "berth.link_by_verified_email": "true" } });
    const { account } = await plane.client(AccountService, admin.token).getAccount({});
    expect((await enter()).session.accountId).toBe(account?.id);
  });

  test("whoever is suspended is out, and what they were signed in with stays ended when they are let back in", async () => {
    await configure();
    await verifyDomain();
    const session = await signInDesktop(new WebBrowser());
    const users = plane.client(UserService, await session.accessToken(never));
    const { user } = await users.getAuthenticatedUser({});
    const administration = plane.client(UserService, admin.token);
    await administration.setSuspended({ userId: user?.id ?? "", suspended: true });
    expect(await codeOf(users.getAuthenticatedUser({}))).toBe(Code.Unauthenticated);
    await administration.setSuspended({ userId: user?.id ?? "", suspended: false });
    expect(await codeOf(users.getAuthenticatedUser({}))).toBe(Code.Unauthenticated);
  });

  test("the client secret is in no answer, and goes to no other issuer than its own", async () => {
    const ssoConfigurationId = await configure();
    const { ssoConfiguration } = await organizations().getSSOConfiguration({ ssoConfigurationId });
    expect(ssoConfiguration).toMatchObject({
      issuerUrl: provider.issuer,
      state: SSOConfigurationState.SSO_CONFIGURATION_STATE_ACTIVE,
      providerType: SSOConfiguration_ProviderType.CUSTOM,
      claims: { "berth.redirect_uri": `${plane.baseUrl}/auth/callback/${admin.organizationId}` },
    });
    expect(JSON.stringify(ssoConfiguration)).not.toContain(clientSecret);
    const elsewhere = { ssoConfigurationId, issuerUrl: `${provider.issuer}/elsewhere` };
    expect(await codeOf(organizations().updateSSOConfiguration(elsewhere))).toBe(Code.InvalidArgument);
    await organizations().updateSSOConfiguration({ ssoConfigurationId, claims: { "berth.link_by_verified_email": "true" } });
    const after = await organizations().getSSOConfiguration({ ssoConfigurationId });
    expect(after.ssoConfiguration?.claims["berth.link_by_verified_email"]).toBe("true");
    expect(await codeOf(organizations().updateSSOConfiguration({ ssoConfigurationId, claims: { sub: "email" } }))).toBe(
      Code.InvalidArgument,
    );
  });

  test("an issuer that is none is refused before anything is kept", async () => {
    const wanted = { organizationId: admin.organizationId, clientId: "berth", clientSecret, issuerUrl: plane.baseUrl };
    expect(await codeOf(organizations().createSSOConfiguration({ ...wanted, issuerUrl: "http://127.0.0.1:9" }))).toBe(Code.Unavailable);
    // The metadata service of a cloud is not asked.
    expect(await codeOf(organizations().createSSOConfiguration({ ...wanted, issuerUrl: "http://169.254.169.254/" }))).toBe(
      Code.PermissionDenied,
    );
    const { organizationId } = admin;
    expect((await organizations().listSSOConfigurations({ organizationId })).ssoConfigurations).toEqual([]);
  });

  test("the last active configuration can be neither turned off nor deleted, one of two can", async () => {
    const [first, second] = [await configure(), await configure()];
    const turnOff = (ssoConfigurationId: string) =>
      organizations().updateSSOConfiguration({ ssoConfigurationId, state: SSOConfigurationState.SSO_CONFIGURATION_STATE_INACTIVE });
    const both = await Promise.all([codeOf(turnOff(first)), codeOf(turnOff(second))]);
    expect(new Set(both)).toEqual(new Set([Code.InvalidArgument, undefined]));
    const left = both[0] === undefined ? second : first;
    expect(await codeOf(organizations().deleteSSOConfiguration({ ssoConfigurationId: left }))).toBe(Code.InvalidArgument);
    await organizations().deleteSSOConfiguration({ ssoConfigurationId: left === first ? second : first });
    expect((await organizations().listSSOConfigurations({ organizationId: admin.organizationId })).ssoConfigurations).toHaveLength(1);
  });

  test("a domain counts once its record is there, and strangers find the sign-in of it alone", async () => {
    const ssoConfigurationId = await configure();
    const { organizationId } = admin;
    const accounts = plane.client(AccountService);
    const { domainVerification } = await organizations().createDomainVerification({ organizationId, domain: "example.com" });
    expect(domainVerification).toMatchObject({ domain: "example.com", state: DomainVerificationState.PENDING });
    const domainVerificationId = domainVerification?.id ?? "";
    expect(await codeOf(organizations().createDomainVerification({ organizationId, domain: "example.com" }))).toBe(Code.AlreadyExists);
    expect(await codeOf(organizations().verifyDomain({ domainVerificationId }))).toBe(Code.FailedPrecondition);
    expect(await codeOf(accounts.getSSOLoginURL({ email: "grace@example.com" }))).toBe(Code.NotFound);

    dns.records.set("_berth-challenge.example.com", [domainVerification?.verificationToken ?? ""]);
    const verified = await organizations().verifyDomain({ domainVerificationId });
    expect(verified.domainVerification?.state).toBe(DomainVerificationState.VERIFIED);
    const { loginUrl } = await accounts.getSSOLoginURL({ email: "grace@example.com", returnTo: `${plane.baseUrl}/somewhere` });
    expect(loginUrl).toBe(`${plane.baseUrl}/auth/sign-in?provider=${ssoConfigurationId}&return_to=%2Fsomewhere`);
    const { logins } = await accounts.listSSOLogins({ email: "grace@example.com", returnTo: "https://elsewhere.test/" });
    expect(logins).toMatchObject([
      { displayName: "The provider", loginUrl: `${plane.baseUrl}/auth/sign-in?provider=${ssoConfigurationId}` },
    ]);
    expect((await accounts.listLoginProviders({ filter: { email: "x@example.com" } })).loginProviders).toHaveLength(1);
    expect((await accounts.listLoginProviders({})).loginProviders).toEqual([]);
    expect((await accounts.listSSOLogins({ email: "mallory@elsewhere.test" })).logins).toEqual([]);

    await organizations().deleteDomainVerification({ domainVerificationId });
    expect(await codeOf(accounts.getSSOLoginURL({ email: "grace@example.com" }))).toBe(Code.NotFound);
  });

  test("a member may see and change none of it, and another organization's is not there", async () => {
    const ssoConfigurationId = await configure();
    const domainVerificationId = await verifyDomain();
    const session = await signInDesktop(new WebBrowser());
    const asMember = plane.client(OrganizationService, await session.accessToken(never));
    const { organizationId } = admin;
    const refused = [
      asMember.getSSOConfiguration({ ssoConfigurationId }),
      asMember.listSSOConfigurations({ organizationId }),
      asMember.deleteSSOConfiguration({ ssoConfigurationId }),
      asMember.updateSSOConfiguration({ ssoConfigurationId, displayName: "Mine" }),
      asMember.createDomainVerification({ organizationId, domain: "elsewhere.test" }),
      asMember.verifyDomain({ domainVerificationId }),
      asMember.deleteDomainVerification({ domainVerificationId }),
    ];
    expect(new Set(await Promise.all(refused.map(codeOf)))).toEqual(new Set([Code.PermissionDenied]));
  });

  test("who is signed in gets an ID token that a cloud can check", async () => {
    const { token } = await plane.client(IdentityService, admin.token).getIDToken({ audience: ["cloud.example"] });
    expect(decodeJwt(token).sub).toBe(`org:${admin.organizationId}/user:${admin.userId}`);
    const keys = createLocalJWKSet(JSON.parse((await plane.get("/.well-known/jwks")).text));
    await jwtVerify(token, keys, { issuer: plane.baseUrl, audience: "cloud.example" });
  });

  test("an environment gets an ID token that says which one it is", async () => {
    const sealer = await Sealer.open(database.keyFile);
    const store = await databases.open(database.databaseUrl);
    const [id, projectId, runnerId] = [uuidV7(Date.now()), uuidV7(Date.now()), uuidV7(Date.now())];
    const metadata = { organizationId: admin.organizationId, projectId, runnerId };
    const environment = create(EnvironmentSchema, { id, metadata });
    await store.inOrganization(admin.organizationId).transaction(async (tx) => tx.insert(environmentKind, id, environment));
    const tokens = new EnvironmentTokens(store, sealer.deriveKey(environmentTokenKeyUse));
    const [accessToken] = await tokens.of(runnerId, [environment]);
    await store.close();
    const { token } = await plane.client(IdentityService, accessToken).getIDToken({ audience: ["cloud.example"] });
    expect(decodeJwt(token).sub).toBe(`org:${admin.organizationId}/prj:${projectId}/env:${id}`);
  });

  test("whoever begins sign-ins without end is told to wait", async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 40; n++) statuses.push((await plane.get("/auth/sign-in")).status);
    expect(statuses[0]).toBe(200);
    expect(statuses.at(-1)).toBe(429);
  });
});
