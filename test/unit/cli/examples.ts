import type { Command, Option } from "commander";

/** A line of a shell as words; what is in quotes is one. Pipes and redirections end it. */
function wordsOf(line: string): readonly string[] {
  const words: string[] = [];
  for (const [whole, quoted] of line.matchAll(/(?:'[^']*'|"(?:[^"\\]|\\.)*"|[^\s'"])+|([|<>])/g)) {
    if (quoted !== undefined || whole === "|" || whole === ">" || whole === "<") break;
    words.push(whole.replaceAll(/['"]/g, ""));
  }
  return words;
}

const optionsOf = (command: Command): readonly Option[] => [
  ...command.options,
  ...(command.parent ? optionsOf(command.parent) : []),
];

/**
 * What is wrong with an example: a command or an option that there is not, an option without its value, or too few or
 * too many words.
 */
export function findMistakes(program: Command, line: string): readonly string[] {
  const [name, ...words] = wordsOf(line);
  if (name !== program.name()) return [`it begins with ${name}`];
  let command = program;
  const args: string[] = [];
  const mistakes: string[] = [];
  while (words.length > 0) {
    const word = words.shift() ?? "";
    if (/^-./.test(word)) {
      const option = optionsOf(command).find(({ long, short }) => long === word || short === word);
      if (word === "--help") continue;
      if (!option) mistakes.push(`${word} is no option of ${command.name()}`);
      else if (option.required && words.shift() === undefined) mistakes.push(`${word} has no value`);
      continue;
    }
    const child = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (child && args.length === 0) command = child;
    else args.push(word);
  }
  const wanted = command.registeredArguments;
  const isGroup = command.commands.length > 0;
  if (isGroup && args.length > 0) mistakes.push(`there is no command ${args[0]}`);
  if (isGroup || line.includes("--help")) return mistakes;
  const needed = wanted.filter(({ required }) => required).length;
  const isOpen = wanted.some(({ variadic }) => variadic);
  // What a pipe brings is not in the line.
  const isPiped = line.includes("xargs");
  if (args.length < needed && !isPiped) mistakes.push(`it has ${args.length} of ${needed} arguments`);
  if (args.length > wanted.length && !isOpen) mistakes.push(`${args.at(-1)} is one argument too many`);
  return mistakes;
}

/** The commands in a text: lines that begin with it, and what follows a pipe. */
export const commandsIn = (text: string): readonly string[] =>
  text
    .split("\n")
    .flatMap((line) => [...line.matchAll(/(?:^\s*(?:\$ )?|\| (?:xargs )?|<\()(punctual(?: [^|#)]*)?)/g)])
    .map(([whole, command = ""]) =>
      `${command.split(/ {2,}/)[0]}${whole.includes("xargs") ? " # xargs" : ""}`.trim(),
    );
