import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "node",
    restoreMocks: true,
    unstubEnvs: true,
    // A clean clone must not pass because a pattern matched nothing.
    passWithNoTests: false,
    coverage: { provider: "v8", include: ["shared/**", "functions/**", "infra/**", "cli/**"] },
    // Fast and independent first; then what starts servers, two or three files at a time: each has a database, a gateway
    // and workers of its own, and mostly waits for a slot.
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          testTimeout: 10_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "infra",
          include: ["test/infra/**/*.test.ts"],
          // One synthesis serves all files: they only read it.
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          exclude: ["test/e2e/thousand-files.test.ts"],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          maxWorkers: 3,
          sequence: { groupOrder: 4 },
        },
      },
      {
        extends: true,
        test: {
          // It has a deadline that the whole machine is needed for.
          name: "e2e-load",
          include: ["test/e2e/thousand-files.test.ts"],
          testTimeout: 360_000,
          hookTimeout: 240_000,
          maxWorkers: 1,
          sequence: { groupOrder: 5 },
        },
      },
    ],
  },
});
