import { expect, test } from "vitest";
import type { SetupRequest } from "../../lib/runner-messages.ts";
import { describeStep, planSetup, planUninstall } from "./setup-plan.ts";

const request: SetupRequest = {
  command: "setup",
  exchangeToken: "canary-token",
  planeUrl: "https://plane.test",
  standAlone: false,
  dryRun: false,
  root: "/",
  channel: "stable",
};
const plan = (change: Partial<SetupRequest> = {}) =>
  planSetup({ request: { ...request, ...change }, before: undefined, version: "1.2.3", unit: "[Unit]\n" });

test("the service exists and starts only after everything that may fail has been done", () => {
  const texts = plan().map(describeStep);
  const at = (part: string): number => texts.findIndex((text) => text.includes(part));
  expect(at("systemd-sysusers")).toBeLessThan(at("give it to the user berth"));
  expect(at("exchange the token")).toBeGreaterThan(at("copy version 1.2.3"));
  expect(at("exchange the token")).toBeLessThan(at("/etc/systemd/system/berth-runner.service"));
  expect(texts.slice(-3)).toEqual([
    "run systemctl enable berth-runner.service",
    "run systemctl daemon-reload",
    "run systemctl restart berth-runner.service",
  ]);
});

test("the exchange token is in no step: neither in files nor in arguments", () => {
  expect(JSON.stringify(plan())).not.toContain("canary-token");
});

test("what only the runner may read is for it alone", () => {
  const secret = plan().filter((step) => "mode" in step && step.path.startsWith("/var/lib/berth"));
  expect(secret.length).toBeGreaterThan(0);
  for (const step of secret) expect("mode" in step ? step.mode & 0o077 : 0o777).toBe(0);
});

test("an image's file system is changed without a word to the service manager that runs", () => {
  const runs = plan({ root: "/mnt/image" }).flatMap((step) => (step.kind === "run" ? [[step.program, ...step.args]] : []));
  expect(runs).toEqual([
    ["systemd-sysusers", "--root=/mnt/image", "berth-runner.conf"],
    ["systemctl", "--root=/mnt/image", "enable", "berth-runner.service"],
  ]);
});

test("a runner that stands alone exchanges nothing", () => {
  const { exchangeToken: _token, planeUrl: _url, ...alone } = request;
  const steps = planSetup({ request: { ...alone, standAlone: true }, before: undefined, version: "1.2.3", unit: "" });
  expect(steps.filter(({ kind }) => kind === "enrol")).toEqual([]);
});

test("removing keeps the data, and deletes it when that is said", () => {
  const kept = planUninstall({ root: "/", deleteData: false }).map(describeStep);
  expect(kept).toContain("remove /etc/systemd/system/berth-runner.service");
  expect(kept).not.toContain("remove /var/lib/berth");
  expect(planUninstall({ root: "/", deleteData: true }).map(describeStep)).toContain("remove /var/lib/berth");
});
