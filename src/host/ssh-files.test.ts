import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../lib/log.ts";
import { includeIn, type SshEnvironment, SshFiles } from "./ssh-files.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "berth-ssh-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ours = "/home/me/.local/share/berth/ssh/config";
const line = `Include "${ours}"`;

test("a configuration that is not there is made for its owner alone", async () => {
  const path = join(folder, ".ssh", "config");
  await includeIn(path, ours);
  expect(readFileSync(path, "utf8")).toBe(`# Berth: ssh NAME.berth\n${line}\n`);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("what a person wrote stays as it is, below ours, and is changed once", async () => {
  const path = join(folder, "config");
  writeFileSync(path, "Host work\n  User me\n", { mode: 0o640 });
  chmodSync(path, 0o640);
  await includeIn(path, ours);
  const once = readFileSync(path, "utf8");
  expect(once).toBe(`# Berth: ssh NAME.berth\n${line}\n\nHost work\n  User me\n`);
  expect(statSync(path).mode & 0o777).toBe(0o640);
  await includeIn(path, ours);
  expect(readFileSync(path, "utf8")).toBe(once);
});

test("an Include that came below a Host is moved to where it holds for all", async () => {
  const path = join(folder, "config");
  writeFileSync(path, `Host work\n  User me\n${line}\n`);
  await includeIn(path, ours);
  expect(readFileSync(path, "utf8").indexOf(line)).toBeLessThan(readFileSync(path, "utf8").indexOf("Host work"));
});

test("a link to a configuration elsewhere stays a link", async () => {
  writeFileSync(join(folder, "dotfiles"), "Host a\n");
  symlinkSync(join(folder, "dotfiles"), join(folder, "config"));
  await includeIn(join(folder, "config"), ours);
  expect(readFileSync(join(folder, "dotfiles"), "utf8")).toContain(line);
});

test("a read-only configuration is left alone and told about", async () => {
  const userConfig = join(folder, "config");
  writeFileSync(userConfig, "Host work\n", { mode: 0o444 });
  chmodSync(userConfig, 0o444);
  const files = sshFiles(userConfig, []);
  await files.write();
  expect(files.warning).toContain("read-only");
  expect(readFileSync(userConfig, "utf8")).toBe("Host work\n");
});

test("environments are written with their keys; those of environments that are gone are removed", async () => {
  const all: SshEnvironment[] = [{ id: "018f0000-0000-7000-8000-00000000000a", alias: "app.berth", hostPublicKey: "ssh-ed25519 AAAA" }];
  const files = sshFiles(join(folder, "config"), all);
  await files.write();
  const key = join(folder, "ssh/keys", all[0]?.id ?? "");
  expect(readFileSync(join(folder, "ssh/config"), "utf8")).toContain("Host app.berth");
  expect(readFileSync(join(folder, "ssh/known_hosts"), "utf8")).toBe(`${all[0]?.id} ssh-ed25519 AAAA\n`);
  expect(statSync(key).mode & 0o777).toBe(0o600);

  // Off now: its host key stays known, so that a stranger in its place is noticed.
  all[0] = { ...(all[0] as SshEnvironment), hostPublicKey: "" };
  await files.write();
  expect(readFileSync(join(folder, "ssh/known_hosts"), "utf8")).toContain("ssh-ed25519 AAAA");

  all.pop();
  await files.write();
  expect(existsSync(key)).toBe(false);
  expect(readFileSync(join(folder, "ssh/known_hosts"), "utf8")).toBe("");
});

function sshFiles(userConfig: string, environments: readonly SshEnvironment[]): SshFiles {
  const paths = {
    home: folder,
    sshFolder: join(folder, "ssh"),
    sshConfig: join(folder, "ssh/config"),
    knownHosts: join(folder, "ssh/known_hosts"),
  };
  return new SshFiles({
    paths,
    userConfig,
    proxy: ["/usr/bin/node", "/opt/berth/proxy.mjs"],
    environments: async () => [...environments],
    log: silentLog,
  });
}
