import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ABSENT_HELD,
  findMatches,
  isComplete,
  isProvenAbsent,
  isWrittenOff,
  NOT_POSTED,
  nextReading,
  reconcilePolicyOf,
  type SeenPost,
  type SoughtPost,
  STILL_ABSENT,
  TWIN_POSTED,
  UNKNOWN,
  UNREADABLE,
} from "#shared/domain/reconcile.ts";
import { TIMING } from "#shared/domain/timing.ts";
import { aTask } from "#test/support/builders.ts";

const sentFrom = new Date("2026-12-01T01:00:00.000Z");
const at = (ms: number) => new Date(sentFrom.getTime() + ms);
const seen = (over: Partial<SeenPost> = {}): SeenPost => ({
  postId: "1999",
  expandedText: "Kites",
  mediaKeys: [],
  createdAt: at(1_000),
  ...over,
});
const sought = (over: Partial<SoughtPost> = {}): SoughtPost => ({
  text: "Kites",
  mediaIds: [],
  sentFrom,
  ...over,
});
const matches = (posts: readonly SeenPost[], wanted: SoughtPost = sought()) =>
  findMatches(posts, wanted).map(({ postId }) => postId);

describe("findMatches", () => {
  it.each([
    ["the same text", "Kites", "Kites"],
    ["a bare domain, which X makes a link of", "See example.com for more", "See http://example.com for more"],
    ["a bare domain at the end", "See example.com", "See https://example.com/"],
    ["a link that X ends with a slash", "See https://example.com", "See https://example.com/"],
    ["a path, which X keeps", "https://example.com/a/b?c=1", "https://example.com/a/b?c=1"],
    ["another case of the scheme", "HTTPS://example.com/a", "https://example.com/a"],
    ["spaces that X trims", "  Kites \n\n fly  ", "Kites\n\nfly"],
    ["letters composed otherwise", "Caf\u0065\u0301", "Caf\u00e9"],
    ["Chinese with an address", "风筝 example.com/风筝 飞", "风筝 http://example.com/风筝 飞"],
  ])("finds %s", (_, text, expandedText) => {
    expect(matches([seen({ expandedText })], sought({ text }))).toEqual(["1999"]);
  });

  it.each([
    ["another text", "Kites", "Kites!"],
    ["another case", "Kites", "kites"],
    ["the text and more", "Kites", "Kites fly"],
    ["another path of the same site", "https://example.com/a", "https://example.com/b"],
  ])("does not find %s", (_, text, expandedText) => {
    expect(matches([seen({ expandedText })], sought({ text }))).toEqual([]);
  });

  it("knows a post by a medium that only it has, whatever became of its text", () => {
    const mediaIds = ["1700000000000000001", "1700000000000000002"];
    const wanted = sought({ mediaIds });
    const rewritten = seen({ expandedText: "Kites https://pic", mediaKeys: ["3_1700000000000000002"] });
    expect(matches([rewritten], wanted)).toEqual(["1999"]);
    expect(matches([seen({ mediaKeys: ["3_1700000000000000003"] })], wanted)).toEqual([]);
    expect(matches([seen({ mediaKeys: [] })], wanted)).toEqual([]);
    expect(matches([seen({ mediaKeys: ["7_1700000000000000001", "3_9"] })], wanted)).toEqual(["1999"]);
    // The end of another id is another id.
    expect(matches([seen({ mediaKeys: ["3_0000000000000001"] })], wanted)).toEqual([]);
  });

  it("takes a part of a thread only under its own parent", () => {
    const wanted = sought({ inReplyTo: "1998" });
    expect(matches([seen()], wanted)).toEqual([]);
    expect(matches([seen({ inReplyTo: "1997" })], wanted)).toEqual([]);
    expect(matches([seen({ inReplyTo: "1998" })], wanted)).toEqual(["1999"]);
    expect(matches([seen({ inReplyTo: "1998" })])).toEqual([]);
  });

  it("does not adopt an older post of the same text", () => {
    const tolerance = TIMING.reconcile.clockToleranceMs;
    expect(matches([seen({ createdAt: at(-tolerance - 1) })])).toEqual([]);
    expect(matches([seen({ createdAt: at(-tolerance) })])).toEqual(["1999"]);
  });

  it("gives all that may be it, oldest first: what is newer may be all that a later task can find", () => {
    const posts = [3, 2, 1].map((second) => seen({ postId: `${second}`, createdAt: at(second * 1_000) }));
    expect(matches(posts)).toEqual(["1", "2", "3"]);
    expect(matches([])).toEqual([]);
  });

  it("finds every text again after X's rewriting of its links", () => {
    const word = fc.constantFrom(
      "Kites",
      "风筝",
      "example.com",
      "example.org/a",
      "https://example.com",
      "🪁",
      "a/b",
    );
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 12 }), (words) => {
        const rewritten = words.map((one) => {
          if (one === "example.com") return "http://example.com/";
          if (one === "https://example.com") return "https://example.com/";
          return one.startsWith("example") ? `http://${one}` : one;
        });
        const expandedText = rewritten.join(" ");
        expect(matches([seen({ expandedText })], sought({ text: words.join("  ") }))).toEqual(["1999"]);
      }),
    );
  });
});

