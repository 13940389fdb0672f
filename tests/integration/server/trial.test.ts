import { Code } from "@connectrpc/connect";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { signInWithBrowser } from "../../../src/bridge/sign-in.ts";
import { AccountService } from "../../../src/contract/gen/gitpod/v1/account_pb.js";
import { OrganizationRole, OrganizationService } from "../../../src/contract/gen/gitpod/v1/organization_pb.js";
import { UserService } from "../../../src/contract/gen/gitpod/v1/user_pb.js";
import { type Page, WebBrowser } from "../../support/sign-in/web-browser.ts";
import { createAdmin, PlaneProcess } from "./plane-process.ts";
import { codeOf } from "./served-server.ts";

let folder: string;

beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "berth-trial-"))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Signs an app in as one of the trial's people, and gives its access token and the page where they were chosen. */
async function signIn(plane: PlaneProcess, person: "demo" | "robin"): Promise<{ readonly token: string; readonly choice: Page }> {
  const browser = new WebBrowser();
  const pages: Page[] = [];
  const openBrowser = async (url: URL): Promise<void> => {
    const choice = await browser.submit(await browser.open(url), { email: `${person}@berth.test` });
    pages.push(choice);
    void browser.submit(await browser.submit(choice, { person }), { answer: "allow" });
  };
  const { accessToken } = await signInWithBrowser({ planeUrl: new URL(plane.baseUrl), openBrowser, signal: new AbortController().signal });
  const [choice] = pages;
  if (choice === undefined) throw new Error("nobody was asked");
  return { token: accessToken, choice };
}

test("one command gives a plane that a person signs in to, and is out of at once when the administrator removes them", async () => {
  const plane = await PlaneProcess.serve("--dev", "--dev-folder", folder);
  const { token: demo, choice } = await signIn(plane, "demo");
  expect(choice.text).toContain("This is a trial.");
  const robin = plane.client(UserService, (await signIn(plane, "robin")).token);
  const { user } = await robin.getAuthenticatedUser({});
  expect(user).toMatchObject({ name: "Robin", email: "robin@berth.test" });

  const { account } = await plane.client(AccountService, demo).getAccount({});
  expect(account?.memberships).toMatchObject([{ organizationName: "Trial", userRole: OrganizationRole.ADMIN }]);
  const { members } = await plane.client(OrganizationService, demo).listMembers({ organizationId: user?.organizationId ?? "" });
  expect(members.map(({ fullName }) => fullName).toSorted()).toEqual(["Demo", "Robin"]);
  await plane.client(UserService, demo).deleteUser({ userId: user?.id ?? "" });
  expect(await codeOf(robin.getAuthenticatedUser({}))).toBe(Code.Unauthenticated);

  expect(statSync(join(folder, "plane.key")).mode & 0o777).toBe(0o600);
  expect((await plane.get("/")).text).toContain("This is a trial");
  expect(plane.lines.join("\n")).toContain("never use it for real");
  expect(await plane.stop()).toBe(0);

  // What was there is there the next time, although its own provider is another one then.
  const again = await PlaneProcess.serve("--dev", "--dev-folder", folder);
  const known = await again.client(AccountService, (await signIn(again, "demo")).token).getAccount({});
  expect(known.account?.id).toBe(account?.id);
  await again.stop();
});

test.each([
  { flags: ["--listen", "0.0.0.0:0"], why: "127.0.0.1 alone" },
  { flags: ["--public-url", "https://plane.example.com"], why: "publicUrl" },
  { flags: ["--database-url", "postgres://db.example.com/berth"], why: "databaseUrl" },
])("a trial with $flags does not start", async ({ flags, why }) => {
  await expect(PlaneProcess.serve("--dev", "--dev-folder", folder, ...flags)).rejects.toThrow(why);
});

test("a trial does not take over the plane of a folder that people really use", async () => {
  const database = { databaseUrl: join(folder, "plane.sqlite"), keyFile: join(folder, "plane.key") };
  const { token, organizationId } = await createAdmin(database);
  await expect(PlaneProcess.serve("--dev", "--dev-folder", folder)).rejects.toThrow("not a trial's");
  const plane = await PlaneProcess.start(database);
  const { account } = await plane.client(AccountService, token).getAccount({});
  expect(account?.memberships.map((one) => one.organizationId)).toEqual([organizationId]);
  expect((await plane.client(OrganizationService, token).listSSOConfigurations({ organizationId })).ssoConfigurations).toEqual([]);
  await plane.stop();
});
