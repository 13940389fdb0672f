import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { must, Product, run } from "./product.ts";

const product = new Product(inject("productFolder"));
const config = join(product.folder, "ssh_config");
const name = "by-ssh";
const host = `${name}.berth`;
const scratch = join(product.folder, "scratch");
const tunnelTimeoutMs = 30_000;

beforeAll(() => {
  const folder = join(product.folder, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, ".devcontainer"), { recursive: true });
  mkdirSync(scratch, { recursive: true });
  writeFileSync(
    join(folder, ".devcontainer/devcontainer.json"),
    JSON.stringify({ image: "berth/devcontainer:13", remoteEnv: { FROM_CONFIG: "a value with  spaces and 'quotes'" } }),
  );
  must(product.create(folder, name));
});

afterAll(() => void product.berth("delete", name, "--force"));

test("a command runs as the remote user, in the working copy, with the remote environment, and its exit code comes back", () => {
  const outcome = product.ssh(name, 'id -un; pwd; echo "$FROM_CONFIG"; exit 7');
  expect(outcome.stdout).toBe(`vscode\n/workspaces/${name}\na value with  spaces and 'quotes'\n`);
  expect(outcome.status).toBe(7);
  expect(product.ssh(name, "kill -9 $$").status).not.toBe(0);
});

test("a terminal is one, and binary data comes through a pipe unchanged", () => {
  const tty = run("ssh", ["-F", config, "-tt", host, "tty; stty size"], { env: product.env });
  expect(tty.stdout).toMatch(/\/dev\/pts\/\d+/);
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) & 0xff));
  writeFileSync(join(scratch, "bytes"), bytes);
  const sum = run("ssh", ["-F", config, host, "sha256sum"], { env: product.env, input: bytes });
  expect(sum.stdout.split(" ")[0]).toBe(run("sha256sum", [join(scratch, "bytes")]).stdout.split(" ")[0]);
});

test("scp, sftp and rsync copy both ways", () => {
  writeFileSync(join(scratch, "note.txt"), "carried over\n");
  must(run("scp", ["-F", config, join(scratch, "note.txt"), `${host}:scp.txt`], { env: product.env }));
  must(
    run("sftp", ["-F", config, "-b", "-", host], {
      env: product.env,
      input: `rename scp.txt sftp.txt\nget sftp.txt ${join(scratch, "back.txt")}\n`,
    }),
  );
  expect(readFileSync(join(scratch, "back.txt"), "utf8")).toBe("carried over\n");
  must(run("rsync", ["-a", "-e", `ssh -F ${config}`, `${scratch}/`, `${host}:synced/`], { env: product.env }));
  expect(product.ssh(name, "cat synced/note.txt").stdout).toBe("carried over\n");
});

test("an agent is forwarded when asked for and never by itself", async () => {
  const socket = join(scratch, "agent.sock");
  rmSync(socket, { force: true });
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  try {
    const env = { ...product.env, SSH_AUTH_SOCK: socket };
    expect(
      await waitUntil(() => run("ssh-add", ["-l"], { env }).status !== 2, {
        intervalMs: 100,
        signal: AbortSignal.timeout(tunnelTimeoutMs),
      }),
    ).toBe(true);
    rmSync(join(scratch, "key"), { force: true });
    must(run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "of-a-person", "-f", join(scratch, "key")]));
    must(run("ssh-add", ["-q", join(scratch, "key")], { env }));
    expect(run("ssh", ["-F", config, host, "echo socket=$SSH_AUTH_SOCK"], { env }).stdout).toBe("socket=\n");
    expect(run("ssh", ["-F", config, "-A", host, "ssh-add -l"], { env }).stdout).toContain("of-a-person");
  } finally {
    agent.kill();
  }
});

test("-L, -R and -D reach the container's localhost and back", async () => {
  must(
    product.ssh(
      name,
      'nohup node -e \'require("http").createServer((q, r) => r.end("inside")).listen(4567, "127.0.0.1")\' > /dev/null 2>&1 & sleep 1',
    ),
  );
  const outside = createServer((socket) => socket.end("outside"));
  await new Promise<void>((resolve) => outside.listen(0, "127.0.0.1", resolve));
  const address = outside.address();
  const outsidePort = typeof address === "object" && address !== null ? address.port : 0;
  const tunnel = spawn(
    "ssh",
    [
      "-F",
      config,
      "-N",
      "-o",
      "ExitOnForwardFailure=yes",
      "-L",
      "14567:localhost:4567",
      "-R",
      `14568:127.0.0.1:${outsidePort}`,
      "-D",
      "14569",
      host,
    ],
    { env: product.env, stdio: "ignore" },
  );
  try {
    expect(await waitUntil(async () => canConnect(14_567), { intervalMs: 200, signal: AbortSignal.timeout(tunnelTimeoutMs) })).toBe(true);
    expect(await (await fetch("http://127.0.0.1:14567")).text()).toBe("inside");
    expect((await product.sshBeside(name, "exec 3<>/dev/tcp/127.0.0.1/14568; cat <&3")).stdout).toBe("outside");
    expect(run("curl", ["-s", "--socks5-hostname", "127.0.0.1:14569", "http://localhost:4567"]).stdout).toBe("inside");
  } finally {
    tunnel.kill();
    outside.close();
  }
});

test("another host key than the environment's is refused (S34)", () => {
  const known = join(product.home, "ssh/known_hosts");
  const before = readFileSync(known, "utf8");
  const evil = join(scratch, "evil_known_hosts");
  const stranger = readFileSync(join(scratch, "key.pub"), "utf8").split(" ").slice(0, 2).join(" ");
  writeFileSync(evil, before.replaceAll(/ssh-ed25519 \S+/g, stranger));
  const outcome = run("ssh", ["-F", config, "-o", `UserKnownHostsFile=${evil}`, host, "true"], { env: product.env });
  expect(outcome.status).toBe(255);
  expect(outcome.stderr).toMatch(/HOST IDENTIFICATION|Host key verification failed/);
});

test("the key of one environment opens no other (S34)", () => {
  const { id } = product.show("servers") as { id: string };
  const outcome = run(
    "ssh",
    [
      "-F",
      config,
      "-o",
      "IdentitiesOnly=yes",
      "-o",
      `IdentityFile=${join(product.home, "ssh/keys", id)}`,
      "-o",
      "IdentityAgent=none",
      "-o",
      "BatchMode=yes",
      host,
      "true",
    ],
    { env: product.env },
  );
  // ssh tries the configured key too; without it only the stranger's is left.
  const alone = run(
    "ssh",
    [
      "-F",
      "/dev/null",
      "-i",
      join(product.home, "ssh/keys", id),
      "-o",
      "IdentitiesOnly=yes",
      "-o",
      "BatchMode=yes",
      "-o",
      "StrictHostKeyChecking=no",
      "-o",
      "UserKnownHostsFile=/dev/null",
      "-o",
      `ProxyCommand=${proxyCommand()}`,
      `berth@${host}`,
      "true",
    ],
    { env: product.env },
  );
  expect(outcome.status).toBe(0);
  expect(alone.status).toBe(255);
  expect(alone.stderr).toContain("Permission denied");
});

/** The ProxyCommand that the managed configuration gives this environment. */
function proxyCommand(): string {
  return /^proxycommand (.*)$/m.exec(run("ssh", ["-F", config, "-G", host], { env: product.env }).stdout)?.[1] ?? "";
}

async function canConnect(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const connected = await new Promise<boolean>((resolve) =>
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false)),
  );
  socket.destroy();
  return connected;
}
