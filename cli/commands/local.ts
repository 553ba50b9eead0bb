import type { Command } from "commander";
import { addCommand, addGroup } from "../command.ts";
import type { CommandContext, Desk } from "../context.ts";

const SAYS = { start: "npm start", reset: "npm run reset" } as const;

async function runScript(script: keyof typeof SAYS, args: readonly string[], { surroundings }: Desk) {
  const code = await surroundings.run("npm", [
    "run",
    "--silent",
    script,
    ...(args.length > 0 ? ["--", ...args] : []),
  ]);
  // The script has said everything.
  return { json: undefined, text: [], code };
}

export function addLocalCommands(program: Command, { actLocally }: CommandContext): void {
  const local = addGroup(program, "local", "The cloud on this machine, from the very template that deploys.");
  addCommand(local, {
    usage: "start",
    says: `Starts it until Ctrl-C, like \`${SAYS.start}\` in the clone.`,
    examples: [["punctual local start"], ["punctual local start --sandbox --preset open"]],
  })
    .option("--sandbox", "post to the sandbox, whatever .env holds")
    .option("--preset <name>", "what a new project allows itself")
    .option("--directory <path>", "where drop/, outcome/ and state/ are")
    .action(
      actLocally<{ readonly sandbox?: true; readonly preset?: string; readonly directory?: string }>(
        async (desk, { sandbox, preset, directory }) =>
          runScript(
            "start",
            [
              ...(sandbox ? ["--sandbox"] : []),
              ...(preset === undefined ? [] : ["--preset", preset]),
              ...(directory === undefined ? [] : ["--directory", directory]),
            ],
            desk,
          ),
      ),
    );
  addCommand(local, {
    usage: "reset",
    says: `Empties everything that it keeps, like \`${SAYS.reset}\`.`,
    examples: [["punctual local reset"], ["punctual local reset --yes", "without asking"]],
  })
    .option("--directory <path>", "what was given to start")
    .action(
      actLocally<{ readonly directory?: string }>(async (desk, { directory }) =>
        runScript(
          "reset",
          [
            // The script asks by itself.
            ...(desk.options.yes ? ["--yes"] : []),
            ...(directory === undefined ? [] : ["--directory", directory]),
          ],
          desk,
        ),
      ),
    );
}
