import { describe, expect, it } from "vitest";
import { asOwnerId } from "#shared/domain/ids.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { WriterRefusal } from "#shared/ports/text-writer.ts";
import { createWriteText, type WriteTextCommand } from "#shared/usecases/write-text.ts";
import { freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryWritingCache } from "#test/support/in-memory-writing-cache.ts";
import { scriptedWriter, USAGE, type WriterTurn } from "#test/support/scripted-writer.ts";
import { aBrief, aRequest } from "#test/support/writings.ts";

const ORIGINAL = "Our red kites fly again on Saturday at 10:30, see https://kites.example.com/fly @kiteshop";
const BETTER = "🪁 Saturday, 10:30: our red kites are back! @kiteshop https://kites.example.com/fly";
const LONG = `${BETTER}. ${"It will be a fine day for everybody. ".repeat(8)}`;
const LOST = "Our red kites fly again on Saturday at 10:30";
const MINUTE = 60_000;

function setUp(...turns: WriterTurn[]) {
  const clock = manualClock();
  const writer = scriptedWriter(...turns);
  const cache = createInMemoryWritingCache(clock);
  const writeText = createWriteText({
    writer,
    cache,
    clock,
    entropy: { random: () => 0.5 },
    model: "gemini-default",
  });
  const taskId = freshTaskId();
  const inMs = (ms: number) => new Date(clock.now().getTime() + ms);
  const run = (over: Partial<WriteTextCommand> = {}) =>
    writeText({
      ...aRequest({ texts: [ORIGINAL] }),
      taskId,
      rev: 1,
      ownerId: asOwnerId("owner-1"),
      neededAt: inMs(3 * MINUTE),
      stopAt: inMs(80_000),
      ...over,
    });
  /** The data of each request. */
  const asked = () =>
    writer.asked.map(({ prompt }) => JSON.parse(prompt.data.split("\n")[1] ?? "") as Record<string, unknown>);
  return { clock, writer, run, asked, inMs };
}

describe("what was written", () => {
  it("is returned when it is good, with what it took", async () => {
    const { run, writer } = setUp([BETTER]);
    expect(await run()).toEqual({
      kind: "written",
      texts: [BETTER],
      figures: { requests: 1, writingMs: 0, ...USAGE },
    });
    expect(writer.asked).toMatchObject([
      { model: "gemini-default", deadlineMs: TIMING.prepare.requestDeadlineMs },
    ]);
  });

  it("is asked for only once, by whatever task of the owner", async () => {
    const { run, clock, writer } = setUp([BETTER]);
    await run();
    clock.advance(29 * 24 * 60 * MINUTE);
    expect(await run({ taskId: freshTaskId(), rev: 7 })).toEqual({
      kind: "written",
      texts: [BETTER],
      figures: { requests: 0, writingMs: 0, inputTokens: 0, outputTokens: 0, costMicros: 0 },
    });
    expect(writer.asked).toHaveLength(1);
  });

  it.each<[string, Partial<WriteTextCommand>]>([
    ["another owner", { ownerId: asOwnerId("owner-2") }],
    ["another limit", { maxTextLength: 25_000 }],
    ["another model", { writing: { mode: "enhance", onFailure: "original", model: "gemini-other" } }],
  ])("is asked for again for %s", async (_what, over) => {
    const { run, writer } = setUp([BETTER], [BETTER]);
    await run();
    await run(over);
    expect(writer.asked).toHaveLength(2);
  });

  it("comes from the model that the post names", async () => {
    const { run, writer } = setUp([BETTER]);
    await run({ writing: { mode: "enhance", onFailure: "original", model: "gemini-other" } });
    expect(writer.asked).toMatchObject([{ model: "gemini-other" }]);
  });

  it("may be hashtags, or one text of a brief", async () => {
    const { run } = setUp(
      ["#Kites", "#Sky"],
      ["Come to the kite festival: https://kites.example.com/festival"],
    );
    expect(await run({ writing: { mode: "hashtags", count: 1, onFailure: "original" } })).toMatchObject({
      kind: "written",
      texts: [`${ORIGINAL} #Kites`],
    });
    expect(await run({ writing: aBrief(), texts: [""] })).toMatchObject({
      kind: "written",
      texts: ["Come to the kite festival: https://kites.example.com/festival"],
    });
  });
});

