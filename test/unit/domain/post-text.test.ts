import { describe, expect, it } from "vitest";
import { checkPost, weightedLength } from "#shared/domain/post-text.ts";

const check = (texts: readonly string[], maxTextLength = 280, hasMedia = false) => {
  const checked = checkPost(texts, { maxTextLength, hasMedia });
  return checked.ok ? checked.value.map(({ text }) => text) : checked.error;
};

describe("checkPost", () => {
  it.each([
    ["Latin", "a".repeat(280)],
    ["Chinese", "中".repeat(140)],
    ["emoji", "👨‍👩‍👧‍👦".repeat(140)],
    ["a long link", `${"a".repeat(256)} https://example.com/${"x".repeat(600)}`],
  ])("takes 280 weighted characters of %s, and not one more", (_, text) => {
    expect(check([text])).toEqual([text]);
    expect(check([`b${text}`])).toMatchObject({
      code: "text-too-long",
      message: expect.stringContaining("281"),
    });
  });

  it("tells the count, the limit, and how to make a thread", () => {
    expect(check(["中".repeat(150)])).toMatchObject({
      code: "text-too-long",
      message: expect.stringMatching(/300 weighted .* 280/),
      remedy: expect.stringContaining("---"),
    });
  });

  it("lets an account with Premium write more", () => {
    expect(check(["a".repeat(25_000)], 25_000)).toHaveLength(1);
    expect(check(["a".repeat(25_001)], 25_000)).toMatchObject({ code: "text-too-long" });
  });

  it("names the part of a thread that is too long", () => {
    expect(check(["short", "a".repeat(300)])).toMatchObject({ message: expect.stringContaining("Part 2") });
  });

  it("is not kept busy by a text that takes long to count", () => {
    const startedAt = performance.now();
    expect(check(["a.".repeat(60_000)])).toMatchObject({ code: "text-too-long" });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it("needs a text or media, and a text in every part of a thread", () => {
    expect(check([" \n "])).toMatchObject({ code: "empty-post" });
    expect(check([" \n "], 280, true)).toEqual([""]);
    expect(check(["one", " "], 280, true)).toMatchObject({ code: "empty-part" });
  });

  it("takes 25 parts, and not one more", () => {
    expect(check(Array(25).fill("part"))).toHaveLength(25);
    expect(check(Array(26).fill("part"))).toMatchObject({ code: "too-many-parts" });
  });

  it.each(["a\u0000b", "a\u0007b", "a\u0085b", "a\ufeffb", "a\uffffb", "half \ud800 surrogate", "\udc00"])(
    "refuses %j",
    (text) => {
      expect(check([text])).toMatchObject({ code: "invalid-text" });
    },
  );

  it("trims, and makes line ends the same", () => {
    expect(check(["  one\r\ntwo\rthree\n\n"])).toEqual(["one\ntwo\nthree"]);
  });
});

it("weightedLength counts as X does", () => {
  expect(weightedLength("café 中文 https://example.com/a/very/long/path")).toBe(5 + 4 + 1 + 23);
});
