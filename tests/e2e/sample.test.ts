import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

import { bundlePrograms } from "../vm/product.ts";

const root = join(import.meta.dirname, "../..");
let folder: string;
let env: NodeJS.ProcessEnv;

beforeAll(() => {
  bundlePrograms();
  folder = mkdtempSync(join(tmpdir(), "berth-e2e-"));
  env = { ...process.env, BERTH_HOME: join(folder, "home"), BERTH_SSH_CONFIG: join(folder, "ssh_config"), BERTH_INVOKED_FROM: root };
});

afterAll(() => {
  run("berth", "host", "stop");
  rmSync(folder, { recursive: true, force: true });
});

function run(program: "berth" | "start", ...args: string[]) {
  return spawnSync(process.execPath, [join(root, ".cache/app", `${program}.mjs`), ...args], { env, encoding: "utf8", cwd: root });
}

function ssh(command: string) {
  return spawnSync("ssh", ["-F", join(folder, "ssh_config"), "node-web.berth", command], { env, encoding: "utf8" });
}

test("a folder becomes a running environment that answers on its port and by ssh", async () => {
  const started = run("start", "samples/node-web", "--json");
  expect(started.status, started.stderr).toBe(0);
  const ready: { name: string; sshCommand: string; editorUrl: string; urls: string[] } = JSON.parse(
    started.stdout.trim().split("\n").at(-1) ?? "",
  );
  expect(ready).toMatchObject({ name: "node-web", sshCommand: "ssh node-web.berth" });
  expect(ready.editorUrl).toBe("vscode://vscode-remote/ssh-remote+node-web.berth/workspaces/node-web?windowId=_blank");
  const answer = await fetch(ready.urls[0] ?? "");
  expect(await answer.text()).toContain("Node v24");

  const version = ssh("node -v && whoami && pwd && echo $SAMPLE");
  expect(version.stdout.trim().split("\n"), version.stderr).toEqual([
    expect.stringMatching(/^v24\./),
    "vscode",
    "/workspaces/node-web",
    "node-web",
  ]);
  expect(ssh("exit 7").status).toBe(7);
  expect(ssh("echo kept > kept.txt").status).toBe(0);

  expect(run("berth", "stop", "node-web").status).toBe(0);
  expect(run("berth", "start", "node-web").status).toBe(0);
  expect(ssh("cat kept.txt").stdout).toBe("kept\n");
  expect(run("berth", "delete", "node-web", "--force").status).toBe(0);
  expect(run("berth", "list").stdout).toBe("");
});