describe("an answer that is not good enough", () => {
  it("is asked for once more, with what was wrong", async () => {
    const { run, asked, writer } = setUp([LOST], [BETTER]);
    expect(await run()).toMatchObject({
      kind: "written",
      texts: [BETTER],
      figures: { requests: 2, inputTokens: 600, outputTokens: 80, costMicros: 380 },
    });
    expect(asked()[1]).toMatchObject({
      texts: [ORIGINAL],
      before: {
        texts: [LOST],
        problems: [{ part: 1, kind: "lost", facts: ["https://kites.example.com/fly", "@kiteshop"] }],
      },
    });
    expect(writer.asked[1]?.prompt.instructions).toBe(writer.asked[0]?.prompt.instructions);
  });

  it("names by how much it is too long", async () => {
    const { run, asked } = setUp([LONG], [BETTER]);
    await run();
    expect(asked()[1]).toMatchObject({
      before: { problems: [{ kind: "too-long", excess: expect.any(Number) }] },
    });
  });

  it("is cut at a sentence when it is too long twice", async () => {
    const { run } = setUp([LONG], [LONG]);
    const outcome = await run();
    if (outcome.kind !== "written") throw new Error(outcome.kind);
    expect(outcome.texts[0]).toMatch(/^🪁 Saturday.*everybody\.$/s);
    expect(outcome.texts[0]?.length).toBeLessThanOrEqual(280);
  });

  it("is cut when the second one is worse, or never comes", async () => {
    const worse = setUp([LONG], [LOST]);
    expect(await worse.run()).toMatchObject({ kind: "written" });
    const none = setUp([LONG], { reason: "unavailable" });
    expect(await none.run()).toMatchObject({ kind: "written" });
  });

  it.each<[string, WriterTurn, WriterTurn, string]>([
    ["loses facts", [LOST], [LOST], "writing-changed-facts"],
    ["invents facts", [LOST], [`${BETTER} https://evil.example.com`], "writing-changed-facts"],
    [
      "is about something else",
      [LOST],
      ["Vote! 10:30 @kiteshop https://kites.example.com/fly"],
      "writing-unlike",
    ],
    [
      "is in another language",
      [LOST],
      ["星期六我们的风筝又要飞 10:30 @kiteshop https://kites.example.com/fly"],
      "writing-unlike",
    ],
    ["is empty", [LOST], [""], "writing-malformed"],
    ["is more than one", [LOST], [BETTER, BETTER], "writing-malformed"],
    ["cannot be cut", [LOST], [LONG.replaceAll(/\. /g, ", ")], "writing-too-long"],
    [
      "is no JSON, twice",
      { reason: "malformed", usage: USAGE },
      { reason: "malformed" },
      "writing-malformed",
    ],
  ])("is refused when the second one %s", async (_what, first, second, code) => {
    const { run } = setUp(first, second);
    expect(await run()).toMatchObject({
      kind: "refused",
      passing: false,
      reason: { code },
      figures: { requests: 2 },
    });
  });

  it("does not ask again for hashtags that have no room", async () => {
    const { run, writer } = setUp(["#Kites"]);
    const full = "x".repeat(279);
    expect(
      await run({ texts: [full], writing: { mode: "hashtags", count: 1, onFailure: "original" } }),
    ).toMatchObject({
      kind: "refused",
      reason: { code: "writing-too-long" },
    });
    expect(writer.asked).toHaveLength(1);
  });

  it("tries once more what could not be read", async () => {
    const { run } = setUp({ reason: "malformed", usage: USAGE }, [BETTER]);
    expect(await run()).toMatchObject({ kind: "written", figures: { requests: 2, costMicros: 380 } });
  });
});

describe("a refusal", () => {
  it.each<[WriterRefusal, string]>([
    [{ reason: "blocked", usage: USAGE }, "writing-blocked"],
    [{ reason: "not-configured", cause: "no-key" }, "writing-not-configured"],
    [{ reason: "not-configured", cause: "key-refused" }, "writing-not-configured"],
    [{ reason: "not-configured", cause: "request-refused" }, "writing-not-configured"],
  ])("of %j lasts", async (refusal, code) => {
    const { run, writer } = setUp(refusal);
    const first = await run();
    expect(first).toMatchObject({ kind: "refused", passing: false, reason: { code } });
    // The uploads of the same post go on in slices: the model is not asked in each of them.
    expect(await run()).toMatchObject({ kind: "refused", reason: { code }, figures: { requests: 0 } });
    expect(writer.asked).toHaveLength(1);
  });

  it("counts for its revision: whoever publishes anew asks anew", async () => {
    const { run } = setUp({ reason: "blocked" }, [BETTER]);
    await run();
    expect(await run({ rev: 2 })).toMatchObject({ kind: "written" });
  });

  it.each<[WriterRefusal, string, number]>([
    [{ reason: "unavailable" }, "writing-unavailable", 17_500],
    [{ reason: "too-slow" }, "writing-too-slow", 17_500],
    [{ reason: "rate-limited" }, "writing-rate-limited", 17_500],
    [{ reason: "rate-limited", retryAfterMs: 38_000 }, "writing-rate-limited", 40_500],
  ])("of %j passes: it goes on in time", async (refusal, code, waitMs) => {
    const { run, inMs, writer } = setUp(refusal, [BETTER]);
    expect(await run()).toMatchObject({ kind: "continue", nextAt: inMs(waitMs), reason: { code } });
    expect(await run()).toMatchObject({ kind: "written" });
    expect(writer.asked).toHaveLength(2);
  });

  it("is final when the next try would come too late, and is not remembered", async () => {
    const { run, inMs } = setUp(
      { reason: "rate-limited", retryAfterMs: 150_000 },
      { reason: "unavailable" },
      [BETTER],
    );
    expect(await run()).toMatchObject({
      kind: "refused",
      passing: true,
      reason: { code: "writing-rate-limited" },
    });
    expect(await run({ neededAt: inMs(-1) })).toMatchObject({ kind: "refused", passing: true });
    expect(await run()).toMatchObject({ kind: "written" });
  });

  it("is not waited for: no request begins when the slice is over", async () => {
    const { run, inMs, writer } = setUp();
    expect(await run({ stopAt: inMs(0) })).toMatchObject({ kind: "continue", figures: { requests: 0 } });
    expect(writer.asked).toEqual([]);
  });
});

describe("what is for people and logs", () => {
  it("has no word of the post", async () => {
    const outcomes = [
      await setUp([LOST], [`${BETTER} https://evil.example.com`]).run(),
      await setUp({ reason: "blocked" }).run(),
      await setUp([LOST], [""]).run(),
    ];
    for (const outcome of outcomes) expect(JSON.stringify(outcome)).not.toMatch(/kites|evil|10:30|Saturday/i);
  });
});
