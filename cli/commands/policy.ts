import type { Command } from "commander";
import type * as z from "zod";
import { type policyView, writePolicyBody } from "#shared/contract/policy-view.ts";
import type { CallAnswer } from "../client.ts";
import { addCommand, addGroup, wholeNumber } from "../command.ts";
import type { CommandContext, Counter } from "../context.ts";
import { usageError } from "../failures.ts";
import { readPages } from "../pages.ts";
import { readCell } from "../posts.ts";
import { oneLine } from "../text-width.ts";

type PolicyBody = z.input<typeof writePolicyBody>;
type Preset = NonNullable<PolicyBody["preset"]>;

/** What people set: everything but the version, which is for the machine. */
const FIELDS: Readonly<Record<string, z.ZodType>> = writePolicyBody.omit({
  version: true,
  preset: true,
}).shape;
const PROJECT = "default";

const toList = (text: string): unknown => {
  const items = text.split(",").map((item) => item.trim());
  const numbers = items.map(Number);
  return numbers.every((number, index) => items[index] !== "" && !Number.isNaN(number)) ? numbers : items;
};

/** `name=value`: a duration, a number, a list divided by commas, JSON; `null` takes a rule away. */
function readPolicyFields(pairs: readonly string[]): Partial<PolicyBody> {
  const fields = pairs.map((pair) => {
    const [, name = "", value = ""] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
    const schema = FIELDS[name];
    if (!schema)
      throw usageError(
        `“${pair}” sets no rule of a policy.`,
        `Write name=value; the names are ${Object.keys(FIELDS).join(", ")}.`,
      );
    return [name, readCell(schema, value, toList)] as const;
  });
  return Object.fromEntries(fields) as Partial<PolicyBody>;
}

const show = (value: unknown): string =>
  value === null || (Array.isArray(value) && value.length === 0)
    ? "–"
    : typeof value === "string"
      ? value
      : JSON.stringify(value).replaceAll('"', "");

type PolicyShown = z.output<typeof policyView>;

function describePolicy(project: string, policy: PolicyShown): readonly string[] {
  const { version, ...rules } = policy;
  return [
    `Policy of ${oneLine(project)}, version ${version}${version === 0 ? " (nobody has saved one)" : ""}`,
    "",
    ...Object.entries(rules).map(([name, value]) => `  ${name.padEnd(18)}${oneLine(show(value))}`),
  ];
}

interface SetOptions {
  readonly preset?: string;
}

function addSet(policy: Command, { act }: CommandContext): void {
  addCommand(policy, {
    usage: "set <project> [name=value...]",
    says: "Changes rules of a policy; the others stay. With --preset it begins anew.",
    more: `In force from the next post on. A rule is taken away with name=null.
Rules: ${Object.keys(FIELDS).join(", ")}.`,
    examples: [
      ["punctual policy set default minInterval=90m dailyMax=6"],
      ['punctual policy set default blackout=\'{"fromHour":0,"toHour":7}\' optimalHours=9,12,18'],
      ["punctual policy set default dailyMax=null", "no limit any more"],
      ["punctual policy set default --preset conservative blackoutDates=2026-12-24,2026-12-25"],
    ],
  })
    .option("--preset <name>", "begin with this preset instead of what is in force")
    .action(
      act<SetOptions, [string, string[]]>(async (counter, { preset }, project, pairs) => {
        if (preset === undefined && pairs.length === 0)
          throw usageError("There is nothing to set.", "Give name=value, or --preset NAME.");
        const changes = readPolicyFields(pairs);
        const params = { name: project };
        const before = await counter.client.call("readPolicy", { params });
        const body: PolicyBody =
          preset === undefined
            ? { ...before, ...changes }
            : { version: before.version, preset: preset as Preset, ...changes };
        const { warnings, ...after } = await counter.client.call("writePolicy", { params, body });
        return {
          json: { ...after, warnings },
          ids: [`${after.version}`],
          text: describeChange(before, after, warnings, counter),
        };
      }),
    );
}

