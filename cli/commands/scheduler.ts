import type { Command } from "commander";
import type { CallAnswer, Client } from "../client.ts";
import { addCommand, addGroup, wholeNumber } from "../command.ts";
import type { Answer, CommandContext, Counter } from "../context.ts";
import { usageError } from "../failures.ts";
import { findItem } from "../find-item.ts";
import { readPages } from "../pages.ts";
import { oneLine } from "../text-width.ts";
import { showDuration } from "../times.ts";

type Jobs = CallAnswer<"listJobs">;
type Job = Jobs["items"][number];
type JobType = Job["type"];

async function findJob(client: Client, wanted: string): Promise<string> {
  const { items } = await client.call("listJobs");
  return findItem(items, wanted, { what: "job", list: "punctual scheduler list" }).id;
}

const scheduleOf = ({ intervalSeconds, cron, timeZone }: Partial<Job>): string =>
  intervalSeconds === undefined ? `${cron} (${timeZone})` : `every ${showDuration(intervalSeconds * 1_000)}`;

const nextOf = ({ enabled, nextRunAt, triggeredAt }: Job, time: (instant: string) => string): string =>
  triggeredAt === undefined
    ? enabled && nextRunAt !== undefined
      ? time(nextRunAt)
      : "paused"
    : "within a minute";

const describeJob = (job: Job, { timeAndZone }: Counter): readonly string[] => [
  `Job      ${oneLine(job.name)} (${job.id})`,
  `Does     ${job.type}${job.params.project === undefined ? "" : ` of project ${oneLine(job.params.project)}`}`,
  `When     ${scheduleOf(job)}`,
  `Next     ${nextOf(job, timeAndZone)}`,
  ...(job.lastRunAt === undefined ? [] : [`Last     ${timeAndZone(job.lastRunAt)}`]),
];

const answerJob = (job: Job, counter: Counter, says?: string): Answer => ({
  json: job,
  ids: [job.id],
  text: [...describeJob(job, counter), ...(says === undefined ? [] : ["", says])],
});

function addList(scheduler: Command, { act }: CommandContext): void {
  addCommand(scheduler, {
    usage: "list",
    says: "Lists your jobs, and what is repeated for everybody.",
    examples: [["punctual scheduler list"], ["punctual scheduler list --json"]],
  }).action(
    act(async (counter) => {
      const { time, zone, table } = counter;
      const jobs = await counter.client.call("listJobs");
      return {
        json: jobs,
        ids: jobs.items.map(({ id }) => id),
        text: [
          ...table(
            [
              { title: "Name", isElastic: true },
              { title: "Does" },
              { title: "When" },
              { title: `Next (${zone})` },
              { title: "Id" },
            ],
            jobs.items.map((job) => [job.name, job.type, scheduleOf(job), nextOf(job, time), job.id]),
          ),
          ...(jobs.items.length === 0 ? ["No jobs. Make one: punctual scheduler create --help"] : []),
          "",
          ...jobs.builtIn.map(
            ({ name, intervalSeconds, does }) =>
              `Built in: ${name}, every ${showDuration(intervalSeconds * 1_000)}. ${does}`,
          ),
        ],
      };
    }),
  );
}

