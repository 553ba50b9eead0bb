import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import {
  BANDS,
  bucketsOf,
  type Fingerprint,
  fingerprintOf,
  hashText,
  MAX_NEAR,
  MIN_THRESHOLD,
  type Print,
  printOf,
  ROWS,
  rankNear,
  SIGNATURE_LENGTH,
  similarity,
} from "#shared/domain/duplicates/fingerprint.ts";
import { exactForm, shinglesOf } from "#shared/domain/duplicates/normalise.ts";
import { createPrintIndex } from "#shared/domain/duplicates/print-index.ts";
import { asAccountId, asTaskId } from "#shared/domain/ids.ts";
import { aContent, aTask, freshTaskId } from "#test/support/builders.ts";

const printed = (...texts: readonly string[]): Fingerprint => {
  const fingerprint = fingerprintOf(texts.map((text) => ({ text })));
  if (!fingerprint) throw new RangeError("the text says nothing");
  return fingerprint;
};
const alike = (a: string, b: string): number => similarity(printed(a), printed(b));

const countShared = (a: ReadonlySet<string>, b: ReadonlySet<string>): number =>
  [...a].filter((piece) => b.has(piece)).length;

const LINE = "The harbour opens at nine this morning. Come early if you want to see the boats go out.";

describe("what a text says", () => {
  it.each([
    ["case, width, style and accents of encoding", "Ｎｅｗ: 𝗖𝗮𝗳𝗲́ opens", "new café OPENS"],
    ["punctuation and white space", '"Well" —  it\'s here!\n', "well its here"],
    ["emoji, with joiners, colours and keycaps", "Swim 🏊🏽‍♀️ at 9️⃣ ❤️", "swim at 9"],
    ["spaces beside Chinese", "春天 来了，去 公园 吧", "春天来了去公园吧"],
  ])("is the same whatever the %s", (_, a, b) => {
    expect(exactForm(a)).toBe(exactForm(b));
    expect(hashText([{ text: a }])).toBe(hashText([{ text: b }]));
  });

  it.each([
    ["Read this: https://example.com/a", "Read this: https://example.com/b"],
    ["Read this: https://short.example/aB", "Read this: https://short.example/ab"],
    ["Out now! #music", "Out now! #books"],
    ["🎂🎂", "🎉"],
    ["!", "?"],
    ["9:30", "9:31"],
  ])("%j is not %j", (a, b) => {
    expect(hashText([{ text: a }])).not.toBe(hashText([{ text: b }]));
  });

  it("has a link without the punctuation or the Chinese that follows it", () => {
    expect(exactForm("看这里https://example.com/a，很好")).toBe("看这里很好 https://example.com/a");
    expect(exactForm("See (https://example.com/a).")).toBe("see https://example.com/a");
  });

  it("is nothing for media alone, and the same however a thread is divided", () => {
    expect(hashText([{ text: " \n" }])).toBeUndefined();
    expect(fingerprintOf([{ text: "" }])).toBeUndefined();
    expect(printed(LINE, "And then?")).toEqual(printed(`${LINE} And then?`));
  });

  it("is known by the same hash and signature for ever: they are stored", () => {
    const { hash, signature = [] } = printed("Fresh bread from seven. 今天有新鲜面包。");
    expect(hash).toBe("4f97abcb50b10e832faa9d2344135687a5cb77f0fb1937bd426a1fe84a496329");
    expect([...signature].slice(0, 4)).toEqual([14_506_027, 19_992_925, 30_554_786, 198_449_604]);
    expect(bucketsOf({ hash, signature: Uint32Array.from(signature) }).slice(0, 3)).toEqual([
      "1x4f97abcb50b10e832faa9d2344135687",
      "1.0.a4de84a7",
      "1.1.ff3b499c",
    ]);
  });

  it("takes the time of its length, whatever somebody wrote", () => {
    // Each of these took seconds with a pattern that tries again at every character.
    for (const piece of ["a", "a.", "#", "#a ", "(", "中 ", "a-", "https://", "!?"]) {
      const fingerprint = fingerprintOf([{ text: piece.repeat(25_000) }]);
      expect(fingerprint?.hash).toMatch(/^[0-9a-f]{64}$/);
    }
  });
});

describe("pieces of a text", () => {
  it("are words and four characters in a row, or pairs of Chinese characters", () => {
    expect([...shinglesOf("One two three four five")]).toEqual(
      expect.arrayContaining(["one ", "five ", "one ", "ne t", "five"]),
    );
    expect([...shinglesOf("今天有新鲜")]).toEqual([]);
    expect([...shinglesOf("今天有新鲜面")]).toEqual(["今天", "天有", "有新", "新鲜", "鲜面"]);
  });

  it("leave out links and the hashtags at an end, and keep those in a sentence", () => {
    const plain = shinglesOf("We talk about #maps with a cartographer");
    expect(shinglesOf("We talk about #maps with a cartographer https://t.co/x #podcast #a")).toEqual(plain);
    expect([...plain]).toContain("maps ");
  });

  it("are none of a text that is too short to be like another", () => {
    expect(shinglesOf("good morning to you").size).toBe(0);
    expect(shinglesOf("good morning to you all").size).toBeGreaterThan(0);
    expect(alike("Good morning!", "good MORNING")).toBe(1);
    expect(alike("Good morning to Leeds", "Good morning to London")).toBe(0);
  });
});

