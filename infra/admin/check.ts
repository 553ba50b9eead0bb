import Table from "cli-table3";
import type { Command } from "commander";
import {
  type CheckProgress,
  type ConsistencyReport,
  createCheckConsistency,
  type Finding,
} from "#shared/usecases/check-consistency.ts";
import type { CommandContext } from "./command.ts";

/** Between two notes of how far it is, so that a terminal shows life and a log stays readable. */
const PROGRESS_MS = 2_000;

const OUTCOMES: Readonly<Record<Finding["outcome"], string>> = {
  open: "open",
  repaired: "repaired",
  "changed-meanwhile": "changed meanwhile: check again",
};

const reachedText = ({ step, done, total }: CheckProgress): string =>
  `  ${step}: ${total === undefined ? `${done} read` : `${done} of ${total}`} …`;

function inWords({ read, findings, notJudged, isConsistent }: ConsistencyReport, repair: boolean): string[] {
  const lines = [`Read ${read.records} records: ${read.tasks} tasks; and ${read.schedules} schedules.`];
  if (findings.length > 0) {
    const table = new Table({
      head: ["severity", "what", "code", "message", repair ? "outcome" : "repair"],
      style: { head: [], border: [] },
      colWidths: [10, 34, 24, 60, 28],
      wordWrap: true,
      wrapOnWordBoundary: false,
    });
    for (const { severity, about, code, message, remedy, outcome, repair: wouldDo } of findings)
      table.push([
        severity,
        `${about.kind} ${about.id}`,
        code,
        outcome === "repaired" ? message : `${message} ${remedy}`,
        repair ? OUTCOMES[outcome] : (wouldDo ?? "for a person"),
      ]);
    lines.push(table.toString());
  }
  for (const name of notJudged)
    lines.push(`The counter ${name} says more than is known, and posts are under way: check again later.`);
  const open = findings.filter(({ outcome }) => outcome !== "repaired").length;
  const repairable = findings.some(({ outcome, repair: can }) => outcome === "open" && can !== undefined);
  if (findings.length === 0) lines.push("✓ Everything agrees.");
  else if (isConsistent) lines.push(`✓ All ${findings.length} are repaired.`);
  else
    lines.push(
      `✗ ${open} of ${findings.length} left.${!repair && repairable ? " Remedy: npm run admin -- check --repair." : ""} The codes are explained in docs/errors.md.`,
    );
  return lines;
}

export function addCheckCommand(program: Command, { surroundings, act }: CommandContext): void {
  program
    .command("check")
    .description("compares tasks, schedules, gates, counters, logs and batches, and says what disagrees")
    .option("--repair", "mend what can be mended safely", false)
    .addHelpText(
      "after",
      `
Ends with 1 when something disagrees and was not repaired. It may run at any time: what disagrees is read twice, and a
repair writes only where nobody else did meanwhile.

It reads the whole table (a third of a cent for each 100 MB at list price, some minutes for a million tasks, about 1 kB of memory
for each), which no function may do: whoever runs it needs dynamodb:Scan, GetItem, Query, PutItem and UpdateItem on the
table and its indexes and scheduler:ListSchedules; with --repair also scheduler:DeleteSchedule.`,
    )
    .action(
      act<{ readonly repair: boolean }, []>(async (service, { repair }) => {
        let notedAt = service.clock.now().getTime();
        const report = await createCheckConsistency(service.forCheck())({
          repair,
          onProgress(progress) {
            const now = service.clock.now().getTime();
            if (now - notedAt < PROGRESS_MS) return;
            notedAt = now;
            surroundings.err(reachedText(progress));
          },
        });
        return { json: report, text: inWords(report, repair), code: report.isConsistent ? 0 : 1 };
      }),
    );
}
