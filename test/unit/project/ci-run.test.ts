import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { createTempFolder, projectRoot, writeFiles } from "./temp-folder.ts";

const passing = { status: "passed", fullName: "keeps the second" };
const report = {
  success: true,
  testResults: [{ name: "a.test.ts", status: "passed", assertionResults: [passing, passing] }],
};
const withTest = (status: string) => ({
  success: true,
  testResults: [
    { name: "a.test.ts", status: "passed", assertionResults: [passing, { status, fullName: "the other" }] },
  ],
});

type Machine = {
  /** What the test run leaves; nothing when it dies first. */
  readonly report?: object;
  /** The npm commands that fail. */
  readonly failing?: string;
  readonly java?: string;
  readonly install?: string;
};

/** Runs `.ci/run` in a clone whose npm, Java and apt-get are stand-ins that write down how they were called. */
function runCi({ report, failing = "^$", java = "17.0.15", install = "" }: Machine) {
  const folder = createTempFolder({
    "infra/install.mjs": install,
    "report.json": report === undefined ? "" : JSON.stringify(report),
    "bin/npm": `#!/bin/bash
echo "npm $*" >> calls.txt
for argument; do
  case $argument in --outputFile.json=*) [ -s report.json ] && cp report.json "\${argument#*=}" ;; esac
done
[[ ! "$*" =~ ${failing} ]]`,
    "bin/java": `#!/bin/sh\necho 'openjdk version "${java}" 2026-01-01' >&2\n`,
    "bin/sudo": '#!/bin/sh\nshift\nexec "$@"\n',
    "bin/apt-get": '#!/bin/sh\necho "apt-get $*" >> calls.txt\n',
  });
  cpSync(join(projectRoot, ".ci"), join(folder, ".ci"), { recursive: true });
  for (const name of ["npm", "java", "sudo", "apt-get"]) chmodSync(join(folder, "bin", name), 0o755);
  writeFiles(folder, { "calls.txt": "" });
  const run = spawnSync(join(folder, ".ci/run"), {
    // from another folder, as a machine may call it
    cwd: "/",
    encoding: "utf8",
    env: { ...process.env, PATH: `${join(folder, "bin")}:${process.env["PATH"]}` },
  });
  return {
    code: run.status,
    lastLine: run.stdout.trimEnd().split("\n").at(-1),
    said: run.stdout + run.stderr,
    calls: readFileSync(join(folder, "calls.txt"), "utf8").trim().split("\n"),
  };
}

describe(".ci/run", () => {
  it("installs, checks, tests, builds, synthesizes and runs the demo, and adds it all up", () => {
    const { code, lastLine, calls } = runCi({ report });
    expect(calls.map((call) => call.replace(/ --.*/, ""))).toEqual([
      "npm run",
      "npm test",
      "npm run",
      "npm run",
      "npm run",
    ]);
    expect(calls.filter((call) => call.startsWith("npm run")).map((call) => call.split(" ").at(-1))).toEqual([
      "check",
      "build",
      "synth",
      "demo",
    ]);
    expect(lastLine).toBe("8 passed, 0 failed");
    expect(code).toBe(0);
  });

  it.each(["failed", "pending", "skipped", "todo"])(
    "fails when a test is %s, though npm succeeded",
    (status) => {
      const { code, lastLine, said } = runCi({ report: withTest(status) });
      expect(said).toContain(`${status}: the other (a.test.ts)`);
      expect(lastLine).toBe("7 passed, 1 failed");
      expect(code).toBe(1);
    },
  );

  it.each([
    [
      "a test file does not load",
      {
        ...report,
        testResults: [
          ...report.testResults,
          { name: "b.test.ts", status: "failed", message: "SyntaxError", assertionResults: [] },
        ],
      },
      "b.test.ts: SyntaxError",
    ],
    ["an error escapes the tests", { ...report, success: false }, "failed outside of its tests"],
    ["no test ran", { success: true, testResults: [] }, "no test ran"],
    ["there is no report", undefined, "no readable report"],
  ])("fails when %s", (_, left, says) => {
    const { code, said } = runCi(left === undefined ? {} : { report: left });
    expect(said).toContain(says);
    expect(code).toBe(1);
  });

  it.each(["check", "build", "synth", "demo"])(
    "fails when `npm run %s` fails, and still runs the rest",
    (command) => {
      const { code, lastLine, calls } = runCi({ report, failing: `${command}$` });
      expect(calls).toHaveLength(5);
      expect(lastLine).toBe("7 passed, 1 failed");
      expect(code).toBe(1);
    },
  );

  it("stops when the installation fails", () => {
    const { code, lastLine, calls } = runCi({ report, install: "process.exitCode = 1;" });
    expect(calls).toEqual([""]);
    expect(lastLine).toBe("0 passed, 1 failed");
    expect(code).toBe(1);
  });

  it("installs a newer Java when the machine has an old one", () => {
    const { code, calls } = runCi({ report, java: "11.0.2" });
    expect(calls.filter((call) => call.startsWith("apt-get"))).toEqual([
      "apt-get update -qq",
      "apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless",
    ]);
    expect(code).toBe(0);
  });
});
