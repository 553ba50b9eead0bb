import { existsSync, globSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { CfnParameter, Stack } from "aws-cdk-lib";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { ServiceParameters } from "#infra/constructs/service-parameters.ts";
import { SETTING_NAMES } from "#infra/settings.ts";
import { parseSidecar } from "#shared/domain/sidecar.ts";
import { createTempFolder, projectRoot } from "./temp-folder.ts";

const PAGES = [
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  ...globSync("docs/**/*.md", { cwd: projectRoot }),
];

const readPage = (page: string, root = projectRoot): string => readFileSync(join(root, page), "utf8");

/** Without what stands in code, where nothing is a link or a heading. */
const withoutCode = (text: string): string =>
  text
    .replaceAll(/^```.*?^```$/gms, "")
    .replaceAll(/`[^`\n]+`/g, (code) => code.replaceAll(/[[\]()#]/g, " "));

/** As GitHub names a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");

const anchorsOf = (text: string): string[] =>
  [...text.replaceAll(/^```.*?^```$/gms, "").matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    anchorOf(heading),
  );

/** Links to files and headings of this project that lead nowhere. */
function findBrokenLinks(page: string, root = projectRoot): string[] {
  const targets = [...withoutCode(readPage(page, root)).matchAll(/\]\(([^)\s]+)\)/g)].map(
    ([, to = ""]) => to,
  );
  return targets
    .filter((to) => !/^[a-z]+:/.test(to))
    .filter((to) => {
      const [path = "", anchor] = to.split("#");
      const target = path === "" ? page : join(dirname(page), path);
      if (relative(root, join(root, target)).startsWith("..") || !existsSync(join(root, target))) return true;
      if (anchor === undefined) return false;
      return (
        statSync(join(root, target)).isDirectory() || !anchorsOf(readPage(target, root)).includes(anchor)
      );
    });
}

/** Of a document's own words: `npm run x`, `npm start`, `npm test`. */
const scriptsIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/\bnpm (?:run (?:--\S+ )*)?([a-z]+)\b/g)].map(([, name = ""]) => name)),
];

/** Not scripts: what npm itself does. */
const NPM_COMMANDS = new Set(["ci", "install", "run"]);

/** Words in code font that are a path of the repository, patterns such as `functions/*` + `/index.ts` included. */
const pathsIn = (text: string): string[] => {
  const spans = [...text.replaceAll(/^```.*?^```$/gms, "").matchAll(/`([^`\n]+)`/g)].map(
    ([, code = ""]) => code,
  );
  const words = spans.flatMap((code) => code.split(/[\s,()]+/));
  return [
    ...new Set(
      words.filter((word) =>
        /^(functions|infra|shared|test|docs|\.ci)\/[\w.*/-]*$|^\.env\.\w+$|^[\w.-]+\.(md|mjs|json|yml)$/.test(
          word,
        ),
      ),
    ),
  ];
};

/** File names in examples of the drop folder, of the local state, and of what others write. */
const NOT_OURS = /^(kite|trip|name)\.|^(outputs|outcome)\.json$|^package-lock\.json$/;

const findMissingPaths = (text: string, besides: string): string[] =>
  pathsIn(text)
    .filter((path) => !NOT_OURS.test(path))
    .filter((path) => globSync([path, join(besides, path)], { cwd: projectRoot }).length === 0);

/** Rows of the table whose first heading begins with `heading`; the cells as they stand there. */
function readTable(text: string, heading: string): string[][] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${heading}`));
  if (start < 0) throw new Error(`there is no table “${heading}”`);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith("|"));
  return lines.slice(start + 2, end).map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
}

const namesIn = (cell = ""): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);

describe.each(PAGES)("%s", (page) => {
  const text = readPage(page);

  it("links to files and headings that are there", () => {
    expect(findBrokenLinks(page)).toEqual([]);
  });

  it("names npm scripts that are there", () => {
    const { scripts } = z
      .object({ scripts: z.record(z.string(), z.string()) })
      .parse(JSON.parse(readPage("package.json")));
    expect(scriptsIn(text).filter((name) => !(name in scripts || NPM_COMMANDS.has(name)))).toEqual([]);
  });

  it("names files that are there", () => {
    expect(findMissingPaths(text, dirname(page))).toEqual([]);
  });
});

