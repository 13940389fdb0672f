import { spawn } from "node:child_process";

interface Stage {
  readonly name: string;
  readonly command: readonly string[];
}

interface Outcome {
  readonly name: string;
  readonly passed: boolean;
  readonly seconds: number;
}

const vitest = (project: string, ...files: readonly string[]): Stage => ({
  name: project,
  command: ["vitest", "run", "--project", project, ...files],
});

/** Upgrades, kills, and the whole lives of runners and hosts, minutes together: `npm run test:integration` has them too. */
const longIntegration = [
  ...["upgrade", "store/kills", "dedicated-host", "cli-computer", "contexts/remote-environments", "runners/chaos"],
  ...["runner/update", "runner/plane", "runner/setup", "runner/service", "runner/run"],
];

/** What `npm test` runs (all but test:long, test:arm64 and some of test:integration and test:vm), cheapest first, so that a broken unit is not found after a VM has booted. */
const stages: readonly Stage[] = [
  { name: "checks", command: ["node", "tools/check.ts"] },
  vitest("unit"),
  vitest("sdk"),
  vitest("integration", ...longIntegration.flatMap((name) => ["--exclude", `tests/integration/${name}.test.ts`])),
  vitest("shell"),
  vitest("package"),
  vitest("ui"),
];
/** They wait for downloads and boots half of their time, so they run beside the others; each needs the one before. */
const stagesBeside: readonly Stage[] = [
  { name: "image", command: ["node", "tools/image/main.ts"] },
  vitest("conformance", ...["simulated", "qemu"].map((name) => `tests/conformance/${name}.test.ts`)),
];
// All of tests/vm and vfkit's stand-in take more than the thirty minutes that all this may take on a slow computer
// without KVM: npm run test:conformance and test:vm have them.
const lastStage = vitest("vm", "tests/vm/ssh.test.ts", "tests/e2e/sample.test.ts", "tests/e2e/ui/journey.test.ts");

const only = process.argv.slice(2);
const names = [...stages, ...stagesBeside, lastStage].map(({ name }) => name);
const unknown = only.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`there is no ${unknown.join(", ")}; there are ${names.join(", ")}\n`);
  process.exit(1);
}
const outcomes: Outcome[] = [];

/** Runs stages one after the other until any fails; `quiet` tells what each said when it has ended. */
async function run(wanted: readonly Stage[], { quiet = false } = {}): Promise<void> {
  for (const stage of wanted) {
    if (only.length > 0 && !only.includes(stage.name)) continue;
    if (outcomes.some(({ passed }) => !passed)) return;
    if (!quiet) process.stdout.write(`\n=== ${stage.name}\n`);
    const startedAtMs = performance.now();
    const { status, said } = await runStage(stage, quiet);
    if (quiet) process.stdout.write(`\n=== ${stage.name} (beside the others)\n${said}`);
    outcomes.push({ name: stage.name, passed: status === 0, seconds: (performance.now() - startedAtMs) / 1000 });
    // What runs beside it ends by itself: one that was killed would leave its machines behind.
    if (status !== 0) process.stdout.write(`\n${stage.name} failed\n`);
  }
}

async function runStage({ command }: Stage, quiet: boolean): Promise<{ readonly status: number | null; readonly said: string }> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { stdio: ["ignore", quiet ? "pipe" : "inherit", quiet ? "pipe" : "inherit"] });
  let said = "";
  for (const output of [child.stdout, child.stderr]) output?.setEncoding("utf8").on("data", (text: string) => (said += text));
  const status = await new Promise<number | null>((resolve) => {
    child.once("close", resolve);
    child.once("error", (error) => {
      said += `${error.message}\n`;
      if (!quiet) process.stderr.write(said);
      resolve(null);
    });
  });
  return { status, said };
}

await Promise.all([run(stages), run(stagesBeside, { quiet: true })]);
await run([lastStage]);
const times = outcomes.map(({ name, seconds }) => `${name} ${seconds.toFixed(0)} s`).join(", ");
const failed = outcomes.filter(({ passed }) => !passed).map(({ name }) => name);
process.stdout.write(failed.length === 0 ? `\nall passed (${times})\n` : `\n${failed.join(" and ")} failed (${times})\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
