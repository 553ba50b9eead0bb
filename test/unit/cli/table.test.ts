import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renderTable } from "#cli/table.ts";
import { oneLine, textWidth, truncateText, visibleLines } from "#cli/text-width.ts";

const COLUMNS = [
  { title: "Id" },
  { title: "Text", isElastic: true },
  { title: "Price", align: "right" },
] as const;

/** What terminals show: Latin, Chinese, emoji with skin, flags, families, and marks that combine. */
const character = fc.constantFrom(
  ..."abcXYZ 019,.é—",
  "港",
  "口",
  "，",
  "한",
  "あ",
  "😀",
  "👍🏽",
  "👩‍👩‍👧",
  "🇨🇳",
  "e\u0301",
  "…",
);
const text = fc.array(character, { maxLength: 60 }).map((all) => all.join(""));

describe("the width of a text", () => {
  it.each([
    ["abc", 3],
    ["港口", 4],
    ["九点的港口，早安。", 18],
    ["😀", 2],
    ["👍🏽", 2],
    ["🇨🇳", 2],
    ["e\u0301", 1],
    ["", 0],
  ])("%s takes %i columns", (shown, columns) => {
    expect(textWidth(shown)).toBe(columns);
  });

  it("cuts to the width, never through a character, and only what is too wide", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 70 }), (given, columns) => {
        const cut = truncateText(given, columns);
        expect(textWidth(cut)).toBeLessThanOrEqual(columns);
        expect(cut.isWellFormed()).toBe(true);
        if (textWidth(given) <= columns) expect(cut).toBe(given);
        else expect(given.startsWith(cut.slice(0, -1)) && cut.endsWith("…")).toBe(true);
      }),
    );
  });
});

describe("a table", () => {
  it("puts every column under its title, with Chinese and emoji in it", () => {
    const rows = [
      ["1", "The harbour at nine.", "0.015"],
      ["22", "九点的港口 😀", "0.2"],
    ];
    expect(renderTable(COLUMNS, rows, { hasColour: false })).toEqual([
      "Id  Text                  Price",
      "1   The harbour at nine.  0.015",
      "22  九点的港口 😀           0.2",
    ]);
  });

  it("is as wide as the terminal at most, and every line is as wide as the others", () => {
    const row = fc.tuple(text, text, text).map((cells) => cells.map((cell) => `${cell}|`));
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 40, max: 120 }),
        (rows, columns) => {
          const lines = renderTable(COLUMNS, rows, { columns, hasColour: false });
          expect(lines).toHaveLength(rows.length + 1);
          // The last column is to the right, so that every line ends where it ends.
          expect(new Set(lines.map(textWidth)).size).toBe(1);
          expect(textWidth(lines[0] ?? "")).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });

  it("lets the elastic column give way first", () => {
    const rows = [["01KAN0Q6T3M6W3C8H1A9J7Z5RD", "a".repeat(100), "0.015"]];
    const [, line = ""] = renderTable(COLUMNS, rows, { columns: 60, hasColour: false });
    expect(line).toContain("01KAN0Q6T3M6W3C8H1A9J7Z5RD");
    expect(line).toContain("a…");
    expect(line).toContain("0.015");
  });

  it("cuts nothing where no terminal is", () => {
    const long = "a".repeat(500);
    expect(renderTable(COLUMNS, [["1", long, "2"]], { hasColour: false })[1]).toContain(long);
  });

  it("shows nothing for no rows", () => {
    expect(renderTable(COLUMNS, [], { hasColour: false })).toEqual([]);
  });
});

describe("a foreign text", () => {
  it("is no order to the terminal", () => {
    const hostile = "\u001b[2J\u001b]0;owned\u0007\u009b31m\rback\u202egnp.exe\u2066";
    const shown = oneLine(hostile);
    expect(shown).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
    expect(shown).toContain("owned");
  });

  it("is one line in a table, and as many as it has on a page", () => {
    expect(oneLine("a\nb\r\nc\td")).toBe("a⏎ b⏎ c d");
    expect(visibleLines("a\nb\r\nc")).toEqual(["a", "b", "c"]);
  });
});
