import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { HostSessions, hostTransport } from "../../src/lib/host-transport.ts";
import { HostAuthenticationTokenSource, RunnerConfigurationService } from "../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { ListRunnersRequestSchema, RunnerService } from "../../src/contract/gen/gitpod/v1/runner_pb.js";
import { berthPaths } from "../../src/lib/paths.ts";
import { must, type Outcome, Product, run, Servers } from "./product.ts";

const product = new Product(inject("productFolder"));
const servers = new Servers(product);
const names = ["runs", "looks", "reaches", "token"];
const token = "right-token";
let made: ReadonlyMap<string, Outcome>;
let takeTokenAway: (() => Promise<void>) | undefined;

/** Lies where an attacker would look for it, or would put it. */
const canary = join(product.folder, "canary");
const touchCanary = `touch ${canary}; touch /tmp/berth-host-canary`;
const secret = "a-secret-of-the-person-8c1f";
const config = (extra: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({ image: "berth/devcontainer:13", updateRemoteUserUID: false, ...extra });

/** Every attack that needs an environment has one; they are made together because each takes half a minute under emulation. */
beforeAll(async () => {
  rmSync("/tmp/berth-host-canary", { force: true });
  writeFileSync(join(product.folder, "person.txt"), secret);
  takeTokenAway = await giveToken();
  made = await product.createAll([
    { name: "runs", source: folderThatRuns() },
    {
      name: "looks",
      source: hostileFolder("looks", {
        ".devcontainer/devcontainer.json": config({
          remoteUser: "root",
          runArgs: ["--privileged", "--pid=host"],
          mounts: ["source=/,target=/machine,type=bind"],
        }),
      }),
    },
    { name: "reaches", source: hostileFolder("reaches", { ".devcontainer/devcontainer.json": config({ remoteUser: "root" }) }) },
    { name: "token", source: publishPrivate() },
  ]);
});

afterAll(async () => {
  await takeTokenAway?.();
  await product.deleteAll(names);
});

function hostileFolder(name: string, files: Readonly<Record<string, string>>): string {
  const folder = join(product.folder, "hostile", name);
  rmSync(folder, { recursive: true, force: true });
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), content, { mode: 0o755 });
  }
  return folder;
}

/** A repository with something to run at every place where git, docker or the devcontainer CLI might run it. */
function folderThatRuns(): string {
  const folder = hostileFolder("runs", {
    ".devcontainer/devcontainer.json": config({
      image: undefined,
      build: { dockerfile: "Dockerfile" },
      initializeCommand: touchCanary,
      onCreateCommand: touchCanary,
      postCreateCommand: touchCanary,
    }),
    ".devcontainer/Dockerfile": `FROM berth/devcontainer:13\nRUN mkdir -p ${product.folder}; ${touchCanary}; chmod -R 777 ${product.folder}\n`,
    ".gitattributes": "* filter=evil\n",
    "file.txt": "content\n",
  });
  const git = (...args: readonly string[]): void => void must(run("git", args, { cwd: folder }));
  git("init", "--quiet");
  git("-c", "user.name=T", "-c", "user.email=t@e", "commit", "--quiet", "--allow-empty", "--message", "x");
  for (const key of [
    "core.fsmonitor",
    "filter.evil.clean",
    "filter.evil.smudge",
    "filter.evil.process",
    "core.sshCommand",
    "diff.external",
    "core.pager",
  ])
    git("config", key, touchCanary);
  for (const hook of ["post-checkout", "pre-commit", "post-index-change", "reference-transaction", "fsmonitor-watchman"])
    writeFileSync(join(folder, ".git/hooks", hook), `#!/bin/sh\n${touchCanary}\n`, { mode: 0o755 });
  return folder;
}

/** Gives what takes the token away again: other tests have none. */
async function giveToken(): Promise<() => Promise<void>> {
  const session = new HostSessions(berthPaths(product.env).apiSocket);
  const transport = hostTransport(session);
  const { runners } = await createClient(RunnerService, transport).listRunners(create(ListRunnersRequestSchema));
  const configuration = createClient(RunnerConfigurationService, transport);
  const { token: made } = await configuration.createHostAuthenticationToken({
    runnerId: runners[0]?.runnerId ?? "",
    host: "localhost:8417",
    token,
    source: HostAuthenticationTokenSource.PAT,
  });
  return async () => {
    await configuration.deleteHostAuthenticationToken({ id: made?.id ?? "" });
    session.abort();
  };
}

