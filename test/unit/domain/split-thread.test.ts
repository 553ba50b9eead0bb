import fc from "fast-check";
import twitterText from "twitter-text";
import { describe, expect, it } from "vitest";
import { checkPost, tidyText, weightedLength } from "#shared/domain/post-text.ts";
import { splitField, splitThread } from "#shared/domain/split-thread.ts";
import { MAX_PARTS } from "#shared/domain/task.ts";

const split = (text: string, maxTextLength = 280, numbering = false) => {
  const parts = splitThread(text, { maxTextLength, numbering });
  return parts.ok ? parts.value : parts.error;
};

/** `S word word.`, of 2 + 5 × count characters. */
const sentence = (count: number, word = "word") => `S${` ${word}`.repeat(count)}.`;

describe("splitThread", () => {
  it("leaves a text alone that fits, even when numbers are wanted", () => {
    const text = "a".repeat(280);
    expect(split(` ${text}\r\n`, 280, true)).toEqual([text]);
    expect(split("", 280, true)).toEqual([""]);
    expect(split("A long one. ".repeat(1_000), 25_000)).toHaveLength(1);
  });

  it("divides at paragraphs, and keeps as many together as fit", () => {
    const [a, b, c] = ["aaaa", "bbbb", "cccc"].map((word) => sentence(20, word));
    expect(split(`${a}\n\n${b}\n \n${c}`)).toEqual([a, `${b}\n \n${c}`]);
    expect(split(`${a}\u2029${b}\u2029${c}`)).toEqual([a, `${b}\u2029${c}`]);
    expect(split(`${a}\r\n\r\n${b}\r\n${c}`)).toEqual([a, `${b}\n${c}`]);
  });

  it.each([
    ["paragraphs", "\n\n"],
    ["lines", "\n"],
    ["sentences", " "],
  ])("would rather have one part more than divide %s that fit", (_, gap) => {
    const three = ["aaaa", "bbbb", "cccc"].map((word) => sentence(30, word));
    expect(split(three.join(gap))).toEqual(three);
  });

  it("divides only the paragraph that is too long, and between paragraphs where it can", () => {
    const [a, b, c] = ["aaaa", "bbbb", "cccc"].map((word) => sentence(20, word)) as [string, string, string];
    expect(split(`${a}\n\n${b} ${b} ${b}\n\n${c}`)).toEqual([a, `${b} ${b}`, `${b}\n\n${c}`]);
    expect(split(`${a} ${b}\n${b} ${c}\n${c}`)).toEqual([`${a} ${b}`, `${b} ${c}`, c]);
  });

  it.each([
    ["a line", `${sentence(20)}\n${sentence(20)}`],
    ["a sentence", `${sentence(20)} ${sentence(20)}`],
    ["a word", sentence(40)],
  ])("would rather have an uneven paragraph than cut one after %s", (_, long) => {
    expect(split(`${long}\n\n${sentence(15)}`)).toEqual([long, sentence(15)]);
  });

  it("divides a paragraph that is too long at lines, a line at sentences, a sentence at words", () => {
    const [a, b] = [sentence(20), sentence(19)];
    expect(split(`${a} ${b}\n${b} ${a}`)).toEqual([`${a} ${b}`, `${b} ${a}`]);
    expect(split(`${a} ${b} ${b} ${a}`)).toEqual([`${a} ${b}`, `${b} ${a}`]);
    expect(split(sentence(80))).toEqual([`S${" word".repeat(40)}`, `${"word ".repeat(39)}word.`]);
  });

  it.each([
    [
      "Chinese",
      "今天天气很好，我们去公园散步吧。他说：「好的！」然后走了。",
      ["今天天气很好，我们去公园散步吧。", "他说：「好的！」然后走了。"],
    ],
    [
      "Japanese",
      "日本語の文章です。とても長いので、分けます！カタカナも。",
      ["日本語の文章です。", "とても長いので、分けます！カタカナも。"],
    ],
    [
      "Korean",
      "한국어 문장은 띄어쓰기가 있습니다. 그래서 나눕니다.",
      ["한국어 문장은 띄어쓰기가 있습니다.", "그래서 나눕니다."],
    ],
    [
      "Hebrew and Arabic",
      "שלום עולם זה משפט. مرحبا بالعالم هذه جملة؟",
      ["שלום עולם זה משפט.", "مرحبا بالعالم هذه جملة؟"],
    ],
  ])("knows the sentences of %s", (_, text, parts) => {
    expect(split(text, 40)).toEqual(parts);
  });

  it("finds words where none are divided by spaces, and begins no part with a closing mark", () => {
    expect(split("用AWS部署的服务（真的）很快，价格也不贵吧", 30)).toEqual([
      "用AWS部署的服务（真的）",
      "很快，价格也不贵吧",
    ]);
    expect(split("我们今天去公园散步（真的）", 24)).toEqual(["我们今天去公园", "散步（真的）"]);
    expect(split("ภาษาไทยไม่มีการเว้นวรรคระหว่างคำ", 20)).toEqual(["ภาษาไทยไม่มีการ", "เว้นวรรคระหว่างคำ"]);
  });

  it("takes no title, initial or number of a list for the end of a sentence", () => {
    const parts = ["We met Dr. Who and J. Doe there.", "1. First of all the long ones."];
    expect(split(parts.join(" "), 40)).toEqual(parts);
  });

  it("keeps words together that only a no-break space divides", () => {
    expect(split("It takes about 10\u00a0kilometres from here", 24)).toEqual([
      "It takes about",
      "10\u00a0kilometres from here",
    ]);
  });

  it("leaves no last part of one word, even if a sentence is divided for it", () => {
    expect(split(`${sentence(55)} Yes.`)).toEqual([
      `S${" word".repeat(28)}`,
      `${"word ".repeat(26)}word. Yes.`,
    ]);
    expect(split(`${"x".repeat(270)} y`, 270)).toEqual(["x".repeat(270), "y"]);
  });

  it("divides inside paragraphs, then sentences, when there are too many of them", () => {
    const paragraph = `${sentence(13)} ${sentence(13)}`;
    const sentences = split(Array(30).fill(paragraph).join("\n\n"));
    expect(sentences).toHaveLength(15);
    expect(sentences).toSatisfy((parts: string[]) => parts.every((part) => part.endsWith(".")));
    const words = split(Array(30).fill(sentence(30)).join("\n\n"));
    expect(words).toHaveLength(17);
  });

  it("counts the number inside the limit, also when there are two digits of them", () => {
    const words = (count: number) => Array(count).fill("aaaaaaaaa").join(" ");
    expect(split(words(9 * 27 + 1), 280, true)).toHaveLength(10);
    expect(split(words(9 * 27), 280, true)).toEqual(
      Array.from({ length: 9 }, (_, index) => `${index + 1}/9 ${words(27)}`),
    );
    expect(split(Array(621).fill("aaa").join(" "), 280, true)).toHaveLength(9);
    expect(split(Array(690).fill("aaa").join(" "), 280, true)).toHaveLength(11);
    const tens = split(`${"a".repeat(274)} `.repeat(25), 280, true);
    expect(tens).toHaveLength(25);
    expect(tens).toMatchObject({ 0: `1/25 ${"a".repeat(274)}`, 24: `25/25 ${"a".repeat(274)}` });
  });

  it("takes 25 parts, and not one more", () => {
    const words = (count: number) => Array(count).fill("a".repeat(150)).join(" ");
    expect(split(words(25))).toHaveLength(25);
    expect(split(words(26))).toEqual({
      code: "too-many-parts",
      message: "The text needs 26 parts; a thread takes at most 25.",
      remedy: "Shorten it, or make two threads of it.",
    });
    expect(split("a ".repeat(125_001))).toMatchObject({ code: "too-many-parts" });
  });

  it("cuts a word between graphemes that no part can hold", () => {
    expect(split(`see ${"x".repeat(600)}`)).toEqual([
      `see ${"x".repeat(210)}`,
      "x".repeat(210),
      "x".repeat(180),
    ]);
    const marked = "x \u0301";
    const parts = split(marked.repeat(120)) as string[];
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.join("")).toBe(marked.repeat(120));
    const family = "👨‍👩‍👧‍👦";
    expect(split(family.repeat(141))).toEqual([family.repeat(68), family.repeat(73)]);
  });

  it.each([
    ["a hashtag", `#${"中".repeat(150)}`],
    ["a link that X does not know", `https://localhost/${"x".repeat(300)}`],
    ["a grapheme", `a${"\u0301".repeat(300)}`],
    ["a word that would take long to read", "a.".repeat(2_049)],
    ["such a word of another script", "ü.".repeat(2_049)],
  ])("refuses %s that no part can hold", (_, text) => {
    expect(split(`see ${text} there`)).toEqual({
      code: "unsplittable-text",
      message: expect.stringMatching(/^“.{40,}…” is longer than a part/s),
      remedy: expect.any(String),
    });
  });

  it("counts a link as X does, and gives links fewer to a part that are too long to be counted", () => {
    const link = (length: number) => `https://example.com/${"x".repeat(length)}`;
    expect(split(Array(11).fill(link(80)).join(" "))).toHaveLength(1);
    expect(split(Array(12).fill(link(80)).join(" "))).toHaveLength(2);
    expect(split(Array(11).fill(link(1_000)).join(" "))).toEqual([
      Array(5).fill(link(1_000)).join(" "),
      Array(6).fill(link(1_000)).join(" "),
    ]);
  });

  it("divides even links that are so long that X would count a part of three no more", () => {
    const link = `https://example.com/${"x".repeat(4_000)}`;
    expect(split([link, link, link].join(" "))).toEqual([link, `${link} ${link}`]);
  });

  it("cuts nowhere else among words of another script between those that know no spaces", () => {
    for (const part of split("价格foo-bar/baz_qux价格".repeat(4), 30) as string[])
      expect(part).toMatch(/^(价格(foo-bar\/baz_qux)?|foo-bar\/baz_qux)+$/);
  });

  it("leaves room for what looks like a link only after the cut", () => {
    expect(split(`aa${"_zz.co".repeat(90)}`)).toHaveLength(3);
  });

  it("makes no hashtag, mention or cashtag of what was none", () => {
    const text = "中文#话题#中文@中文$中文".repeat(3);
    for (const part of split(text, 24) as string[]) expect(part).not.toMatch(/^[#@$]|[#@$]$/);
  });

  it("refuses what can be no post", () => {
    expect(split(`a\u0000${"b".repeat(300)}`)).toMatchObject({ code: "invalid-text" });
  });
});

const word = fc.oneof(
  { weight: 8, arbitrary: fc.stringMatching(/^[A-Za-z]{1,12}[.,!?]?$/) },
  fc.constantFrom("今天天气很好。", "我们去公园散步，", "「你觉得呢？」", "日本語の文章です。", "ภาษาไทย"),
  fc.constantFrom("שלום.", "مرحبا", "العالم؟", "한국어", "Dr.", "3.", "10\u00a0km", "e\u0301te\u0301"),
  fc.string({ unit: fc.constantFrom(..."ကခဂဃ္ာိီกำืล"), maxLength: 20 }),
  fc.constantFrom("👨‍👩‍👧‍👦", "🇩🇪🇨🇳", "👍🏽", "❤️", "🇦🇧🇨"),
  fc.constantFrom(
    "https://example.com/a?b=1&c=d!e",
    "example.com",
    "@someone",
    "@some/list",
    "#hashtag",
    "#话题",
    "，#非常长的话题标签名字",
    "$TSLA",
    "http://localhost:3000/x",
  ),
);
const gap = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(" ", " ", "") },
  fc.constantFrom("\n", "\r\n", "\n\n", "\r\n \r\n", "  ", "\t", "\u3000", "\u00a0", " \u0301", "\u2029"),
);
const written = fc
  .array(fc.tuple(word, gap), { maxLength: 400, size: "max" })
  .map((pairs) => pairs.flat().join(""));
