/** `npm run mutate`: breaks the domain in every small way there is, and counts the breakages that its tests miss. */
const FOLDER = ".build/mutation";

export default {
  plugins: ["@stryker-mutator/vitest-runner"],
  testRunner: "vitest",
  vitest: { configFile: "vitest.domain.config.ts" },
  mutate: ["shared/domain/**/*.ts"],
  coverageAnalysis: "perTest",
  // Values that are made when a module is loaded, 6 % of all: each would need every test, and three times the whole rest.
  ignoreStatic: true,
  concurrency: 2,
  // A second run tries only what changed since.
  incremental: true,
  incrementalFile: `${FOLDER}/incremental.json`,
  tempDirName: `${FOLDER}/sandbox`,
  cleanTempDir: "always",
  ignorePatterns: [
    "**/*",
    "!shared/**",
    "!test/**",
    "!*.json",
    "!*.ts",
    "!infra/local/sandbox/**",
    "!.env.example",
  ],
  thresholds: { high: 90, low: 80, break: 80 },
  reporters: ["clear-text", "progress", "html"],
  htmlReporter: { fileName: `${FOLDER}/report.html` },
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
};
