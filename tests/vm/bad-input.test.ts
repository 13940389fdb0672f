import type { ChildProcess } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { gitBase, must, type Outcome, Product, Servers, type Wanted } from "./product.ts";

const product = new Product(inject("productFolder"));
const servers = new Servers(product);
const hangTimeoutMs = 180_000;
const clockToleranceMs = 5000;
const clockTimeoutMs = 90_000;
const takenPort = 8642;

const image = "berth/devcontainer:13";
/** The image's user has the number of the working copy's owner already, so that nothing need be built. */
const base = { image, updateRemoteUserUID: false };

/** A folder with one configuration. */
function folderWith(name: string, config: unknown, files: Readonly<Record<string, string>> = {}): string {
  const folder = join(product.folder, "bad-input", name);
  mkdirSync(join(folder, ".devcontainer"), { recursive: true });
  if (config !== undefined)
    writeFileSync(join(folder, ".devcontainer/devcontainer.json"), typeof config === "string" ? config : JSON.stringify(config));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

/** Everything that is bad in itself; made several at a time, because each takes half a minute under emulation. */
function wanted(): Wanted[] {
  const which = (value: string): string => JSON.stringify({ ...base, containerEnv: { WHICH: value } });
  const several = folderWith("several", undefined, {
    ".devcontainer/one/devcontainer.json": which("one"),
    ".devcontainer/two/devcontainer.json": which("two"),
  });
  servers.publish("team/app", undefined);
  const folders: Readonly<Record<string, string>> = {
    "no-image": folderWith("no-image", { image: "localhost:5417/nothing:1" }, { "kept.txt": "kept\n" }),
    dockerfile: folderWith(
      "dockerfile",
      { build: { dockerfile: "Dockerfile" }, updateRemoteUserUID: false },
      { ".devcontainer/Dockerfile": `FROM ${image}\nRUN echo about to fail && false\n` },
    ),
    "broken-json": folderWith("broken-json", `{\n  // fine\n  "image": "${image}",\n  "oops\n}`),
    command: folderWith("command", { ...base, postCreateCommand: "echo from the command; exit 3" }),
    requirement: folderWith("requirement", { ...base, hostRequirements: { cpus: 512 } }),
    memory: folderWith("memory", {
      ...base,
      runArgs: ["--memory=96m", "--memory-swap=96m"],
      postCreateCommand: "node -e 'const a = []; for (;;) a.push(Buffer.alloc(1e7, 1))'",
    }),
    port: folderWith("port", {
      ...base,
      forwardPorts: [takenPort],
      postStartCommand: `nohup node -e 'require("http").createServer((q, r) => r.end("mine")).listen(${takenPort})' > /dev/null 2>&1 & sleep 1`,
    }),
  };
  return [
    { name: "unreachable", source: "http://localhost:1/team/app.git" },
    { name: "absent", source: `${gitBase}/team/nothing.git` },
    { name: "private", source: `${gitBase}/private/nothing.git` },
    { name: "branch", source: `${gitBase}/team/app/tree/no-such-branch` },
    { name: "request", source: `${gitBase}/team/app/pull/404` },
    ...Object.entries(folders).map(([name, source]) => ({ name, source })),
    { name: "several", source: several },
    { name: "chosen", source: several, args: ["--devcontainer", ".devcontainer/two/devcontainer.json"] },
  ];
}

const made = new Map<string, Outcome>();
const squatter = createServer();
let hanging: ChildProcess | undefined;

beforeAll(async () => {
  rmSync(join(product.folder, "bad-input"), { recursive: true, force: true });
  await product.deleteAll(["hanging", "disk"]);
  const all = wanted();
  await new Promise<void>((resolve) => squatter.listen(takenPort, "127.0.0.1", resolve));
  must(product.machine("date", "--set", "+1 day"));
  const hangs = folderWith("hanging", { ...base, postCreateCommand: "touch begun; sleep 100000" });
  hanging = product.spawnBerth("create", hangs, "--name", "hanging");
  for (const [name, outcome] of await product.createAll(all)) made.set(name, outcome);
});

afterAll(async () => {
  hanging?.kill("SIGKILL");
  squatter.close();
  await product.deleteAll([...made.keys(), "hanging", "disk"]);
});

function outcomeOf(name: string): Outcome {
  const outcome = made.get(name);
  if (outcome === undefined) throw new Error(`${name} was not made`);
  return outcome;
}

test.each([
  ["an unreachable repository", "unreachable", 5, "could not be reached"],
  ["a repository that is not there", "absent", 3, "was not found"],
  ["a private repository without a credential", "private", 4, "needs a credential"],
  ["an unknown branch", "branch", 3, "no-such-branch"],
  ["an unknown pull request", "request", 3, "refs/pull/404/head"],
])("%s is told, and nothing stays behind", (_what, name, status, words) => {
  const outcome = outcomeOf(name);
  expect(outcome.stderr).toContain(words);
  expect(outcome.stderr).toContain("Try:");
  expect(outcome.status).toBe(status);
  const { id, phase } = product.show(name) as { id: string; phase: string };
  expect(phase).toBe("stopped");
  expect(product.machine("ls", `/data/env/${id}/repo`).stdout.trim()).toBe("");
});

test("an image that does not exist gives a recovery container with the working copy in it", () => {
  expect(outcomeOf("no-image").stderr).toContain("image was not found");
  expect(product.show("no-image")).toMatchObject({ phase: "running", recovery: true });
  expect(product.ssh("no-image", "cat kept.txt").stdout).toBe("kept\n");
});

test("a Dockerfile that fails gives a recovery container; mending it there and rebuilding gives the real one", () => {
  expect(outcomeOf("dockerfile").stderr).toContain("could not be built");
  expect(product.berth("logs", "dockerfile").stdout).toContain("about to fail");
  expect(product.show("dockerfile")).toMatchObject({ phase: "running", recovery: true });
  must(product.ssh("dockerfile", "sed -i 's/&& false/> \\/built/' .devcontainer/Dockerfile"));
  must(product.berth("rebuild", "dockerfile"));
  expect(product.show("dockerfile")).toMatchObject({ phase: "running", recovery: false });
  expect(product.ssh("dockerfile", "cat /built").stdout).toBe("about to fail\n");
});

test("a broken devcontainer.json is told with its line", () => {
  expect(outcomeOf("broken-json").stderr).toMatch(/devcontainer\.json, line 4/);
  expect(product.show("broken-json")).toMatchObject({ phase: "running", recovery: true });
});

test("several configurations are offered, and the chosen one is used", () => {
  expect(outcomeOf("several").stderr).toContain(".devcontainer/one/devcontainer.json, .devcontainer/two/devcontainer.json");
  expect(outcomeOf("several").status).toBe(6);
  must(outcomeOf("chosen"));
  expect(product.ssh("chosen", "echo $WHICH").stdout).toBe("two\n");
});

test("a lifecycle command that fails leaves a container that works, with a warning", () => {
  must(outcomeOf("command"));
  expect(product.show("command")).toMatchObject({
    phase: "running",
    recovery: false,
    warning: [expect.stringContaining("postCreateCommand")],
  });
  expect(product.ssh("command", "true").status).toBe(0);
});

test("a lifecycle command that hangs can be stopped, and the working copy stays", async () => {
  const { id } = product.show("hanging") as { id: string };
  const begun = (): Outcome => product.machine("sh", "-c", `ls /data/env/${id}/repo/*/begun`);
  expect(await waitUntil(() => begun().status === 0, { intervalMs: 500, signal: AbortSignal.timeout(hangTimeoutMs) })).toBe(true);
  must(product.berth("stop", "hanging"));
  expect(product.show("hanging")).toMatchObject({ phase: "stopped" });
  expect(must(begun()).stdout).toContain("begun");
});

test("a name that is taken is refused", () => {
  const outcome = product.berth("create", join(product.folder, "bad-input/command"), "--name", "servers");
  expect(outcome.status).toBe(4);
  expect(outcome.stderr).toContain("name is taken");
});

test("a requirement the machine cannot meet is told", () => {
  expect(outcomeOf("requirement").stderr).toContain("asks for 512 CPUs");
  expect(product.show("requirement")).toMatchObject({ phase: "running", recovery: true });
});

test("a command that the kernel ends for want of memory is told as such", () => {
  expect(outcomeOf("memory").status).toBe(0);
  expect(JSON.stringify(product.show("memory"))).toContain("out-of-memory");
});

test("a port that is taken on this computer is forwarded to another, which is shown", async () => {
  must(outcomeOf("port"));
  const [line] = must(product.berth("ports", "port", "--json"))
    .stdout.trim()
    .split("\n");
  const port = JSON.parse(line ?? "{}") as { containerPort: number; hostPort: number; url: string };
  expect(port.containerPort).toBe(takenPort);
  expect(port.hostPort).not.toBe(takenPort);
  expect(await (await fetch(port.url)).text()).toBe("mine");
});

test("a guest clock that jumped by a day while all this was made has been set right", async () => {
  const offByMs = (): number => Math.abs(Number(product.machine("date", "+%s").stdout) * 1000 - Date.now());
  const right = await waitUntil(() => offByMs() < clockToleranceMs, { intervalMs: 1000, signal: AbortSignal.timeout(clockTimeoutMs) });
  expect(right).toBe(true);
});

test("a full data disk is told, and all goes on once there is space", () => {
  const fill =
    "n=0; for size in 8G 1G 64M 4M 256K 4K; do while fallocate -l $size /data/filler.$n; do n=$((n+1)); done; done 2> /dev/null; true";
  must(product.machine("sh", "-c", fill));
  try {
    const outcome = product.create(`${gitBase}/team/app.git`, "disk");
    expect(outcome.stderr).toContain("disk is full");
  } finally {
    must(product.machine("sh", "-c", "rm -f /data/filler.*"));
  }
  must(product.berth("start", "disk"));
  expect(product.show("disk")).toMatchObject({ phase: "running" });
});
