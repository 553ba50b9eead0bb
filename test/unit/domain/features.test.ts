import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { circumstancesOf, featuresOf } from "#shared/domain/features.ts";
import { newGate } from "#shared/domain/gate.ts";
import type { Content, Task } from "#shared/domain/task.ts";
import { aContent, aMedium, aTask } from "#test/support/builders.ts";

/** A Tuesday, 09:30 in Shanghai. */
const sentAt = new Date("2026-12-01T01:30:00.000Z");
const earlier = (ms: number) => new Date(sentAt.getTime() - ms);
const fresh = newGate(aTask().accountId);
const hoursWith = (counts: Readonly<Record<number, number>>) =>
  Array.from({ length: 24 }, (_, hour) => counts[hour] ?? 0);

const describePost = (
  content: Partial<Content> = {},
  {
    task = {} as Partial<Task>,
    gate = {} as Partial<typeof fresh>,
    timeZone = "Asia/Shanghai",
    at = sentAt,
    followers = undefined as number | undefined,
  } = {},
) => {
  const whole = aTask(task);
  const account = followers === undefined ? {} : { followers };
  const circumstances = circumstancesOf(aContent(whole, content), { timeZone }, account);
  return featuresOf(whole, circumstances, { ...fresh, ...gate }, at);
};
const ofText = (text: string) => describePost({ parts: [{ text }] });

describe("featuresOf", () => {
  it("has all fourteen features of a post that everything is known of, but what nothing measures yet", () => {
    const text = "风筝 #kites #weekend with @someone: https://example.com/a/very/long/path $TSLA";
    const features = describePost(
      { parts: [{ text }, { text: "#more @more https://more.com" }], media: [aMedium(), aMedium()] },
      {
        task: { priority: 2, language: "en", strategy: "optimal" },
        gate: { lastPostAt: earlier(90 * 60_000), hours: hoursWith({ 1: 3, 9: 9 }) },
        followers: 1_024,
      },
    );
    expect(features).toEqual({
      version: 1,
      hour: 9,
      weekday: 1,
      length: 65,
      hashtags: 2,
      mentions: 1,
      media: { kind: "photo", count: 2 },
      hasLink: true,
      language: "en",
      followers: 1_024,
      sinceLastPostMs: 90 * 60_000,
      hourShare: 0.25,
      priority: 2,
      strategy: "optimal",
    });
  });

  it("leaves out what nobody knows, instead of making it up", () => {
    const features = describePost({ parts: [{ text: "Hello" }] });
    expect(features).toMatchObject({ length: 5, media: { kind: "none", count: 0 }, hasLink: false });
    for (const unknown of ["followers", "sinceLastPostMs", "accountAverage", "hourShare"])
      expect(features).not.toHaveProperty(unknown);
  });

  it("knows none from zero: an account without followers, a post right after another, an hour without posts", () => {
    const gate = { lastPostAt: sentAt, hours: hoursWith({ 2: 5 }) };
    expect(describePost({}, { gate, followers: 0 })).toMatchObject({
      followers: 0,
      sinceLastPostMs: 0,
      hourShare: 0,
    });
    expect(describePost({}, { gate: { hours: hoursWith({}) } })).not.toHaveProperty("hourShare");
  });

  it("says nothing of the time since a post that went out later", () => {
    expect(describePost({}, { gate: { lastPostAt: earlier(-1) } })).not.toHaveProperty("sinceLastPostMs");
  });

  it.each([
    ["Asia/Shanghai", "2026-12-01T15:59:59.999Z", 23, 1],
    ["Asia/Shanghai", "2026-12-01T16:00:00.000Z", 0, 2],
    ["America/New_York", "2026-11-01T05:30:00.000Z", 1, 6],
    ["America/New_York", "2026-11-01T06:30:00.000Z", 1, 6],
    ["Asia/Kolkata", "2026-12-06T18:29:00.000Z", 23, 6],
    ["Asia/Kolkata", "2026-12-06T18:30:00.000Z", 0, 0],
  ])("has hour and weekday of %s at %s", (timeZone, at, hour, weekday) => {
    expect(describePost({}, { timeZone, at: new Date(at) })).toMatchObject({ hour, weekday });
  });

  it.each([
    ["video/mp4", "video"],
    ["image/gif", "gif"],
  ] as const)("calls %s a %s", (type, kind) => {
    expect(describePost({ media: [aMedium({ type })] })).toMatchObject({ media: { kind, count: 1 } });
  });

  it.each([
    ["$TSLA", { hashtags: 0, mentions: 0, hasLink: false }],
    ["example.com", { hasLink: true, length: 23 }],
    ["#话题 #话题", { hashtags: 2 }],
    ["a@b.de", { mentions: 0 }],
    ["", { length: 0 }],
  ])("reads %j as X does", (text, features) => {
    expect(ofText(text)).toMatchObject(features);
  });

  it("tells a post of now from one at a given time, where nobody chose a strategy", () => {
    const createdAt = earlier(60_000);
    expect(describePost({}, { task: { createdAt, publishAt: createdAt } }).strategy).toBe("immediate");
    expect(describePost({}, { task: { createdAt, publishAt: sentAt } }).strategy).toBe("fixed");
  });

  it("stays within the ranges of its features for any text and time", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", maxLength: 500, size: "max" }),
        fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true }),
        fc.constantFrom("UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "Europe/Berlin"),
        fc.array(fc.nat(1_000), { minLength: 24, maxLength: 24 }),
        (text, at, timeZone, hours) => {
          const features = describePost({ parts: [{ text }] }, { timeZone, at, gate: { hours } });
          const shown = new Intl.DateTimeFormat("en-GB", {
            timeZone,
            hour: "2-digit",
            weekday: "long",
            hour12: false,
          });
          const parts = Object.fromEntries(shown.formatToParts(at).map(({ type, value }) => [type, value]));
          const days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
          expect(features.hour).toBe(Number(parts["hour"]) % 24);
          expect(days[features.weekday]).toBe(parts["weekday"]);
          expect(features.length).toBeGreaterThanOrEqual(0);
          if (features.hourShare !== undefined) {
            expect(features.hourShare).toBeGreaterThanOrEqual(0);
            expect(features.hourShare).toBeLessThanOrEqual(1);
          }
        },
      ),
    );
  });

  it("refuses a zone that does not exist", () => {
    expect(() => describePost({}, { timeZone: "Nowhere/Land" })).toThrow(RangeError);
  });
});
