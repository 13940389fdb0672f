import { afterEach, beforeEach, expect, test } from "vitest";
import { HostileProvider } from "../../support/sign-in/hostile-provider.ts";
import { SigningInPlane } from "../../support/sign-in/signing-in-plane.ts";
import { type Page, WebBrowser } from "../../support/sign-in/web-browser.ts";

let plane: SigningInPlane;
let provider: HostileProvider;
let browser: WebBrowser;

beforeEach(async () => {
  plane = new SigningInPlane();
  provider = new HostileProvider();
  browser = new WebBrowser();
  await plane.start();
  await provider.start();
  plane.addProvider({ issuer: provider.issuer });
  plane.accounts.add("victim@example.com", { identities: [JSON.stringify([provider.issuer, "victim"])] });
});

afterEach(async () => {
  await plane.end();
  await provider.end();
});

function signIn(id = "provider-1"): Promise<Page> {
  return browser.open(`${plane.origin}/auth/sign-in?provider=${id}`);
}

/** Refused with the code, nobody signed in, and nothing told that was secret. */
async function expectRefused(page: Page, code: string): Promise<void> {
  expect(plane.logged.at(-1)).toContain(code);
  expect(page.text).toContain(`${code}:`);
  expect(page.status).toBeGreaterThanOrEqual(400);
  expect(await plane.sessions()).toBe(0);
  expect((await browser.open(plane.origin)).text).toBe("signed in: nobody");
  for (const secret of ["canary", "eyJ", "secret-of-berth", "victim"]) {
    expect(page.text).not.toContain(secret);
    expect(plane.logged.join("\n")).not.toContain(secret);
  }
  for (const { searchParams } of browser.visited.map((url) => new URL(url)))
    for (const value of ["code", "state"].flatMap((name) => searchParams.getAll(name)).filter((text) => text.length > 16))
      expect(plane.logged.join("\n")).not.toContain(value);
}

const untrusted = "sign-in-provider-untrusted";
const unreachable = "sign-in-provider-unreachable";

test("the same provider without any trick signs in, so that what follows is refused for its own reason", async () => {
  expect((await signIn()).text).toBe("signed in: account-1");
});

const nowS = Math.floor(Date.now() / 1000);
test.each<[string, Record<string, unknown>]>([
  ["of another issuer", { iss: "https://accounts.example" }],
  ["for another audience", { aud: "another-client" }],
  ["for several audiences without saying which asked", { aud: ["berth", "another-client"], azp: "another-client" }],
  ["that expired", { iat: nowS - 7200, exp: nowS - 3600 }],
  ["that never expires", { exp: undefined }],
  ["that is not valid yet", { nbf: nowS + 3600 }],
  ["without a nonce", { nonce: undefined }],
  ["with another sign-in's nonce", { nonce: "of-another-sign-in" }],
  ["without a subject", { sub: undefined }],
  ["with an empty subject", { sub: "" }],
  ["with a subject of a megabyte", { sub: "s".repeat(600_000) }],
])("an ID token %s is refused", async (_name, change) => {
  provider.claims = (claims) => ({ ...claims, ...change });
  await expectRefused(await signIn(), untrusted);
});

test.each([
  ["alg none", () => (provider.sign = (claims) => provider.unsigned(claims))],
  [
    "alg none that discovery announces",
    () => {
      provider.metadata = (document) => ({ ...document, id_token_signing_alg_values_supported: ["none"] });
      provider.sign = (claims) => provider.unsigned(claims);
    },
  ],
  ["HS256 with the public key as its secret", () => (provider.sign = (claims) => provider.signWithPublicKey(claims))],
  [
    "HS256 that discovery announces",
    () => {
      provider.metadata = (document) => ({ ...document, id_token_signing_alg_values_supported: ["HS256"] });
      provider.sign = (claims) => provider.signWithPublicKey(claims);
    },
  ],
  ["another key under the same name", () => (provider.sign = (claims) => provider.signWithForeignKey(claims))],
  ["a signature cut off", () => (provider.sign = async (claims) => (await provider.signWith(provider.key, claims)).replace(/[^.]*$/, ""))],
  ["no token at all", () => (provider.sign = () => "canary")],
] as const)("an ID token with %s is refused", async (_name, arrange) => {
  arrange();
  await expectRefused(await signIn(), untrusted);
});

