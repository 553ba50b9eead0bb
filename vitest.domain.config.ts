import { defineConfig } from "vitest/config";

/** What the mutants of `stryker.config.mjs` are run against: the domain's own tests, and nothing that starts anything. */
export default defineConfig({
  test: {
    environment: "node",
    // The contract of fingerprint stores is what tests the index in memory.
    include: ["test/unit/domain/**/*.test.ts", "test/unit/stores/in-memory-fingerprints.test.ts"],
    setupFiles: ["test/support/mutation-setup.ts"],
    restoreMocks: true,
    // Code that carries every mutant and counts what it covers is several times slower.
    testTimeout: 120_000,
  },
});