const anything = fc.string({ unit: "grapheme", maxLength: 2_000, size: "max" });
const texts = fc.oneof({ weight: 3, arbitrary: written }, anything);
const wishes = fc.record({ maxTextLength: fc.integer({ min: 60, max: 400 }), numbering: fc.boolean() });

const bare = (parts: readonly string[], numbering: boolean) =>
  numbering && parts.length > 1
    ? parts.map((part, index) => {
        const number = `${index + 1}/${parts.length} `;
        expect(part.startsWith(number)).toBe(true);
        return part.slice(number.length);
      })
    : parts;

/** Where the parts are in the text: in order, with nothing but white space around them. */
function placesOf(
  text: string,
  parts: readonly string[],
): readonly (readonly [start: number, end: number])[] {
  let at = 0;
  const places = parts.map((part) => {
    const start = text.indexOf(part, at);
    expect(text.slice(at, start).trim(), JSON.stringify(part)).toBe("");
    at = start + part.length;
    return [start, at] as const;
  });
  expect(text.slice(at).trim()).toBe("");
  return places;
}

const squeezed = (text: string) => text.replaceAll(/\s+/g, "");

describe("the parts of any text", () => {
  const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

  it("can be posted, lose nothing, and leave every grapheme, link, mention and tag whole", () => {
    fc.assert(
      fc.property(texts, wishes, (given, wish) => {
        const result = splitThread(given, wish);
        if (!result.ok) {
          expect(["too-many-parts", "unsplittable-text", "invalid-text"]).toContain(result.error.code);
          return;
        }
        const parts = result.value;
        expect(checkPost(parts, { maxTextLength: wish.maxTextLength, hasMedia: true })).toEqual({
          ok: true,
          value: parts.map((text) => ({ text })),
        });
        const text = tidyText(given);
        const texts = bare(parts, wish.numbering);
        expect(squeezed(texts.join(""))).toBe(squeezed(text));

        const places = placesOf(text, texts);
        const edges = places.flat();
        const segments = graphemes.segment(text);
        for (const edge of edges.slice(1, -1))
          expect(segments.containing(edge)?.index ?? edge, `a grapheme at ${edge}`).toBe(edge);
        for (const { indices } of twitterText.extractEntitiesWithIndices(text)) {
          const [start, end] = indices;
          const isWhole = places.some(([from, to]) => from <= start && end <= to);
          expect(isWhole, text.slice(start, end)).toBe(true);
        }
      }),
      // Shrinking such texts takes minutes.
      { numRuns: 200, endOnFailure: true },
    );
  });

  it("are as few as words allow, when a text has neither paragraphs nor sentences, and the last has two words", () => {
    const plain = fc.array(fc.stringMatching(/^[a-z]{1,20}$/), {
      minLength: 30,
      maxLength: 400,
      size: "max",
    });
    fc.assert(
      fc.property(plain, (words) => {
        const text = words.join(" ");
        fc.pre(text.length > 280);
        let fewest = 0;
        let used = Number.POSITIVE_INFINITY;
        for (const { length } of words) {
          if (used + 1 + length <= 280) used += 1 + length;
          else {
            used = length;
            fewest++;
          }
        }
        const parts = split(text);
        if (fewest > MAX_PARTS) return expect(parts).toMatchObject({ code: "too-many-parts" });
        expect(parts).toHaveLength(fewest);
        expect((parts as string[]).at(-1)).toContain(" ");
      }),
    );
  });

  it("are found for every text that is well below 25 times the limit", () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{1,20}[.,]?$/), { maxLength: 600, size: "max" }),
        (words) => {
          const text = words.join(" ");
          fc.pre(weightedLength(text) <= MAX_PARTS * (280 - 6 - 22));
          expect(splitThread(text, { maxTextLength: 280, numbering: true })).toMatchObject({ ok: true });
        },
      ),
    );
  });
});

describe("splitField", () => {
  it("takes true, or whether parts are numbered", () => {
    expect(splitField.parse(true)).toEqual({ numbering: false });
    expect(splitField.parse(false)).toBeUndefined();
    expect(splitField.parse({ numbering: true })).toEqual({ numbering: true });
    expect(splitField.parse({ numbering: false })).toEqual({ numbering: false });
  });

  it.each(["yes", 1, null, {}, { numbering: "1/5" }, { numbering: true, at: "end" }])(
    "refuses %j",
    (given) => {
      expect(splitField.safeParse(given).success).toBe(false);
    },
  );
});
