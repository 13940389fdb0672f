import { createServer } from "node:net";
import { join } from "node:path";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, expect, inject, test } from "vitest";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { gitBase, must, Product, Servers } from "./product.ts";

const product = new Product(inject("productFolder"));
const servers = new Servers(product);
const name = "bad";
const hangTimeoutMs = 180_000;

afterEach(() => void product.berth("delete", name, "--force"));

/** A folder with one configuration. */
function folderWith(config: unknown, files: Readonly<Record<string, string>> = {}): string {
  const folder = join(product.folder, "bad-input");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, ".devcontainer"), { recursive: true });
  if (config !== undefined)
    writeFileSync(join(folder, ".devcontainer/devcontainer.json"), typeof config === "string" ? config : JSON.stringify(config));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

test.each([
  ["an unreachable repository", "http://localhost:1/team/app.git", 5, "could not be reached"],
  ["a repository that is not there", `${gitBase}/team/nothing.git`, 3, "was not found"],
  ["a private repository without a credential", `${gitBase}/private/app.git`, 4, "needs a credential"],
])("%s is told, and nothing stays behind", (_what, url, status, words) => {
  const outcome = product.create(url, name);
  expect(outcome.stderr).toContain(words);
  expect(outcome.stderr).toContain("Try:");
  expect(outcome.status).toBe(status);
  const { id, phase } = product.show(name) as { id: string; phase: string };
  expect(phase).toBe("stopped");
  expect(product.machine("ls", `/data/env/${id}/repo`).stdout.trim()).toBe("");
});

test("an unknown branch is told by its name", () => {
  servers.publish("team/app", undefined);
  const outcome = product.create(`${gitBase}/team/app/tree/no-such-branch`, name);
  expect(outcome.status).toBe(3);
  expect(outcome.stderr).toContain("no-such-branch");
});

test("an image that does not exist gives a recovery container with the working copy in it", () => {
  const outcome = product.create(folderWith({ image: "localhost:5417/nothing:1" }, { "kept.txt": "kept\n" }), name);
  expect(outcome.stderr).toContain("image was not found");
  expect(product.show(name)).toMatchObject({ phase: "running", recovery: true });
  expect(product.ssh(name, "cat kept.txt").stdout).toBe("kept\n");
});

test("a Dockerfile that fails gives a recovery container; mending it there and rebuilding gives the real one", () => {
  const outcome = product.create(
    folderWith(
      { build: { dockerfile: "Dockerfile" } },
      { ".devcontainer/Dockerfile": "FROM berth/devcontainer:13\nRUN echo about to fail && false\n" },
    ),
    name,
  );
  expect(outcome.stderr).toContain("could not be built");
  expect(product.berth("logs", name).stdout).toContain("about to fail");
  expect(product.show(name)).toMatchObject({ phase: "running", recovery: true });
  must(product.ssh(name, "sed -i 's/&& false/> \\/built/' .devcontainer/Dockerfile"));
  must(product.berth("rebuild", name));
  expect(product.show(name)).toMatchObject({ phase: "running", recovery: false });
  expect(product.ssh(name, "cat /built").stdout).toBe("about to fail\n");
});

test("a broken devcontainer.json is told with its line", () => {
  const outcome = product.create(folderWith('{\n  // fine\n  "image": "berth/devcontainer:13",\n  "oops\n}'), name);
  expect(outcome.stderr).toMatch(/devcontainer\.json, line 4/);
  expect(product.show(name)).toMatchObject({ phase: "running", recovery: true });
});

test("several configurations are offered, and the chosen one is used", () => {
  const one = JSON.stringify({ image: "berth/devcontainer:13", containerEnv: { WHICH: "one" } });
  const folder = folderWith(undefined, {
    ".devcontainer/one/devcontainer.json": one,
    ".devcontainer/two/devcontainer.json": one.replace('"one"', '"two"'),
  });
  const outcome = product.create(folder, name);
  expect(outcome.stderr).toContain(".devcontainer/one/devcontainer.json, .devcontainer/two/devcontainer.json");
  expect(outcome.status).toBe(6);
  must(product.create(folder, name, "--devcontainer", ".devcontainer/two/devcontainer.json"));
  expect(product.ssh(name, "echo $WHICH").stdout).toBe("two\n");
});

test("a lifecycle command that fails leaves a container that works, with a warning", () => {
  must(product.create(folderWith({ image: "berth/devcontainer:13", postCreateCommand: "echo from the command; exit 3" }), name));
  expect(product.show(name)).toMatchObject({ phase: "running", recovery: false, warning: [expect.stringContaining("postCreateCommand")] });
  expect(product.ssh(name, "true").status).toBe(0);
});

