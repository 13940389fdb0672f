import { createClient } from "@connectrpc/connect";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { SecretService } from "../../src/contract/gen/gitpod/v1/secret_pb.js";
import { HostSessions, hostTransport } from "../../src/lib/host-transport.ts";
import { berthPaths } from "../../src/lib/paths.ts";
import { must, Product } from "./product.ts";

const product = new Product(inject("productFolder"));
const name = "secrets";
const token = "a-secret-file-0f4e";
const variable = "a-secret-variable-77aa";
const tokenPath = "/home/vscode/.config/tool/token";
const secretIds: string[] = [];
const session = new HostSessions(berthPaths(product.env).apiSocket);
const secrets = createClient(SecretService, hostTransport(session));

beforeAll(async () => {
  const folder = join(product.folder, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, ".devcontainer"), { recursive: true });
  writeFileSync(join(folder, "own.txt"), "a person's file");
  writeFileSync(
    join(folder, ".devcontainer/devcontainer.json"),
    JSON.stringify({
      image: "berth/devcontainer:13",
      postCreateCommand: `test -s ${tokenPath} && test -n "$TOKEN" && touch /tmp/had-both`,
    }),
  );
  await add("token", token, { case: "filePath", value: tokenPath });
  await add("own", "not the person's", { case: "filePath", value: `/workspaces/${name}/own.txt` });
  await add("TOKEN", variable, { case: "environmentVariable", value: true });
  must(product.create(folder, name));
});

afterAll(async () => {
  for (const secretId of secretIds) await secrets.deleteSecret({ secretId });
  session.abort();
  product.berth("delete", name, "--force");
});

type Mount = Parameters<typeof secrets.createSecret>[0]["mount"];

async function add(secretName: string, value: string, mount: Mount): Promise<void> {
  const { secret } = await secrets.createSecret({ name: secretName, value, mount: mount ?? { case: undefined } });
  if (secret !== undefined) secretIds.push(secret.id);
}

test("lifecycle commands and shells have a secret as a file and as a variable", () => {
  expect(product.ssh(name, "ls /tmp/had-both").stdout.trim()).toBe("/tmp/had-both");
  const shown = `cat ${tokenPath}; echo; printenv TOKEN; stat -L -c '%U %a' ${tokenPath}; stat -c %U ${tokenPath.replace(/\/[^/]*$/, "")}`;
  expect(product.ssh(name, shown).stdout.split("\n").slice(0, 4)).toEqual([token, variable, "vscode 600", "vscode"]);
});

test("a secret takes no file's place that is there", () => {
  expect(product.ssh(name, "cat own.txt").stdout).toBe("a person's file");
  expect(product.berth("logs", name).stdout).toContain("own.txt was not put in place");
});

test("no secret is in a working copy, in a container's description or in a log", () => {
  for (const secret of [token, variable]) {
    expect(product.machine("grep", "-rls", secret, "/data/env").stdout).toBe("");
    expect(product.machine("sh", "-c", "docker inspect $(docker ps -aq)").stdout).not.toContain(secret);
    expect(product.berth("logs", name).stdout).not.toContain(secret);
    expect(product.hostLog()).not.toContain(secret);
  }
});

test("a new start has a secret's new value", async () => {
  const [tokenId] = secretIds;
  if (tokenId === undefined) throw new Error("the secret was not made");
  await secrets.updateSecretValue({ secretId: tokenId, value: "another-value" });
  must(product.berth("restart", name));
  expect(product.ssh(name, `cat ${tokenPath}`).stdout).toBe("another-value");
});

test("a secret that was deleted is gone with the next start", async () => {
  for (const secretId of secretIds.splice(0)) await secrets.deleteSecret({ secretId });
  must(product.berth("restart", name));
  expect(product.ssh(name, `cat ${tokenPath}`).stdout).toBe("");
  expect(product.ssh(name, "ls /run/berth/secrets").stdout).toBe("");
  expect(product.ssh(name, "printenv TOKEN").stdout).toBe("");
});
