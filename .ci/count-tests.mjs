// Reads the JSON report of a test run. Prints "<passed> <failed>" and, on stderr, every test that did not
// pass. A skipped, pending or todo test counts as failed: a test that cannot run says nothing.
import { readFileSync } from "node:fs";
import process from "node:process";

const report = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8"));

let passed = 0;
const failures = [];
for (const file of report.testResults) {
  for (const { status, fullName } of file.assertionResults) {
    if (status === "passed") passed += 1;
    else failures.push(`${status}: ${fullName} (${file.name})`);
  }
  const blamed = file.assertionResults.some(({ status }) => status !== "passed");
  if (file.status !== "passed" && !blamed)
    failures.push(`failed as a whole: ${file.name}: ${file.message ?? ""}`);
}
if (passed === 0) failures.push("no test ran");
// Errors outside of any test (an unhandled rejection) show only here.
if (report.success !== true && failures.length === 0) failures.push("the run failed outside of its tests");

for (const failure of failures) process.stderr.write(`${failure}\n`);
process.stdout.write(`${passed} ${failures.length}\n`);
