import { describe, expect, it, vi } from "vitest";
import { asRecurrenceId } from "#shared/domain/ids.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import { UNREADABLE } from "#shared/domain/reconcile.ts";
import type { Task } from "#shared/domain/task.ts";
import { aMedium } from "#test/support/builders.ts";
import { ACCOUNT, at, SECOND, START, setUpChanging, WAITING } from "#test/support/changing.ts";
import { OWNER } from "#test/support/publishing.ts";

const DAY_MS = 86_400_000;
const WINDOW: Policy = {
  urgentShare: 0,
  minIntervalMs: 3_600_000,
  duplicates: { windowMs: 30 * DAY_MS, threshold: 0.6, near: "warns" },
};
const LATE = { code: "late", message: "Late.", remedy: "Wait." };

describe("updateTask: what it says", () => {
  it.each(WAITING.filter((status) => status !== "held"))(
    "makes a new revision of a %s task, at the same slot, and calls for that one",
    async (status) => {
      const { update, put, read, contentOf, calls, tasks } = await setUpChanging();
      const task = await put({ status, strategy: "optimal", pool: "chosen", toWrite: true });
      const changed = await update(OWNER, task.id, { texts: [" corrected "] });
      const after = await read(task);
      expect(after).toMatchObject({
        status: "pending",
        rev: 2,
        contentRev: 2,
        arm: 2,
        slotAt: task.slotAt,
        publishAt: task.publishAt,
        strategy: "optimal",
        pool: "chosen",
        accountId: ACCOUNT,
      });
      // It goes out as it is.
      expect(after).not.toHaveProperty("toWrite");
      expect(await contentOf(task)).toEqual({
        taskId: task.id,
        rev: 2,
        parts: [{ text: "corrected" }],
        media: [],
      });
      expect(changed).toMatchObject({ ok: true, value: { task: after } });
      expect(await calls(task)).toMatchObject([{ step: "publish" }]);
      expect(await tasks.getLog(task.id)).toMatchObject([
        { step: "change", status: "pending", code: "edited" },
      ]);
    },
  );

  it("posts the new text, and never the old one", async () => {
    const { update, put, publish, sent, clock, messageOf, publishPost, invocation } = await setUpChanging();
    const task = await put({}, { parts: [{ text: "a typpo" }] });
    const old = await messageOf(task, "publish");
    await update(OWNER, task.id, { texts: ["a typo"] });
    clock.set(new Date(at(10).getTime() - 30_000));
    expect(await publishPost(old, invocation(90_000))).toEqual({ kind: "stale-message" });
    expect(await publish(task)).toMatchObject({ kind: "posted" });
    expect(sent.map(({ request }) => request.text)).toEqual(["a typo"]);
  });

  it("keeps its media, which need no text", async () => {
    const { update, put, contentOf } = await setUpChanging();
    const media = [aMedium()];
    const task = await put({ status: "ready" }, { media });
    expect((await update(OWNER, task.id, { texts: [""] })).ok).toBe(true);
    expect(await contentOf(task)).toMatchObject({ parts: [{ text: "" }], media });
    const without = await put();
    expect(await update(OWNER, without.id, { texts: [""] })).toMatchObject({
      ok: false,
      error: { reason: "bad-text", code: "empty-post" },
    });
  });

  it.each([
    [["fine", "x".repeat(281)], { code: "text-too-long", part: 1 }],
    [["x".repeat(281)], { code: "text-too-long" }],
    [["fine", " "], { code: "empty-part", part: 1 }],
    [Array.from({ length: 26 }, () => "x"), { code: "too-many-parts" }],
    [["\uFFFE"], { code: "invalid-text" }],
  ])("refuses %o as a new post would be", async (texts, error) => {
    const { update, put, read } = await setUpChanging();
    const task = await put();
    const refused = await update(OWNER, task.id, { texts });
    expect(refused).toMatchObject({ ok: false, error: { reason: "bad-text", ...error } });
    if (!("part" in error)) expect(refused.ok || "part" in refused.error).toBe(false);
    expect(await read(task)).toEqual(task);
  });

  it("refuses what the account says already, and gives the old text up with the claim of the new one", async () => {
    const { update, place, read } = await setUpChanging({ policy: WINDOW });
    const one = await place("one");
    const two = await place("two", { slotAt: at(100) });
    const before = await read(two);
    expect(await update(OWNER, two.id, { texts: ["one"] })).toMatchObject({
      ok: false,
      error: { reason: "repeats", by: one.id, why: { code: "duplicate-content" } },
    });
    expect(await read(two)).toEqual(before);
    await update(OWNER, one.id, { texts: ["three"] });
    expect((await update(OWNER, two.id, { texts: ["one"] })).ok).toBe(true);
  });

  it("may repeat itself: its own claim is no other's", async () => {
    const { update, place } = await setUpChanging({ policy: WINDOW });
    const task = await place("one");
    await update(OWNER, task.id, { texts: ["two"] });
    expect((await update(OWNER, task.id, { texts: ["one"] })).ok).toBe(true);
  });

  it("plans a longer thread anew where a strategy chose the slot, and refuses one that runs into a blackout", async () => {
    const { update, place, put, read } = await setUpChanging({
      policy: { urgentShare: 0, blackout: { fromHour: 8, toHour: 9 } },
    });
    const planned = await place("planned", { strategy: "next-free" });
    const longer = await update(OWNER, planned.id, { texts: ["a", "b", "c"] });
    expect(longer).toMatchObject({ ok: true, value: { plan: { strategy: "next-free" } } });
    expect(await read(planned)).toMatchObject({ partCount: 3, strategy: "next-free" });

    const fixed = await put({ slotAt: new Date("2026-12-01T07:59:50.000Z") });
    const before = await read(fixed);
    expect(await update(OWNER, fixed.id, { texts: ["a", "b", "c"] })).toMatchObject({
      ok: false,
      error: { reason: "thread-meets-blackout" },
    });
    expect(await read(fixed)).toEqual(before);
    expect((await update(OWNER, fixed.id, { texts: ["a"] })).ok).toBe(true);
  });
});

