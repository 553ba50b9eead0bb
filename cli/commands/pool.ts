import type { Command } from "commander";
import { callOnce } from "../call-once.ts";
import type { CallAnswer } from "../client.ts";
import { addCommand, addGroup, wholeNumber } from "../command.ts";
import type { Answer, CommandContext, Counter } from "../context.ts";
import { EXIT, Interrupted, usageError } from "../failures.ts";
import { readPages } from "../pages.ts";
import type { PostBody } from "../posts.ts";
import { describeTask, taskColumns, taskRow } from "../show-task.ts";
import { showDuration } from "../times.ts";

const PAUSE_MS = 2_000;

type Run = CallAnswer<"readRun">;
type Strategy = NonNullable<PostBody["strategy"]>;

function describeRun(run: Run, { table }: Counter): readonly string[] {
  const { total, succeeded, failed, errored, skipped, durationMs } = run;
  const took = durationMs === undefined ? "" : `, ${showDuration(durationMs)}`;
  const rows = run.items.map(({ taskId, outcome, status, error, durationMs: itemMs }) => [
    taskId,
    outcome,
    status,
    itemMs === undefined ? "" : showDuration(itemMs),
    error?.message ?? "",
  ]);
  return [
    `Run ${run.id}: ${run.status}${took}. ${run.message}`,
    `${total} tasks: ${succeeded} succeeded, ${failed} failed, ${errored} errored, ${skipped} skipped.`,
    ...(rows.length > 0 ? [""] : []),
    ...table(
      [
        { title: "Task" },
        { title: "Outcome" },
        { title: "Status" },
        { title: "Took", align: "right" },
        { title: "Error", isElastic: true },
      ],
      rows,
    ),
    ...(run.next === undefined ? [] : ["There are more items: --json shows a page with `next`."]),
  ];
}

const answerRun = (run: Run, counter: Counter): Answer => ({
  json: run,
  ids: [run.id],
  text: describeRun(run, counter),
  code: run.success === false ? EXIT.failed : EXIT.ok,
});

/** Reads the run until it has ended. Ctrl-C ends the looking, not the run. */
async function waitForRun(id: string, counter: Counter): Promise<Answer> {
  const bar = counter.bar("Publishing", 100);
  try {
    for (;;) {
      const run = await counter.client.call("readRun", { params: { id } });
      if (run.status === "ended") return answerRun(run, counter);
      const ended = run.succeeded + run.failed + run.errored + run.skipped;
      bar.update(run.total === 0 ? 0 : (100 * ended) / run.total, `${run.status}, ${ended} of ${run.total}`);
      await counter.sleep(PAUSE_MS);
    }
  } catch (error) {
    if (!(error instanceof Interrupted) && !counter.surroundings.interruption.aborted) throw error;
    bar.stop();
    counter.note(`Nothing is lost: the run goes on. Look again: punctual pool show ${id}`);
    return { json: { runId: id }, ids: [id], text: [], code: EXIT.interrupted };
  } finally {
    bar.stop();
  }
}

interface AddOptions {
  readonly content?: string;
  readonly at?: string;
  readonly strategy?: string;
  readonly project?: string;
  readonly account?: string;
  readonly priority?: number;
  readonly again?: true;
  readonly idempotencyKey?: string;
}

function addAdd(pool: Command, { act }: CommandContext): void {
  addCommand(pool, {
    usage: "add [text]",
    says: "Adds a post, or a draft by its id, to what is to be published.",
    examples: [
      ['punctual pool add "The harbour at nine." --priority 2'],
      [
        'punctual pool add --content 01KAN0Q6T3M6W3C8H1A9J7Z5RD --at "tomorrow 09:00"',
        "a draft of /contents",
      ],
    ],
  })
    .option("--content <id>", "the draft; it is approved by this")
    .option("--at <time>", "when (default: now)")
    .option("--strategy <name>", "let the planner choose the slot")
    .option("--project <name>", "the project (default: default)")
    .option("--account <name>", "an account of the project, or any")
    .option("--priority <1-10>", "1 is the most urgent (default: 5)", wholeNumber(1, 10))
    .option("--again", "a draft that is approved already, once more")
    .option("--idempotency-key <key>", "the same key adds once, however often the command runs")
    .action(
      act<AddOptions, [string | undefined]>(async (counter, options, text) => {
        const { content, at, strategy, project, account, priority, again } = options;
        if ((text === undefined) === (content === undefined))
          throw usageError("There is no post, or two.", "Give a text, or --content ID.");
        const body = {
          ...(text !== undefined && { text }),
          ...(content !== undefined && { contentId: content }),
          ...(at !== undefined && { publishAt: counter.readTime(at) }),
          ...(strategy !== undefined && { strategy: strategy as Strategy }),
          ...(project !== undefined && { project }),
          ...(account !== undefined && { account }),
          ...(priority !== undefined && { priority }),
          ...(again && { again }),
        };
        const task = await callOnce(options.idempotencyKey, counter, (idempotencyKey) =>
          counter.client.call("addToPool", { body, idempotencyKey }),
        );
        return { json: task, ids: [task.id], text: describeTask(task, counter) };
      }),
    );
}

