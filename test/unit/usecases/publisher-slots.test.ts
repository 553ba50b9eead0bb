import { describe, expect, it, vi } from "vitest";
import { asAccountId, asAttemptId } from "#shared/domain/ids.ts";
import { MAX_PARKINGS } from "#shared/domain/policy.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { PostOutcome } from "#shared/ports/post-publisher.ts";
import { takePublisherSlot } from "#shared/usecases/take-publisher-slot.ts";
import { setUpPublishing } from "#test/support/publishing.ts";

const slotAt = new Date("2026-12-01T01:00:00.000Z");
const at = (ms: number) => new Date(slotAt.getTime() + ms);
const other = asAttemptId("other");

async function setUp(options: Parameters<typeof setUpPublishing>[0] = {}) {
  const world = await setUpPublishing({ now: at(-1_000), settings: { concurrentPublishers: 1 }, ...options });
  return { ...world, isFree: async () => (await world.slots.take(asAttemptId("look"), 1)) !== undefined };
}

describe("a publisher's slot", () => {
  it("is taken before the due second, and a post that is alone is not later for it", async () => {
    const world = await setUp();
    const task = await world.put({ slotAt });
    const taken: Date[] = [];
    const { take } = world.slots;
    world.slots.take = async (...args) => {
      taken.push(world.clock.now());
      return take(...args);
    };
    expect(await world.publish(task)).toMatchObject({ kind: "posted", latenessMs: 0 });
    expect(taken).toEqual([at(-TIMING.publish.readAheadMs)]);
    expect(await world.isFree()).toBe(true);
  });

  it.each<[string, PostOutcome]>([
    ["posted", { kind: "posted", postId: "1" }],
    ["unknown", { kind: "unknown", cause: "deadline" }],
    [
      "refused",
      {
        kind: "refused",
        failure: {
          class: "content",
          reason: { code: "not-permitted", message: "No.", remedy: "Change it." },
        },
      },
    ],
  ])("is held while X is asked, and given back when it is %s and settled", async (_, outcome) => {
    const world = await setUp();
    const task = await world.put({ slotAt });
    world.publisher.create.mockImplementationOnce(async () => {
      expect(await world.isFree()).toBe(false);
      return outcome;
    });
    await world.publish(task);
    expect(await world.isFree()).toBe(true);
    expect((await world.read(task)).status).not.toBe("posting");
  });

  it("is given back when the table fails in between, and a failing return changes nothing", async () => {
    const world = await setUp();
    const task = await world.put({ slotAt });
    vi.spyOn(world.tasks, "getGate").mockResolvedValueOnce(await world.gate());
    vi.spyOn(world.tasks, "save").mockRejectedValueOnce(new Error("no table"));
    await expect(world.publish(task)).rejects.toThrow("no table");
    expect(await world.isFree()).toBe(true);
    await world.slots.giveBack(0, asAttemptId("look"));
    world.slots.giveBack = () => Promise.reject(new Error("no table"));
    expect(await world.publish(task)).toMatchObject({ kind: "posted" });
    expect(await world.isFree()).toBe(false);
  });

  it("is waited for in small steps, and the wait counts as late", async () => {
    const world = await setUp();
    const task = await world.put({ slotAt });
    const taken = await world.slots.take(other, 1);
    const { sleepUntil } = world.clock;
    world.clock.sleepUntil = async (until) => {
      await sleepUntil(until);
      if (world.clock.now() >= at(5_000)) await world.slots.giveBack(taken ?? Number.NaN, other);
    };
    const report = await world.publish(task);
    expect(report).toMatchObject({ kind: "posted", latenessMs: expect.any(Number) });
    const { latenessMs } = report as { latenessMs: number };
    expect(latenessMs).toBeGreaterThanOrEqual(5_000);
    expect(latenessMs).toBeLessThan(7_100);
  });

  it("that is free only after midnight posts nothing on the shares of the day before", async () => {
    const midnight = new Date("2026-12-02T00:00:00.000Z");
    const due = new Date(midnight.getTime() - 2_000);
    const world = await setUp();
    const task = await world.put({ slotAt: due, publishAt: due });
    world.clock.set(new Date(due.getTime() - 5_000));
    const taken = await world.slots.take(other, 1);
    const { sleepUntil } = world.clock;
    world.clock.sleepUntil = async (until) => {
      await sleepUntil(until);
      if (world.clock.now() >= midnight) await world.slots.giveBack(taken ?? Number.NaN, other);
    };
    expect(await world.publish(task)).toEqual({ kind: "put-off", delayMs: 0 });
    expect(world.sent).toEqual([]);
    expect(await world.isFree()).toBe(true);
    await world.slots.giveBack(0, asAttemptId("look"));
    await world.publish(task);
    expect(world.counters.snapshot()).toMatchObject({ "app 2026-12-01": 0, "app 2026-12-02": 1 });
    expect(world.sent).toHaveLength(1);
  });

  it("is not waited for beyond the time that a post needs: the task is put aside, and loses nothing", async () => {
    const world = await setUp();
    const task = await world.put({ slotAt });
    await world.slots.take(other, 1);
    const before = world.counters.snapshot();
    expect(await world.publish(task)).toEqual({
      kind: "parked",
      code: "publishers-busy",
      status: "retrying",
    });
    const timeLeftMs = at(89_000).getTime() - world.clock.now().getTime();
    expect(timeLeftMs).toBeGreaterThanOrEqual(TIMING.publish.minRemainingMs);
    const parked = await world.read(task);
    expect(parked).toMatchObject({ parkings: 0, reason: { code: "publishers-busy" } });
    expect((parked.notBeforeAt?.getTime() ?? 0) - world.clock.now().getTime()).toBeLessThanOrEqual(30_000);
    expect(Object.values(world.counters.snapshot()).filter((used) => used !== 0)).toEqual(
      Object.values(before).filter((used) => used !== 0),
    );
    expect((await world.gate()).reservations).toEqual([]);
    expect(world.sent).toEqual([]);
    // Whoever had the slot has died by then.
    world.clock.set(at(TIMING.publish.leaseMs + 10_000));
    expect(await world.publish(task)).toMatchObject({ kind: "posted" });
  });

  it("is waited for however often: a crowd of our own holds no post, though its lateness may", async () => {
    const world = await setUp();
    const task = await world.put({ slotAt, parkings: MAX_PARKINGS });
    await world.slots.take(other, 1);
    expect(await world.publish(task)).toMatchObject({ code: "publishers-busy", status: "retrying" });
    expect(await world.read(task)).not.toHaveProperty("excusedUntil");
  });

  it("gives back what was taken of the shared counters when it cannot be asked for", async () => {
    const world = await setUp();
    const task = await world.put({ slotAt });
    const used = () => Object.values(world.counters.snapshot()).filter((units) => units !== 0);
    const before = used();
    const taking = vi.spyOn(world.counters, "take");
    world.slots.take = () => Promise.reject(new Error("no table"));
    await expect(world.publish(task)).rejects.toThrow("no table");
    expect(taking).toHaveBeenCalled();
    expect(used()).toEqual(before);
  });

  it("is one of as many as the setting says, for all accounts together", async () => {
    const accountIds = Array.from({ length: 6 }, (_, index) => asAccountId(`account-${index}`));
    const world = await setUp({ accountIds, settings: { concurrentPublishers: 3 } });
    const tasks = [];
    for (const accountId of accountIds) tasks.push(await world.put({ slotAt, accountId }));
    let inside = 0;
    let most = 0;
    world.publisher.create.mockImplementation(async () => {
      most = Math.max(most, ++inside);
      for (let turn = 0; turn < 50; turn++) await Promise.resolve();
      inside--;
      return { kind: "posted", postId: `post-${world.sent.push({} as never)}` };
    });
    const reports = await Promise.all(tasks.map((task) => world.publish(task)));
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(3);
    expect(reports.every(({ kind }) => kind === "posted" || kind === "parked")).toBe(true);
  });

  it("is looked for less and less often", async () => {
    const world = await setUp();
    await world.slots.take(other, 1);
    const take = vi.spyOn(world.slots, "take");
    const found = await takePublisherSlot(world, asAttemptId("mine"), at(69_000));
    expect(found).toMatchObject({ code: "publishers-busy", known: false });
    expect(take.mock.calls.length).toBeLessThan(60);
    expect(world.clock.now() < at(69_000)).toBe(true);
  });
});

