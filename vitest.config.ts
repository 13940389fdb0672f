import { defineConfig } from "vitest/config";

/** Real guests under emulation take minutes where a unit test takes milliseconds. */
const vmTestTimeoutMs = 15 * 60_000;
/** One life of a machine is three boots, on a computer that does other work beside. */
const conformanceTestTimeoutMs = 5 * 60_000;

/** Each has a machine of its own, and takes longer than `npm test` should. */
const longTests = ["kills", "many-files", "suspend-rounds", "upgrade"].map((name) => `tests/vm/${name}.test.ts`);

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["src/**/*.test.ts", "tools/**/*.test.ts", "bench/**/*.test.ts", "tests/checks/*.test.ts"] } },
      {
        test: {
          name: "conformance",
          include: ["tests/conformance/*.test.ts"],
          globalSetup: "tests/conformance/setup.ts",
          testTimeout: conformanceTestTimeoutMs,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      { test: { name: "sdk", include: ["tests/sdk/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 } },
      {
        test: {
          name: "integration",
          include: ["tests/integration/**/*.test.ts"],
          globalSetup: "tests/support/bundle-setup.ts",
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "vm",
          include: ["tests/vm/*.test.ts", "tests/e2e/sample.test.ts", "tests/e2e/ui/journey.test.ts"],
          exclude: longTests,
          globalSetup: ["tests/conformance/setup.ts", "tests/vm/setup.ts"],
          testTimeout: vmTestTimeoutMs,
          hookTimeout: vmTestTimeoutMs,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "long",
          include: longTests,
          testTimeout: vmTestTimeoutMs,
          hookTimeout: vmTestTimeoutMs,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "ui",
          include: ["tests/e2e/ui/*.test.ts"],
          exclude: ["tests/e2e/ui/journey.test.ts"],
          globalSetup: "tests/support/bundle-setup.ts",
          testTimeout: 90_000,
          hookTimeout: 90_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "shell",
          include: ["tests/e2e/shell/*.test.ts"],
          globalSetup: "tests/e2e/shell/setup.ts",
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      { test: { name: "package", include: ["tests/package/*.test.ts"], testTimeout: 120_000, hookTimeout: 300_000 } },
    ],
  },
});
