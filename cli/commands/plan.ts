import type { Command } from "commander";
import type { CallAnswer } from "../client.ts";
import { addCommand, wholeNumber } from "../command.ts";
import type { CommandContext, Counter } from "../context.ts";
import { EXIT, usageError } from "../failures.ts";
import type { PostBody } from "../posts.ts";
import { oneLine } from "../text-width.ts";
import { readPostFile, tellErrors } from "./batch.ts";
import { addPostOptions, readPost } from "./post.ts";

/** Of a dry run: what is planned apart does not see each other. */
const MAX_DRAFTS = 50;

type Report = CallAnswer<"simulate">;
type Draft = Report["drafts"][number];
type Post = Exclude<Draft, { outcome: "refused" }> | Report["tasks"][number];

const usd = (amount: number): string => `$${amount.toFixed(3)}`;

function whyOf(post: Post): string {
  const { reasons, conflicts } = post;
  const plan = "plan" in post ? post.plan : undefined;
  return [...reasons, ...conflicts, ...(plan?.reasons ?? [])].map(({ message }) => message).join(" ");
}

interface PlanOptions {
  readonly text?: string;
  readonly project?: string;
  readonly account?: string;
  readonly days?: number;
  readonly at?: string;
  readonly strategy?: string;
  readonly priority?: number;
  readonly language?: string;
  readonly set?: readonly string[];
}

/** They say how one post is meant: those of a file say it themselves. */
const OF_ONE_POST = ["at", "strategy", "priority", "language", "set"] as const;

/** Nothing that is given is passed over in silence. */
function checkOptions(file: string | undefined, options: PlanOptions): void {
  if (options.text !== undefined) {
    if (file === undefined) return;
    throw usageError("There is a file and a text.", "Give the file, or --text, not both.");
  }
  // Without a post, an account's calendar is shown.
  const names = file === undefined ? OF_ONE_POST : ([...OF_ONE_POST, "account"] as const);
  const unused = names.find((name) => options[name] !== undefined);
  if (unused)
    throw usageError(
      `--${unused} is for one post, given with --text.`,
      file === undefined ? "Give the post, too." : "Write it as a column or field of each post of the file.",
    );
}

async function readDrafts(
  file: string | undefined,
  options: PlanOptions,
  counter: Counter,
): Promise<readonly { readonly name: string; readonly post: PostBody }[]> {
  checkOptions(file, options);
  if (file !== undefined) {
    const { posts, errors } = await readPostFile(file, counter);
    if (errors.length > 0)
      throw usageError(
        `Nothing was planned, since lines are wrong.\n${tellErrors(errors).join("\n")}`,
        "Correct the lines and repeat the command.",
        "bad-lines",
      );
    return posts.map(({ line, post }) => ({ name: `line ${line}`, post }));
  }
  return options.text === undefined
    ? []
    : [{ name: "draft", post: await readPost([options.text], options, counter) }];
}

export function addPlanCommand(program: Command, { act }: CommandContext): void {
  const plan = addCommand(program, {
    usage: "plan [file]",
    says: "Dry run: shows what would happen to posts and to the calendar, and what X charges. Nothing is stored.",
    examples: [
      ["punctual plan", "the days to come, as they are planned"],
      ["punctual plan posts.csv --days 14", "with the posts of a file"],
      ['punctual plan --text "Hello" --strategy optimal', "where one post would go"],
    ],
  });
  addPostOptions(plan)
    .option("--text <text>", "one post to try")
    .option("--days <n>", "how far to look; today is the first (default: 7)", wholeNumber(1, 31))
    .action(
      act<PlanOptions, [string | undefined]>(async (counter, options, file) => {
        const { project, account, days } = options;
        const drafts = await readDrafts(file, options, counter);
        if (drafts.length > MAX_DRAFTS)
          throw usageError(
            `There are ${drafts.length} posts; at most ${MAX_DRAFTS} are planned together.`,
            "Try them in several files.",
          );
        const report = await counter.client.call("simulate", {
          body: {
            ...(project !== undefined && { project }),
            ...(account !== undefined && file === undefined && options.text === undefined && { account }),
            ...(days !== undefined && { days }),
            drafts: drafts.map(({ post }) => post),
          },
        });
        return {
          json: report,
          text: describePlan(
            report,
            drafts.map(({ name }) => name),
            counter,
          ),
          code: codeOf(report),
        };
      }),
    );
}

const codeOf = ({ drafts }: Report): number =>
  drafts.some(({ outcome }) => outcome === "refused" || outcome === "stops") ? EXIT.failed : EXIT.ok;

function describePlan(report: Report, names: readonly string[], counter: Counter): readonly string[] {
  const { time, zone, table, timeAndZone } = counter;
  const accounts = new Map(report.accounts.map(({ accountId, name }) => [accountId, name ?? accountId]));
  const row = (name: string, post: Post) => ({
    cells: [
      name,
      post.outcome,
      time(post.at ?? post.slotAt),
      accounts.get(post.accountId) ?? post.accountId,
      usd(post.costUsd),
    ],
    why: whyOf(post),
  });
  const rows = [
    ...report.drafts.map((draft, index) =>
      draft.outcome === "refused"
        ? { cells: [names[index] ?? "", draft.outcome], why: `${draft.code}: ${draft.detail}` }
        : row(names[index] ?? "", draft),
    ),
    ...report.tasks.map((task) => row(task.id, task)),
  ];
  const { outcomes, costUsd, months, beyondBudget } = report.total;
  const told = Object.entries(outcomes).flatMap(([outcome, count]) =>
    count > 0 ? [`${count} ${outcome}`] : [],
  );
  return [
    ...table(
      [
        { title: "Post" },
        { title: "Outcome" },
        { title: `At (${zone})` },
        { title: "Account" },
        { title: "Price", align: "right" },
      ],
      rows.map(({ cells }) => cells),
    ),
    ...(rows.length > 0 ? [""] : []),
    ...rows.flatMap(({ cells: [name], why }) => (why === "" ? [] : [`${name}: ${oneLine(why)}`])),
    `Project ${report.project} until ${timeAndZone(report.until)}: ${told.join(", ") || "no posts"}.`,
    `Price: ${usd(costUsd)}${months
      .map(
        ({ month, spentUsd, plannedUsd, budgetUsd }) =>
          `; ${month}: ${usd(spentUsd)} spent, ${usd(plannedUsd)} planned${budgetUsd === undefined ? "" : ` of ${usd(budgetUsd)}`}`,
      )
      .join("")}.`,
    ...(beyondBudget
      ? [
          `The budget is used up at ${timeAndZone(beyondBudget.at)} (${beyondBudget.id ?? beyondBudget.pointer}).`,
        ]
      : []),
    ...report.accounts.flatMap(({ accountId, name = accountId, problems, forecast }) => [
      ...problems.map(({ message, remedy }) => `${name}: ${message} ${remedy}`),
      ...(forecast ? [`${name}: ${forecast.message}`] : []),
    ]),
    ...(report.tasksLeftOut > 0 ? [`${report.tasksLeftOut} more tasks are not shown.`] : []),
    "",
    ...report.unchecked.map((text) => `Not checked: ${text}`),
  ];
}
