import { afterAll, beforeAll, expect, test } from "vitest";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { CliHome } from "./cli-home.ts";

const limitMs = 30_000;
let cli: CliHome;

beforeAll(() => {
  cli = new CliHome();
  cli.env["BERTH_SIMULATE"] = "memory-32g";
});
afterAll(async () => cli.end());

const simulated = (sentinel: string): string => `https://simulated.test/${sentinel}.git`;

test("an environment is made on a machine of its own, which is told everywhere", async () => {
  const made = await cli.berth("create", simulated("web"), "--class", "dedicated");
  expect(made.stderr).toMatch(/^✓ Starting the machine \d+\.\d s$/m);
  expect(made.status).toBe(0);
  await cli.berth("create", simulated("api"), "--class", "shared");
  const { stdout } = await cli.berth("list");
  expect(stdout).toMatch(/^web .* own +simulated.test\/web$/m);
  expect(stdout).toMatch(/^api .* shared +simulated.test\/api$/m);
  expect((await cli.berth("show", "web")).stdout).toMatch(/^machine +of its own, env-[0-9a-f]{12}$/m);
  expect((await cli.berth("show", "api")).stdout).toMatch(/^machine +shared$/m);
  expect(await cli.json("machine", "list")).toMatchObject([
    { name: "shared", id: "default", state: "ready", environments: ["api"] },
    { name: "web", state: "ready", environments: ["web"], memoryBytes: 2 * 1024 ** 3 },
  ]);
  expect((await cli.berth("machine", "list")).stdout).toMatch(/^web +ready +2\.0 GiB/m);
});

test("another class is refused before anything is made", async () => {
  const { status, stderr } = await cli.berth("create", simulated("web"), "--class", "huge");
  expect(stderr).toContain("--class is shared or dedicated");
  expect(status).toBe(2);
});

test("commands about a machine take the name of an environment that has its own", async () => {
  expect((await cli.berth("machine", "shell", "--machine", "web", "echo", "in", "it")).stdout).toBe("echo in it\n");
  expect(await cli.json("machine", "suspend", "--machine", "web")).toMatchObject([{ state: "suspended", environments: ["web"] }]);
  expect(await cli.json("machine", "status")).toMatchObject([{ state: "ready", environments: ["api"] }]);
  expect((await cli.berth("exec", "web", "--", "pwd")).status).toBe(0);
  expect(await cli.json("machine", "status", "--machine", "web")).toMatchObject([{ state: "ready" }]);
  expect((await cli.berth("machine", "boot-profile", "--machine", "web")).status).toBe(0);
  expect(await cli.json("machine", "stop", "--machine", "web")).toMatchObject([{ state: "off" }]);
  await cli.whenShown("web", { phase: "stopped" });
  await cli.whenShown("api", { phase: "running" });
  expect((await cli.berth("machine", "start", "--machine", "web")).stderr).toMatch(/^✓ Starting the machine/m);
  const { status, stderr } = await cli.berth("machine", "status", "--machine", "nobody");
  expect(stderr).toContain("The machine was not found");
  expect(status).toBe(3);
});

test("deleting it removes its machine, and a reset of the shared machine asks for no name of it", async () => {
  await cli.berth("create", simulated("app"), "--class", "dedicated");
  expect(await cli.json("machine", "reset", "--confirm", "api")).toEqual([{ removed: ["api"] }]);
  await cli.whenShown("app", { phase: "running" });
  expect((await cli.berth("delete", "web", "--force")).status).toBe(0);
  const gone = await waitUntil(async () => (await cli.json("machine", "list")).every(({ name }) => name !== "web"), {
    intervalMs: 20,
    signal: AbortSignal.timeout(limitMs),
  });
  expect(gone).toBe(true);
});