test("a code works once: the same answer brought again is refused", async () => {
  await signIn();
  const callback = browser.visited.find((url) => url.includes("/auth/callback/")) ?? "";
  await browser.open(`${plane.origin}/auth/sign-out`, { method: "POST" });
  await expectRefused(await browser.open(callback), "sign-in-expired");
});

test("a code that was stolen and brought in with another sign-in is refused by PKCE", async () => {
  const victim = browser;
  let stolen = "";
  provider.callback = (query) => (stolen = query.get("code") ?? "");
  await victim
    .open(`${plane.origin}/auth/sign-in?provider=provider-1`, { follow: false })
    .then((page) => victim.open(page.headers.get("location") ?? "", { follow: false }));
  browser = new WebBrowser();
  provider.callback = (query) => query.set("code", stolen);
  await expectRefused(await signIn(), untrusted);
});

test.each<[string, (query: URLSearchParams) => void, string]>([
  ["another state", (query) => query.set("state", "of-another-sign-in"), "sign-in-expired"],
  ["no state", (query) => query.delete("state"), "sign-in-expired"],
  ["two states", (query) => query.append("state", "second"), untrusted],
  ["another issuer", (query) => query.set("iss", "https://accounts.example"), untrusted],
  ["no issuer where it is announced", (query) => query.delete("iss"), untrusted],
  ["no code", (query) => query.delete("code"), untrusted],
  ["two codes", (query) => query.append("code", "second"), untrusted],
  [
    "an error with markup in it",
    (query) => {
      query.delete("code");
      query.set("error", "<script>canary</script>");
      query.set("error_description", "<script>canary</script>");
    },
    "sign-in-refused",
  ],
])("a way back with %s is refused", async (_name, change, code) => {
  provider.callback = change;
  await expectRefused(await signIn(), code);
});

test("somebody else's sign-in cannot be finished in my browser, nor mine in theirs", async () => {
  const attacker = new WebBrowser();
  const start = await attacker.open(`${plane.origin}/auth/sign-in?provider=provider-1`, { follow: false });
  const back = await attacker.open(start.headers.get("location") ?? "", { follow: false });
  const link = back.headers.get("location") ?? "";
  await expectRefused(await browser.open(link), "sign-in-expired");
  // Not even in a browser that is in the middle of a sign-in of its own.
  await browser.open(`${plane.origin}/auth/sign-in?provider=provider-1`, { follow: false });
  const again = await attacker.open(start.headers.get("location") ?? "", { follow: false });
  await expectRefused(await browser.open(again.headers.get("location") ?? ""), "sign-in-expired");
});

test("a sign-in that takes longer than ten minutes is refused", async () => {
  const start = await browser.open(`${plane.origin}/auth/sign-in?provider=provider-1`, { follow: false });
  plane.laterMs = 10 * 60_000;
  await expectRefused(await browser.open(start.headers.get("location") ?? ""), "sign-in-expired");
});

test("the answer of one organization's provider is not taken for another's, even without `iss`", async () => {
  const honest = new HostileProvider();
  await honest.start();
  honest.metadata = ({ authorization_response_iss_parameter_supported: _without, ...document }) => document;
  honest.callback = (query) => query.delete("iss");
  plane.addProvider({ issuer: honest.issuer, organizationId: "org-2" });
  // The hostile one sends the browser on to the honest one, which answers to the address that is registered there.
  provider.metadata = ({ authorization_response_iss_parameter_supported: _without, ...document }) => document;
  provider.instead.set("/authorize", (request, response) => {
    const asked = new URL(request.url ?? "", provider.issuer).searchParams;
    asked.set("redirect_uri", plane.redirectUri("org-2"));
    response.writeHead(302, { location: `${honest.issuer}/authorize?${asked.toString()}` }).end();
  });
  await expectRefused(await signIn(), untrusted);
  expect(provider.requests).not.toContain("POST /token");
  await honest.end();
});