describe("README.md", () => {
  const readme = readPage("README.md");

  it("has every parameter of the template, with its default, and no other", () => {
    const stack = new Stack();
    const parameters = new ServiceParameters(stack, "Parameters").node
      .findAll()
      .filter((construct) => construct instanceof CfnParameter);
    const defaults = parameters.map(({ logicalId, default: value }) => [
      stack.resolve(logicalId),
      String(value),
    ]);
    const told = readTable(readme, "parameter").map(([name, value]) => [...namesIn(name), ...namesIn(value)]);
    expect(told.toSorted()).toEqual(defaults.toSorted());
    expect(told.length).toBeGreaterThan(0);
  });

  it("has every setting of a stage, and no other", () => {
    const told = readTable(readme, "setting").flatMap(([name]) => namesIn(name));
    expect(told.toSorted()).toEqual([...SETTING_NAMES].toSorted());
  });

  it("has every field of a dropped file, and no other", () => {
    const refused = parseSidecar("json", new TextEncoder().encode('{ "noField": 1 }'));
    if (refused.ok) throw new Error("an unknown field was taken");
    const [, list = ""] = /^The fields are (.+?)\./.exec(refused.error.remedy) ?? [];
    const told = readTable(readme, "field").flatMap(([name]) => namesIn(name));
    expect(told.toSorted()).toEqual(list.split(", ").toSorted());
  });

  it("shows a dropped file that would be taken", () => {
    const [, example = ""] = /```\n(---\npublishAt: .+?)```/s.exec(readme) ?? [];
    const parsed = parseSidecar("md", new TextEncoder().encode(example));
    expect(parsed).toMatchObject({
      ok: true,
      value: { publishAt: "2026-12-01 09:00", texts: { length: 2 } },
    });
  });
});

describe("docs/adr", () => {
  const records = readdirSync(join(projectRoot, "docs/adr")).toSorted();

  it("is numbered without a gap", () => {
    expect(records.map((file) => Number(file.slice(0, 4)))).toEqual(records.map((_, index) => index + 1));
  });

  it.each(records)("%s says what was decided, and what was not", (file) => {
    const text = readPage(`docs/adr/${file}`);
    expect(text).toMatch(
      new RegExp(`^# ${Number(file.slice(0, 4))}\\. .+\\n\\nDate: \\d{4}-\\d\\d-\\d\\d · Status: `),
    );
    const parts = [...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    expect(parts).toEqual(["Context", "Decision", "Consequences", "Rejected"]);
    expect(text.slice(text.indexOf("## Rejected"))).toMatch(/^- \*\*.+\*\*/m);
  });
});

describe("these checks", () => {
  it("see a link that leads nowhere, also by its heading", () => {
    const root = createTempFolder({
      "docs/page.md":
        "# One `two`\n[a](../a.md) [b](missing.md) [c](#one-two) [d](#three) [e](../a.md#x) [f](../../out.md) [g](https://x.com/#a)\n`[h](i)`\n```\n[j](k)\n# three\n```\n",
      "a.md": "# A\n",
    });
    expect(findBrokenLinks("docs/page.md", root)).toEqual([
      "missing.md",
      "#three",
      "../a.md#x",
      "../../out.md",
    ]);
  });

  it("see a script that is not there", () => {
    expect(scriptsIn("`npm start`, npm run --silent frobnicate -- --x; npm test")).toEqual([
      "start",
      "frobnicate",
      "test",
    ]);
  });

  it("see a file that is not there", () => {
    const text =
      "`infra/local` `functions/*/index.ts` `node infra/gone.ts` `MISSING.md` `functions/*/gone.ts` `a/b.ts`";
    expect(findMissingPaths(text, "docs")).toEqual(["infra/gone.ts", "MISSING.md", "functions/*/gone.ts"]);
  });

  it("refuse to compare with a table that is not there", () => {
    expect(() => readTable(readPage("README.md"), "planted")).toThrow("there is no table “planted”");
  });
});
