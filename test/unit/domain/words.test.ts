import { describe, expect, it } from "vitest";
import { durationInWords, nearest, quote, quoteAll } from "#shared/domain/words.ts";

describe("words for people", () => {
  it("quote shows nothing that a terminal or a JSON parser would choke on", () => {
    expect(quote("a\u001b[31m\n\ud800")).toBe("“a\ufffd[31m\ufffd\ufffd”");
    expect(quote("风".repeat(61))).toBe(`“${"风".repeat(60)}…”`);
  });

  it("quoteAll joins as people do", () => {
    expect([[], ["a"], ["a", "b"], ["a", "b", "c"]].map((words) => quoteAll(words))).toEqual([
      "nothing",
      "“a”",
      "“a” and “b”",
      "“a”, “b” and “c”",
    ]);
    expect(quoteAll(["a", "b", "c", "d"], 2)).toBe("“a”, “b” and 2 more");
  });

  it.each([
    [1_800_000, "30 minutes"],
    [86_400_000, "1 day"],
    [5_400_000, "90 minutes"],
    [0, "0 seconds"],
  ])("durationInWords(%i) is %s", (ms, words) => {
    expect(durationInWords(ms)).toBe(words);
  });

  it.each([
    ["publshAt", "publishAt"],
    ["publishat", "publishAt"],
    ["acount", "account"],
    ["alttext", "altText"],
    ["banana", undefined],
    ["", undefined],
    ["x".repeat(10_000), undefined],
  ])("nearest(%s) is %s", (word, meant) => {
    expect(nearest(word, ["publishAt", "account", "priority", "altText"])).toBe(meant);
  });
});
