import { spawn } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EnvironmentPhase, EnvironmentService } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { CliHome, type Ended, RunningCommand } from "../cli-home.ts";
import { sqliteDatabases } from "../store/databases.ts";
import { TunnelWorld, type WorldRunner } from "./tunnel-world.ts";

const limitMs = 120_000;
const proxyProgram = join(import.meta.dirname, "../../../.cache/app/proxy.mjs");

const databases = sqliteDatabases();
let world: TunnelWorld;
let runner: WorldRunner;
let cli: CliHome;
let environmentId: string;
let contextId: string;
let name: string;

beforeAll(async () => {
  await databases.start();
  world = new TunnelWorld(databases);
  await world.start();
  runner = await world.newRunner();
  environmentId = await world.newEnvironment(world.ada, runner.classId);
  const { environment } = await world.client(EnvironmentService, world.ada.token).getEnvironment({ environmentId });
  name = environment?.metadata?.name ?? "";
  cli = new CliHome();
  contextId = String((await cli.json("context", "add", world.apiUrl, "--name", "Work"))[0]?.["id"]);
  const signIn = cli.spawn(["context", "sign-in", "work", "--with-token"]);
  signIn.child.stdin?.end(`${world.ada.token}\n`);
  expect((await signIn.end()).status).toBe(0);
  expect(await cli.json("list", "--context", "work")).toMatchObject([{ name }]);
}, limitMs);

afterAll(async () => {
  await cli.end();
  await world.end();
  await databases.stop();
}, limitMs);

/** What ssh runs: says a text to the far end, which gives it back. */
async function proxy(text: string): Promise<Ended> {
  const command = new RunningCommand(spawn(process.execPath, [proxyProgram, environmentId, contextId], { env: cli.env }));
  command.child.stdin?.end(text);
  return command.end();
}

function sshFile(...path: readonly string[]): string {
  return join(cli.home, "contexts", contextId, "ssh", ...path);
}

async function specKeys(): Promise<string[]> {
  const { environment } = await world.client(EnvironmentService, world.ada.token).getEnvironment({ environmentId });
  return environment?.spec?.sshPublicKeys.map(({ value }) => value) ?? [];
}

test(
  "ssh's proxy leads into an environment of a context: its key is put there first, and its host key kept",
  { timeout: limitMs },
  async () => {
    expect(await specKeys()).toEqual([]);
    expect(await proxy("hello through the gateway")).toMatchObject({ status: 0, stdout: "hello through the gateway" });
    const key = readFileSync(sshFile("keys", `${environmentId}.pub`), "utf8").trim();
    expect(await specKeys()).toEqual([key]);
    expect((statSync(sshFile("keys", environmentId)).mode & 0o777).toString(8)).toBe("600");
    expect(readFileSync(sshFile("known_hosts"), "utf8")).toMatch(new RegExp(`^${environmentId} ssh-ed25519 [^ ]+\n$`));
    expect((await proxy("again")).stdout).toBe("again");
    expect(await specKeys()).toEqual([key]);
  },
);

test("ssh knows it as NAME.CONTEXT.berth, and editors open it by that", async () => {
  const config = readFileSync(join(cli.home, "ssh", "config"), "utf8");
  expect(config).toContain(`Host ${name}.work.berth\n`);
  expect(config).toContain(`${environmentId} ${contextId}\n`);
  const [opened] = await cli.json("open", name, "--context", "work", "--print");
  expect(opened).toMatchObject({ name, opened: false, url: expect.stringContaining(`ssh-remote+${name}.work.berth/workspaces/`) });
});

test("an environment of this computer keeps its name when another's would be the same", { timeout: limitMs }, async () => {
  expect((await cli.berth("create", "https://simulated.test/web.git", "--name", `${name}.work`)).status).toBe(0);
  const config = readFileSync(join(cli.home, "ssh", "config"), "utf8");
  expect(config.match(new RegExp(`^Host ${name}.work.berth$`, "gm"))).toHaveLength(1);
  expect(config).toContain(`Host ${environmentId}.work.berth\n`);
  expect((await cli.berth("delete", `${name}.work`, "--force")).status).toBe(0);
});

test("another host key than the first is refused, and the sentence says where the first one is", { timeout: limitMs }, async () => {
  const kept = readFileSync(sshFile("known_hosts"), "utf8");
  writeFileSync(sshFile("known_hosts"), kept.replace(/ssh-ed25519 .*/, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEFub3RoZXI"));
  const refused = await proxy("secret");
  expect(refused).toMatchObject({ status: 1, stdout: "" });
  expect(refused.stderr).toContain("another host key");
  expect(refused.stderr).toContain(sshFile("known_hosts"));
  writeFileSync(sshFile("known_hosts"), kept);
  expect((await proxy("ok")).stdout).toBe("ok");
});

test(
  "what is not possible is said: no such port, no such environment, stopped, the runner away, the plane away",
  { timeout: limitMs },
  async () => {
    expect(await cli.berth("ports", name, "70000", "--context", "work")).toMatchObject({ status: 2 });
    expect(await cli.berth("ports", name, "--context", "work")).toMatchObject({ status: 2 });
    expect(await cli.berth("ssh", "--context", "work", "none")).toMatchObject({ status: 3 });
    await world.client(EnvironmentService, world.ada.token).stopEnvironment({ environmentId });
    await world.whenPhase(environmentId, world.ada.token, EnvironmentPhase.STOPPED);
    expect((await proxy("")).stderr).toContain(`${name} is stopped`);
    expect(await cli.berth("ssh", name, "--context", "work", "--", "true")).toMatchObject({ status: 4 });
    await world.client(EnvironmentService, world.ada.token).startEnvironment({ environmentId });
    await world.whenPhase(environmentId, world.ada.token, EnvironmentPhase.RUNNING);
    await runner.end();
    expect((await proxy("")).stderr).toContain("The runner could not be reached");
    expect((await cli.berth("open", name, "--context", "work")).stderr).toContain("The runner could not be reached");
    await world.killApi();
    expect((await proxy("")).stderr).toContain("The management plane could not be reached");
    expect(await cli.berth("ssh", "--context", "work", name)).toMatchObject({ status: 5 });
  },
);