/** A private repository with submodules that lead elsewhere: 127.0.0.1 is another host to git than localhost, a stranger's. */
function publishPrivate(): string {
  const modules: Readonly<Record<string, string>> = {
    evil: "http://127.0.0.1:8417/private/evil.git",
    program: 'ext::sh -c "touch /tmp/berth-submodule-canary"',
    files: "file:///etc",
  };
  return servers.publish("private/app", undefined, (folder, git) => {
    writeFileSync(
      join(folder, ".gitmodules"),
      Object.entries(modules)
        .map(([path, url]) => `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`)
        .join(""),
    );
    git("add", "--all");
    for (const path of Object.keys(modules)) git("update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},${path}`);
    git("commit", "--quiet", "--message", "Submodules");
  });
}

function mustBeMade(name: string): void {
  must(made.get(name) ?? { status: 1, stdout: "", stderr: `${name} was not made` });
}

test("nothing of a repository runs on this computer (S26)", () => {
  mustBeMade("runs");
  must(product.berth("list"));
  expect(product.ssh("runs", "ls /tmp/berth-host-canary").stdout).toContain("berth-host-canary");
  expect(existsSync(canary)).toBe(false);
  expect(existsSync("/tmp/berth-host-canary")).toBe(false);
});

test("no file of this computer can be found in the machine, not even with all rights there (S27)", () => {
  mustBeMade("looks");
  const mounts = must(product.ssh("looks", "cat /proc/1/mountinfo")).stdout;
  expect(mounts).not.toMatch(/ (9p|virtiofs|fuse|nfs|cifs|vboxsf)[. ]/);
  expect(product.ssh("looks", `ls -d /machine${product.folder}`).status).not.toBe(0);
  expect(product.ssh("looks", `grep -rls ${secret} /machine/tmp /machine/root /machine/home /machine/run /machine/data/env`).stdout).toBe(
    "",
  );
});

test("a container reaches neither this computer, nor the machine's services, nor another environment (S28)", async () => {
  mustBeMade("reaches");
  mustBeMade("runs");
  const listener = createServer((socket) => socket.end("reached"));
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  try {
    const serve = "require('net').createServer((s) => s.end('reached')).listen(7001, '0.0.0.0')";
    must(product.berth("exec", "runs", "--", "sh", "-c", 'nohup node -e "$1" > /dev/null 2>&1 & sleep 2', "sh", serve));
    const neighbour = must(product.berth("exec", "runs", "--", "hostname", "-i")).stdout.trim();
    // It does listen: what is tried below fails for want of a way.
    expect(product.berth("exec", "runs", "--", "bash", "-c", "cat < /dev/tcp/localhost/7001").stdout).toBe("reached");
    const gateway =
      must(
        product.berth("exec", "reaches", "--", "sh", "-c", "ip route 2>/dev/null | sed -n 's/^default via \\([^ ]*\\).*/\\1/p' || true"),
      ).stdout.trim() || "172.17.0.1";
    const tries = [
      `10.0.2.2/${port}`,
      "10.0.2.2/22",
      "10.0.2.2/2375",
      "10.0.2.15/22",
      `${gateway}/2375`,
      `${gateway}/2376`,
      `${gateway}/22`,
      "169.254.169.254/80",
      `${neighbour}/7001`,
    ];
    expect(reached(tries, (script) => product.berth("exec", "reaches", "--", "bash", "-c", script))).toBe("");
    // The machine itself is no way there either: what a container with the host's network would have.
    expect(reached([`10.0.2.2/${port}`, "169.254.169.254/80"], (script) => product.machine("bash", "-c", script))).toBe("");
    expect(
      product
        .machine("ss", "-Hltn")
        .stdout.split("\n")
        .filter((line) => /^(0\.0\.0\.0|\*|\[::\]|10\.0\.2\.15):/.test(line.trim().split(/\s+/)[3] ?? "")),
    ).toEqual([]);
  } finally {
    listener.close();
  }
});

/** Tries to connect to all at once and gives what was read or which were connected. */
function reached(targets: readonly string[], shell: (script: string) => Outcome): string {
  const script = targets.map((target) => `(timeout 3 bash -c 'exec 3<>/dev/tcp/${target} && echo ${target} && cat <&3' 2> /dev/null) &`);
  return must(shell(`${script.join("\n")}\nwait`)).stdout;
}

test.each([
  "--upload-pack=touch /tmp/berth-host-canary",
  "ext::sh -c touch% /tmp/berth-host-canary",
  "file:///etc",
  "-oProxyCommand=touch /tmp/x",
  "ssh://-oProxyCommand=touch%20x/y",
  "https:///nohost/x",
  "https://user@-host/x",
  "https://example.com/a\r\nb",
  "git://example.com/a/b",
  "http://localhost:8417/a/../../etc",
  "https://token:secret@example.com/a/b",
])("the address %j is refused before anything is made (S32)", (url) => {
  const before = product.berth("list").stdout;
  const outcome = product.berth("create", "--name", "refused", "--", url);
  expect(outcome.status, outcome.stderr).toBe(2);
  expect(product.berth("list").stdout).toBe(before);
});

test("a credential goes to its own host and path alone, and into no file (S33)", () => {
  mustBeMade("token");
  const sent = servers.requests().split("\n");
  expect(sent.some((line) => line.startsWith("/private/app.git") && line.includes("Basic"))).toBe(true);
  expect(sent.some((line) => line.startsWith("/private/evil.git"))).toBe(true);
  expect(sent.filter((line) => line.startsWith("/private/evil.git") && line.includes("Basic"))).toEqual([]);
  // The server's own source names the token it wants.
  expect(product.machine("grep", "-rls", "--exclude=git-server.mjs", token, "/data/env", "/run", "/tmp", "/home").stdout).toBe("");
  expect(product.hostLog()).not.toContain(token);
  expect(product.berth("logs", "token").stdout).not.toContain(token);
});

test("git and the agent's channel are not reachable from an environment (S31)", () => {
  mustBeMade("reaches");
  expect(product.ssh("reaches", "ls /dev/virtio-ports /dev/vport* /run/berth/link-key /var/run/docker.sock 2>/dev/null").stdout).toBe("");
});

test("a container's root may use git in a working copy, which is another's", () => {
  mustBeMade("reaches");
  const status = "mkdir /tmp/copy && git -C /tmp/copy init --quiet && chown -R 1000 /tmp/copy && git -C /tmp/copy status --short --branch";
  expect(product.ssh("reaches", status).stdout).toContain("No commits yet");
});

test("addresses of other schemes are refused for submodules too (S32)", () => {
  mustBeMade("token");
  expect(product.machine("ls", "/tmp/berth-submodule-canary").status).not.toBe(0);
  expect(product.ssh("token", "ls program files").stdout).not.toContain("passwd");
});
