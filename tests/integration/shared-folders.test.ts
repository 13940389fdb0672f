import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CliHome } from "./cli-home.ts";

let cli: CliHome;
let data: string;

beforeAll(async () => {
  cli = new CliHome();
  data = join(cli.folder, "data");
  mkdirSync(data);
  writeFileSync(join(data, "note.txt"), "mine\n");
  await cli.json("create", "https://simulated.test/app.git");
  await cli.json("create", "https://simulated.test/api.git");
});
afterAll(async () => cli.end());

const states = async (): Promise<Record<string, unknown>> =>
  Object.fromEntries(
    (await cli.json("share", "list")).map(({ path, state, detail }) => [path, [state, detail].filter((part) => part !== "").join(": ")]),
  );

test("a folder comes with the machine's next start, and is told so; a restart brings it", async () => {
  const added = await cli.berth("share", "add", "app", data);
  expect(added.stderr).toContain(`${data} is /mnt/host/data in app, read-only.`);
  expect(added.stderr).toContain("berth machine restart --machine app");
  expect(await states()).toEqual({ "/mnt/host/data": "restart-needed" });
  expect(await cli.json("machine", "restart")).toMatchObject([{ state: "ready" }]);
  await cli.whenShown("app", { phase: "running" });
  expect(await states()).toEqual({ "/mnt/host/data": "shared" });
  // Asked for again, it is the same one.
  expect(await cli.json("share", "add", "app", data)).toMatchObject([{ state: "shared", writable: false }]);
  expect(await cli.json("share", "list")).toHaveLength(1);
});

test("what should not be seen is refused, and nothing is changed", async () => {
  const refusal = async (...args: readonly string[]): Promise<string> => {
    const { status, stderr } = await cli.berth("share", "add", ...args);
    expect(status).not.toBe(0);
    return stderr;
  };
  symlinkSync(cli.home, join(cli.folder, "innocent"));
  expect(await refusal("app", "/")).toContain("it holds all that is yours");
  expect(await refusal("app", cli.folder)).toContain("it holds all that is yours");
  expect(await refusal("app", join(cli.folder, "innocent"))).toContain("Berth's own files are there");
  expect(await refusal("app", "/etc")).toContain("it is the system's own");
  expect(await refusal("app", join(cli.folder, "nowhere"))).toContain("The folder is not shared");
  expect(await refusal("app", join(data, "note.txt"))).toContain("it is no folder");
  expect(await refusal("app", data, "--as", "../up")).toContain("'../up' is no name");
  expect(await refusal("app", data, "--write")).toContain("give it another name");
  expect(await refusal("nobody", data)).toContain("The environment was not found");
  expect(await states()).toEqual({ "/mnt/host/data": "shared" });
});

test("a folder that is not to be had is told, and the others are there", async () => {
  mkdirSync(join(cli.folder, "fail-mount"));
  await cli.json("share", "add", "api", join(cli.folder, "fail-mount"));
  await cli.json("share", "add", "api", data, "--write", "--as", "out");
  await cli.json("machine", "restart");
  expect(await states()).toEqual({
    "/mnt/host/data": "shared",
    "/mnt/host/fail-mount": "failed: it could not be mounted",
    "/mnt/host/out": "shared",
  });
});

test("a suspended machine keeps what it was started with, and a removed folder is told until it is gone", async () => {
  await cli.json("machine", "suspend");
  expect((await cli.berth("share", "remove", "api", "out")).stderr).toContain("Its files stay.");
  expect(await states()).toMatchObject({ "/mnt/host/out": "removed" });
  expect((await cli.berth("exec", "app", "--", "pwd")).status).toBe(0);
  expect(await states()).toMatchObject({ "/mnt/host/data": "shared", "/mnt/host/out": "removed" });
  await cli.json("machine", "restart");
  expect(await states()).not.toHaveProperty("/mnt/host/out");
  expect(readFileSync(join(data, "note.txt"), "utf8")).toBe("mine\n");
});

test("the folders of an environment go with it", async () => {
  expect((await cli.berth("delete", "api", "--force")).status).toBe(0);
  expect(await states()).toEqual({ "/mnt/host/data": "shared" });
  const missing = await cli.berth("share", "remove", "app", "out");
  expect(missing.stderr).toContain("The shared folder was not found");
  rmSync(data, { recursive: true });
  expect((await cli.berth("share", "remove", "app", "data")).status).toBe(0);
});