function describeChange(
  before: PolicyShown,
  after: PolicyShown,
  warnings: CallAnswer<"writePolicy">["warnings"],
  { table }: Counter,
): readonly string[] {
  const names = (Object.keys(after) as (keyof PolicyShown)[]).filter(
    (name) => name !== "version" && show(before[name]) !== show(after[name]),
  );
  return [
    names.length === 0 ? "Nothing changed." : `Version ${after.version} is in force.`,
    ...table(
      [{ title: "Rule" }, { title: "Before", isElastic: true }, { title: "Now", isElastic: true }],
      names.map((name) => [name, show(before[name]), show(after[name])]),
    ),
    ...warnings.map(({ pointer, message }) => `Mind: ${pointer.slice(1)}: ${oneLine(message)}`),
    ...(names.length > 0
      ? ["Slots that were chosen before stay: punctual policy replan shows which would move."]
      : []),
  ];
}

function addReplan(policy: Command, { act }: CommandContext): void {
  addCommand(policy, {
    usage: "replan [project]",
    says: "Shows what the policy in force does to slots that were chosen before it. With --apply they move.",
    examples: [["punctual policy replan default"], ["punctual policy replan default --apply --yes"]],
  })
    .option("--apply", "move them (needs the scope manage)")
    .action(
      act<{ readonly apply?: true }, [string | undefined]>(
        async (counter, { apply = false }, project = PROJECT) => {
          const params = { name: project };
          const preview = await counter.client.call("replan", { params, body: {} });
          if (apply) await counter.confirm(`Move ${preview.counts.moves} posts of ${project}?`);
          const report = apply
            ? await counter.client.call("replan", { params, body: { apply, version: preview.version } })
            : preview;
          const { keeps, moves, noPlace, moved, notMoved } = report.counts;
          return {
            json: report,
            ids: report.items.flatMap(({ taskId, change }) => (change === "moves" ? [taskId] : [])),
            text: [
              ...counter.table(
                [
                  { title: "Task" },
                  { title: `Slot (${counter.zone})` },
                  { title: "Change" },
                  { title: "New slot" },
                  { title: "Why", isElastic: true },
                ],
                report.items
                  .filter(({ change }) => change !== "keeps")
                  .map((item) => [
                    item.taskId,
                    counter.time(item.slotAt),
                    item.outcome ?? item.change,
                    counter.time(item.newSlotAt),
                    item.reasons.map(({ message }) => message).join(" "),
                  ]),
              ),
              `${keeps} keep their slot, ${noPlace} have no place, ${
                report.applied ? `${moved} moved, ${notMoved} did not` : `${moves} would move`
              }.`,
              ...(report.next === undefined
                ? []
                : ["There are more: repeat the command when these have moved."]),
              ...(!apply && moves > 0 ? [`Move them: punctual policy replan ${project} --apply`] : []),
            ],
          };
        },
      ),
    );
}

export function addPolicyCommands(program: Command, context: CommandContext): void {
  const policy = addGroup(program, "policy", "What a project allows itself, and how its slots are chosen.");
  const { act } = context;
  addCommand(policy, {
    usage: "show [project]",
    says: "Shows the policy that is in force.",
    examples: [["punctual policy show"], ["punctual policy show shop --json"]],
  }).action(
    act<object, [string | undefined]>(async (counter, _options, project = PROJECT) => {
      const view = await counter.client.call("readPolicy", { params: { name: project } });
      return { json: view, ids: [`${view.version}`], text: describePolicy(project, view) };
    }),
  );
  addSet(policy, context);
  addCommand(policy, {
    usage: "versions [project]",
    says: "Lists the versions of a policy, newest first: when, and by whom.",
    examples: [["punctual policy versions default"], ["punctual policy versions default --limit 3 --json"]],
  })
    .option("--limit <n>", "how many", wholeNumber(1, 10_000), 20)
    .action(
      act<{ readonly limit: number }, [string | undefined]>(async (counter, { limit }, project = PROJECT) => {
        const { items, hasMore } = await readPages(limit, (cursor, size) =>
          counter.client.call("listPolicyVersions", {
            params: { name: project },
            query: { limit: size, ...(cursor !== undefined && { cursor }) },
          }),
        );
        return {
          json: { items, hasMore },
          ids: items.map(({ version }) => `${version}`),
          text: [
            ...counter.table(
              [
                { title: "Version", align: "right" },
                { title: `Saved (${counter.zone})` },
                { title: "By", isElastic: true },
              ],
              items.map(({ version, savedAt, savedBy }) => [`${version}`, counter.time(savedAt), savedBy]),
            ),
            ...(items.length === 0 ? ["Nobody has saved a policy."] : []),
            ...(hasMore ? ["There are more: --limit."] : []),
          ],
        };
      }),
    );
  addReplan(policy, context);
}