test("a lifecycle command that hangs can be stopped, and the working copy stays", async () => {
  const creating = product.spawnBerth(
    "create",
    folderWith({ image: "berth/devcontainer:13", postCreateCommand: "touch begun; sleep 100000" }),
    "--name",
    name,
  );
  const ended = new Promise<void>((resolve) => creating.once("close", () => resolve()));
  const begun = await waitUntil(() => product.machine("sh", "-c", "ls /data/env/*/repo/*/begun").status === 0, {
    intervalMs: 500,
    signal: AbortSignal.timeout(hangTimeoutMs),
  });
  expect(begun).toBe(true);
  must(product.berth("stop", name));
  creating.kill("SIGKILL");
  await ended;
  expect(product.show(name)).toMatchObject({ phase: "stopped" });
  const { id } = product.show(name) as { id: string };
  expect(must(product.machine("sh", "-c", `ls /data/env/${id}/repo/*/begun`)).stdout).toContain("begun");
});

test("a name that is taken is refused", () => {
  const outcome = product.berth("create", folderWith({ image: "berth/devcontainer:13" }), "--name", "servers");
  expect(outcome.status).toBe(4);
  expect(outcome.stderr).toContain("name is taken");
});

test("a requirement the machine cannot meet is told before anything is built", () => {
  const outcome = product.create(folderWith({ image: "berth/devcontainer:13", hostRequirements: { cpus: 512 } }), name);
  expect(outcome.stderr).toContain("asks for 512 CPUs");
});

test("a command that the kernel ends for want of memory is told as such", () => {
  const outcome = product.create(
    folderWith({
      image: "berth/devcontainer:13",
      runArgs: ["--memory=96m", "--memory-swap=96m"],
      postCreateCommand: "node -e 'const a = []; for (;;) a.push(Buffer.alloc(1e7, 1))'",
    }),
    name,
  );
  expect(outcome.status).toBe(0);
  expect(JSON.stringify(product.show(name))).toContain("out-of-memory");
});

test("a full data disk is told, and all goes on once there is space", () => {
  must(
    product.machine(
      "sh",
      "-c",
      'fallocate -l "$(( $(df --output=avail -B1 /data | tail -n 1) ))" /data/filler || true; rm -f /data/filler2; while head -c 65536 /dev/zero >> /data/filler2; do :; done 2>/dev/null; true',
    ),
  );
  try {
    servers.publish("team/app", undefined);
    const outcome = product.create(`${gitBase}/team/app.git`, name);
    expect(outcome.stderr).toContain("disk is full");
  } finally {
    must(product.machine("rm", "-f", "/data/filler", "/data/filler2"));
  }
  must(product.berth("start", name));
  expect(product.show(name)).toMatchObject({ phase: "running" });
});

test("a port that is taken on this computer is forwarded to another, which is shown", async () => {
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(8642, "127.0.0.1", resolve));
  try {
    must(
      product.create(
        folderWith({
          image: "berth/devcontainer:13",
          forwardPorts: [8642],
          postStartCommand:
            'nohup node -e \'require("http").createServer((q, r) => r.end("mine")).listen(8642)\' > /dev/null 2>&1 & sleep 1',
        }),
        name,
      ),
    );
    const [line] = must(product.berth("ports", name, "--json"))
      .stdout.trim()
      .split("\n");
    const port = JSON.parse(line ?? "{}") as { containerPort: number; hostPort: number; url: string };
    expect(port.containerPort).toBe(8642);
    expect(port.hostPort).not.toBe(8642);
    expect(await (await fetch(port.url)).text()).toBe("mine");
  } finally {
    squatter.close();
  }
});

test("a repository of 100,000 files is cloned and its state told", () => {
  const url = servers.publish("team/many", undefined, (folder, git) => {
    for (let d = 0; d < 100; d++) {
      mkdirSync(join(folder, `d${d}`));
      for (let f = 0; f < 1000; f++) writeFileSync(join(folder, `d${d}/f${f}`), `${d}/${f}\n`);
    }
    git("add", "--all");
    git("commit", "--quiet", "--message", "Many");
  });
  must(product.create(url, name));
  expect(product.ssh(name, "git ls-files | wc -l; git status --short | wc -l").stdout.trim().split("\n")).toEqual(["100000", "0"]);
});

test("a guest clock that jumps by a day is set right, and work goes on", () => {
  must(product.machine("date", "--set", "+1 day"));
  must(product.create(folderWith({ image: "berth/devcontainer:13" }), name));
  must(product.berth("stop", name));
  must(product.berth("start", name));
  const offByMs = (): number => Math.abs(Number(product.machine("date", "+%s").stdout) * 1000 - Date.now());
  const deadline = performance.now() + 90_000;
  while (offByMs() > 5000) expect(performance.now()).toBeLessThan(deadline);
});