test("a second provider that asserts the victim's address gets nothing of the victim", async () => {
  const second = new HostileProvider();
  await second.start();
  plane.addProvider({ issuer: second.issuer, organizationId: "org-2", verifiedDomains: ["evil.example"], linkByVerifiedEmail: true });
  const page = await signIn("provider-2");
  expect(page.text).toContain("sign-in-email-domain");
  // The same subject, too: it is the issuer's, and counts only together with it.
  second.claims = (claims) => ({ ...claims, email: "me@evil.example" });
  expect((await signIn("provider-2")).text).toBe("signed in: account-2");
  expect(plane.accounts.all[0]?.organizationIds).toEqual(["org-1"]);
  await second.end();
});

test("a provider whose keys changed a moment ago signs in without a restart", async () => {
  expect((await signIn()).text).toBe("signed in: account-1");
  const old = provider.key;
  await provider.rotate();
  expect((await signIn()).text).toBe("signed in: account-1");
  await browser.open(`${plane.origin}/auth/sign-out`, { method: "POST" });
  provider.sign = (claims) => provider.signWith(old, claims);
  browser = new WebBrowser();
  await expectRefused(await signIn(), untrusted);
});

const discovery = "/.well-known/openid-configuration";
test.each([discovery, "/jwks", "/token"])("an answer of %s that is huge, slow, broken or leads elsewhere is refused", async (path) => {
  let canaryAsked = false;
  provider.instead.set("/canary", () => (canaryAsked = true));
  const answers: ((response: Parameters<Parameters<typeof provider.instead.set>[1]>[1]) => void)[] = [
    (response) => response.writeHead(200, { "content-type": "application/json" }).end(`"${"x".repeat(2 * 1024 * 1024)}"`),
    (response) => response.writeHead(200, { "content-type": "application/json" }).write("{"),
    (response) => response.writeHead(200, { "content-type": "application/json" }).end("canary"),
    (response) => response.writeHead(200, { "content-type": "text/html" }).end("<p>canary</p>"),
    (response) => response.writeHead(302, { location: `${provider.issuer}/canary` }).end(),
    (response) => response.writeHead(500).end("canary"),
    (response) => response.destroy(),
  ];
  for (const answer of answers) {
    provider.instead.set(path, (_request, response) => answer(response));
    const page = await signIn();
    await expectRefused(page, unreachable);
  }
  expect(canaryAsked).toBe(false);
});

test.each<[string, Record<string, unknown>, string]>([
  ["another issuer's name", { issuer: "https://accounts.example" }, untrusted],
  ["endpoints in the operator's network", { token_endpoint: "http://169.254.169.254/token" }, "address-not-allowed"],
  ["endpoints in a private network", { token_endpoint: "http://10.0.0.1/token" }, "address-not-allowed"],
  ["keys that are a file", { jwks_uri: "file:///etc/passwd" }, "address-not-allowed"],
  ["a script for a browser", { authorization_endpoint: "javascript:alert(1)" }, "address-not-allowed"],
  ["no endpoints", { token_endpoint: undefined }, unreachable],
])("discovery with %s is refused", async (_name, change, code) => {
  provider.metadata = (document) => ({ ...document, ...change });
  await expectRefused(await signIn(), code);
});

test.each(["http://169.254.169.254/", "http://localhost:1/", "http://[::ffff:7f00:1]/", "ftp://provider.example/"])(
  "an issuer at %s is not even asked outside of a trial",
  async (issuer) => {
    const strict = new SigningInPlane();
    await strict.start({ outbound: { allowHttp: false, allowedNetworks: [] } });
    strict.addProvider({ issuer });
    strict.addProvider({ issuer: issuer.replace("http:", "https:") });
    for (const id of ["provider-1", "provider-2"]) {
      const page = await browser.open(`${strict.origin}/auth/sign-in?provider=${id}`);
      expect([page.status, page.text]).toEqual([403, expect.stringContaining("address-not-allowed")]);
    }
    await strict.end();
  },
);
