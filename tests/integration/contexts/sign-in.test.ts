import { create } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { fromConnectError } from "../../../src/contract/connect-error.ts";
import {
  type Context,
  Context_State,
  ContextService,
  type SignInRequest,
  SignInWithBrowserSchema,
  SignInWithDeviceCodeSchema,
} from "../../../src/contract/gen/berth/v1/context_pb.js";
import { EnvironmentService } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { HostSessions, hostTransport } from "../../../src/lib/host-transport.ts";
import { berthPaths } from "../../../src/lib/paths.ts";
import { AuthorizingPlane } from "../../support/sign-in/authorizing-plane.ts";
import { serveOnLoopback } from "../../support/sign-in/http-server.ts";
import { CliHome } from "../cli-home.ts";

let cli: CliHome;
let plane: AuthorizingPlane;
let contexts: Client<typeof ContextService>;
let contextId: string;

beforeAll(async () => {
  cli = new CliHome();
  await cli.json("context", "list");
  contexts = createClient(ContextService, hostTransport(new HostSessions(berthPaths(cli.env).apiSocket)));
});
afterAll(async () => cli.end());

beforeEach(async () => {
  plane = new AuthorizingPlane();
  await plane.start({ deviceFlow: true });
  contextId = (await contexts.addContext({ planeUrl: plane.origin, name: "work" })).context?.contextId ?? "";
});
afterEach(async () => {
  await contexts.removeContext({ contextId });
  await plane.end();
});

const browser: SignInRequest["method"] = { case: "browser", value: create(SignInWithBrowserSchema) };

/** Signs in as a person does it in the system's browser. */
async function signIn(): Promise<Context | undefined> {
  const person = await plane.signedInBrowser();
  for await (const { progress } of contexts.signIn({ contextId, method: browser })) {
    if (progress.case === "browserUrl") void plane.allow(person, progress.value);
    if (progress.case === "signedIn") return progress.value;
  }
  return undefined;
}

test("a person signs in with the browser and out again, at the plane too", async () => {
  expect(await signIn()).toMatchObject({
    state: Context_State.SIGNED_IN,
    accountName: "Ada <b>",
    organizationId: "org-1",
    personalAccessToken: false,
  });
  const { refreshToken, accessToken } = JSON.parse(readFileSync(join(cli.home, "contexts", contextId, "sign-in.json"), "utf8")) as {
    refreshToken: string;
    accessToken: string;
  };
  expect(await plane.authorization.holderOf(accessToken)).toMatchObject({ accountId: "account-1" });
  const log = readFileSync(join(cli.home, "logs/host.log"), "utf8");
  for (const secret of [refreshToken, accessToken]) expect(log).not.toContain(secret);
  expect(await contexts.signOut({ contextId })).toMatchObject({ revoked: true });
  expect(await plane.authorization.holderOf(accessToken)).toBeUndefined();
  expect((await contexts.listContexts({})).contexts).toMatchObject([{ state: Context_State.SIGNED_OUT, accountName: "" }]);
});

/** Environments for who has an access token that the plane takes now; gives the tokens that it was asked with. */
function serveEnvironments(): string[] {
  const tokens: string[] = [];
  const onlyHolders: Interceptor = (next) => async (request) => {
    const token = (request.header.get("authorization") ?? "").replace("Bearer ", "");
    tokens.push(token);
    if ((await plane.authorization.holderOf(token)) === undefined) throw new ConnectError("no", Code.Unauthenticated);
    return next(request);
  };
  const handler = connectNodeAdapter({
    interceptors: [onlyHolders],
    routes: (router) =>
      router.service(EnvironmentService, { listEnvironments: () => ({ environments: [{ metadata: { name: "theirs" } }] }) }),
  });
  plane.serve = (request, response) => handler(request, response);
  return tokens;
}

