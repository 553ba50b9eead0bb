/** Scripts that complete the commands, made from the tree of commands: nothing is written twice. */
import type { Command } from "commander";

export const COMPLETION_SHELLS = ["bash", "zsh", "fish"] as const;
export type CompletionShell = (typeof COMPLETION_SHELLS)[number];

interface Node {
  /** Words before it, aliases by their own; empty for the program. */
  readonly path: string;
  readonly commands: readonly { readonly names: readonly string[]; readonly says: string }[];
  readonly options: readonly {
    readonly flags: readonly string[];
    readonly takesValue: boolean;
    readonly says: string;
  }[];
}

const optionsOf = (command: Command): Node["options"] => [
  ...command.options.map(({ short, long, required, optional, description }) => ({
    flags: [long, short].flatMap((flag) => flag ?? []),
    takesValue: required || optional,
    says: description,
  })),
  { flags: ["--help", "-h"], takesValue: false, says: "display help" },
];

/** Every command, under every name that it has. */
function nodesOf(command: Command, paths: readonly string[] = [""]): readonly Node[] {
  const children = command.commands;
  const own = paths.map((path) => ({
    path,
    commands: children.map((child) => ({
      names: [child.name(), ...child.aliases()],
      says: child.description(),
    })),
    options: optionsOf(command),
  }));
  return [
    ...own,
    ...children.flatMap((child) =>
      nodesOf(
        child,
        paths.flatMap((path) => [child.name(), ...child.aliases()].map((name) => `${path} ${name}`.trim())),
      ),
    ),
  ];
}

/** In single quotes, for any of the shells. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

interface Tree {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly globals: Node["options"];
}

const allOptions = ({ globals }: Tree, { path, options }: Node): Node["options"] =>
  path === "" ? options : [...options, ...globals.filter(({ flags }) => flags[0] !== "--help")];

/** Flags whose next word is theirs, and no command. */
const valued = ({ nodes }: Tree): readonly string[] => [
  ...new Set(
    nodes.flatMap(({ options }) => options.flatMap(({ flags, takesValue }) => (takesValue ? flags : []))),
  ),
];

/** Finds out which command the words before the cursor name: bash and zsh alike, since both count the words after the first the same. */
const walk = (tree: Tree): string => `  local at="" word skip=""
  local -a before
  before=("\${words[@]:1:$((cword - 1))}")
  for word in "\${before[@]}"; do
    if [[ -n $skip ]]; then skip=""; continue; fi
    case "$word" in
      ${valued(tree).join("|")}) skip=1 ;;
      -*) ;;
      *) case "\${at:+$at }$word" in
        ${tree.nodes.flatMap(({ path }) => (path === "" ? [] : [quoted(path)])).join("|")}) at="\${at:+$at }$word" ;;
      esac ;;
    esac
  done
  [[ -n $skip ]] && return 0`;

function bash(tree: Tree): string {
  const cases = tree.nodes
    .map((node) => {
      const names = node.commands.flatMap(({ names }) => names);
      const flags = allOptions(tree, node).flatMap(({ flags }) =>
        flags.filter((flag) => flag.startsWith("--")),
      );
      return `    ${quoted(node.path)}) commands=${quoted(names.join(" "))}; options=${quoted(flags.join(" "))} ;;`;
    })
    .join("\n");
  return `# bash completion for ${tree.name}; made by: ${tree.name} completion bash
_${tree.name}() {
  local -a words=("\${COMP_WORDS[@]}")
  local cword=$COMP_CWORD
  local current="\${COMP_WORDS[COMP_CWORD]}" commands="" options=""
  COMPREPLY=()
${walk(tree)}
  case "$at" in
${cases}
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [[ -n $commands ]]; then
    COMPREPLY=($(compgen -W "$commands" -- "$current"))
  else
    compopt -o default 2>/dev/null
  fi
  return 0
}
complete -F _${tree.name} ${tree.name}`;
}

/** What `_describe` takes: a name, a colon, and what it is. */
const described = (name: string, says: string): string => quoted(`${name.replaceAll(":", "\\:")}:${says}`);

function zsh(tree: Tree): string {
  const cases = tree.nodes
    .map((node) => {
      const commands = node.commands.flatMap(({ names, says }) => names.map((name) => described(name, says)));
      const options = allOptions(tree, node).flatMap(({ flags, says }) =>
        flags.filter((flag) => flag.startsWith("--")).map((flag) => described(flag, says)),
      );
      return `    ${quoted(node.path)}) commands=(${commands.join(" ")}); options=(${options.join(" ")}) ;;`;
    })
    .join("\n");
  return `#compdef ${tree.name}
# zsh completion for ${tree.name}; made by: ${tree.name} completion zsh
_${tree.name}() {
  local cword=$((CURRENT - 1))
  local -a commands options
${walk(tree)}
  case "$at" in
${cases}
  esac
  if [[ $words[CURRENT] == -* ]]; then
    _describe option options
  elif (( $#commands )); then
    _describe command commands
  else
    _files
  fi
}
if [[ $funcstack[1] == _${tree.name} ]]; then _${tree.name} "$@"; else compdef _${tree.name} ${tree.name}; fi`;
}

function fish(tree: Tree): string {
  const lines = tree.nodes.flatMap((node) => {
    const when = `-n ${quoted(`test (__${tree.name}_path) = "${node.path}"`)}`;
    return [
      ...node.commands.flatMap(({ names, says }) =>
        names.map((name) => `complete -c ${tree.name} ${when} -f -a ${quoted(name)} -d ${quoted(says)}`),
      ),
      ...allOptions(tree, node).flatMap(({ flags, takesValue, says }) =>
        flags
          .filter((flag) => flag.startsWith("--"))
          .map(
            (flag) =>
              `complete -c ${tree.name} ${when} -l ${flag.slice(2)}${takesValue ? " -r" : ""} -d ${quoted(says)}`,
          ),
      ),
    ];
  });
  const paths = tree.nodes.flatMap(({ path }) => (path === "" ? [] : [quoted(path)])).join(" ");
  return `# fish completion for ${tree.name}; made by: ${tree.name} completion fish
function __${tree.name}_path
  set -l path
  set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip = 1
      set skip 0
    else if contains -- $word ${valued(tree).join(" ")}
      set skip 1
    else if not string match -q -- '-*' $word
      set -l longer (string trim -- "$path $word")
      if contains -- "$longer" ${paths}
        set path $longer
      end
    end
  end
  echo "$path"
end
${lines.join("\n")}`;
}

const WRITERS: Readonly<Record<CompletionShell, (tree: Tree) => string>> = { bash, zsh, fish };

/** @param program - the whole tree */
export const completionScript = (shell: CompletionShell, program: Command): string =>
  WRITERS[shell]({ name: program.name(), nodes: nodesOf(program), globals: optionsOf(program) });
