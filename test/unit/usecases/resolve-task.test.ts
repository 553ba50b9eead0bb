import { describe, expect, it, vi } from "vitest";
import { createIdSource } from "#infra/local/sandbox/snowflake.ts";
import { newGate, reserve, writeOff } from "#shared/domain/gate.ts";
import { asAttemptId, asOwnerId } from "#shared/domain/ids.ts";
import { markUnknown, startPosting, stop } from "#shared/domain/moves.ts";
import { ABSENT_HELD, TWIN_POSTED, UNKNOWN, UNREADABLE } from "#shared/domain/reconcile.ts";
import { canBecome, type Task } from "#shared/domain/task.ts";
import { ACCOUNT, at, START, setUpChanging } from "#test/support/changing.ts";
import { OWNER } from "#test/support/publishing.ts";

const idAt = (when: Date): string => createIdSource(() => when.getTime()).next();
const later = (ms: number): Date => new Date(START.getTime() + ms);
const POST = idAt(later(2_000));
const attemptId = asAttemptId("attempt-1");

type World = Awaited<ReturnType<typeof setUpChanging>>;

/** Sent at the start, its answer lost, and given up: as reading back leaves it. */
async function inDoubt(world: World, over: Partial<Task> = {}, reason = UNREADABLE): Promise<Task> {
  const { put, tasks } = world;
  const task = await put({ slotAt: START, ...over });
  const intent = { attemptId, requestHash: "ff", sinceId: "1" };
  const posting = startPosting(task, START, intent);
  const units = task.partCount - task.posted.length;
  const wish = { taskId: task.id, now: START, units, policy: {}, attemptId, ownerId: OWNER };
  const reserved = reserve(await tasks.getGate(ACCOUNT), wish);
  expect(await tasks.save(posting, { gate: reserved })).toMatchObject({ ok: true });
  const unknown = markUnknown(posting, later(12_000), UNKNOWN);
  await tasks.save(unknown);
  const held = stop(unknown, later(600_000), "held", reason);
  expect(await tasks.save(held, { gate: writeOff(reserved, task.id) })).toMatchObject({ ok: true });
  world.clock.set(later(900_000));
  return held;
}