test("a token that the plane does not take any more is refreshed once, and a person who was removed is signed out", async () => {
  await signIn();
  const tokens = serveEnvironments();
  const names = async () => (await contexts.listRemoteEnvironments({ contextId })).environments.map(({ name }) => name);
  expect(await names()).toEqual(["theirs"]);
  expect(tokens).toHaveLength(1);
  // By the clock of this computer it is good for some minutes yet.
  plane.laterMs = 11 * 60_000;
  expect(await names()).toEqual(["theirs"]);
  expect(new Set(tokens).size).toBe(2);
  expect(await Promise.all([names(), names(), names()])).toEqual([["theirs"], ["theirs"], ["theirs"]]);
  expect(new Set(tokens).size).toBe(2);

  plane.members.all.clear();
  plane.laterMs += 11 * 60_000;
  await expect(names().catch((error: unknown) => fromConnectError(error).code)).resolves.toBe("sign-in-required");
  expect((await contexts.listContexts({})).contexts).toMatchObject([{ state: Context_State.SIGNED_OUT }]);
  expect(existsSync(join(cli.home, "contexts", contextId, "environments.json"))).toBe(false);
});

test("the command line shows the address, or a code for another device, and ends a sign-in on Ctrl-C", async () => {
  const person = await plane.signedInBrowser();
  const command = cli.spawn(["context", "sign-in", "--json"]);
  await command.says(/Open this address on this computer:\s+http\S+&\S+\s/);
  void plane.allow(person, /http\S+/.exec(command.stderr)?.[0] ?? "");
  const { status, stdout } = await command.end();
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ name: "work", state: "signed-in" });

  const device = cli.spawn(["context", "sign-in", "work", "--device"]);
  await device.says(/enter this code.*:\s+[A-Z]{4}-[A-Z]{4}\s/s);
  device.child.kill("SIGINT");
  expect((await device.end()).status).toBe(130);
  expect((await contexts.listContexts({})).contexts).toMatchObject([{ state: Context_State.SIGNED_IN }]);
});

test("a sign-in ends when its call ends, or when another one is begun, and nobody can come back to its address", async () => {
  const opened: string[] = [];
  const first = (async () => {
    for await (const { progress } of contexts.signIn({ contextId, method: browser }))
      if (progress.case === "browserUrl") opened.push(progress.value);
  })();
  const outcome = first.then(
    () => "",
    (error: unknown) => fromConnectError(error).code,
  );
  await expect.poll(() => opened, { timeout: 20_000 }).toHaveLength(1);
  const end = new AbortController();
  const second = (async () => {
    for await (const { progress } of contexts.signIn({ contextId, method: browser }, { signal: end.signal }))
      if (progress.case === "browserUrl") opened.push(progress.value);
  })();
  second.catch(() => undefined);
  expect(await outcome).toBe("canceled");
  await expect.poll(() => opened, { timeout: 20_000 }).toHaveLength(2);
  end.abort();
  await expect(second).rejects.toBeInstanceOf(ConnectError);
  for (const url of opened) {
    const door = new URL(url).searchParams.get("redirect_uri") ?? "";
    const answers = async (): Promise<string> =>
      fetch(door).then(
        () => "open",
        () => "closed",
      );
    await expect.poll(answers).toBe("closed");
  }
  expect((await contexts.listContexts({})).contexts).toMatchObject([{ state: Context_State.SIGNED_OUT }]);
});

test.each(["https://evil.example/auth", "file:///etc/passwd", "vscode://run"])(
  "a plane that sends people to %s is not believed",
  async (address) => {
    const hostile = await serveOnLoopback((_request, response) => {
      const document = {
        issuer: `${hostile.origin}/oauth`,
        authorization_endpoint: address,
        token_endpoint: `${hostile.origin}/oauth/token`,
        device_authorization_endpoint: `${hostile.origin}/oauth/device`,
        // The answer to whatever else is asked.
        ...{ device_code: "d", user_code: "ABCD-EFGH", verification_uri: address, expires_in: 60 },
      };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(document));
    });
    const { context } = await contexts.addContext({ planeUrl: hostile.origin, name: "hostile" });
    const told: unknown[] = [];
    const attempt = async (method: SignInRequest["method"]): Promise<string> => {
      try {
        for await (const answer of contexts.signIn({ contextId: context?.contextId ?? "", method })) told.push(answer);
        return "";
      } catch (error) {
        return fromConnectError(error).code;
      }
    };
    expect(await attempt(browser)).toBe("sign-in-provider-untrusted");
    expect(await attempt({ case: "deviceCode", value: create(SignInWithDeviceCodeSchema) })).toBe("sign-in-provider-untrusted");
    expect(told).toEqual([]);
    await contexts.removeContext({ contextId: context?.contextId ?? "" });
    await hostile.end();
  },
);
