import { defineConfig } from "vitest/config";

/** Real guests under emulation take minutes where a unit test takes milliseconds. */
const vmTestTimeoutMs = 15 * 60_000;
/** One life of a machine is three boots, on a computer that does other work beside. */
const conformanceTestTimeoutMs = 5 * 60_000;

/** How long a test looks again for what is to come: a second, the default, is short on a computer that does other work. */
const expectation = { poll: { timeout: 20_000, interval: 20 } };
/** Far more than any unit takes: only a computer that is held up by other work comes near the default of five seconds. */
const unitTestTimeoutMs = 30_000;

/** Each has a machine of its own, and takes longer than `npm test` should. */
const longTests = ["kills", "many-files", "suspend-rounds", "upgrade"].map((name) => `tests/vm/${name}.test.ts`);

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          expect: expectation,
          name: "unit",
          include: ["src/**/*.test.ts", "tools/**/*.test.ts", "bench/**/*.test.ts", "tests/checks/*.test.ts"],
          testTimeout: unitTestTimeoutMs,
        },
      },
      {
        test: {
          expect: expectation,
          name: "conformance",
          include: ["tests/conformance/*.test.ts"],
          globalSetup: "tests/conformance/setup.ts",
          testTimeout: conformanceTestTimeoutMs,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      { test: { expect: expectation, name: "sdk", include: ["tests/sdk/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 } },
      {
        test: {
          expect: expectation,
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
          expect: expectation,
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
          expect: expectation,
          name: "long",
          include: longTests,
          testTimeout: vmTestTimeoutMs,
          hookTimeout: vmTestTimeoutMs,
          fileParallelism: false,
        },
      },
      {
        test: {
          expect: expectation,
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
          expect: expectation,
          name: "shell",
          include: ["tests/e2e/shell/*.test.ts"],
          globalSetup: "tests/e2e/shell/setup.ts",
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      { test: { expect: expectation, name: "package", include: ["tests/package/*.test.ts"], testTimeout: 120_000, hookTimeout: 300_000 } },
    ],
  },
});
