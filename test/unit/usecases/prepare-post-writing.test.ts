import { describe, expect, it } from "vitest";
import { planArrangement } from "#shared/domain/arrangement.ts";
import type { Writing } from "#shared/domain/content/writing.ts";
import { revise } from "#shared/domain/moves.ts";
import { type Content, mayChooseAgain, type Task } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import { createPreparePost } from "#shared/usecases/prepare-post.ts";
import type { UploadMediaOutcome } from "#shared/usecases/upload-media.ts";
import { createWriteText } from "#shared/usecases/write-text.ts";
import { aMedium } from "#test/support/builders.ts";
import { aFailure } from "#test/support/in-memory-uploads.ts";
import { createInMemoryWritingCache } from "#test/support/in-memory-writing-cache.ts";
import { setUpPublishing } from "#test/support/publishing.ts";
import { scriptedWriter, USAGE, type WriterTurn } from "#test/support/scripted-writer.ts";
import { aBrief, ENHANCE } from "#test/support/writings.ts";

const NOW = new Date("2026-12-01T01:00:00.000Z");
const slotAt = new Date(NOW.getTime() + 4 * 60_000);
const ORIGINAL = "Our red kites fly again on Saturday at 10:30";
const BETTER = "🪁 Saturday, 10:30: our red kites are back!";
const HOLD: Writing = { mode: "enhance", onFailure: "hold" };
const READY: UploadMediaOutcome = { kind: "ready", phases: { transferMs: 30 } };

/** A post whose text is still to be written, with the use cases as they are deployed. */
async function setUp(turns: readonly WriterTurn[], content: Partial<Content> = {}, over: Partial<Task> = {}) {
  const world = await setUpPublishing({ now: NOW });
  const { tasks, clock } = world;
  const writer = scriptedWriter(...turns);
  const uploads = { outcome: READY, meanwhile: async () => {} };
  const writeText = createWriteText({
    writer,
    cache: createInMemoryWritingCache(clock),
    clock,
    entropy: world.entropy,
    model: "gemini-test",
  });
  const preparePost = createPreparePost({
    ...world,
    writeText,
    uploadMedia: async () => {
      await uploads.meanwhile();
      return uploads.outcome;
    },
  });
  const task = await world.put(
    { slotAt, toWrite: true, ...over },
    { parts: [{ text: ORIGINAL }], writing: ENHANCE, ...content },
  );
  const prepare = async () =>
    preparePost(await world.messageOf(task, "prepare"), world.invocation(TIMING.prepare.timeoutMs));
  const inForce = async () => tasks.getContent(await world.read(task));
  return { ...world, writer, uploads, task, prepare, inForce };
}

