/** `npm run simulate`: many lives of tasks under faults, judged by what is promised. */
import "#infra/require-node.ts";
import { availableParallelism } from "node:os";
import process from "node:process";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { BREAKAGES, breakageOf, DESIGNS, isDesign } from "./breakages.ts";
import { createHistory } from "./history.ts";
import { INVARIANTS } from "./invariants.ts";
import { createRandom } from "./random.ts";
import { judge, report, SEEDS_FOR_COVERAGE, summary } from "./report.ts";
import { runSeed } from "./run-seed.ts";
import { drawScenario } from "./scenario.ts";
import { runInThreads } from "./seed-pool.ts";
import type { Tally } from "./tally.ts";

const positive = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value <= 0)
    throw new InvalidArgumentError("It must be a whole number above 0.");
  return value;
};

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly seed?: number;
  readonly design?: string;
  readonly break?: string;
  readonly threads: number;
}

const list = (names: readonly { readonly name: string; readonly sentence: string }[]): string =>
  names.map(({ name, sentence }) => `  ${name.padEnd(24)} ${sentence}`).join("\n");

const program = new Command("simulate")
  .description(
    "Runs the production use cases over in-memory ports, on a virtual clock, while everything around them fails: calls are lost, " +
      "late or refused, workers die and wake up again, messages come twice, X makes a post and does not say so.\n" +
      "A seed decides everything, so every run can be repeated.",
  )
  .option(
    "--seeds <n>",
    `how many; from ${SEEDS_FOR_COVERAGE} on, every fault must have met every state`,
    positive,
    2_000,
  )
  .option("--from <seed>", "the first one", positive, 1)
  .option("--seed <seed>", "only this one, as a history to read", positive)
  .addOption(new Option("--design <name>", "another publisher in its place").choices(DESIGNS))
  .addOption(
    new Option("--break <guard>", "take one guard out").choices(
      BREAKAGES.map(({ name }) => name).filter((name) => !isDesign(name)),
    ),
  )
  .option("--threads <n>", "how many run side by side", positive, availableParallelism())
  .addHelpText(
    "after",
    `
Promises
${list(INVARIANTS)}

Broken on purpose: each must be caught within 20,000 seeds, at the same fault rates; the run stops when it is
${list(BREAKAGES)}

Examples
  npm run simulate -- --seeds 20000
  npm run simulate -- --seed 4711
  npm run simulate -- --break settle --seeds 20000

The last line is one JSON object. Exit code 0: clean; 1: a promise was broken, or a fault never met a state; 2: wrong call.`,
  )
  .exitOverride()
  .showHelpAfterError();

const PROGRESS_MS = 3_000;

function progressOn(stream: NodeJS.WriteStream, seeds: number, startedAt: number): (tally: Tally) => void {
  let shownAt = startedAt;
  return ({ seeds: done, lives, violations }) => {
    const now = performance.now();
    if (now - shownAt < (stream.isTTY ? 200 : PROGRESS_MS)) return;
    shownAt = now;
    const perSecond = Math.round((lives / (now - startedAt)) * 1_000);
    const line = `${done} of ${seeds} seeds, ${perSecond} lives/s, ${violations.length} violations`;
    stream.write(stream.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  };
}

async function replay(seed: number, name: string | undefined): Promise<void> {
  const breakage = name === undefined ? undefined : breakageOf(name);
  const { startAt, severity } = drawScenario(createRandom(seed, 0));
  console.log(`Seed ${seed}: starts at ${new Date(startAt).toISOString()}, faults × ${severity}.`);
  const history = createHistory(startAt, (line) => console.log(line));
  const { met: _met, ...result } = await runSeed(seed, { breakage, history });
  console.log(JSON.stringify({ name: "simulate", ...result, clean: result.violations.length === 0 }));
  process.exitCode = result.violations.length === 0 ? 0 : 1;
}

async function runMany(options: Options, name: string | undefined): Promise<void> {
  const { seeds, from, threads } = options;
  const breakage = name === undefined ? undefined : breakageOf(name);
  const startedAt = performance.now();
  let interrupted = false;
  process.once("SIGINT", () => {
    interrupted = true;
  });
  const showProgress = progressOn(process.stderr, seeds, startedAt);
  const isCaught = ({ violations }: Tally): boolean =>
    breakage !== undefined && violations.some(({ invariant }) => invariant === breakage.harms);
  const tally = await runInThreads({
    from,
    to: from + seeds - 1,
    breakage: name,
    workers: threads,
    onProgress: showProgress,
    isEnough: (sum) => interrupted || isCaught(sum),
  });
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  const verdict = judge(tally, breakage);
  const told = { breakage, elapsedMs: performance.now() - startedAt, verdict };
  console.log(report(tally, told));
  if (interrupted) console.log(`Interrupted after ${tally.seeds} of ${seeds} seeds.`);
  console.log(JSON.stringify(summary(tally, told)));
  process.exitCode = verdict.clean && !interrupted ? 0 : 1;
}

program.action(async (options: Options) => {
  const name = options.design ?? options.break;
  await (options.seed === undefined ? runMany(options, name) : replay(options.seed, name));
});

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // A wrong call is told apart from a promise that was broken.
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