interface CreateOptions {
  readonly every?: string;
  readonly cron?: string;
  readonly cronZone?: string;
  readonly project?: string;
  readonly paused?: true;
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

function toSeconds(text: string): number {
  const [, amount, unit = ""] = /^(\d{1,6}) ?([smhd])$/.exec(text) ?? [];
  if (amount === undefined)
    throw usageError(`“${text}” is no duration.`, "Write a number and s, m, h or d, such as 30m.");
  return Number(amount) * (SECONDS[unit] ?? 0);
}

function addCreate(scheduler: Command, { act }: CommandContext): void {
  addCommand(scheduler, {
    usage: "create <name> <type>",
    says: "Makes a job that is repeated: publishing-run, scan-source or fill-days.",
    examples: [
      ["punctual scheduler create hourly publishing-run --every 1h"],
      ['punctual scheduler create mornings fill-days --project default --cron "0 6 * * 1-5"', "by your zone"],
      ["punctual scheduler create nightly scan-source --project default --every 24h --paused"],
    ],
  })
    .option("--every <duration>", "such as 30m or 6h")
    .option("--cron <rule>", "minute, hour, day of the month, month, weekday")
    .option("--cron-zone <zone>", "whose clock the rule reads (default: yours)")
    .option("--project <name>", "of scan-source and fill-days")
    .option("--paused", "it waits until it is resumed or triggered")
    .action(
      act<CreateOptions, [string, string]>(async (counter, options, name, type) => {
        const { every, cron, cronZone = counter.zone, project, paused = false } = options;
        if ((every === undefined) === (cron === undefined))
          throw usageError("It has no schedule, or two.", "Give --every or --cron.");
        const job = await counter.client.call("createJob", {
          body: {
            name,
            type: type as JobType,
            params: project === undefined ? {} : { project },
            ...(every !== undefined && { intervalSeconds: toSeconds(every) }),
            ...(cron !== undefined && { cron, timeZone: cronZone }),
            enabled: !paused,
          },
        });
        return answerJob(job, counter, "Created.");
      }),
    );
}

function addHistory(scheduler: Command, { act }: CommandContext): void {
  addCommand(scheduler, {
    usage: "history <job>",
    says: "Shows the runs of a job, newest first; they are kept for 90 days.",
    examples: [["punctual scheduler history hourly"], ["punctual scheduler history hourly --limit 5 --json"]],
  })
    .option("--limit <n>", "how many", wholeNumber(1, 10_000), 20)
    .action(
      act<{ readonly limit: number }, [string]>(async (counter, { limit }, wanted) => {
        const id = await findJob(counter.client, wanted);
        const { items, hasMore } = await readPages(limit, (cursor, size) =>
          counter.client.call("readJobHistory", {
            params: { id },
            query: { limit: size, ...(cursor !== undefined && { cursor }) },
          }),
        );
        const { time, zone, table } = counter;
        return {
          json: { items, hasMore },
          ids: items.flatMap(({ runId }) => (runId === undefined ? [] : [runId])),
          text: [
            ...table(
              [
                { title: "Run", align: "right" },
                { title: `Started (${zone})` },
                { title: "Via" },
                { title: "Outcome" },
                { title: "Took", align: "right" },
                { title: "Detail", isElastic: true },
              ],
              items.map(({ number, startedAt, via, outcome, durationMs, error, filled, runId }) => [
                `${number}`,
                time(startedAt),
                via,
                outcome,
                durationMs === undefined ? "" : showDuration(durationMs),
                error?.message ??
                  (filled ? `${filled.moved} moved, ${filled.shortDays} days short` : (runId ?? "")),
              ]),
            ),
            ...(items.length === 0 ? ["It has not run yet."] : []),
            ...(hasMore ? ["There are more: --limit."] : []),
          ],
        };
      }),
    );
}

export function addSchedulerCommands(program: Command, context: CommandContext): void {
  const scheduler = addGroup(program, "scheduler", "Jobs that are repeated.", ["jobs"]);
  const { act } = context;
  addList(scheduler, context);
  addCreate(scheduler, context);
  addCommand(scheduler, {
    usage: "show <job>",
    says: "Shows a job, by its name or id.",
    examples: [["punctual scheduler show hourly"]],
  }).action(
    act<object, [string]>(async (counter, _options, wanted) => {
      const id = await findJob(counter.client, wanted);
      return answerJob(await counter.client.call("readJob", { params: { id } }), counter);
    }),
  );
  addCommand(scheduler, {
    usage: "trigger <job>",
    says: "Runs a job within a minute, a paused one too.",
    examples: [["punctual scheduler trigger hourly"]],
  }).action(
    act<object, [string]>(async (counter, _options, wanted) => {
      const id = await findJob(counter.client, wanted);
      const job = await counter.client.call("triggerJob", { params: { id } });
      return answerJob(job, counter, `It begins within a minute. See: punctual scheduler history ${wanted}`);
    }),
  );
  addHistory(scheduler, context);
  for (const [verb, route, says] of [
    ["pause", "pauseJob", "Pauses a job until it is resumed."],
    ["resume", "resumeJob", "Lets a paused job run again, at its next time."],
  ] as const)
    addCommand(scheduler, {
      usage: `${verb} <job>`,
      says,
      examples: [[`punctual scheduler ${verb} hourly`]],
    }).action(
      act<object, [string]>(async (counter, _options, wanted) => {
        const id = await findJob(counter.client, wanted);
        return answerJob(await counter.client.call(route, { params: { id } }), counter);
      }),
    );
  addCommand(scheduler, {
    usage: "delete <job>",
    says: "Deletes a job. A run that has begun goes on.",
    examples: [
      ["punctual scheduler delete hourly"],
      ["punctual scheduler delete hourly --yes", "in a script"],
    ],
  }).action(
    act<object, [string]>(async (counter, _options, wanted) => {
      const id = await findJob(counter.client, wanted);
      await counter.confirm(`Delete the job ${wanted}?`);
      const job = await counter.client.call("deleteJob", { params: { id } });
      return { json: job, ids: [job.id], text: [`Deleted ${oneLine(job.name)}.`] };
    }),
  );
}
