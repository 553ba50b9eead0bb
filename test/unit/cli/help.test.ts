import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { leavesOf } from "#cli/command.ts";
import { completionScript } from "#cli/completion.ts";
import { buildProgram } from "#cli/program.ts";
import { projectRoot } from "../project/temp-folder.ts";
import { commandsIn, findMistakes } from "./examples.ts";
import { aTerminal } from "./surroundings.ts";

const home = mkdtempSync(join(tmpdir(), "punctual-cli-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const terminal = aTerminal(home);
const tree = buildProgram(terminal.surroundings([]), () => undefined);
const leaves = leavesOf(tree);

/** What `--help` of a command prints. */
const helpOf = async (path: readonly string[]): Promise<string> =>
  (await terminal.run([...path, "--help"], { columns: 80 })).out;

describe("the commands", () => {
  it("are those that were promised", () => {
    const paths = new Set(leaves.map(({ path }) => path.join(" ")));
    const promised = [
      ..."login logout whoami post batch plan drop health completion".split(" "),
      ..."list show cancel move retry resolve watch".split(" ").map((verb) => `tasks ${verb}`),
      ..."add list stats run".split(" ").map((verb) => `pool ${verb}`),
      ..."list create trigger history pause resume".split(" ").map((verb) => `scheduler ${verb}`),
      ..."list show".split(" ").map((verb) => `recurrences ${verb}`),
      ..."list show connect verify pause resume quota".split(" ").map((verb) => `accounts ${verb}`),
      ..."list show create update delete".split(" ").map((verb) => `projects ${verb}`),
      ..."show set versions replan".split(" ").map((verb) => `policy ${verb}`),
      ..."show set history rollback".split(" ").map((verb) => `settings ${verb}`),
      ..."list create revoke rotate".split(" ").map((verb) => `keys ${verb}`),
      ..."list create update delete".split(" ").map((verb) => `users ${verb}`),
      ..."list verify".split(" ").map((verb) => `audit ${verb}`),
      ..."list create ping deliveries replay rotate delete resume"
        .split(" ")
        .map((verb) => `webhooks ${verb}`),
      "local start",
      "local reset",
    ];
    expect(promised.filter((path) => !paths.has(path))).toEqual([]);
  });

  it.each(leaves.map(({ path }) => [path.join(" "), path] as const))(
    "`%s --help` teaches with examples that are right, in 80 columns",
    async (name, path) => {
      const help = await helpOf(path);
      expect(help).toContain("Examples:");
      const [, examples = ""] = help.split("Examples:\n");
      const lines = commandsIn(examples);
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.some((line) => line.startsWith(`punctual ${name}`))).toBe(true);
      expect(
        lines.flatMap((line) => findMistakes(tree, line).map((mistake) => `${line}: ${mistake}`)),
      ).toEqual([]);
    },
  );

  it("are described with a sentence, groups too", () => {
    const all = [...leaves.map(({ command }) => command), ...tree.commands];
    expect(
      all.filter((command) => !/^[A-Z].*[.!]$/.test(command.description())).map((one) => one.name()),
    ).toEqual([]);
  });

  it("are told apart from mistakes", () => {
    expect(findMistakes(tree, "punctual tasks lst")).not.toEqual([]);
    expect(findMistakes(tree, "punctual tasks list --colour")).not.toEqual([]);
    expect(findMistakes(tree, "punctual tasks show")).not.toEqual([]);
    expect(findMistakes(tree, "punctual tasks show a b")).not.toEqual([]);
    expect(findMistakes(tree, "punctual tasks list --limit")).not.toEqual([]);
  });
});

describe("docs/cli.md", () => {
  const page = readFileSync(join(projectRoot, "docs/cli.md"), "utf8");
  const blocks = [...page.matchAll(/^```(?:sh)?\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);

  it("shows commands and options that there are", () => {
    const lines = blocks.flatMap(commandsIn);
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.flatMap((line) => findMistakes(tree, line).map((mistake) => `${line}: ${mistake}`))).toEqual(
      [],
    );
  });

  it("names options that there are", () => {
    const known = new Set(
      [tree, ...leaves.map(({ command }) => command)].flatMap(({ options }) =>
        options.flatMap(({ long }) => long ?? []),
      ),
    );
    const named = [...page.matchAll(/`[^`\n]*?(--[a-z-]+)[^`\n]*`/g)].map(([, option = ""]) => option);
    expect(named).toContain("--yes");
    expect(named.filter((option) => option !== "--help" && !known.has(option))).toEqual([]);
  });

  it("names every command", () => {
    const missing = leaves
      .map(({ path }) => path)
      .filter(([group = "", verb]) =>
        verb === undefined
          ? !page.includes(`\`${group}`)
          : !new RegExp(`\`${group} [^\`]*\\b${verb}\\b`).test(page),
      );
    expect(missing).toEqual([]);
  });
});

describe("the completion", () => {
  const script = (shell: "bash" | "zsh" | "fish") => completionScript(shell, tree);

  /** What bash offers for the last word. */
  function offered(...words: readonly string[]): readonly string[] {
    const file = join(home, "completion.bash");
    writeFileSync(file, script("bash"));
    const code = `source "$1"; shift; COMP_WORDS=(punctual "$@"); COMP_CWORD=$#; _punctual; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync("bash", ["-c", code, "bash", file, ...words], { encoding: "utf8" })
      .trim()
      .split("\n");
  }

  it("is valid bash", () => {
    expect(() => execFileSync("bash", ["-n"], { input: script("bash") })).not.toThrow();
  });

  it("offers commands, verbs and options, and nothing in place of a value", () => {
    expect(offered("ta")).toEqual(["tasks"]);
    expect(offered("tasks", "ca")).toEqual(["cancel"]);
    expect(offered("publish-pool", "st")).toEqual(["stats"]);
    expect(offered("tasks", "list", "--st")).toEqual(["--status"]);
    expect(offered("--profile", "tasks", "lo")).toEqual(["login", "logout", "local"]);
    expect(offered("tasks", "list", "--status", "")).toEqual([""]);
    expect(offered("tasks", "list", "--prof")).toEqual(["--profile"]);
  });

  it.each(["bash", "zsh", "fish"] as const)("knows every command and option in %s", (shell) => {
    const text = script(shell);
    const flags = leaves.flatMap(({ command }) => command.options.flatMap(({ long }) => long ?? []));
    const words = [...leaves.flatMap(({ path }) => path), ...flags.map((flag) => flag.replace(/^--/, ""))];
    expect([...new Set(words)].filter((word) => !text.includes(word))).toEqual([]);
  });
});