describe("a text that is written", () => {
  it("is in force from the moment the task is ready, beside the original", async () => {
    const { prepare, inForce, read, task, tasks } = await setUp([[BETTER]]);
    expect(await prepare()).toEqual({
      kind: "ready",
      phases: expect.objectContaining({ writingMs: 0 }),
      writing: { requests: 1, writingMs: 0, ...USAGE },
    });
    const ready = await read(task);
    expect(ready).toMatchObject({ status: "ready", written: true, rev: 1, contentRev: 1, arm: task.arm });
    expect(ready).not.toHaveProperty("toWrite");
    expect(await inForce()).toMatchObject({ parts: [{ text: BETTER }], original: [{ text: ORIGINAL }] });
    expect(await tasks.getContent(task)).toMatchObject({ parts: [{ text: ORIGINAL }] });
  });

  it("is what goes out", async () => {
    const { prepare, publish, task, sent, clock } = await setUp([[BETTER]]);
    await prepare();
    clock.set(new Date(slotAt.getTime() - TIMING.publish.holdLeadMs));
    expect(await publish(task)).toMatchObject({ kind: "posted" });
    expect(sent.map(({ request }) => request.text)).toEqual([BETTER]);
  });

  it("is priced anew, with the number of its parts", async () => {
    const thread = [{ text: "One part that falls back" }, { text: "Another part" }];
    const { prepare, read, task } = await setUp(
      [["Kite festival: https://kites.example.com/festival"]],
      { parts: thread, writing: aBrief() },
      { costMicros: 30_000 },
    );
    await prepare();
    expect(await read(task)).toMatchObject({ partCount: 1, costMicros: 200_000 });
  });

  it("fits the account that posts it", async () => {
    const long = `${BETTER} ${"A fine day for everybody. ".repeat(12)}`.trim();
    const { prepare, inForce, accounts, account } = await setUp([[long]]);
    const main = await account();
    await accounts.saveAccount({ ...main, maxTextLength: 25_000, version: main.version + 1 });
    await prepare();
    expect(await inForce()).toMatchObject({ parts: [{ text: long }] });
  });

  it("stays with the account that it was written for", async () => {
    const { prepare, read, task } = await setUp([[BETTER]], {}, { pool: "chosen" });
    expect(mayChooseAgain(await read(task))).toBe(true);
    await prepare();
    expect(mayChooseAgain(await read(task))).toBe(false);
  });

  it("is written while the media are uploaded, and waits for them without being written again", async () => {
    const { prepare, uploads, writer, read, task, inForce, clock } = await setUp([[BETTER]], {
      media: [aMedium()],
    });
    const nextAt = new Date(NOW.getTime() + 20_000);
    uploads.outcome = { kind: "continue", nextAt, phases: {} };
    expect(await prepare()).toMatchObject({ kind: "continues", nextAt, writing: { requests: 1 } });
    expect(await read(task)).toMatchObject({ status: "preparing", toWrite: true });
    clock.set(nextAt);
    uploads.outcome = READY;
    expect(await prepare()).toMatchObject({ kind: "ready", writing: { requests: 0, costMicros: 0 } });
    expect(writer.asked).toHaveLength(1);
    expect(await inForce()).toMatchObject({ parts: [{ text: BETTER }], media: [{ name: "kite.jpg" }] });
  });

  it("is not written again after a crash before the task was ready", async () => {
    const { prepare, tasks, writer, clock, inForce } = await setUp([[BETTER]]);
    const save = tasks.save.bind(tasks);
    tasks.save = async (next, together) => {
      if (next.status === "ready") throw new Error("the process died");
      return save(next, together);
    };
    await expect(prepare()).rejects.toThrow("the process died");
    tasks.save = save;
    clock.advance(TIMING.prepare.leaseMs);
    expect(await prepare()).toMatchObject({ kind: "ready" });
    expect(writer.asked).toHaveLength(1);
    expect(await inForce()).toMatchObject({ parts: [{ text: BETTER }] });
  });

  it("stays when the post is prepared once more, and goes with a new revision", async () => {
    const { prepare, tasks, read, task, writer, inForce, clock } = await setUp([[BETTER]], {
      media: [aMedium()],
    });
    await prepare();
    const ready = await read(task);
    await tasks.save({ ...ready, status: "pending", version: ready.version + 1 });
    expect(await prepare()).toEqual({ kind: "ready", phases: expect.anything() });
    expect(writer.asked).toHaveLength(1);
    expect(await inForce()).toMatchObject({ parts: [{ text: BETTER }] });

    const {
      accountId,
      costMicros,
      publishAt,
      priority,
      language,
      latePolicy,
      partCount,
      mediaCount,
      source,
    } = ready;
    const facts = {
      accountId,
      costMicros,
      publishAt,
      slotAt,
      priority,
      language,
      latePolicy,
      partCount,
      mediaCount,
      source,
    };
    const revised = revise(await read(task), clock.now(), facts);
    expect(revised).not.toHaveProperty("written");
    expect(revised).not.toHaveProperty("toWrite");
    expect(revise(await read(task), clock.now(), { ...facts, toWrite: true })).toHaveProperty(
      "toWrite",
      true,
    );
  });
});