describe("isComplete", () => {
  const page = (count: number, oldest: Date) =>
    Array.from({ length: count }, (_, index) =>
      seen({ createdAt: index === count - 1 ? oldest : at(5_000) }),
    );

  it("believes a page that is not full", () => {
    expect(isComplete([], 10, sentFrom)).toBe(true);
    expect(isComplete(page(9, at(5_000)), 10, sentFrom)).toBe(true);
  });

  it("believes a full page only if it reaches back before the request", () => {
    const tolerance = TIMING.reconcile.clockToleranceMs;
    expect(isComplete(page(10, at(0)), 10, sentFrom)).toBe(false);
    expect(isComplete(page(10, at(-tolerance)), 10, sentFrom)).toBe(false);
    expect(isComplete(page(10, at(-tolerance - 1)), 10, sentFrom)).toBe(true);
  });
});

describe("reading twice", () => {
  const { adoptAfterMs, absentAfterMs, betweenReadsMs } = TIMING.reconcile;
  const task = aTask({ status: "unknown", startedAt: sentFrom });

  it("begins 120 s after the request, and can prove absence after 300 s", () => {
    expect([adoptAfterMs, absentAfterMs]).toEqual([120_000, 300_000]);
    expect(nextReading(task)).toEqual(at(120_000));
    expect(nextReading({ ...task, absentAt: at(120_000) })).toEqual(at(300_000));
  });

  it("keeps the two readings apart when the first one came late", () => {
    const late = { ...task, absentAt: at(299_999) };
    expect(nextReading(late)).toEqual(at(299_999 + betweenReadsMs));
    expect(isProvenAbsent(late, at(300_000))).toBe(false);
    expect(isProvenAbsent(late, at(299_999 + betweenReadsMs))).toBe(true);
  });

  it("never proves anything by one reading, however late it is", () => {
    expect(isProvenAbsent(task, at(86_400_000))).toBe(false);
    expect(isProvenAbsent({ ...task, absentAt: at(120_000) }, at(299_999))).toBe(false);
    expect(isProvenAbsent({ ...task, absentAt: at(120_000) }, at(300_000))).toBe(true);
  });
});

describe("isWrittenOff", () => {
  it.each([
    [STILL_ABSENT.code, true],
    [TWIN_POSTED.code, true],
    [UNREADABLE.code, true],
    [ABSENT_HELD.code, false],
    [UNKNOWN.code, false],
    [NOT_POSTED.code, false],
    [undefined, false],
  ])("%s: %s", (code, isOver) => {
    expect(isWrittenOff(code)).toBe(isOver);
  });

  it("is told from what is known by codes of their own", () => {
    const reasons = [STILL_ABSENT, TWIN_POSTED, UNREADABLE, ABSENT_HELD, UNKNOWN, NOT_POSTED];
    expect(new Set(reasons.map(({ code }) => code)).size).toBe(reasons.length);
  });
});

describe("reconcilePolicyOf", () => {
  it("sends a text again and holds a post with media, unless the task says otherwise", () => {
    expect(reconcilePolicyOf(aTask())).toBe("repost");
    expect(reconcilePolicyOf(aTask({ mediaCount: 1 }))).toBe("hold");
    expect(reconcilePolicyOf(aTask({ reconcile: "hold" }))).toBe("hold");
    expect(reconcilePolicyOf(aTask({ mediaCount: 1, reconcile: "repost" }))).toBe("repost");
  });

  it("sends the later parts of a thread again: the media went out with the first", () => {
    const posted = [{ postId: "1", sentAt: sentFrom }];
    expect(reconcilePolicyOf(aTask({ mediaCount: 1, partCount: 2, posted }))).toBe("repost");
  });
});
