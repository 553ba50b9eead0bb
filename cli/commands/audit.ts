import type { Command } from "commander";
import type { CallAnswer } from "../client.ts";
import { addCommand, addGroup, wholeNumber } from "../command.ts";
import type { CommandContext, Counter } from "../context.ts";
import { EXIT } from "../failures.ts";
import { readPages } from "../pages.ts";

type Entry = CallAnswer<"listAudit">["items"][number];
type Verification = CallAnswer<"verifyAudit">;

const actorOf = ({ actor: { userId, keyId, sessionId } }: Entry): string =>
  userId ?? keyId ?? sessionId ?? "nobody";
const targetOf = ({ target }: Entry): string => Object.values(target).join(" ");

/** All steps of the check, one after the other. */
async function verifyAll(counter: Counter) {
  const bar = counter.bar("Checking", 1);
  const ends: Verification["ends"] = [];
  let checked = 0;
  try {
    for (let cursor: string | undefined; ; ) {
      const step: Verification = await counter.client.call("verifyAudit", {
        query: { ...(cursor !== undefined && { cursor }) },
      });
      checked += step.checked;
      ends.push(...step.ends);
      bar.update(0, `${checked} entries`);
      if (!step.ok || step.next === undefined) return { ok: step.ok, checked, ends, bad: step.bad };
      cursor = step.next;
    }
  } finally {
    bar.stop();
  }
}

export function addAuditCommands(program: Command, { act }: CommandContext): void {
  const audit = addGroup(program, "audit", "Who changed what, and who was refused.");
  addCommand(audit, {
    usage: "list",
    says: "Lists changes and denials, newest first.",
    examples: [
      ["punctual audit list"],
      ["punctual audit list --limit 500 --json", "with what was before and after"],
    ],
  })
    .option("--limit <n>", "how many", wholeNumber(1, 10_000), 20)
    .action(
      act<{ readonly limit: number }>(async (counter, { limit }) => {
        const { items, hasMore } = await readPages(limit, (cursor, size) =>
          counter.client.call("listAudit", {
            query: { limit: size, ...(cursor !== undefined && { cursor }) },
          }),
        );
        return {
          json: { items, hasMore },
          ids: items.map(({ id }) => id),
          text: [
            ...counter.table(
              [
                { title: `At (${counter.zone})` },
                { title: "Who" },
                { title: "Did" },
                { title: "To", isElastic: true },
                { title: "Status", align: "right" },
                { title: "Refused", isElastic: true },
              ],
              items.map((entry) => [
                counter.time(entry.at),
                actorOf(entry),
                entry.phase === "attempt" ? `${entry.action} (began)` : entry.action,
                targetOf(entry),
                `${entry.status}`,
                entry.problem ?? "",
              ]),
            ),
            ...(items.length === 0 ? ["Nothing was changed yet."] : []),
            ...(hasMore ? ["There are more: --limit."] : []),
          ],
        };
      }),
    );
  addCommand(audit, {
    usage: "verify",
    says: "Recomputes the chains of the audit log. Ends with 1 when an entry was removed or altered.",
    more: "Note the ends elsewhere: with them a later check shows that nothing before them was rewritten.",
    examples: [
      ["punctual audit verify"],
      ["punctual audit verify --json > ends.json", "to be kept elsewhere"],
    ],
  }).action(
    act(async (counter) => {
      const { ok, checked, ends, bad } = await verifyAll(counter);
      return {
        json: { ok, checked, ends, ...(bad && { bad }) },
        ids: ends.map(({ hash }) => hash),
        text: [
          bad
            ? counter.paint("red", `Entry ${bad.number} of chain ${bad.chain} was ${bad.fault}.`)
            : counter.paint("green", `${checked} entries are as they were written.`),
          ...(bad
            ? ["Remedy: restore the table to a time before it (PITR), and find out who may write to it."]
            : []),
          ...counter.table(
            [
              { title: "Chain", align: "right" },
              { title: "Entries", align: "right" },
              { title: "Hash of the last" },
            ],
            ends.map(({ chain, count, hash }) => [`${chain}`, `${count}`, hash]),
          ),
        ],
        code: ok ? EXIT.ok : EXIT.failed,
      };
    }),
  );
}