describe("resolveTask: posted", () => {
  it("adopts the post that a person has seen, at the instant that its id says", async () => {
    const world = await setUpChanging();
    const { resolve, read, tasks, snapshot } = world;
    const task = await inDoubt(world);
    const resolved = await resolve(OWNER, task.id, { as: "posted", postId: POST });
    const after = await read(task);
    expect(after).toMatchObject({ status: "published", posted: [{ postId: POST, sentAt: later(2_000) }] });
    expect(after.sentAt).toEqual(later(2_000));
    for (const gone of ["reason", "inDoubtSince", "requestHash", "sinceId", "wakeAt", "heldFor"])
      expect(after).not.toHaveProperty(gone);
    expect(resolved).toMatchObject({ ok: true, value: { task: after } });
    expect(snapshot()["adopted"]).toEqual({ [`${ACCOUNT}#${POST}`]: task.id });
    expect((await tasks.getLog(task.id)).at(-1)).toMatchObject({
      status: "published",
      code: "resolved-posted",
      externalId: POST,
    });
  });

  it("counts it once at the gate: what was written off is counted already, what was proven absent is not", async () => {
    const world = await setUpChanging();
    const { resolve, gate, tasks, counters } = world;
    const task = await inDoubt(world);
    const taking = vi.spyOn(counters, "take");
    await resolve(OWNER, task.id, { as: "posted", postId: POST });
    expect(await gate(ACCOUNT)).toMatchObject({
      day: { used: 1 },
      quarter: { used: 1 },
      reservations: [],
      lastPostId: POST,
      lastPostAt: later(2_000),
    });
    expect(taking).not.toHaveBeenCalled();

    const other = await setUpChanging();
    const absent = await other.put({ status: "held", reason: ABSENT_HELD, inDoubtSince: START });
    expect(await other.gate(ACCOUNT)).toEqual(newGate(ACCOUNT));
    other.clock.set(later(900_000));
    const counting = vi.spyOn(other.counters, "take");
    await other.resolve(OWNER, absent.id, { as: "posted", postId: POST });
    expect(await other.gate(ACCOUNT)).toMatchObject({
      version: 1,
      ownerId: OWNER,
      day: { used: 1 },
      reservations: [],
      lastPostId: POST,
    });
    expect(counting.mock.calls.map(([counter, units]) => [counter.kind, units])).toEqual([
      ["app-day", 1],
      ["project-spend", 15_000],
    ]);
    expect((await tasks.get(task.id))?.status).toBe("published");
  });

  it("lets no two tasks adopt one post", async () => {
    const world = await setUpChanging();
    const { resolve, read } = world;
    const [one, two] = [await inDoubt(world), await inDoubt(world, {}, TWIN_POSTED)];
    expect((await resolve(OWNER, one.id, { as: "posted", postId: POST })).ok).toBe(true);
    expect(await resolve(OWNER, two.id, { as: "posted", postId: POST })).toEqual({
      ok: false,
      error: { reason: "post-taken", postId: POST },
    });
    expect(await read(two)).toEqual(two);
    expect((await resolve(OWNER, two.id, { as: "posted", postId: idAt(later(2_500)) })).ok).toBe(true);
  });

  it("changes nothing more when it is repeated, also after other things", async () => {
    const world = await setUpChanging();
    const { resolve, snapshot } = world;
    const task = await inDoubt(world);
    await resolve(OWNER, task.id, { as: "posted", postId: POST });
    const before = snapshot();
    expect((await resolve(OWNER, task.id, { as: "posted", postId: POST })).ok).toBe(true);
    expect(await resolve(OWNER, task.id, { as: "posted", postId: idAt(later(3_000)) })).toEqual({
      ok: false,
      error: { reason: "final", status: "published" },
    });
    expect(snapshot()).toEqual(before);
  });

  it("goes on with the next part of a thread, which answers the adopted one", async () => {
    const world = await setUpChanging();
    const { resolve, read, publish, sent, calls, gate } = world;
    const first = { postId: idAt(later(-9_000)), sentAt: later(-9_000) };
    const task = await inDoubt(world, { partCount: 3, posted: [first], status: "ready" });
    await resolve(OWNER, task.id, { as: "posted", postId: POST });
    const after = await read(task);
    expect(canBecome(task.status, after.status)).toBe(true);
    expect(after).toMatchObject({ status: "pending", posted: [first, { postId: POST }], arm: task.arm + 1 });
    expect(await calls(task)).toEqual([{ step: "publish" }]);
    expect((await gate(ACCOUNT)).reservations).toEqual([]);
    expect(await publish(task)).toMatchObject({ kind: "posted" });
    expect(sent).toMatchObject([{ request: { inReplyTo: POST } }]);
    expect(await read(task)).toMatchObject({ status: "published" });
    expect((await gate(ACCOUNT)).reservations).toEqual([]);
  });

  it("leaves no place at the gate behind, also of a thread that had none any more", async () => {
    const { put, clock, resolve, read, gate } = await setUpChanging();
    const task = await put({ status: "held", reason: ABSENT_HELD, inDoubtSince: START, partCount: 3 });
    clock.set(later(900_000));
    await resolve(OWNER, task.id, { as: "posted", postId: POST });
    expect(await read(task)).toMatchObject({ status: "pending", posted: [{ postId: POST }] });
    expect(await gate(ACCOUNT)).toMatchObject({ day: { used: 1 }, reservations: [] });
  });

  it("ends a thread there that somebody wanted to cancel", async () => {
    const world = await setUpChanging();
    const task = await inDoubt(world, { partCount: 3, cancelAskedAt: later(1) });
    await world.resolve(OWNER, task.id, { as: "posted", postId: POST });
    expect(await world.read(task)).toMatchObject({
      status: "cancelled",
      reason: { code: "cancelled-in-thread", message: "The thread was cancelled after 1 of 3 parts." },
    });
    expect(await world.calls(task)).toEqual([]);
  });

  it.each([
    ["an older post", idAt(later(-120_000))],
    ["one of the future", idAt(later(86_400_000))],
    ["no id", "12"],
  ])("is not taken in by %s", async (_, postId) => {
    const world = await setUpChanging();
    const task = await inDoubt(world);
    const before = world.snapshot();
    expect(await world.resolve(OWNER, task.id, { as: "posted", postId })).toMatchObject({
      ok: false,
      error: { reason: "wrong-post", postId, sentFrom: START },
    });
    expect(world.snapshot()).toEqual(before);
  });

  it("decides again when another post of the account changed the gate meanwhile", async () => {
    const world = await setUpChanging();
    const { resolve, tasks, put, gate, clock } = world;
    const task = await inDoubt(world);
    const other = await put();
    const getGate = tasks.getGate;
    vi.spyOn(tasks, "getGate").mockImplementationOnce(async (id) => {
      const seen = await getGate(id);
      const wish = { taskId: other.id, now: clock.now(), units: 1, policy: {}, attemptId, ownerId: OWNER };
      await tasks.save({ ...other, version: 2 }, { gate: reserve(seen, wish) });
      return seen;
    });
    expect((await resolve(OWNER, task.id, { as: "posted", postId: POST })).ok).toBe(true);
    expect((await gate(ACCOUNT)).reservations).toMatchObject([{ taskId: other.id }]);
  });
});

