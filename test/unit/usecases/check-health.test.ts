import { describe, expect, it, vi } from "vitest";
import { newGate, QUARTER_LIMIT } from "#shared/domain/gate.ts";
import { asAccountId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { DependencyFault } from "#shared/errors.ts";
import { createCheckHealth } from "#shared/usecases/check-health.ts";
import { createCheckReadiness } from "#shared/usecases/check-readiness.ts";
import { createRedriveQueue } from "#shared/usecases/redrive-queue.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryDispatch } from "#test/support/in-memory-dispatch.ts";
import { createInMemorySettings } from "#test/support/in-memory-settings.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";
import { createInMemoryTotals } from "#test/support/in-memory-totals.ts";
import { createInMemoryWorkQueues } from "#test/support/in-memory-work-queues.ts";

const ownerId = asOwnerId("anne");

async function setUp(count: number) {
  const clock = manualClock();
  const accounts = createInMemoryAccounts();
  const ids = Array.from({ length: count }, (_, index) => asAccountId(`anne.${index}`));
  for (const name of ["one", "two"])
    await accounts.addProject({
      id: asProjectId(name),
      ownerId,
      name,
      timeZone: "UTC",
      accountIds: ids,
      defaultAccountId: asAccountId("anne.0"),
    });
  const getAccounts = vi.spyOn(accounts, "getAccounts");
  const dispatch = createInMemoryDispatch();
  const entropy = { newId: () => "01ARZ3NDEKTSV4RRFFQ69G5FAV" };
  const tasks = { ...createInMemoryStore(clock).tasks };
  const queues = createInMemoryWorkQueues();
  const totals = createInMemoryTotals(clock);
  const report = vi.fn();
  const check = createCheckHealth({ accounts, tasks, dispatch, queues, totals, clock, entropy, report });
  const activate = (index: number) =>
    accounts.saveAccount({
      id: asAccountId(`anne.${index}`),
      ownerId,
      name: `${index}`,
      maxTextLength: 280,
      status: "active",
      version: 1,
    });
  return { check, getAccounts, accounts, activate, tasks, queues, totals, dispatch, clock, report };
}

describe("checkHealth", () => {
  it("counts an account of two projects once", async () => {
    const { check, activate } = await setUp(3);
    expect((await check(ownerId)).accounts).toEqual({ total: 3, active: 0, available: 0 });
    await activate(1);
    expect((await check(ownerId)).accounts).toEqual({ total: 3, active: 1, available: 1, utilisation: 0 });
  });

  it("says how many accounts may post now, and how much of X's quota is used in this window", async () => {
    const { check, activate, tasks, clock } = await setUp(3);
    for (const index of [0, 1]) await activate(index);
    const at = (ms: number) => new Date(clock.now().getTime() + ms);
    tasks.getGates = async (ids) =>
      ids.map((id) => ({
        ...newGate(id),
        ...(id === "anne.0"
          ? { quarter: { startAt: at(-60_000), used: QUARTER_LIMIT / 2 }, closedUntil: at(60_000) }
          : { quarter: { startAt: at(-16 * 60_000), used: QUARTER_LIMIT } }),
      }));
    expect((await check(ownerId)).accounts).toEqual({ total: 3, active: 2, available: 1, utilisation: 0.25 });
  });

  it("does not read a thousand accounts for a number", async () => {
    const { check, getAccounts } = await setUp(101);
    const health = await check(ownerId);
    expect([health.status, health.accounts]).toEqual(["ok", undefined]);
    expect(getAccounts).not.toHaveBeenCalled();
  });

  it("measures each call, and leaves nothing behind", async () => {
    const { check, dispatch, clock } = await setUp(0);
    dispatch.unschedule = async () => clock.advance(40);
    const { dependencies } = await check(ownerId);
    expect(dependencies.find(({ name }) => name === "scheduler")).toMatchObject({
      status: "ok",
      latencyMs: 40,
    });
    expect([dispatch.scheduled, dispatch.enqueued]).toEqual([[], []]);
  });

  it("has the queues and names their dead letters, which are no reason to be degraded", async () => {
    const { check, queues } = await setUp(0);
    const why = async () => (await check(ownerId)).dependencies.find(({ name }) => name === "queues")?.why;
    expect(await why()).toBe("Read.");
    queues.deadLetters.publish = 1;
    expect(await why()).toContain("a dead letter");
    queues.deadLetters.background = 2;
    expect(await why()).toContain("3 dead letters");
    const health = await check(ownerId);
    expect(health.status).toBe("ok");
    expect(health.queues?.find(({ name }) => name === "background")).toEqual({
      name: "background",
      deadLetters: { waiting: 2, inFlight: 0, delayed: 0 },
    });
  });

  it("has the activity of the last hour", async () => {
    const { check, totals, clock } = await setUp(0);
    await totals.add({ posts: 60, "requests/x/2xx": 1, durationMs: 8 }, clock.now(), new Date(8.64e15));
    clock.advance(59 * 60_000);
    const first = await check(ownerId);
    expect(first.activity?.postsPerMinute).toBeCloseTo(60 / 64);
    expect(first.activity).toMatchObject({ requests: 1, errorRate: 0, meanResponseMs: 8 });
    clock.advance(6 * 60_000);
    expect((await check(ownerId)).activity).toEqual({ postsPerMinute: 0, requests: 0 });
  });

  it("is degraded without the queues, down without the table, and tells no more than a code", async () => {
    const { check, queues, totals, report } = await setUp(1);
    queues.read = () => Promise.reject(new DependencyFault("no queue at 10.0.0.1"));
    const degraded = await check(ownerId);
    expect([degraded.status, degraded.queues]).toEqual(["degraded", undefined]);
    totals.listSlices = () => Promise.reject(new Error("no table at 10.0.0.1"));
    const down = await check(ownerId);
    expect([down.status, down.accounts, down.activity]).toEqual(["down", undefined, undefined]);
    expect(JSON.stringify([degraded, down])).not.toContain("10.0.0.1");
    expect(report).toHaveBeenCalledTimes(3);
  });
});

describe("checkReadiness", () => {
  it("is one read of the table", async () => {
    const settingsStore = createInMemorySettings();
    const get = vi.spyOn(settingsStore, "get");
    const report = vi.fn();
    const check = createCheckReadiness({ settingsStore, report });
    expect(await check()).toMatchObject({ ready: true });
    expect(get).toHaveBeenCalledTimes(1);
    get.mockRejectedValueOnce(new DependencyFault("no table at 10.0.0.1"));
    const { ready, why } = await check();
    expect([ready, why.includes("dependency-unavailable"), why.includes("10.0.0.1")]).toEqual([
      false,
      true,
      false,
    ]);
    expect(report).toHaveBeenCalledTimes(1);
  });
});

describe("redriveQueue", () => {
  it("is for the deployment's first owner, at most 100 at once and within the time of a request", async () => {
    const queues = createInMemoryWorkQueues();
    const clock = manualClock();
    const redrive = createRedriveQueue({ queues, clock });
    queues.deadLetters.publish = 130;
    expect(await redrive(ownerId, "publish")).toEqual({ ok: false, error: { reason: "operator-only" } });
    expect(queues.work.publish).toBe(0);
    const asked = vi.spyOn(queues, "redrive");
    expect(await redrive(asOwnerId("main"), "publish")).toEqual({
      ok: true,
      value: { moved: 100, doubled: 0, failed: 0, more: true },
    });
    const until = asked.mock.calls[0]?.[2].getTime() ?? 0;
    expect(until - clock.now().getTime()).toBeLessThan(25_000);
  });
});