describe("similarity", () => {
  const sentence = fc
    .array(fc.constantFrom(...LINE.toLowerCase().split(/\W+/), "and", "lake", "swan"), {
      minLength: 12,
      maxLength: 60,
    })
    .map((words) => words.join(" "));

  it("is the same both ways, 1 with itself, and near the true Jaccard similarity of the pieces", () => {
    fc.assert(
      fc.property(sentence, sentence, (a, b) => {
        const [left, right] = [shinglesOf(a), shinglesOf(b)];
        const shared = countShared(left, right);
        const jaccard = shared / (left.size + right.size - shared);
        expect(alike(a, b)).toBe(alike(b, a));
        expect(alike(a, a)).toBe(1);
        // Five standard errors.
        expect(Math.abs(alike(a, b) - jaccard)).toBeLessThan(5 * Math.sqrt(0.25 / SIGNATURE_LENGTH));
      }),
    );
  });

  it("is estimated without bias, and as exactly as 128 places allow", () => {
    const errors: number[] = [];
    const words = [...new Set(labelled("en").flatMap(({ a, b }) => `${a} ${b}`.split(/\s+/)))];
    for (let round = 0; round < 400; round++) {
      const pick = (place: number) => words[(round * 131 + place * 7_919) % words.length] ?? "";
      const a = Array.from({ length: 25 }, (_, place) => pick(place));
      const b = a.map((word, place) => (place % 6 === round % 6 ? pick(place + 500) : word));
      const [left, right] = [shinglesOf(a.join(" ")), shinglesOf(b.join(" "))];
      const shared = countShared(left, right);
      const jaccard = shared / (left.size + right.size - shared);
      errors.push(
        (alike(a.join(" "), b.join(" ")) - jaccard) / Math.sqrt((jaccard * (1 - jaccard)) / SIGNATURE_LENGTH),
      );
    }
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
    const deviation = Math.sqrt(errors.reduce((sum, error) => sum + (error - mean) ** 2, 0) / errors.length);
    expect(Math.abs(mean)).toBeLessThan(0.2);
    expect(deviation).toBeGreaterThan(0.8);
    expect(deviation).toBeLessThan(1.2);
  });
});

describe("bands", () => {
  /** Chance that two texts of this similarity share a band. */
  const chance = (s: number): number => 1 - (1 - s ** ROWS) ** BANDS;

  it("find what is similar enough with a chance of 0.99, and few strangers", () => {
    expect(BANDS * ROWS).toBeLessThanOrEqual(SIGNATURE_LENGTH);
    expect(chance(0.6)).toBeGreaterThan(0.996);
    expect(chance(MIN_THRESHOLD)).toBeGreaterThan(0.95);
    expect(chance(0.1)).toBeLessThan(0.025);
  });

  it("do so with real signatures", () => {
    let [similar, found, strangers, met] = [0, 0, 0, 0];
    const texts = ["en", "zh"].flatMap((language) => labelled(language).flatMap(({ a, b }) => [a, b]));
    const prints = texts
      .map((text) => printed(text))
      .filter(({ signature }) => signature)
      .map((fingerprint) => ({ fingerprint, bands: new Set(bucketsOf(fingerprint).slice(1)) }));
    for (const [index, a] of prints.entries())
      for (const b of prints.slice(index + 1)) {
        const like = similarity(a.fingerprint, b.fingerprint);
        if (like >= 0.1 && like < 0.6) continue;
        const shares = countShared(a.bands, b.bands) > 0;
        if (like >= 0.6) [similar, found] = [similar + 1, found + Number(shares)];
        else [strangers, met] = [strangers + 1, met + Number(shares)];
      }
    expect(similar).toBeGreaterThan(90);
    expect(found / similar).toBeGreaterThanOrEqual(0.99);
    expect(strangers).toBeGreaterThan(10_000);
    expect(met / strangers).toBeLessThan(0.01);
  });

  it("are as many as a batch of writes has room for, beside the hash and the print", () => {
    expect(bucketsOf(printed(LINE))).toHaveLength(24);
    expect(new Set(bucketsOf(printed(LINE))).size).toBe(24);
    expect(bucketsOf(printed("Good morning"))).toHaveLength(1);
  });
});