describe("resolveTask: repost, drop", () => {
  it("sends it again, now, once", async () => {
    const world = await setUpChanging();
    const { resolve, read, publish, sent, clock } = world;
    const task = await inDoubt(world);
    expect((await resolve(OWNER, task.id, { as: "repost" })).ok).toBe(true);
    const after = await read(task);
    expect(after).toMatchObject({ status: "pending", slotAt: clock.now(), rev: 2, arm: 2 });
    expect(after).not.toHaveProperty("inDoubtSince");
    expect(await publish(task)).toMatchObject({ kind: "posted" });
    expect(sent).toHaveLength(1);
    // Said a second time, nothing is in doubt any more.
    expect((await resolve(OWNER, task.id, { as: "repost" })).ok).toBe(false);
    expect(sent).toHaveLength(1);
  });

  it("takes the post of an earlier part for none of the part that is in doubt", async () => {
    const world = await setUpChanging();
    const first = { postId: idAt(later(1_000)), sentAt: later(1_000) };
    const task = await inDoubt(world, { partCount: 2, posted: [first] });
    const before = world.snapshot();
    const answer = await world.resolve(OWNER, task.id, { as: "posted", postId: first.postId });
    expect(answer).toMatchObject({ ok: false, error: { reason: "wrong-post" } });
    expect(world.snapshot()).toEqual(before);
  });

  it("goes on with the part of a thread that is missing", async () => {
    const world = await setUpChanging();
    const first = { postId: idAt(later(-9_000)), sentAt: later(-9_000) };
    const task = await inDoubt(world, { partCount: 2, posted: [first] });
    await world.resolve(OWNER, task.id, { as: "repost" });
    expect(await world.read(task)).toMatchObject({ status: "pending", posted: [first] });
    await world.publish(task);
    expect(world.sent).toMatchObject([{ request: { inReplyTo: first.postId } }]);
  });

  it("drops it, and may be repeated; its text stays taken, since it may be out", async () => {
    const world = await setUpChanging();
    const task = await inDoubt(world);
    const dropped = await world.resolve(OWNER, task.id, { as: "drop" });
    expect(dropped).toMatchObject({
      ok: true,
      value: { task: { status: "cancelled", reason: { code: "cancelled-in-doubt" } } },
    });
    const before = world.snapshot();
    expect((await world.resolve(OWNER, task.id, { as: "drop" })).ok).toBe(true);
    expect(world.snapshot()).toEqual(before);
  });
});

describe("resolveTask", () => {
  const wishes = [{ as: "posted", postId: POST }, { as: "repost" }, { as: "drop" }] as const;

  it.each([
    ["held", { reason: { code: "late", message: "Late.", remedy: "Wait." } }, "not-in-doubt"],
    ["held", { heldFor: "account" }, "not-in-doubt"],
    ["pending", {}, "not-in-doubt"],
    ["ready", {}, "not-in-doubt"],
    ["retrying", { inDoubtSince: START }, "not-in-doubt"],
    ["posting", { inDoubtSince: START }, "in-flight"],
    ["unknown", { inDoubtSince: START }, "in-flight"],
    ["published", {}, "final"],
    ["failed", {}, "final"],
    ["missed", {}, "final"],
  ] as const)("says nothing about a %s task (%o)", async (status, over, reason) => {
    const { resolve, put, snapshot, clock } = await setUpChanging();
    const task = await put({ status, ...over });
    clock.set(at(15));
    const before = snapshot();
    for (const wish of wishes)
      expect(await resolve(OWNER, task.id, wish)).toEqual({ ok: false, error: { reason, status } });
    expect(snapshot()).toEqual(before);
  });

  it("says it only of the version that the caller has seen, and only of the owner's", async () => {
    const world = await setUpChanging();
    const task = await inDoubt(world);
    const before = world.snapshot();
    for (const wish of wishes) {
      expect(await world.resolve(OWNER, task.id, wish, { ifVersion: 1 })).toEqual({
        ok: false,
        error: { reason: "stale", version: task.version },
      });
      expect(await world.resolve(asOwnerId("owner-2"), task.id, wish)).toEqual({
        ok: false,
        error: { reason: "not-found" },
      });
    }
    expect(world.snapshot()).toEqual(before);
  });
});
