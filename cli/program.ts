/** The tree of commands, and how a run of one ends. */
import { Command, CommanderError } from "commander";
import { wholeNumber } from "./command.ts";
import { addAccountCommands } from "./commands/accounts.ts";
import { addAuditCommands } from "./commands/audit.ts";
import { addBatchCommands } from "./commands/batch.ts";
import { addCompletionCommand } from "./commands/completion.ts";
import { addDropCommand } from "./commands/drop.ts";
import { addHealthCommand } from "./commands/health.ts";
import { addKeyCommands } from "./commands/keys.ts";
import { addLocalCommands } from "./commands/local.ts";
import { addLoginCommands } from "./commands/login.ts";
import { addPlanCommand } from "./commands/plan.ts";
import { addPolicyCommands } from "./commands/policy.ts";
import { addPoolCommands } from "./commands/pool.ts";
import { addPostCommand } from "./commands/post.ts";
import { addProjectCommands } from "./commands/projects.ts";
import { addRecurrenceCommands } from "./commands/recurrences.ts";
import { addSchedulerCommands } from "./commands/scheduler.ts";
import { addSettingsCommands } from "./commands/settings.ts";
import { addTaskCommands } from "./commands/tasks.ts";
import { addUserCommands } from "./commands/users.ts";
import { addWebhookCommands } from "./commands/webhooks.ts";
import { type CommandContext, createContext, Declined } from "./context.ts";
import { EXIT, type Explained, explain, Interrupted } from "./failures.ts";
import type { Surroundings } from "./surroundings.ts";

const NAME = "punctual";

/** In the order of the help. */
const GROUPS: readonly ((program: Command, context: CommandContext) => void)[] = [
  addLoginCommands,
  addPostCommand,
  addBatchCommands,
  addDropCommand,
  addPlanCommand,
  addTaskCommands,
  addPoolCommands,
  addSchedulerCommands,
  addRecurrenceCommands,
  addAccountCommands,
  addProjectCommands,
  addPolicyCommands,
  addSettingsCommands,
  addKeyCommands,
  addUserCommands,
  addAuditCommands,
  addWebhookCommands,
  addHealthCommand,
  addLocalCommands,
  addCompletionCommand,
];

const EPILOGUE = `
Examples:
  punctual login                                          save an address and a key
  punctual post "The harbour at nine." --at "tomorrow 09:00"
  punctual batch posts.csv                                a post for each line
  punctual tasks list --status held                       what waits for a person
  punctual plan posts.csv                                 what would happen, and its price

Times without a zone are read by the zone of your profile, and shown by it.
PUNCTUAL_URL, PUNCTUAL_KEY and PUNCTUAL_PROFILE win over the profile; NO_COLOR turns colours off.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not authorised, 4 not found, 5 conflict, 130 Ctrl-C.`;

/** @param onCode - told the exit code of an answer */
export function buildProgram(surroundings: Surroundings, onCode: (code: number) => void): Command {
  const program = new Command(NAME)
    .description("Publishes posts to X: once, at the second they are due, inside every limit.")
    .option("--json", "print one JSON document (streams: a line of JSON for each event)")
    .option("-q, --quiet", "print nothing but ids")
    .option("-y, --yes", "do not ask")
    .option("--profile <name>", "the saved address and key to use")
    .option("--time-zone <zone>", "read and show times by this zone (default: the profile's)")
    .option("--timeout <seconds>", "how long a request may take, with its repetitions", wholeNumber(1, 3_600))
    .addHelpText("after", EPILOGUE)
    .showHelpAfterError(false)
    .showSuggestionAfterError(true)
    // Before the commands: they inherit it.
    .exitOverride()
    .configureHelp({
      showGlobalOptions: true,
      helpWidth: surroundings.terminal.columns ?? 100,
      minWidthToWrap: 20,
    })
    .configureOutput({
      writeOut: (text) => surroundings.out(text.trimEnd()),
      // Scripts are told in one line of JSON, when the command ends.
      writeErr: (text) => wantsJson(surroundings.args) || surroundings.err(text.trimEnd()),
      outputError: (text, write) => write(text),
      getOutHasColors: () => surroundings.terminal.hasColour,
      getErrHasColors: () => false,
    });
  const context = createContext(surroundings, onCode);
  for (const add of GROUPS) add(program, context);
  return program;
}

const wantsJson = (args: readonly string[]): boolean => {
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).includes("--json");
};

/** For people: what happened, more of it, and what to do. For scripts: the same as one line of JSON. */
function complain(surroundings: Surroundings, failure: Explained): void {
  const { err, args } = surroundings;
  const { exitCode, code, message, details, remedy, requestId } = failure;
  if (wantsJson(args)) {
    const shown = {
      code,
      message,
      ...(details.length > 0 && { details }),
      remedy,
      ...(requestId && { requestId }),
    };
    err(JSON.stringify({ error: shown, exitCode }));
    return;
  }
  err(`${NAME}: ${message}`);
  for (const line of details) err(`  ${line}`);
  err(`Remedy: ${remedy}`);
  if (requestId !== undefined) err(`Request: ${requestId}`);
}

/** What people read in other words than scripts. @param words - absent: they have read it @returns the exit code */
function tell(
  surroundings: Surroundings,
  words: string | undefined,
  failure: Omit<Explained, "details">,
): number {
  if (wantsJson(surroundings.args)) complain(surroundings, { ...failure, details: [] });
  else if (words !== undefined) surroundings.err(words);
  return failure.exitCode;
}

function endOf(surroundings: Surroundings, error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok;
    const isHelp = error.code === "commander.help";
    const remedy = "See --help of the command.";
    const message = isHelp
      ? "There is no command."
      : error.message.replace(/^error: /, "").replaceAll("\n", " ");
    // Commander has said it to people, help and all.
    const words = isHelp ? undefined : `Remedy: ${remedy}`;
    return tell(surroundings, words, { exitCode: EXIT.usage, code: "usage", message, remedy });
  }
  if (error instanceof Declined) {
    const message = "Nothing was changed.";
    const remedy = "Repeat it with --yes, if it is meant.";
    return tell(surroundings, message, { exitCode: EXIT.failed, code: "declined", message, remedy });
  }
  // A prompt that was left with Ctrl-C throws an error of its own.
  const isLeft = error instanceof Error && error.name === "ExitPromptError";
  if (error instanceof Interrupted || isLeft || surroundings.interruption.aborted) {
    const message = isLeft
      ? "Interrupted: nothing was changed."
      : "Interrupted. What was under way may have taken effect.";
    const remedy = isLeft
      ? "Repeat the command."
      : "Look before you repeat it: the lists show what is there.";
    return tell(surroundings, message, { exitCode: EXIT.interrupted, code: "interrupted", message, remedy });
  }
  const explained = explain(error);
  if (!explained) throw error;
  complain(surroundings, explained);
  return explained.exitCode;
}

/**
 * Runs one command.
 *
 * @returns the exit code, see `EXIT`
 */
export async function runCli(surroundings: Surroundings): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = buildProgram(surroundings, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...surroundings.args], { from: "user" });
    return exitCode;
  } catch (error) {
    return endOf(surroundings, error);
  }
}
