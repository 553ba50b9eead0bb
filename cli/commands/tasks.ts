import type { Command } from "commander";
import { ApiProblem } from "../client.ts";
import { addCommand, addGroup, wholeNumber } from "../command.ts";
import type { CommandContext, Counter } from "../context.ts";
import { EXIT, explain, usageError } from "../failures.ts";
import { watchTasks } from "../follow-tasks.ts";
import { readPages } from "../pages.ts";
import { type PostBody, splitParts } from "../posts.ts";
import { describeTask, type TaskShown, type TaskStatus, taskColumns, taskRow } from "../show-task.ts";
import { oneLine } from "../text-width.ts";

const MAX_LIMIT = 10_000;
const DEFAULT_LIMIT = 20;

type Strategy = NonNullable<PostBody["strategy"]>;

interface ListOptions {
  readonly project?: string;
  readonly status?: string;
  readonly account?: string;
  readonly from?: string;
  readonly until?: string;
  readonly limit: number;
  readonly all?: true;
}

function addList(tasks: Command, { act }: CommandContext): void {
  addCommand(tasks, {
    usage: "list",
    says: "Lists tasks, earliest slot first.",
    examples: [
      ["punctual tasks list"],
      ["punctual tasks list --status held", "what waits for a person"],
      ['punctual tasks list --from "today 00:00" --until "tomorrow 00:00"'],
      ["punctual tasks list --account main --all --json", "every task of an account"],
    ],
  })
    .option("--project <name>", "of this project")
    .option("--account <name>", "of this account")
    .option("--status <status>", "pending, ready, posting, published, held, failed, …")
    .option("--from <time>", "slots from then on")
    .option("--until <time>", "slots before then")
    .option("--limit <n>", "how many", wholeNumber(1, MAX_LIMIT), DEFAULT_LIMIT)
    .option("--all", "all of them")
    .action(
      act<ListOptions>(async (counter, { project, status, account, from, until, limit, all }) => {
        const { items, hasMore } = await readPages(all ? undefined : limit, (cursor, size) =>
          counter.client.call("listTasks", {
            query: {
              limit: size,
              ...(cursor !== undefined && { cursor }),
              ...(account !== undefined && { account }),
              ...(project !== undefined && { project }),
              ...(status !== undefined && { status: status as TaskStatus }),
              ...(from !== undefined && { from: counter.readTime(from) }),
              ...(until !== undefined && { until: counter.readTime(until) }),
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
            ...(items.length === 0 ? ['No tasks. Make one: punctual post "…"'] : []),
            ...(hasMore
              ? [`There are more: --limit ${Math.min(MAX_LIMIT, items.length * 5)}, or --all.`]
              : []),
          ],
        };
      }),
    );
}

function addShow(tasks: Command, { act }: CommandContext): void {
  addCommand(tasks, {
    usage: "show <id>",
    says: "Shows a task, what is in its way, and what was tried.",
    examples: [["punctual tasks show 01KAN0Q6T3M6W3C8H1A9J7Z5RD"], ["punctual tasks show 01KA… --json"]],
  }).action(
    act<object, [string]>(async (counter, _options, id) => {
      const task = await counter.client.call("readTask", { params: { id } });
      const { conflicts } = await counter.client.call("readConflicts", { params: { id } });
      const { table, time, zone } = counter;
      const log = table(
        [
          { title: `At (${zone})` },
          { title: "Step" },
          { title: "Left it" },
          { title: "Code" },
          { title: "Message", isElastic: true },
        ],
        task.log.map(({ at, step, status, code = "", message = "" }) => [
          time(at),
          step,
          status,
          code,
          message,
        ]),
      );
      return {
        json: { ...task, conflicts },
        ids: [task.id],
        text: [
          ...describeTask(task, counter),
          ...conflicts.flatMap(({ severity, message, remedy }) => [
            "",
            `${severity === "blocks" ? "In the way" : "Mind"}: ${oneLine(message)}`,
            `Remedy: ${oneLine(remedy)}`,
          ]),
          ...(log.length > 0 ? ["", ...log] : []),
        ],
      };
    }),
  );
}

type OneResult = { readonly id: string } & (
  | { readonly task: TaskShown; readonly says: string }
  | { readonly error: { readonly code: string; readonly message: string; readonly remedy: string } }
);

/** Does the same to several tasks. One that refuses keeps none of the others from it. */
async function doToEach(
  ids: readonly string[],
  counter: Counter,
  act: (id: string) => Promise<{ readonly task: TaskShown; readonly says: string }>,
) {
  const results: OneResult[] = [];
  let code: number = EXIT.ok;
  for (const id of ids) {
    try {
      results.push({ id, ...(await act(id)) });
    } catch (error) {
      const explained = ids.length > 1 ? explain(error) : undefined;
      if (!explained) throw error;
      const { message, remedy } = explained;
      results.push({ id, error: { code: explained.code, message, remedy } });
      code ||= explained.exitCode;
    }
  }
  const done = results.flatMap((result) => ("task" in result ? [result] : []));
  return {
    json: ids.length === 1 ? done[0]?.task : results,
    ids: done.map(({ id }) => id),
    text: results.map((result) =>
      "task" in result
        ? `${result.id}  ${result.says}`
        : `${result.id}  ${counter.paint("red", result.error.message)} Remedy: ${result.error.remedy}`,
    ),
    code,
  };
}

function addCancel(tasks: Command, { act }: CommandContext): void {
  addCommand(tasks, {
    usage: "cancel <id...>",
    says: "Cancels tasks. What is being posted at this moment may go out all the same.",
    examples: [
      ["punctual tasks cancel 01KAN0Q6T3M6W3C8H1A9J7Z5RD"],
      ["punctual tasks list --status held -q | xargs punctual tasks cancel --yes", "everything that is held"],
    ],
  }).action(
    act<object, [string[]]>(async (counter, _options, ids) => {
      await counter.confirm(
        ids.length === 1 ? `Cancel the task ${ids[0]}?` : `Cancel these ${ids.length} tasks?`,
      );
      return doToEach(ids, counter, async (id) => {
        const { status, body: task } = await counter.client.answer("cancelTask", { params: { id } });
        return {
          task,
          says:
            status === 202
              ? "is being posted: it is cancelled if it does not go out, or before its next part"
              : "cancelled",
        };
      });
    }),
  );
}

/** Those of the tasks that wait for a person. What is not there is told by whatever is done to it. */
async function findHeld(ids: readonly string[], { client }: Counter): Promise<readonly string[]> {
  const held: string[] = [];
  for (const id of ids)
    try {
      if ((await client.call("readTask", { params: { id } })).status === "held") held.push(id);
    } catch (error) {
      if (!(error instanceof ApiProblem && (error.status === 404 || error.status === 400))) throw error;
    }
  return held;
}

function addPublishNow(tasks: Command, { act }: CommandContext): void {
  addCommand(tasks, {
    usage: "publish-now <id...>",
    says: "Moves tasks to now, held ones too. The rules of the project still hold.",
    examples: [
      ["punctual tasks publish-now 01KAN0Q6T3M6W3C8H1A9J7Z5RD"],
      ["punctual tasks publish-now 01KA… --override", "in a blackout too"],
    ],
  })
    .option("--override", "let it go out in a blackout (needs the scope manage)")
    .action(
      act<{ readonly override?: true }, [string[]]>(async (counter, { override = false }, ids) => {
        const held = counter.options.yes ? [] : await findHeld(ids, counter);
        if (held.length > 0)
          await counter.confirm(
            `${held.join(", ")}: held. What X's answer was lost of may be there already, and would be there twice. Publish now?`,
          );
        return doToEach(ids, counter, async (id) => {
          const task = await counter.client.call("publishNow", { params: { id }, body: { override } });
          return { task, says: `slot ${counter.timeAndZone(task.slotAt)}` };
        });
      }),
    );
}

function addMove(tasks: Command, { act }: CommandContext): void {
  addCommand(tasks, {
    usage: "move <id> [time]",
    says: "Gives a task another time, or lets the planner choose it. A held task goes on with it.",
    examples: [
      ['punctual tasks move 01KAN0Q6T3M6W3C8H1A9J7Z5RD "2026-02-06 12:00:00"', "by your zone"],
      ["punctual tasks move 01KA… --strategy next-free", "the next slot that is free"],
    ],
  })
    .option("--strategy <name>", "optimal, preferred, balanced or next-free, from the time on")
    .action(
      act<{ readonly strategy?: string }, [string, string | undefined]>(
        async (counter, { strategy }, id, time) => {
          if (time === undefined && strategy === undefined)
            throw usageError(
              "There is no time.",
              'Give one, such as "tomorrow 09:00", or --strategy next-free.',
            );
          const task = await counter.client.call("rescheduleTask", {
            params: { id },
            body: {
              ...(time !== undefined && { publishAt: counter.readTime(time) }),
              ...(strategy !== undefined && { strategy: strategy as Strategy }),
            },
          });
          const reasons =
            task.plan?.reasons.map(({ message }) => `Chosen because: ${oneLine(message)}`) ?? [];
          return {
            json: task,
            ids: [task.id],
            text: [`${task.id}  ${task.status}, slot ${counter.timeAndZone(task.slotAt)}`, ...reasons],
          };
        },
      ),
    );
}

interface EditOptions {
  readonly text?: string;
  readonly account?: string;
  readonly priority?: number;
  readonly language?: string;
}

function addEdit(tasks: Command, { act }: CommandContext): void {
  addCommand(tasks, {
    usage: "edit <id>",
    says: "Changes what a task says, where it is posted, or how urgent it is. The rest stays.",
    examples: [
      ['punctual tasks edit 01KAN0Q6T3M6W3C8H1A9J7Z5RD --text "The harbour at ten."'],
      ["punctual tasks edit 01KA… --account second --priority 1"],
    ],
  })
    .option("--text <text>", "another text; lines --- divide it into a thread")
    .option("--account <name>", "another account of the project, or any")
    .option("--priority <1-10>", "1 is the most urgent", wholeNumber(1, 10))
    .option("--language <tag>", "such as en")
    .action(
      act<EditOptions, [string]>(async (counter, { text, account, priority, language }, id) => {
        const parts = text === undefined ? [] : splitParts(text);
        const body = {
          ...(parts.length === 1 && { text: parts[0] }),
          ...(parts.length > 1 && { thread: [...parts] }),
          ...(account !== undefined && { account }),
          ...(priority !== undefined && { priority }),
          ...(language !== undefined && { language }),
        };
        if (Object.keys(body).length === 0)
          throw usageError(
            "There is nothing to change.",
            "Give --text, --account, --priority or --language.",
          );
        const task = await counter.client.call("updateTask", { params: { id }, body });
        return { json: task, ids: [task.id], text: describeTask(task, counter) };
      }),
    );
}

function addRetry(tasks: Command, { act }: CommandContext): void {
  addCommand(tasks, {
    usage: "retry <id...>",
    says: "Tries posts once more that did not go out. Of one that has ended, another task takes the place.",
    examples: [
      ["punctual tasks retry 01KAN0Q6T3M6W3C8H1A9J7Z5RD"],
      ["punctual tasks list --status failed -q | xargs punctual tasks retry", "all that failed"],
    ],
  }).action(
    act<object, [string[]]>(async (counter, _options, ids) =>
      doToEach(ids, counter, async (id) => {
        const task = await counter.client.call("retryTask", { params: { id } });
        const which = task.id === id ? "" : `as ${task.id}, `;
        return { task, says: `${which}${task.status}, slot ${counter.timeAndZone(task.slotAt)}` };
      }),
    ),
  );
}

interface ResolveOptions {
  readonly posted?: string;
  readonly repost?: true;
  readonly drop?: true;
}

/** The number at the end of a post's address, or the number itself. */
const postIdOf = (text: string): string => /\/status\/(\d+)/.exec(text)?.[1] ?? text;

function addResolve(tasks: Command, { act }: CommandContext): void {
  addCommand(tasks, {
    usage: "resolve <id>",
    says: "Says what became of a held task whose answer was lost, after you looked at the account.",
    examples: [
      ["punctual tasks resolve 01KA… --posted https://x.com/i/status/1999000000000000001", "it is there"],
      ["punctual tasks resolve 01KA… --repost", "it is not there: send it again"],
      ["punctual tasks resolve 01KA… --drop", "it is not wanted any more"],
    ],
  })
    .option("--posted <post>", "it is on X: its address or id")
    .option("--repost", "it is not on X, and is to be sent")
    .option("--drop", "leave it as it is, for good")
    .action(
      act<ResolveOptions, [string]>(async (counter, { posted, repost, drop }, id) => {
        const given = [posted !== undefined, repost === true, drop === true].filter(Boolean).length;
        if (given !== 1)
          throw usageError(
            "It is not said what became of it.",
            "Give one of --posted POST, --repost and --drop.",
          );
        if (repost) await counter.confirm(`Post ${id} again? If it is on X after all, it is there twice.`);
        if (drop) await counter.confirm(`Drop ${id}?`);
        const task = await counter.client.call("resolveTask", {
          params: { id },
          body:
            posted === undefined
              ? { as: repost ? "repost" : "drop" }
              : { as: "posted", postId: postIdOf(posted) },
        });
        return { json: task, ids: [task.id], text: describeTask(task, counter) };
      }),
    );
}

function addWatch(tasks: Command, { act }: CommandContext): void {
  addCommand(tasks, {
    usage: "watch <id...>",
    says: "Follows tasks until each has ended or waits for a person. Ctrl-C ends the watching, not the tasks.",
    more: "Ends with 0 when all are published, else with 1. With --json: a line of JSON for each change.",
    examples: [
      ["punctual tasks watch 01KAN0Q6T3M6W3C8H1A9J7Z5RD"],
      ["punctual tasks list -q | xargs punctual tasks watch --json"],
    ],
  }).action(
    act<object, [string[]]>(async (counter, _options, ids) => {
      const { tasks, code } = await watchTasks(ids, counter);
      // Everything has been told.
      return { json: undefined, ids: tasks.map(({ id }) => id), text: [], code };
    }),
  );
}

export function addTaskCommands(program: Command, context: CommandContext): void {
  const tasks = addGroup(program, "tasks", "Posts, and what becomes of them.");
  for (const add of [
    addList,
    addShow,
    addEdit,
    addMove,
    addCancel,
    addRetry,
    addResolve,
    addPublishNow,
    addWatch,
  ])
    add(tasks, context);
}
