/** `npm run bench -- <name>`: measures. A table for people, and as the last line one JSON object for scripts. */
import "#infra/require-node.ts";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { TIMING } from "#shared/domain/timing.ts";
import { apiFindings, apiTable } from "./api/findings.ts";
import { measureApi } from "./api/measure.ts";
import { mediaFindings, mediaTable } from "./media/findings.ts";
import { measureMedia } from "./media/measure.ts";
import { plannerFindings, plannerTable } from "./planner/findings.ts";
import { measurePlanner } from "./planner/measure.ts";
import { punctualityFindings, punctualityTable } from "./punctuality/findings.ts";
import { measurePunctuality } from "./punctuality/measure.ts";
import type { BenchResult } from "./result.ts";
import { throughputFindings, throughputTable } from "./throughput/findings.ts";
import { measureThroughput } from "./throughput/measure.ts";

const positive = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value <= 0)
    throw new InvalidArgumentError("It must be a whole number above 0.");
  return value;
};
const positives = (text: string): number[] => text.split(",").map(positive);

/** X's own limit, which the sandbox keeps: posts of an account in 15 minutes. */
const POSTS_OF_ACCOUNT = 100;
function refuseTooMany(command: Command, posts: number, accounts: number): void {
  if (posts > accounts * POSTS_OF_ACCOUNT)
    command.error(
      `error: ${posts} posts need more than ${accounts} accounts: X takes ${POSTS_OF_ACCOUNT} posts of one in 15 minutes.`,
    );
}

const program = new Command("bench")
  .description(
    "Measures what Punctual promises. What is not met is printed as false, and the measurement stays as it is.",
  )
  .exitOverride()
  .showHelpAfterError();

program
  .command("api")
  .description(
    "the API over HTTP at several connections, its handler and its store alone, and lists of growing tables",
  )
  .option("--connections <n,…>", "at the same time", positives, [1, 50, 1_000])
  .option("--requests <n>", "of each operation", positive, 500)
  .option("--table <tasks,…>", "tasks in the table when lists are compared", positives, [100, 100_000])
  .option("--workers <n>", "threads that run the functions", positive, 10)
  .option("--sharing <n>", "invocations that may share a thread; AWS runs one at a time", positive, 10)
  .option("--json", "only the JSON object", false)
  .action(
    async ({
      table,
      json,
      ...options
    }: {
      connections: number[];
      requests: number;
      table: number[];
      workers: number;
      sharing: number;
      json: boolean;
    }) => {
      const measured = await measureApi({
        ...options,
        tableSizes: table,
        onStep: (step) => {
          if (!json) console.error(step);
        },
      });
      const result: BenchResult = { name: "api", ...apiFindings(measured) };
      if (!json) console.log(apiTable(measured, result));
      console.log(JSON.stringify(result));
    },
  );

program
  .command("media")
  .description(
    "uploads by Punctual, by the library's uploadMedia, and a bare copy of the same ranges, through a local S3 and X",
  )
  .option("--size <MiB,…>", "sizes of the file", positives, [64, 256])
  .option(
    "--latency <ms,…>",
    "added by X to every answer",
    (text: string) => text.split(",").map(Number),
    [0, 100],
  )
  .option("--runs <n>", "runs of each; the median counts", positive, 3)
  .option("--json", "only the JSON object", false)
  .action(
    async ({
      size,
      latency,
      runs,
      json,
    }: {
      size: number[];
      latency: number[];
      runs: number;
      json: boolean;
    }) => {
      const measured = await measureMedia({
        sizesMiB: size,
        latenciesMs: latency,
        runs,
        onStep: (step) => {
          if (!json) console.error(step);
        },
      });
      const result: BenchResult = { name: "media", ...mediaFindings(measured) };
      if (!json) console.log(mediaTable(measured, result));
      console.log(JSON.stringify(result));
    },
  );

