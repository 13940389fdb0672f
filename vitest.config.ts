import { defineConfig } from "vitest/config";

/** Real guests under emulation take minutes where a unit test takes milliseconds. */
const vmTestTimeoutMs = 15 * 60_000;

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["src/**/*.test.ts", "tools/**/*.test.ts", "bench/**/*.test.ts", "tests/checks/*.test.ts"] } },
      {
        test: {
          name: "conformance",
          include: ["tests/conformance/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      { test: { name: "sdk", include: ["tests/sdk/*.test.ts"], testTimeout: 30_000 } },
      {
        test: {
          name: "integration",
          include: ["tests/integration/**/*.test.ts"],
          globalSetup: "tests/support/bundle-setup.ts",
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "vm",
          include: ["tests/vm/*.test.ts", "tests/e2e/ui/journey.test.ts"],
          exclude: ["tests/vm/kills.test.ts"],
          globalSetup: "tests/vm/setup.ts",
          testTimeout: vmTestTimeoutMs,
          hookTimeout: vmTestTimeoutMs,
          fileParallelism: false,
        },
      },
      // A machine of its own, and no other beside it.
      { test: { name: "kills", include: ["tests/vm/kills.test.ts"], testTimeout: vmTestTimeoutMs, hookTimeout: vmTestTimeoutMs } },
      {
        test: {
          name: "ui",
          include: ["tests/e2e/ui/*.test.ts"],
          exclude: ["tests/e2e/ui/journey.test.ts"],
          globalSetup: "tests/support/bundle-setup.ts",
          testTimeout: 90_000,
          hookTimeout: 90_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "shell",
          include: ["tests/e2e/shell/*.test.ts"],
          globalSetup: "tests/e2e/shell/setup.ts",
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      { test: { name: "package", include: ["tests/package/*.test.ts"], testTimeout: 120_000, hookTimeout: 300_000 } },
      {
        test: {
          name: "e2e",
          include: ["tests/e2e/*.test.ts"],
          testTimeout: vmTestTimeoutMs,
          hookTimeout: vmTestTimeoutMs,
          fileParallelism: false,
        },
      },
    ],
  },
});