describe("a text that could not be written", () => {
  it("is what it was, and the log says why, without a word of it", async () => {
    const { prepare, inForce, read, task, tasks } = await setUp([{ reason: "blocked", usage: USAGE }]);
    expect(await prepare()).toMatchObject({
      kind: "ready",
      writing: { requests: 1, costMicros: USAGE.costMicros },
    });
    const ready = await read(task);
    expect(ready).toMatchObject({ status: "ready" });
    expect(ready).not.toHaveProperty("written");
    expect(ready).not.toHaveProperty("toWrite");
    expect(await inForce()).toMatchObject({ parts: [{ text: ORIGINAL }] });
    const log = await tasks.getLog(task.id);
    expect(log).toMatchObject([{ status: "ready", code: "writing-blocked" }]);
    expect(JSON.stringify(log)).not.toContain("kites");
  });

  it("does not go out of itself once it is decided: an original that is ready is not written later", async () => {
    const { prepare, tasks, read, task, inForce } = await setUp([{ reason: "blocked" }]);
    await prepare();
    const ready = await read(task);
    await tasks.save({ ...ready, status: "pending", version: ready.version + 1 });
    await prepare();
    expect(await inForce()).toMatchObject({ parts: [{ text: ORIGINAL }] });
  });

  it("holds the post when that was asked for, and a person who publishes it asks anew", async () => {
    const { prepare, read, task, tasks } = await setUp([{ reason: "blocked" }], { writing: HOLD });
    expect(await prepare()).toMatchObject({ kind: "refused", code: "writing-blocked", status: "held" });
    const held = await read(task);
    expect(held).toMatchObject({ status: "held", toWrite: true, reason: { code: "writing-blocked" } });
    expect(await tasks.getLog(task.id)).toMatchObject([{ status: "held", code: "writing-blocked" }]);
  });

  it("holds the post when there is no other text", async () => {
    const { prepare } = await setUp([{ reason: "not-configured", cause: "no-key" }], {
      parts: [{ text: "" }],
      writing: { ...aBrief(), onFailure: "original" },
    });
    expect(await prepare()).toMatchObject({
      kind: "refused",
      code: "writing-not-configured",
      status: "held",
    });
  });

  it("leaves the media of a post without a text", async () => {
    const { prepare, inForce } = await setUp([{ reason: "blocked" }], {
      parts: [{ text: "" }],
      media: [aMedium()],
      writing: { ...aBrief(), onFailure: "original" },
    });
    expect(await prepare()).toMatchObject({ kind: "ready" });
    expect(await inForce()).toMatchObject({ parts: [{ text: "" }] });
  });
});

describe("a failure that may pass", () => {
  it("is tried again while there is time, by a message of the same arm", async () => {
    const { prepare, dispatch, task, clock, inForce } = await setUp([
      { reason: "rate-limited", retryAfterMs: 20_000 },
      [BETTER],
    ]);
    const report = await prepare();
    expect(report).toMatchObject({ kind: "continues", nextAt: new Date(NOW.getTime() + 22_500) });
    expect(dispatch.enqueued).toMatchObject([
      { message: { taskId: task.id, arm: task.arm, step: "prepare" }, delayMs: 22_500 },
    ]);
    clock.advance(22_500);
    expect(await prepare()).toMatchObject({ kind: "ready" });
    expect(await inForce()).toMatchObject({ parts: [{ text: BETTER }] });
  });

  it("goes on as soon as either of the two wants to", async () => {
    const { prepare, uploads } = await setUp([{ reason: "unavailable" }], { media: [aMedium()] });
    uploads.outcome = { kind: "continue", nextAt: new Date(NOW.getTime() + 5_000), phases: {} };
    expect(await prepare()).toMatchObject({ kind: "continues", nextAt: new Date(NOW.getTime() + 5_000) });
  });

  it("lets the original out when the time is over", async () => {
    const { prepare, inForce, tasks, task } = await setUp([{ reason: "unavailable" }], {}, { slotAt: NOW });
    expect(await prepare()).toMatchObject({ kind: "ready" });
    expect(await inForce()).toMatchObject({ parts: [{ text: ORIGINAL }] });
    expect(await tasks.getLog(task.id)).toMatchObject([{ code: "writing-unavailable" }]);
  });

  it("is a retry of a post that must not go out as it is, and holds it in the end", async () => {
    const { prepare, read, task } = await setUp(
      [{ reason: "unavailable" }],
      { writing: HOLD },
      { slotAt: NOW, maxRetries: 1 },
    );
    expect(await prepare()).toMatchObject({
      kind: "refused",
      code: "writing-unavailable",
      status: "retrying",
    });
    expect(await read(task)).toMatchObject({ status: "retrying", retries: 1, toWrite: true });
    const spent = await setUp(
      [{ reason: "unavailable" }],
      { writing: HOLD },
      { slotAt: NOW, maxRetries: 1, retries: 1 },
    );
    expect(await spent.prepare()).toMatchObject({
      kind: "refused",
      code: "writing-unavailable",
      status: "held",
    });
  });
});