function addList(pool: Command, { act }: CommandContext): void {
  addCommand(pool, {
    usage: "list",
    says: "Lists what is still to be published, earliest slot first.",
    examples: [["punctual pool list"], ["punctual pool list --project shop --limit 100 --json"]],
  })
    .option("--project <name>", "of this project")
    .option("--limit <n>", "how many", wholeNumber(1, 10_000), 20)
    .action(
      act<{ readonly project?: string; readonly limit: number }>(async (counter, { project, limit }) => {
        const { items, hasMore } = await readPages(limit, (cursor, size) =>
          counter.client.call("listPool", {
            query: {
              limit: size,
              ...(cursor !== undefined && { cursor }),
              ...(project !== undefined && { project }),
            },
          }),
        );
        return {
          json: { items, hasMore },
          ids: items.map(({ id }) => id),
          text: [
            ...counter.table(
              taskColumns(counter.zone),
              items.map((task) => taskRow(task, counter)),
            ),
            ...(items.length === 0 ? ["Nothing waits to be published."] : []),
            ...(hasMore ? ["There are more: --limit."] : []),
          ],
        };
      }),
    );
}

function addStats(pool: Command, { act }: CommandContext): void {
  addCommand(pool, {
    usage: "stats",
    says: "Counts your posts by what became of them.",
    more: `pending: draft, pending, preparing, ready, retrying and held; publishing: posting and unknown;
published: published; failed: failed and missed. Cancelled ones are in none of them.`,
    examples: [["punctual pool stats"], ["punctual pool stats --project shop --json"]],
  })
    .option("--project <name>", "of this project")
    .action(
      act<{ readonly project?: string }>(async (counter, { project }) => {
        const stats = await counter.client.call("readPoolStats", {
          query: { ...(project !== undefined && { project }) },
        });
        const { total, pending, publishing, published, failed, complete } = stats;
        return {
          json: stats,
          ids: [`${total}`],
          text: [
            ...counter.table(
              [{ title: "State" }, { title: "Posts", align: "right" }],
              Object.entries({ pending, publishing, published, failed, total }).map(([state, count]) => [
                state,
                `${count}`,
              ]),
            ),
            ...(complete ? [] : ["There are more: not all of them could be counted."]),
          ],
        };
      }),
    );
}

export function addPoolCommands(program: Command, context: CommandContext): void {
  const pool = addGroup(program, "pool", "What waits to be published, and runs that publish it.", [
    "publish-pool",
  ]);
  const { act } = context;
  for (const add of [addAdd, addList, addStats]) add(pool, context);
  addCommand(pool, {
    usage: "run",
    says: "Publishes everything of yours that is due. It begins within a minute.",
    examples: [["punctual pool run"], ["punctual pool run --wait", "until it has ended"]],
  })
    .option("--wait", "wait until it has ended")
    .action(
      act<{ readonly wait?: true }>(async (counter, { wait }) => {
        const accepted = await counter.client.call("startRun");
        if (wait) return waitForRun(accepted.runId, counter);
        return {
          json: accepted,
          ids: [accepted.runId],
          text: [`Run ${accepted.runId} is noted. Look at it: punctual pool show ${accepted.runId}`],
        };
      }),
    );
  addCommand(pool, {
    usage: "show <run>",
    says: "Shows a run and what became of each of its tasks.",
    examples: [["punctual pool show 01KAN0Q6T3M6W3C8H1A9J7Z5RD"]],
  })
    .option("--wait", "wait until it has ended")
    .action(
      act<{ readonly wait?: true }, [string]>(async (counter, { wait }, id) =>
        wait
          ? waitForRun(id, counter)
          : answerRun(await counter.client.call("readRun", { params: { id } }), counter),
      ),
    );
}