describe("updateTask: where it is posted", () => {
  it("moves a task to another account of the project, with its text and what is to be written for it", async () => {
    const { update, put, read, contentOf } = await setUpChanging();
    const writing = { mode: "enhance", onFailure: "original" } as const;
    const task = await put({ toWrite: true, pool: "chosen" }, { parts: [{ text: "hello" }], writing });
    expect((await update(OWNER, task.id, { account: "second" })).ok).toBe(true);
    const after = await read(task);
    expect(after).toMatchObject({
      accountId: SECOND,
      rev: 2,
      contentRev: 2,
      toWrite: true,
      slotAt: task.slotAt,
    });
    expect(after).not.toHaveProperty("pool");
    expect(await contentOf(task)).toMatchObject({ parts: [{ text: "hello" }], writing });
  });

  it("plans it anew for the other account, if a strategy chose its slot", async () => {
    const { update, place, read } = await setUpChanging({ policy: WINDOW });
    const task = await place("planned", { strategy: "next-free", slotAt: START });
    await update(OWNER, task.id, { account: "second" });
    expect(await read(task)).toMatchObject({ accountId: SECOND, strategy: "next-free" });
  });

  it("leaves the account open, or to the limits of the other one", async () => {
    const { update, put, read, accounts } = await setUpChanging();
    const task = await put({}, { parts: [{ text: "x".repeat(200) }] });
    await update(OWNER, task.id, { account: "any" });
    expect(await read(task)).toMatchObject({ pool: "open", rev: 2 });
    const second = await accounts.getAccount(SECOND);
    if (!second) throw new Error("no account");
    await accounts.saveAccount({ ...second, maxTextLength: 100, version: second.version + 1 });
    expect(await update(OWNER, task.id, { account: "second" })).toMatchObject({
      ok: false,
      error: { reason: "bad-text", code: "text-too-long" },
    });
    expect(await update(OWNER, task.id, { account: "third" })).toEqual({
      ok: false,
      error: { reason: "unknown-account", name: "third" },
    });
  });

  it("claims the text for the new account", async () => {
    const { update, place } = await setUpChanging({ policy: WINDOW });
    const one = await place("one");
    const other = await place("two", { slotAt: at(100) });
    await update(OWNER, other.id, { account: "second", texts: ["one"] });
    expect(await update(OWNER, one.id, { account: "second" })).toMatchObject({
      ok: false,
      error: { reason: "repeats", by: other.id },
    });
  });
});

