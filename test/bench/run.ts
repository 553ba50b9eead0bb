/** `npm run bench -- <name>`: measures. A table for people, and as the last line one JSON object for scripts. */
import "#infra/require-node.ts";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { mediaFindings, mediaTable } from "./media/findings.ts";
import { measureMedia } from "./media/measure.ts";
import type { BenchResult } from "./result.ts";

const positive = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value <= 0)
    throw new InvalidArgumentError("It must be a whole number above 0.");
  return value;
};
const positives = (text: string): number[] => text.split(",").map(positive);

const program = new Command("bench")
  .description(
    "Measures what Punctual promises. What is not met is printed as false, and the measurement stays as it is.",
  )
  .exitOverride()
  .showHelpAfterError();

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

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // A wrong call is told apart from a bench that failed.
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
