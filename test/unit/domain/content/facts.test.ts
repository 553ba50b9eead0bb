import { describe, expect, it } from "vitest";
import { findFacts, inventedFacts, missingFacts } from "#shared/domain/content/facts.ts";

const listOf = (text: string) => findFacts(text).map(({ kind, text: written }) => `${kind} ${written}`);

describe("findFacts", () => {
  it.each([
    ["a link", "see https://a.example.com/x?y=1#z.", ["link https://a.example.com/x?y=1#z"]],
    ["a bare domain", "see example.com now", ["link example.com"]],
    ["a link between Chinese", "请看https://a.example.com/lu。", ["link https://a.example.com/lu"]],
    ["another scheme, whole", "ftp://files.example.com/a1", ["link ftp://files.example.com/a1"]],
    ["a mail address, whole", "write to info2@kites.com today", ["link info2@kites.com"]],
    ["a link with an @, whole", "kites.com/a@b.com", ["link kites.com/a@b.com"]],
    ["what touches", "5#a", ["number 5"]],
    ["a mention", "thanks @Kite_1!", ["mention @Kite_1"]],
    ["a list", "read @kite/makers", ["mention @kite/makers"]],
    ["a cashtag", "buy $TWTR", ["cashtag $TWTR"]],
    ["a hashtag", "fly #kites2026", ["hashtag #kites2026"]],
    ["numbers", "10:30, 1,000 and 2.5", ["number 10:30", "number 1,000", "number 2.5"]],
    ["a number in a word", "B2B", ["number 2"]],
    ["wide digits", "２０２６年", ["number ２０２６"]],
    ["Chinese numbers", "三千人，五折，三月五日", ["number 三千", "number 五", "number 三", "number 五"]],
    ["no number in Chinese words", "一起，万一，一些，千万别忘", []],
    ["no number in a keycap", "1️⃣ first", []],
    ["nothing", "Just words.", []],
  ])("finds %s", (_what, text, facts) => {
    expect(listOf(text)).toEqual(facts);
  });

  it("says where each is, in order, none inside another", () => {
    const text = "$A 5 @b https://c.example.com/7 #d8";
    const facts = findFacts(text);
    for (const { start, end, text: written } of facts) expect(text.slice(start, end)).toBe(written);
    expect(facts.map(({ start }) => start)).toEqual(
      facts.map(({ start }) => start).toSorted((a, b) => a - b),
    );
    for (const [index, { end }] of facts.entries())
      expect(facts[index + 1]?.start ?? Infinity).toBeGreaterThanOrEqual(end);
  });
});

describe("comparing", () => {
  const facts = findFacts;

  it("misses each as often as it is missing", () => {
    expect(missingFacts(facts("5 and 5"), facts("5"))).toHaveLength(1);
    expect(missingFacts(facts("5"), facts("5 and 5"))).toEqual([]);
  });

  it("takes names as X does: without regard to case", () => {
    expect(missingFacts(facts("@Kite $abc #Fly"), facts("@kite $ABC #fly"))).toEqual([]);
  });

  it("takes links as they are written", () => {
    expect(missingFacts(facts("https://x.com/A"), facts("https://x.com/a"))).toHaveLength(1);
  });

  it("calls invented what is nowhere, not what is repeated", () => {
    expect(inventedFacts(facts("5"), facts("5 5"))).toEqual([]);
    expect(inventedFacts(facts("5"), facts("6")).map(({ text }) => text)).toEqual(["6"]);
  });

  it("takes wide digits for the same number", () => {
    expect(missingFacts(facts("２０"), facts("20"))).toEqual([]);
  });
});
