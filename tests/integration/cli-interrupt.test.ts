import { afterAll, beforeAll, expect, test } from "vitest";
import { CliHome } from "./cli-home.ts";

const interruptedExitCode = 130;
const ctrlC = "\u0003";

let cli: CliHome;

beforeAll(() => {
  cli = new CliHome();
});

afterAll(async () => cli.end());

const slowBuild = "https://simulated.test/slow-build.git";

test("Ctrl-C cancels what is being created, keeps it and says what to do", async () => {
  const creating = cli.spawn(["create", slowBuild, "--name", "made"]);
  await creating.says("Cloning the repository");
  creating.child.kill("SIGINT");
  const { status, stdout, stderr } = await creating.end();
  expect(status).toBe(interruptedExitCode);
  expect(stderr.trimEnd().split("\n").at(-1)).toBe(
    "Cancelled: made is being stopped. berth start made goes on with it, berth delete made removes it.",
  );
  expect(stdout).toBe("");
  await cli.whenShown("made", { phase: "stopped", desired: "stopped" });
});

test("Ctrl-C on a terminal leaves no half-drawn line", async () => {
  const creating = cli.spawnOnTerminal("create", slowBuild, "--name", "terminal");
  await creating.says("… Building the image 1 s");
  creating.type(ctrlC);
  const { status, stdout } = await creating.end();
  expect(status).toBe(interruptedExitCode);
  const shown = stdout.slice(stdout.lastIndexOf("\u001B[J") + 3);
  expect(shown.trim()).toMatch(/^(\^C)?Cancelled: terminal is being stopped\./);
  await cli.whenShown("terminal", { desired: "stopped" });
});

test("Ctrl-C while an environment starts ends the wait only", async () => {
  const starting = cli.spawn(["start", "made"]);
  await cli.whenShown("made", { phase: "starting" });
  starting.child.kill("SIGINT");
  const { status, stderr } = await starting.end();
  expect(status).toBe(interruptedExitCode);
  expect(stderr).toContain("made goes on starting. berth stop made stops it.");
  expect(await cli.json("show", "made")).toMatchObject([{ phase: "starting", desired: "running" }]);
});

test("an environment that another command stops is not waited for", async () => {
  const starting = cli.spawn(["start", "made"]);
  await cli.whenShown("made", { phase: "starting" });
  await cli.berth("stop", "made");
  const { status, stderr } = await starting.end();
  expect(stderr).toContain("it was stopped while this command waited for it");
  expect(status).toBe(4);
});

test("Ctrl-C while a repository is started again by npm start does not stop it", async () => {
  const starting = cli.spawn([slowBuild], { program: "start" });
  await cli.whenShown("made", { phase: "starting" });
  starting.child.kill("SIGINT");
  const { status, stderr } = await starting.end();
  expect(status).toBe(interruptedExitCode);
  expect(stderr).toContain("made goes on starting.");
  expect(await cli.json("show", "made")).toMatchObject([{ desired: "running" }]);
});

test("Ctrl-C ends following a log at once", async () => {
  const following = cli.spawn(["logs", "made", "--follow"]);
  await following.says("Building the image");
  following.child.kill("SIGINT");
  expect(await following.end()).toMatchObject({ status: interruptedExitCode, stderr: "" });
});

test("Ctrl-C during exec is for the command", async () => {
  await cli.berth("create", "https://simulated.test/web.git");
  const command = cli.spawn(["exec", "web", "cat"]);
  command.type("before\n");
  await command.says("before");
  command.child.kill("SIGINT");
  command.type("after\n");
  await command.says("after");
  command.child.stdin?.end();
  expect(await command.end()).toMatchObject({ status: 0, stdout: "before\nafter\n" });
});

test("a terminal is as before when the connection of a command on it broke", async () => {
  const shell = cli.shellOnTerminal("stty -g; berth exec web cat; stty -g");
  shell.type("input");
  // The terminal shows it once, and the command, which has the terminal for itself, once more.
  await shell.says(/input[^]*input/);
  const [{ pid } = {}] = await cli.json("host", "pid");
  process.kill(Number(pid), "SIGKILL");
  const { stdout } = await shell.end();
  const modes = stdout.match(/[0-9a-f]+(:[0-9a-f]+){8,}/g);
  expect(modes, stdout).toHaveLength(2);
  expect(modes?.[1]).toBe(modes?.[0]);
});

test("a host that dies while it is waited for is told as such", async () => {
  const creating = cli.spawn(["create", slowBuild, "--name", "orphan"]);
  await creating.says("Cloning the repository");
  const [{ pid } = {}] = await cli.json("host", "pid");
  process.kill(Number(pid), "SIGKILL");
  const { status, stderr } = await creating.end();
  expect(stderr).toContain("Berth is not running: it ended while this command waited for it");
  expect(status).toBe(5);
});