describe("updateTask: how it is treated", () => {
  it.each(WAITING)("changes it for a %s task without a new revision: its calls stay good", async (status) => {
    const { update, put, read, tasks } = await setUpChanging();
    const task = await put({ status });
    const patch = {
      priority: 1,
      language: "fr",
      latePolicy: { then: "hold", postWithinMs: 60_000 } as const,
      reconcile: "hold" as const,
      maxRetries: 7,
    };
    expect((await update(OWNER, task.id, patch)).ok).toBe(true);
    const { version, updatedAt, ...rest } = task;
    expect(await read(task)).toEqual({ ...rest, ...patch, version: version + 1, updatedAt });
    expect(await tasks.getLog(task.id)).toMatchObject([{ step: "change", status, code: "edited" }]);
  });

  it("is in force for a publisher that holds already", async () => {
    const { update, put, publish, sent, read, clock } = await setUpChanging();
    const task = await put();
    clock.set(new Date(at(10).getTime() - 60_000));
    const sleep = clock.sleepUntil.bind(clock);
    vi.spyOn(clock, "sleepUntil").mockImplementationOnce(async (until) => {
      await update(OWNER, task.id, { priority: 1 });
      return sleep(until);
    });
    expect(await publish(task)).toMatchObject({ kind: "posted", latenessMs: 0 });
    expect(sent).toHaveLength(1);
    expect(await read(task)).toMatchObject({ status: "published", priority: 1 });
  });

  it("takes null for the project's own", async () => {
    const policy: Policy = { urgentShare: 0, latePolicy: { then: "hold" }, reconcile: "repost" };
    const { update, put, read } = await setUpChanging({ policy });
    const task = await put({ reconcile: "hold" });
    await update(OWNER, task.id, { latePolicy: null, reconcile: null });
    expect(await read(task)).toMatchObject({ latePolicy: { then: "hold" }, reconcile: "repost" });
    expect((await read(task)).latePolicy).not.toHaveProperty("postWithinMs");
    const bare = await setUpChanging();
    const other = await bare.put({ reconcile: "hold" });
    await bare.update(OWNER, other.id, { reconcile: null, priority: 2 });
    expect(await bare.read(other)).not.toHaveProperty("reconcile");
  });

  it("is not taken from the project by a patch about something else", async () => {
    const { update, put, read } = await setUpChanging({ policy: { urgentShare: 0, reconcile: "hold" } });
    const task = await put();
    await update(OWNER, task.id, { priority: 2 });
    expect(await read(task)).not.toHaveProperty("reconcile");
  });

  it("goes with a new text into one revision", async () => {
    const { update, put, read } = await setUpChanging();
    const task = await put();
    await update(OWNER, task.id, { texts: ["new"], priority: 2, maxRetries: 0, language: "fr" });
    expect(await read(task)).toMatchObject({ rev: 2, priority: 2, maxRetries: 0, language: "fr" });
  });
});

