import type { Command } from "commander";
import { addCommand, addGroup, wholeNumber } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { readPages } from "../pages.ts";
import { oneLine, visibleLines } from "../text-width.ts";

export function addRecurrenceCommands(program: Command, { act }: CommandContext): void {
  const recurrences = addGroup(program, "recurrences", "Posts that recur.");
  addCommand(recurrences, {
    usage: "list",
    says: "Lists your recurrences, oldest first.",
    examples: [["punctual recurrences list"], ["punctual recurrences list --limit 100 --json"]],
  })
    .option("--limit <n>", "how many", wholeNumber(1, 10_000), 20)
    .action(
      act<{ readonly limit: number }>(async (counter, { limit }) => {
        const { items, hasMore } = await readPages(limit, (cursor, size) =>
          counter.client.call("listRecurrences", {
            query: { limit: size, ...(cursor !== undefined && { cursor }) },
          }),
        );
        return {
          json: { items, hasMore },
          ids: items.map(({ id }) => id),
          text: [
            ...counter.table(
              [
                { title: "Id" },
                { title: "Status" },
                { title: "Name", isElastic: true },
                { title: "Rule", isElastic: true },
                { title: "Zone" },
              ],
              items.map(({ id, status, name, rule, timeZone }) => [id, status, name, rule, timeZone]),
            ),
            ...(items.length === 0 ? ["No recurrences. docs/api.md shows how to make one."] : []),
            ...(hasMore ? ["There are more: --limit."] : []),
          ],
        };
      }),
    );
  addCommand(recurrences, {
    usage: "show <id>",
    says: "Shows a recurrence, its texts and what comes next.",
    examples: [["punctual recurrences show 01KAN0Q6T3M6W3C8H1A9J7Z5RD"]],
  }).action(
    act<object, [string]>(async (counter, _options, id) => {
      const view = await counter.client.call("readRecurrence", { params: { id } });
      const { zone, time, table } = counter;
      return {
        json: view,
        ids: [view.id],
        text: [
          `Recurrence ${view.id}: ${oneLine(view.name)} (${view.status})`,
          `Rule       ${oneLine(view.rule)} from ${view.dtStart} ${view.timeZone}`,
          `Account    ${oneLine(view.account)} in project ${oneLine(view.project)}`,
          ...view.texts.flatMap((text) => [
            "",
            ...[text].flat().flatMap((part) => visibleLines(part).map((line) => `  ${line}`)),
          ]),
          ...(view.coming.length > 0 ? [""] : []),
          ...table(
            [{ title: `Occurrence (${view.timeZone})` }, { title: `Published (${zone})` }, { title: "Task" }],
            view.coming.map(({ occurrence, publishAt, taskId }) => [
              occurrence.replace("T", " "),
              time(publishAt),
              taskId ?? "later",
            ]),
          ),
          ...view.warnings.flatMap(({ message, remedy }) => [
            "",
            `Mind: ${oneLine(message)}`,
            `Remedy: ${oneLine(remedy)}`,
          ]),
        ],
      };
    }),
  );
}