describe("ranking", () => {
  const accountId = asAccountId("a");
  const at = (minute: number) => new Date(Date.UTC(2026, 11, 1, 0, minute));
  const wish = { accountId, fingerprint: printed(LINE), from: at(0), until: at(9), threshold: 0.6 };
  const aPrint = (text: string, over: Partial<Print> = {}): Print => ({
    taskId: freshTaskId(),
    accountId,
    slotAt: at(1),
    fingerprint: printed(text),
    ...over,
  });

  it("puts the same text first, then the most similar, then the latest", () => {
    const links = aPrint(`${LINE} https://example.com`);
    const same = aPrint(LINE);
    const later = aPrint(LINE, { slotAt: at(2) });
    const near = aPrint(LINE.replace("boats", "ships"));
    const ranked = rankNear(wish, [near, links, same, later]);
    expect(ranked.map(({ taskId }) => taskId)).toEqual(
      [later, same, links, near].map(({ taskId }) => taskId),
    );
    expect(ranked.map(({ isExact }) => isExact)).toEqual([true, true, false, false]);
    expect(ranked[2]?.similarity).toBe(1);
  });

  it("takes what is just similar enough", () => {
    const near = aPrint(LINE.replace("boats", "ships"));
    const [{ similarity: like = 0 } = {}] = rankNear(wish, [near]);
    expect(like).toBeLessThan(1);
    expect(rankNear({ ...wish, threshold: like }, [near])).toHaveLength(1);
    expect(rankNear({ ...wish, threshold: like + 1 / SIGNATURE_LENGTH }, [near])).toEqual([]);
  });

  it("ends after ten", () => {
    expect(
      rankNear(
        wish,
        Array.from({ length: 20 }, () => aPrint(LINE)),
      ),
    ).toHaveLength(MAX_NEAR);
  });

  it("is the same from an index as from all prints, whatever came and went", () => {
    const texts = labelled("en").flatMap(({ a, b }) => [a, b]);
    const ids = Array.from({ length: 12 }, () => freshTaskId());
    const move = fc.record({
      id: fc.constantFrom(...ids),
      text: fc.constantFrom(...texts.slice(0, 20)),
      minute: fc.integer({ min: -2, max: 12 }),
      account: fc.constantFrom("a", "b"),
      kind: fc.constantFrom("add", "add", "remove"),
    });
    fc.assert(
      fc.property(
        fc.array(move, { maxLength: 30 }),
        fc.constantFrom(...texts.slice(0, 20)),
        (moves, text) => {
          const index = createPrintIndex();
          const all = new Map<string, Print>();
          for (const { id, kind, minute, account, ...said } of moves)
            if (kind === "remove") {
              index.remove(id);
              all.delete(id);
            } else {
              const print = aPrint(said.text, {
                taskId: id,
                slotAt: at(minute),
                accountId: asAccountId(account),
              });
              index.add(print);
              all.set(id, print);
            }
          const own = { ...wish, fingerprint: printed(text), threshold: 0.9 };
          expect(index.find(own)).toEqual(rankNear(own, all.values()));
        },
      ),
    );
  });

  it("is of the original, where a text was written for the post", () => {
    const task = aTask({ id: asTaskId("t") });
    const parts = [{ text: "Something else altogether was written here." }];
    const content = aContent(task, { parts, original: [{ text: LINE }] });
    expect(printOf(task, content)).toEqual({
      taskId: task.id,
      accountId: task.accountId,
      slotAt: task.slotAt,
      fingerprint: printed(LINE),
    });
    expect(printOf(task, { parts: [{ text: "" }] })).toBeUndefined();
  });
});

interface Pair {
  readonly same: boolean;
  readonly kind: string;
  readonly a: string;
  readonly b: string;
}

function labelled(language: string): readonly Pair[] {
  const file = new URL(`../../fixtures/near-duplicates/${language}.json`, import.meta.url);
  return z
    .array(z.strictObject({ same: z.boolean(), kind: z.string(), a: z.string(), b: z.string() }))
    .parse(JSON.parse(readFileSync(file, "utf8")));
}

/**
 * Pairs that a person called the same or not. What is missed are texts that say it in other words altogether, and
 * traditional characters for simplified ones; what is found wrongly are long sentences that differ in one fact.
 */
describe("labelled pairs at 0.60", () => {
  it.each([
    { language: "en", precision: 0.96, recall: 0.96 },
    { language: "zh", precision: 0.97, recall: 0.9 },
  ])("$language: precision at least $precision, recall at least $recall", ({ language, ...floor }) => {
    const pairs = labelled(language);
    expect(pairs.length).toBeGreaterThanOrEqual(95);
    expect(pairs.filter(({ same }) => !same).length).toBeGreaterThanOrEqual(45);
    const judged = pairs.map((pair) => ({ ...pair, found: alike(pair.a, pair.b) >= 0.6 }));
    const count = (same: boolean, found: boolean) =>
      judged.filter((pair) => pair.same === same && pair.found === found).length;
    const precision = count(true, true) / (count(true, true) + count(false, true));
    const recall = count(true, true) / (count(true, true) + count(true, false));
    const wrong = judged.filter(({ same, found }) => same !== found).map(({ kind }) => kind);
    // The figures are asked for, not only the floor under them.
    console.log(
      `near-duplicates ${language}: ${pairs.length} pairs, precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}; ` +
        `wrong: ${wrong.join(", ")}`,
    );
    expect(precision).toBeGreaterThanOrEqual(floor.precision);
    expect(recall).toBeGreaterThanOrEqual(floor.recall);
  });
});
