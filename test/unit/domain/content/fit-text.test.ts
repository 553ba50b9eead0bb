import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findFacts, missingFacts } from "#shared/domain/content/facts.ts";
import { excessOf, fitText } from "#shared/domain/content/fit-text.ts";
import { weightedLength } from "#shared/domain/post-text.ts";

const word = fc.constantFrom(
  "kites",
  "fly",
  "high",
  "today",
  "风筝",
  "飞得很高",
  "👩‍👩‍👧‍👦",
  "🇩🇪",
  "über",
  "e\u0301t\u00e9",
);
const fact = fc.constantFrom(
  "https://a.example.com/x?q=1.5!b",
  "@kiteshop",
  "$KITE",
  "#fly",
  "10:30",
  "三千",
  "b.com/a.b",
);
const end = fc.constantFrom(". ", "! ", "? ", "。", "！", ".\n\n", "…\n", ".) ");
const sentence = fc
  .tuple(
    fc.array(fc.oneof({ weight: 8, arbitrary: word }, { weight: 1, arbitrary: fact }), {
      minLength: 1,
      maxLength: 12,
    }),
    end,
  )
  .map(([words, mark]) => words.join(" ") + mark);
const text = fc.array(sentence, { minLength: 1, maxLength: 12 }).map((sentences) => sentences.join(""));
const limit = fc.integer({ min: 10, max: 280 });

const graphemes = (whole: string): string[] =>
  [...new Intl.Segmenter("en", { granularity: "grapheme" }).segment(whole)].map(({ segment }) => segment);

describe("fitText", () => {
  it("never answers what is too long, and never loses a fact that is needed", () => {
    fc.assert(
      fc.property(text, limit, (whole, max) => {
        const needed = findFacts(whole);
        const fitted = fitText(whole, needed, max);
        if (!fitted.ok) {
          expect(fitted.error.excess).toBeGreaterThan(0);
          return;
        }
        expect(weightedLength(fitted.value)).toBeLessThanOrEqual(max);
        expect(missingFacts(needed, findFacts(fitted.value))).toEqual([]);
      }),
    );
  });

  it("only leaves out: graphemes stay whole and in order, and the first sentence stays", () => {
    fc.assert(
      fc.property(text, limit, (whole, max) => {
        const fitted = fitText(whole, [], max);
        if (!fitted.ok) return;
        const all = graphemes(whole.replaceAll(/\s/g, ""));
        let from = 0;
        for (const grapheme of graphemes(fitted.value.replaceAll(/\s/g, ""))) {
          const at = all.indexOf(grapheme, from);
          expect(at).toBeGreaterThanOrEqual(from);
          from = at + 1;
        }
        expect(fitted.value[0]).toBe(whole[0]);
      }),
    );
  });

  it("makes no fact: what is in the result was in the text", () => {
    fc.assert(
      fc.property(text, limit, (whole, max) => {
        const fitted = fitText(whole, [], max);
        if (fitted.ok) expect(missingFacts(findFacts(fitted.value), findFacts(whole))).toEqual([]);
      }),
    );
  });

  it("changes nothing that fits", () => {
    expect(fitText("One. Two.", [], 9)).toEqual({ ok: true, value: "One. Two." });
  });

  const TEXT = "Kites fly. They are red.\n\nMore at https://a.example.com/a.b?c=1. Come along! It is free.";
  it.each([
    [82, "Kites fly. They are red.\n\nMore at https://a.example.com/a.b?c=1. Come along! It is free."],
    [81, "Kites fly. They are red.\n\nMore at https://a.example.com/a.b?c=1. Come along!"],
    [60, "Kites fly. They are red.\n\nMore at https://a.example.com/a.b?c=1."],
    [45, "Kites fly.\n\nMore at https://a.example.com/a.b?c=1."],
  ])("at %i leaves the last sentences out, but never the one with the link", (max, expected) => {
    expect(fitText(TEXT, findFacts(TEXT), max)).toEqual({ ok: true, value: expected });
  });

  it("refuses when the first sentence and the facts need more", () => {
    expect(fitText(TEXT, findFacts(TEXT), 40)).toEqual({
      ok: false,
      error: { reason: "too-long", excess: 4 },
    });
  });

  it("is not told where to cut by a question mark inside a link", () => {
    expect(fitText("Kites https://a.example.com/x?q=1.5!b fly high today", [], 35)).toEqual({
      ok: false,
      error: { reason: "too-long", excess: 9 },
    });
  });

  it("counts a far too long text by its length, not for minutes", () => {
    expect(excessOf("a.".repeat(100_000), 280)).toBe(199_720);
  });
});
