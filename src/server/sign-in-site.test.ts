import { once } from "node:events";
import { createServer } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { answer } from "../plane/http-messages.ts";
import { clientAddressBy } from "./client-address.ts";
import { oauthRate, signInRate, signInSite } from "./sign-in-site.ts";

let nowMs = 0;
let origin: string;
let server: ReturnType<typeof createServer>;

beforeEach(async () => {
  const signIn = {
    handle: (_request: unknown, response: Parameters<typeof answer>[0]) => {
      answer(response, 200, {});
      return Promise.resolve(true);
    },
  };
  const site = signInSite(signIn, clientAddressBy("x-forwarded-for"), () => nowMs);
  server = createServer((request, response) => void site(request, response).then((known) => known || answer(response, 404, {})));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  origin = `http://127.0.0.1:${address === null || typeof address === "string" ? 0 : address.port}`;
});

afterEach(() => server.close());

async function statusOf(path: string, address = "192.0.2.1"): Promise<number> {
  return (await fetch(`${origin}${path}`, { headers: { "x-forwarded-for": address } })).status;
}

async function refusedAfter(path: string): Promise<number> {
  for (let asked = 0; asked <= 1000; asked++) if ((await statusOf(path)) === 429) return asked;
  return Infinity;
}

test("whatever is below /oauth is limited for each address, all of it together", async () => {
  await statusOf("/oauth/token");
  await statusOf("/oauth/jwks");
  await statusOf("/oauth");
  expect(await refusedAfter("/oauth/device?x=1")).toBe(oauthRate.burst - 3);
  expect(await statusOf("/oauth/no-such-page")).toBe(429);
  expect(await statusOf("/oauth/token", "192.0.2.2")).toBe(200);
  // Others are not kept waiting for it.
  expect([await statusOf("/auth/session"), await statusOf("/.well-known/jwks"), await statusOf("/oauthx")]).toEqual([200, 200, 404]);
  nowMs += 1000;
  expect(await refusedAfter("/oauth/token")).toBe(oauthRate.perSecond);
});

test("sign-ins that are begun are limited for each address", async () => {
  expect(await refusedAfter("/auth/sign-in?email=a@example.com")).toBe(signInRate.burst);
  expect(await statusOf("/auth/callback/org-1")).toBe(429);
  expect(await statusOf("/oauth/token")).toBe(200);
});
