import { spawnSync } from "node:child_process";

/** What `npm test` runs (all but test:ui, test:long and bad input), cheapest first, so that a broken unit is not found after a VM has booted. */
const stages: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  { name: "checks", command: ["node", "tools/check.ts"] },
  { name: "unit", command: ["vitest", "run", "--project", "unit"] },
  { name: "sdk", command: ["vitest", "run", "--project", "sdk"] },
  { name: "integration", command: ["vitest", "run", "--project", "integration"] },
  { name: "shell", command: ["vitest", "run", "--project", "shell"] },
  { name: "package", command: ["vitest", "run", "--project", "package"] },
  { name: "image", command: ["node", "tools/image/main.ts"] },
  { name: "conformance", command: ["vitest", "run", "--project", "conformance"] },
  // Bad input takes five minutes of the thirty that all this may take where there is no KVM: npm run test:vm has it.
  {
    name: "vm",
    command: [
      "vitest",
      "run",
      "--project",
      "vm",
      ...["repositories", "clone", "ssh", "security", "terminals", "secrets"].map((name) => `tests/vm/${name}.test.ts`),
      "tests/e2e/sample.test.ts",
      "tests/e2e/ui/journey.test.ts",
    ],
  },
];

const only = process.argv.slice(2);
const times: string[] = [];
for (const stage of stages) {
  if (only.length > 0 && !only.includes(stage.name)) continue;
  const startedAtMs = performance.now();
  process.stdout.write(`\n=== ${stage.name}\n`);
  const [program = "", ...args] = stage.command;
  const result = spawnSync(program, args, { stdio: ["ignore", "inherit", "inherit"] });
  times.push(`${stage.name} ${((performance.now() - startedAtMs) / 1000).toFixed(0)} s`);
  if (result.status !== 0) {
    process.stdout.write(`\n${stage.name} failed (${times.join(", ")})\n`);
    process.exit(1);
  }
}
process.stdout.write(`\nall passed (${times.join(", ")})\n`);
