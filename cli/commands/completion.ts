import type { Command } from "commander";
import { addCommand } from "../command.ts";
import { COMPLETION_SHELLS, type CompletionShell, completionScript } from "../completion.ts";
import type { CommandContext } from "../context.ts";
import { usageError } from "../failures.ts";

const isShell = (name: string): name is CompletionShell => COMPLETION_SHELLS.some((shell) => shell === name);

export function addCompletionCommand(program: Command, { actLocally }: CommandContext): void {
  addCommand(program, {
    usage: "completion <shell>",
    says: "Prints a script that completes commands and options: bash, zsh or fish.",
    examples: [
      ["punctual completion bash > ~/.local/share/bash-completion/completions/punctual"],
      ["punctual completion zsh > ~/.zfunc/_punctual", "with fpath+=~/.zfunc before compinit"],
      ["punctual completion fish > ~/.config/fish/completions/punctual.fish"],
      ["source <(punctual completion bash)", "for this terminal only"],
    ],
  }).action(
    actLocally<object, [string]>(async (_desk, _options, shell) => {
      if (!isShell(shell))
        throw usageError(
          `There is no script for “${shell}”.`,
          `It is one of ${COMPLETION_SHELLS.join(", ")}.`,
        );
      const script = completionScript(shell, program);
      return { json: { shell, script }, text: [script] };
    }),
  );
}