describe("a publisher that comes before the text", () => {
  it("does not send the text as it was, also while the writing is tried again", async () => {
    const { prepare, publish, read, task, sent } = await setUp(
      [{ reason: "unavailable" }],
      { writing: HOLD },
      { slotAt: NOW, maxRetries: 1 },
    );
    await prepare();
    expect(await read(task)).toMatchObject({ status: "retrying", toWrite: true });
    expect(await publish(task)).toEqual({ kind: "waits-for-media" });
    expect(sent).toEqual([]);
  });
});

describe("an account that stopped", () => {
  it("leaves a post of a pool to the others", async () => {
    const { prepare, read, task, accounts } = await setUp([[BETTER]], {}, { pool: "chosen" });
    await accounts.deactivateAccount(task.accountId, {
      status: "paused",
      reason: { code: "account-inactive", message: "Paused.", remedy: "Resume it." },
    });
    expect(await prepare()).toMatchObject({ kind: "refused", status: "retrying" });
    expect(await read(task)).toMatchObject({ pool: "open", toWrite: true });
  });
});

describe("uploads beside it", () => {
  it("that fail decide: the text is kept for the next try", async () => {
    const { prepare, uploads, writer, read, task, inForce, clock } = await setUp([[BETTER]], {
      media: [aMedium()],
    });
    uploads.outcome = { kind: "failed", failure: aFailure("transient"), phases: {} };
    expect(await prepare()).toMatchObject({ kind: "refused", status: "retrying", writing: { requests: 1 } });
    uploads.outcome = READY;
    clock.set((await read(task)).notBeforeAt ?? NOW);
    expect(await prepare()).toMatchObject({ kind: "ready", writing: { requests: 0 } });
    expect(writer.asked).toHaveLength(1);
    expect(await inForce()).toMatchObject({ parts: [{ text: BETTER }] });
  });

  it("are over before an error of the other goes on", async () => {
    const { prepare, uploads } = await setUp([]);
    let isOver = false;
    uploads.meanwhile = async () => {
      for (let turns = 0; turns < 100; turns++) await Promise.resolve();
      isOver = true;
    };
    // The script has no turn left: the writer throws.
    await expect(prepare()).rejects.toThrow("more often than the test says");
    expect(isOver).toBe(true);
  });

  it("are all there is when the text is not to be written", async () => {
    const { prepare, writer, task, tasks, read } = await setUp([], { media: [aMedium()] });
    const { toWrite: _, ...plain } = await read(task);
    await tasks.save({ ...plain, version: plain.version + 1 });
    expect(await prepare()).toEqual({ kind: "ready", phases: { claimMs: 0, transferMs: 30 } });
    expect(writer.asked).toEqual([]);
  });
});

describe("the way to it", () => {
  it("begins three minutes before the publisher, as with a photo", () => {
    const at = new Date(NOW.getTime() + 3_600_000);
    const publishAt = new Date(at.getTime() - TIMING.publish.holdLeadMs);
    expect(planArrangement({ slotAt: at, toWrite: true }, [], NOW)).toEqual({
      prepare: { by: "scheduler", at: new Date(publishAt.getTime() - 180_000) },
      publish: { by: "scheduler", at: publishAt },
      firstAt: new Date(publishAt.getTime() - 180_000),
    });
    expect(planArrangement({ slotAt: at, toWrite: true }, [aMedium({ type: "image/gif" })], NOW)).toEqual(
      planArrangement({ slotAt: at }, [aMedium({ type: "image/gif" })], NOW),
    );
  });

  it("is arranged for a post of text alone, and the publisher waits until it is ready", async () => {
    const { arrange, dispatch, task, publish, prepare, sent, clock, read } = await setUp([[BETTER]]);
    await arrange(await read(task), []);
    expect(
      [...dispatch.scheduled, ...dispatch.enqueued].map(({ message }) => message.step).toSorted(),
    ).toEqual(["prepare", "publish"]);
    clock.set(new Date(slotAt.getTime() - TIMING.publish.holdLeadMs));
    expect(await publish(task)).toEqual({ kind: "waits-for-media" });
    clock.advance(TIMING.publish.waitForMediaMs);
    await prepare();
    expect(await publish(task)).toMatchObject({ kind: "posted" });
    expect(sent.map(({ request }) => request.text)).toEqual([BETTER]);
  });
});
