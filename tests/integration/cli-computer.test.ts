import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { berthPaths } from "../../src/lib/paths.ts";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { offerImage } from "../support/simulated-images.ts";
import { CliHome } from "./cli-home.ts";

/** Doctor gives another host time to answer. */
const hungHostTestTimeoutMs = 60_000;

let cli: CliHome;

beforeAll(async () => {
  cli = new CliHome();
  await cli.berth("create", "https://simulated.test/web.git");
  await cli.berth("create", "https://simulated.test/unpushed.git", "--name", "two words");
});

afterAll(async () => cli.end());

test("doctor looks at this computer, and fails only for errors", async () => {
  const { status, stdout } = await cli.berth("doctor");
  expect(stdout).toMatch(/^✓ Machine: running$/m);
  const diagnoses = await cli.json("doctor");
  for (const diagnosis of diagnoses) expect(Object.keys(diagnosis)).toEqual(["id", "severity", "title", "detail", "fix"]);
  expect(status).toBe(diagnoses.some((d) => d["severity"] === "error") ? 1 : 0);
});

test("doctor network goes the way step by step, and a target that is none is refused", async () => {
  // Nobody listens on port 1.
  const { status, stdout } = await cli.berth("doctor", "network", "127.0.0.1:1");
  expect(stdout).toMatch(/^✗ This computer's way: 127\.0\.0\.1:1: the connection was refused/m);
  expect(stdout).toMatch(/^✓ The machine's name server: /m);
  expect(status).toBe(1);
  const [first = {}] = await cli.json("doctor", "network", "127.0.0.1:1");
  expect(Object.keys(first)).toEqual(["id", "severity", "title", "detail", "fix"]);
  const refused = await cli.berth("doctor", "network", "http://ada:s3cret@x");
  expect(refused.status).toBe(2);
  expect(refused.stderr).not.toContain("s3cret");
});

test("doctor tells why no host starts, and what can be seen without one", async () => {
  const broken = new CliHome();
  mkdirSync(join(broken.home, "store"), { recursive: true });
  writeFileSync(berthPaths(broken.env).database, "this is no database".repeat(1000));
  const { status, stdout } = await broken.berth("doctor");
  expect(stdout).toMatch(/^✗ Berth's background process: Berth's database is damaged: /m);
  expect(stdout).toMatch(/^✓ Node\.js: 24\./m);
  expect(stdout).toMatch(/^✓ Berth's folder: /m);
  expect(status).toBe(1);
  // Another command fails with the same reason, not with a log to read.
  expect((await broken.berth("list")).stderr).toContain("Berth's database is damaged");
  await broken.end();
});

test("doctor tells a folder that cannot be written to and a hypervisor that is missing", async () => {
  const file = join(cli.folder, "file");
  writeFileSync(file, "");
  const doctor = cli.spawn(["doctor", "--json"], { env: { BERTH_HOME: join(file, "home"), BERTH_DRIVER: "qemu", PATH: "/nowhere" } });
  const { status, stdout } = await doctor.end();
  expect(status).toBe(1);
  expect(stdout).toContain('"id":"host","severity":"error"');
  expect(stdout).toMatch(/"id":"home","severity":"error"[^\n]*"fix":"[^"]+"/);
});

test(
  "doctor tells which process holds the folder and does not answer",
  async () => {
    const hung = new CliHome();
    const [row = {}] = await hung.json("host", "pid");
    const pid = Number(row["pid"]);
    rmSync(berthPaths(hung.env).apiSocket);
    const { status, stdout } = await hung.berth("doctor");
    expect(stdout).toMatch(new RegExp(`^✗ Lock: process ${Number(pid)} \\(.*host.*\\) holds .*host\\.lock and does not answer$`, "m"));
    expect(stdout).toContain(`kill ${Number(pid)}`);
    expect(status).toBe(1);
    process.kill(pid, "SIGKILL");
    await hung.end();
  },
  hungHostTestTimeoutMs,
);

test("the machine's image is told, and a new one that did not come up with how it is tried again", async () => {
  const upgraded = new CliHome();
  const images = join(upgraded.folder, "offered");
  upgraded.env["BERTH_SIMULATED_IMAGES"] = images;
  const first = offerImage(images, "first");
  await upgraded.berth("machine", "start");
  expect(await upgraded.json("machine", "image")).toMatchObject([{ active: first, previous: "", offered: first, warning: "", fix: "" }]);
  const second = offerImage(images, "second", { panics: true });
  await upgraded.berth("machine", "stop");
  expect((await upgraded.berth("machine", "start")).status).toBe(0);
  const { stdout } = await upgraded.berth("machine", "image");
  expect(stdout).toMatch(new RegExp(`^boots +${first.slice(0, 12)}`, "m"));
  expect(stdout).toMatch(new RegExp(`^offered +${second.slice(0, 12)}`, "m"));
  expect(stdout).toMatch(/^to try +berth machine image --retry$/m);
  expect((await upgraded.berth("machine", "status")).stdout).toMatch(/^image +The new machine image .* did not come up/m);
  expect((await upgraded.berth("doctor")).stdout).toMatch(/^! Machine image: The new machine image/m);
  expect((await upgraded.berth("machine", "image", "--retry")).stderr).toContain("next start");
  expect(await upgraded.json("machine", "image")).toMatchObject([{ warning: "" }]);

  // What is refused at once is told at once, however often.
  offerImage(images, "third", { dataSchema: 2 });
  await upgraded.berth("machine", "stop");
  await upgraded.berth("machine", "start");
  await upgraded.berth("machine", "stop");
  offerImage(images, "first");
  for (let time = 0; time < 2; time++) {
    const refused = await upgraded.berth("machine", "start");
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain("The machine's disk is of a newer version");
    expect(refused.stderr).toContain("berth machine reset");
  }
  await upgraded.end();
});

test("an editor is opened with the desktop's opener", async () => {
  const opened = join(cli.folder, "opened");
  const bin = join(cli.folder, "desktop");
  mkdirSync(bin);
  writeFileSync(join(bin, "xdg-open"), `#!/bin/sh\nprintf %s "$1" > '${opened}'\n`, { mode: 0o755 });
  const env = { DISPLAY: ":7", PATH: `${bin}:${process.env["PATH"]}` };
  const { status, stderr } = await cli.spawn(["open", "web", "--editor", "zed"], { env }).end();
  expect({ status, stderr }).toEqual({ status: 0, stderr: "Opening web in zed\n" });
  await waitUntil(() => existsSync(opened), { intervalMs: 20, signal: AbortSignal.timeout(20_000) });
  expect(readFileSync(opened, "utf8")).toBe("zed://ssh/web.berth/workspaces/web");
});

test("without a display or a program for it, the link is printed with the reason", async () => {
  const link = "vscode://vscode-remote/ssh-remote+web.berth/workspaces/web?windowId=_blank\n";
  const headless = await cli.berth("open", "web");
  expect(headless).toMatchObject({ status: 0, stdout: link, stderr: "Nothing was opened: there is no display here. This is the link:\n" });
  const missing = await cli.spawn(["open", "web"], { env: { DISPLAY: ":7", PATH: "/nowhere" } }).end();
  expect(missing).toMatchObject({ stdout: link, stderr: expect.stringContaining("xdg-open is not installed") });
  expect(await cli.berth("open", "web", "--print", "--editor", "cursor")).toMatchObject({
    stdout: link.replace("vscode:", "cursor:"),
    stderr: "",
  });
  expect((await cli.berth("open", "web", "--editor", "ed")).status).toBe(2);
});

test("a reset on a terminal asks for each name and shows what would be lost", async () => {
  const wrong = cli.spawnOnTerminal("machine", "reset");
  await wrong.says("Type web to lose it:");
  expect(wrong.stdout).toContain("two words  with 2 changed files and 1 unpushed commit");
  wrong.type("wbe\n");
  const { status, stdout } = await wrong.end();
  expect(stdout).toContain("'wbe' is not 'web'; nothing was changed");
  expect(status).toBe(4);

  const cancelled = cli.spawnOnTerminal("machine", "reset");
  await cancelled.says("Type web to lose it:");
  cancelled.type("\u0003");
  expect((await cancelled.end()).status).toBe(130);
  expect(await cli.json("list")).toHaveLength(2);
});

function completionsOf(shell: "bash" | "fish", line: readonly string[]): string[] {
  const words = line.map((word) => `'${word}'`).join(" ");
  const script =
    shell === "bash"
      ? `source <(berth completion bash); COMP_WORDS=(berth ${words}); COMP_CWORD=${line.length}; _berth; printf '%s\\n' "\${COMPREPLY[@]}"`
      : `berth completion fish | source; complete --do-complete 'berth ${line.join(" ")}'`;
  const { stdout } = spawnSync(shell, ["-c", script], {
    env: { ...cli.env, ...cli.withBerthInPath() },
    cwd: cli.folder,
    encoding: "utf8",
  });
  return stdout.split("\n").filter((text) => text !== "");
}

test("bash completes commands, options, names and files", () => {
  expect(completionsOf("bash", ["re"])).toEqual(["restart", "rebuild", "rename"]);
  expect(completionsOf("bash", ["show", "--j"])).toEqual(["--json"]);
  expect(completionsOf("bash", ["show", ""])).toEqual(["web", "two\\ words"]);
  expect(completionsOf("bash", ["open", "web", "--editor", "vs"])).toEqual(["vscode", "vscode-insiders"]);
  expect(completionsOf("bash", ["create", "deskt"])).toEqual(["desktop"]);
});

test.skipIf(spawnSync("fish", ["--version"]).status !== 0)("fish completes commands with their descriptions, and names", () => {
  expect(completionsOf("fish", ["compl"])).toEqual([expect.stringMatching(/^completion\tPrint a script/)]);
  expect(completionsOf("fish", ["show", ""]).toSorted()).toEqual(["two words", "web"]);
});

test.skipIf(spawnSync("zsh", ["--version"]).status !== 0)("zsh's script is accepted and offers names", () => {
  const script = `autoload -U compinit; compinit -u -d '${join(cli.folder, "zcompdump")}'; source <(berth completion zsh)
    _describe() { print -l -- "\${(@P)2}" }
    words=(berth show ''); CURRENT=3; _berth`;
  const { stdout, stderr } = spawnSync("zsh", ["-f", "-c", script], { env: { ...cli.env, ...cli.withBerthInPath() }, encoding: "utf8" });
  expect(stdout.trim().split("\n"), stderr).toEqual(["web", "two words"]);
});

test("completion starts no host", async () => {
  const other = new CliHome();
  expect(await other.berth("__complete", "--", "show", "")).toMatchObject({ status: 0, stdout: "" });
  expect(existsSync(other.home)).toBe(false);
  await other.end();
});