program
  .command("planner")
  .description(
    "slots for many posts in full calendars: conflicts beside a naive planner, time per post; the dry run and the duplicate check",
  )
  .option("--calendar <days,…>", "lengths of the full calendars that are compared", positives, [30, 120, 360])
  .option("--runs <n>", "runs of each; the median counts", positive, 7)
  .option("--json", "only the JSON object", false)
  .action(async ({ calendar, runs, json }: { calendar: number[]; runs: number; json: boolean }) => {
    const measured = await measurePlanner({
      calendarDays: calendar,
      runs,
      onStep: (step) => {
        if (!json) console.error(step);
      },
    });
    const result: BenchResult = { name: "planner", ...plannerFindings(measured) };
    if (!json) console.log(plannerTable(measured, result));
    console.log(JSON.stringify(result));
  });

program
  .command("punctuality")
  .description("how late posts reach X, by Scheduler and, near ones, by SQS")
  .option("--tasks <n>", "all of them", positive, 300)
  .option("--accounts <n>", "that they belong to", positive, 30)
  .option("--seconds <n>", "within which they are due", positive, 180)
  .option(
    "--hold-lead <s>",
    "publishers are woken so long before a slot",
    positive,
    TIMING.publish.holdLeadMs / 1_000,
  )
  .option("--near-limit <s>", "what wakes sooner goes by SQS", positive, TIMING.nearLimitMs / 1_000)
  .option("--firing <s>", "within which Scheduler fires", positive, 60)
  .option("--seed <n>", "of the plan and of Scheduler", positive, 1)
  .option("--workers <n>", "threads that run the functions, one invocation in each", positive, 200)
  .option("--json", "only the JSON object", false)
  .action(
    async (
      {
        holdLead,
        nearLimit,
        firing,
        json,
        ...options
      }: {
        tasks: number;
        accounts: number;
        seconds: number;
        holdLead: number;
        nearLimit: number;
        firing: number;
        seed: number;
        workers: number;
        json: boolean;
      },
      command: Command,
    ) => {
      refuseTooMany(command, options.tasks, options.accounts);
      const measured = await measurePunctuality({
        ...options,
        holdLeadSeconds: holdLead,
        nearLimitSeconds: nearLimit,
        firingSeconds: firing,
        onStep: (step) => {
          if (!json) console.error(step);
        },
      });
      const result: BenchResult = { name: "punctuality", ...punctualityFindings(measured) };
      if (!json) console.log(punctualityTable(measured, result));
      console.log(JSON.stringify(result));
    },
  );

/** Gives up on a run that does not end. */
const RUN_DEADLINE_MS = 240_000;

program
  .command("throughput")
  .description("posts per hour of the whole engine on the local cloud, and how soon a new task is out")
  .option("--tasks <n>", "due tasks of each run", positive, 2_000)
  .option("--accounts <n>", "that they belong to", positive, 100)
  .option("--latency <ms,…>", "of X; each is a run", positives, [100, 1_000, 3_000])
  .option("--publishers <n>", "posts that are worked on at once", positive, 50)
  .option("--sharing <n>", "invocations that may share a thread", positive, 10)
  .option("--first-posts <n>", "new tasks that are due when they are created", positive, 20)
  .option("--json", "only the JSON object", false)
  .action(
    async (
      {
        latency,
        json,
        ...options
      }: {
        tasks: number;
        accounts: number;
        latency: number[];
        publishers: number;
        sharing: number;
        firstPosts: number;
        json: boolean;
      },
      command: Command,
    ) => {
      refuseTooMany(command, options.tasks * latency.length + options.firstPosts, options.accounts);
      const measured = await measureThroughput({
        ...options,
        latenciesMs: latency,
        deadlineMs: RUN_DEADLINE_MS,
        onStep: (step) => {
          if (!json) console.error(step);
        },
      });
      const result: BenchResult = { name: "throughput", ...throughputFindings(measured) };
      if (!json) console.log(throughputTable(measured, result));
      console.log(JSON.stringify(result));
    },
  );

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // A wrong call is told apart from a bench that failed.
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
