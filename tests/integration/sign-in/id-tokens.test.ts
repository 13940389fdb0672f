import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import * as client from "openid-client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type IdTokenRequest, IdTokenIssuer } from "../../../src/plane/id-tokens/id-token-issuer.ts";
import { signingKeyKind } from "../../../src/plane/sign-in-store/kinds.ts";
import { StoredSigningKeys } from "../../../src/plane/sign-in-store/stored-signing-keys.ts";
import { SigningKeys } from "../../../src/plane/signing-keys/signing-keys.ts";
import { type TestServer, serveOnLoopback } from "../../support/sign-in/http-server.ts";
import { ThrowawayStore } from "../../support/sign-in/throwaway-store.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
let server: TestServer;
let store: ThrowawayStore;
let issuer: IdTokenIssuer;
let nowMs: number;

beforeEach(async () => {
  store = await ThrowawayStore.open();
  nowMs = Date.now();
  server = await serveOnLoopback((request, response) => {
    void issuer.handle(request, response).then((done) => (done ? undefined : response.writeHead(404).end()));
  });
  issuer = newIssuer();
});

afterEach(async () => {
  await server.end();
  await store.end();
});

/** As another process of the plane has it. */
function newIssuer(): IdTokenIssuer {
  const now = () => nowMs;
  return new IdTokenIssuer(
    new URL(server.origin),
    new SigningKeys(new StoredSigningKeys(store.store), store.sealer, "environments", now),
    now,
  );
}

const environment: IdTokenRequest = {
  principal: { organizationId: "org-1", projectId: "project-1", environmentId: "env-1" },
  audience: ["sts.amazonaws.com"],
  version: "v2",
};

/** As a cloud does it: discovery, keys, signature, issuer, audience, time. */
async function verify(token: string, audience = "sts.amazonaws.com") {
  const configuration = await client.discovery(new URL(server.origin), "cloud", undefined, undefined, {
    execute: [client.allowInsecureRequests],
  });
  const keys = createRemoteJWKSet(new URL(configuration.serverMetadata().jwks_uri ?? ""));
  return jwtVerify(token, keys, { issuer: server.origin, audience, algorithms: ["RS256"], currentDate: new Date(nowMs) });
}

test("a cloud finds the keys by discovery and believes the token for one hour", async () => {
  const token = await issuer.issue(environment);
  const { payload } = await verify(token);
  expect(payload).toMatchObject({ sub: "org:org-1/prj:project-1/env:env-1", aud: "sts.amazonaws.com" });
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600);
  await expect(verify(token, "another")).rejects.toThrow("aud");
  nowMs += hourMs + 1000;
  await expect(verify(token)).rejects.toThrow("exp");
});

test.each<[IdTokenRequest["principal"], string, string]>([
  [{ organizationId: "o", environmentId: "e" }, "org:o/env:e", "organization_id:o:environment_id:e"],
  [{ organizationId: "o", userId: "u" }, "org:o/user:u", "organization_id:o:user_id:u"],
  [{ organizationId: "o", runnerId: "r" }, "org:o/rnr:r", "organization_id:o:runner_id:r"],
])("the subject of %j is %s, or %s", async (principal, v2, v3) => {
  expect((await verify(await issuer.issue({ ...environment, principal }))).payload.sub).toBe(v2);
  expect((await verify(await issuer.issue({ ...environment, principal, version: "v3" }))).payload.sub).toBe(v3);
});

test("v3 has flat claims, and those in its subject that an organization wants there, without any posing as another", async () => {
  const claims = { creator_email: "a:b@example.com", organization_id: "forged" };
  const token = await issuer.issue({ ...environment, version: "v3", claims, subjectClaims: ["creator_email"] });
  const { payload } = await verify(token);
  expect(payload).toMatchObject({
    organization_id: "org-1",
    project_id: "project-1",
    environment_id: "env-1",
    creator_email: "a:b@example.com",
  });
  expect(payload.sub).toBe("organization_id:org-1:project_id:project-1:environment_id:env-1:creator_email:a%3Ab%40example.com");
  await expect(issuer.issue({ ...environment, version: "v3", claims: { sub: "forged" } })).rejects.toMatchObject({
    code: "request-invalid",
  });
  const forged = { organizationId: "org-1/env:other" };
  await expect(issuer.issue({ ...environment, principal: forged })).rejects.toMatchObject({ code: "request-invalid" });
});

test.each([[[]], [[""]], [["a".repeat(300)]], [Array.from({ length: 11 }, (_one, index) => `a${index}`)]])(
  "a token for %j is not made",
  async (audience) => {
    await expect(issuer.issue({ ...environment, audience })).rejects.toMatchObject({ code: "request-invalid" });
  },
);

test("a new key is published an hour before it signs, and the old one stays until its last token has ended", async () => {
  const kidOf = (token: string) => decodeProtectedHeader(token).kid;
  const published = async () => (await (await fetch(`${server.origin}/.well-known/jwks`)).json()) as { keys: { kid: string }[] };
  const first = kidOf(await issuer.issue(environment));
  nowMs += 30 * dayMs;
  expect(kidOf(await issuer.issue(environment))).toBe(first);
  expect((await published()).keys).toHaveLength(2);
  nowMs += hourMs - minuteMs;
  const last = await issuer.issue(environment);
  expect(kidOf(last)).toBe(first);
  nowMs += minuteMs;
  const second = kidOf(await issuer.issue(environment));
  expect(second).not.toBe(first);
  nowMs += 58 * minuteMs;
  await verify(last);
  nowMs += 30 * minuteMs;
  await issuer.issue(environment);
  expect((await published()).keys.map(({ kid }) => kid)).toEqual([second]);
  expect(await store.all(signingKeyKind)).toHaveLength(1);
});

test("two processes that begin or rotate at once agree on one key", async () => {
  const others = [newIssuer(), newIssuer(), newIssuer()];
  const tokens = await Promise.all([issuer, ...others].map((one) => one.issue(environment)));
  expect(await store.all(signingKeyKind)).toHaveLength(1);
  for (const token of tokens) await verify(token);
  nowMs += 31 * dayMs;
  await Promise.all([issuer, ...others].map((one) => one.issue(environment)));
  expect(await store.all(signingKeyKind)).toHaveLength(2);
});

test("nothing private is published, and other paths are left to others", async () => {
  const text = await (await fetch(`${server.origin}/.well-known/jwks`)).text();
  for (const part of ['"d"', '"p"', '"q"', '"dp"', '"dq"', '"qi"']) expect(text).not.toContain(part);
  expect((await fetch(`${server.origin}/.well-known/other`)).status).toBe(404);
  expect((await fetch(`${server.origin}/.well-known/jwks`, { method: "POST" })).status).toBe(404);
});