describe("updateTask", () => {
  it("changes nothing more when it is repeated, or says nothing new", async () => {
    const { update, put, snapshot } = await setUpChanging();
    const task = await put({}, { parts: [{ text: "old" }] });
    const patch = { texts: ["new"], priority: 2, account: "main" };
    await update(OWNER, task.id, patch);
    const before = snapshot();
    for (const again of [patch, {}, { texts: ["new "] }, { account: "main" }])
      expect((await update(OWNER, task.id, again)).ok).toBe(true);
    expect(snapshot()).toEqual(before);
  });

  it("says something new to whoever wants the text as it is, although one is to be written", async () => {
    const { update, put, read, contentOf } = await setUpChanging();
    const writing = { mode: "enhance", onFailure: "original" } as const;
    const task = await put({ toWrite: true }, { parts: [{ text: "same" }], writing });
    await update(OWNER, task.id, { texts: ["same"] });
    expect(await read(task)).not.toHaveProperty("toWrite");
    expect(await contentOf(task)).not.toHaveProperty("writing");
  });

  it("sends nothing: what is held stays held, for the same reason, with the new words", async () => {
    const { update, put, read, contentOf, calls, dispatch, resumeAccount, accounts } = await setUpChanging();
    const task = await put({ status: "held", reason: LATE, strategy: "optimal" });
    expect((await update(OWNER, task.id, { texts: ["better", "longer"] })).ok).toBe(true);
    const after = await read(task);
    expect(after).toMatchObject({
      status: "held",
      reason: LATE,
      rev: 2,
      strategy: "optimal",
      slotAt: task.slotAt,
    });
    expect(after).not.toHaveProperty("wakeAt");
    expect(await contentOf(task)).toMatchObject({ parts: [{ text: "better" }, { text: "longer" }] });
    expect(await calls(task)).toEqual([]);
    expect([...dispatch.scheduled, ...dispatch.enqueued]).toEqual([]);

    // What goes on by itself with its account still does.
    const waiting = await put({ status: "held", heldFor: "account", reason: LATE });
    await update(OWNER, waiting.id, { texts: ["better still"] });
    expect(await read(waiting)).toMatchObject({ status: "held", heldFor: "account" });
    const account = await accounts.getAccount(ACCOUNT);
    if (!account) throw new Error("no account");
    await accounts.saveAccount({ ...account, wakeAt: START, version: account.version + 1 });
    await resumeAccount(ACCOUNT);
    expect(await read(waiting)).toMatchObject({ status: "pending" });
  });

  it.each([
    [{ status: "posting" }, "in-flight"],
    [{ status: "unknown" }, "in-flight"],
    // Being sent once more: the request before may still turn up.
    [{ status: "retrying", inDoubtSince: START, reposts: 1 }, "in-flight"],
    [{ status: "published" }, "final"],
    [{ status: "cancelled" }, "final"],
    [{ status: "held", inDoubtSince: START, reason: UNREADABLE }, "in-doubt"],
    [{ status: "ready", partCount: 2, posted: [{ postId: "1", sentAt: START }] }, "parts-posted"],
    [{ status: "held", partCount: 2, posted: [{ postId: "1", sentAt: START }] }, "parts-posted"],
  ] as const)("leaves %o alone, for whatever is wanted", async (over: Partial<Task>, reason) => {
    const { update, put, read } = await setUpChanging();
    const task = await put(over);
    for (const patch of [{ texts: ["new"] }, { priority: 1 }, { account: "second" }])
      expect(await update(OWNER, task.id, patch)).toMatchObject({ ok: false, error: { reason } });
    expect(await read(task)).toEqual(task);
  });

  it.each([{ texts: ["new"] }, { priority: 1 }])(
    "changes only the version that the caller has seen: %o",
    async (patch) => {
      const { update, put, read, tasks } = await setUpChanging();
      const task = await put();
      expect(await update(OWNER, task.id, patch, { ifVersion: 2 })).toEqual({
        ok: false,
        error: { reason: "stale", version: 1 },
      });
      expect(await read(task)).toEqual(task);
      const save = tasks.save;
      vi.spyOn(tasks, "save").mockImplementationOnce(async (next, together) => {
        await save({ ...task, status: "held", reason: LATE, version: 2 });
        return save(next, together);
      });
      expect(await update(OWNER, task.id, patch, { ifVersion: 1 })).toEqual({
        ok: false,
        error: { reason: "stale", version: 2 },
      });
      expect(await read(task)).toMatchObject({ status: "held", rev: 1 });
    },
  );

  it("is decided again by the task as it is, when no version is named", async () => {
    const { update, put, read, tasks } = await setUpChanging();
    const task = await put();
    const save = tasks.save;
    vi.spyOn(tasks, "save").mockImplementationOnce(async (next, together) => {
      await save({ ...task, status: "held", reason: LATE, version: 2 });
      return save(next, together);
    });
    expect((await update(OWNER, task.id, { texts: ["new"] })).ok).toBe(true);
    expect(await read(task)).toMatchObject({ status: "held", rev: 2, version: 3 });
  });

  it("keeps an occurrence one of its recurrence, which claims no text", async () => {
    const { update, put, place, read } = await setUpChanging({ policy: WINDOW });
    await place("the same");
    const source = { kind: "recurrence", recurrenceId: asRecurrenceId("r"), occurrenceAt: at(10) } as const;
    const task = await put({ source });
    expect((await update(OWNER, task.id, { texts: ["the same"] })).ok).toBe(true);
    expect(await read(task)).toMatchObject({ source });
  });
});