describe("settings in use", () => {
  const unavailable = {
    kind: "refused",
    failure: {
      class: "transient",
      reason: { code: "x-unavailable", message: "X is not available.", remedy: "Wait." },
    },
  } as const;

  it.each([30, 60, 300])(
    "retryBaseSeconds %i is the wait before the first retry",
    async (retryBaseSeconds) => {
      const world = await setUp({ settings: { retryBaseSeconds } });
      const task = await world.put({ slotAt });
      world.publisher.create.mockResolvedValueOnce(unavailable);
      await world.publish(task);
      const { notBeforeAt } = await world.read(task);
      // Chance is half of everything here.
      expect((notBeforeAt?.getTime() ?? 0) - world.clock.now().getTime()).toBe(retryBaseSeconds * 500);
    },
  );

  it.each([300, 1_800])(
    "stuckAfterSeconds %i is what the sweeper gives whoever it sent",
    async (stuckAfterSeconds) => {
      const world = await setUp({ settings: { stuckAfterSeconds } });
      const lost = await world.put({ slotAt: at(3_600_000), wakeAt: at(-2_000) });
      const unread = await world.put({ status: "unknown", inDoubtSince: at(-9_000), wakeAt: at(-2_000) });
      // Nobody is really sent, so nothing but the sweeper's claim says when the next one is.
      world.dispatch.schedule = () => Promise.reject(new Error("no scheduler"));
      world.dispatch.enqueue = () => Promise.reject(new Error("no queue"));
      await world.sweep();
      const again = new Date(world.clock.now().getTime() + stuckAfterSeconds * 1_000);
      expect((await world.read(unread)).wakeAt).toEqual(again);
      expect((await world.read(lost)).wakeAt).toEqual(again);
    },
  );
});
