/** How a command is written down: its help teaches by examples. */
import { type Command, InvalidArgumentError } from "commander";

export interface CommandWords {
  /** Such as `show <id>`. */
  readonly usage: string;
  readonly says: string;
  /** As people type them, each with what it does. */
  readonly examples: readonly (readonly [command: string, does?: string])[];
  /** More to know, before the examples. */
  readonly more?: string;
  readonly aliases?: readonly string[];
}

/** Adds a command whose help ends with examples. */
export function addCommand(
  parent: Command,
  { usage, says, examples, more, aliases = [] }: CommandWords,
): Command {
  const command = parent
    .command(usage)
    .description(says)
    .aliases([...aliases]);
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, does]) =>
    does === undefined ? `  ${line}` : `  ${line.padEnd(width)}  ${does}`,
  );
  return command.addHelpText(
    "after",
    `\n${more === undefined ? "" : `${more}\n\n`}Examples:\n${lines.join("\n")}`,
  );
}

/** A group of commands: alone it shows its help. */
export function addGroup(
  parent: Command,
  name: string,
  says: string,
  aliases: readonly string[] = [],
): Command {
  return parent
    .command(name)
    .description(says)
    .aliases([...aliases]);
}

export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    if (!/^\d{1,9}$/.test(text) || Number(text) < least || Number(text) > most)
      throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
    return Number(text);
  };

/** For options that may be given several times. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];

/** The commands below a command, by the words that people type. */
export const leavesOf = (command: Command, path: readonly string[] = []): readonly Leaf[] =>
  command.commands.flatMap((child) =>
    child.commands.length > 0
      ? leavesOf(child, [...path, child.name()])
      : [{ path: [...path, child.name()], command: child }],
  );

export interface Leaf {
  readonly path: readonly string[];
  readonly command: Command;
}
