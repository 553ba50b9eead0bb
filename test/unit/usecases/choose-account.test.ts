import { describe, expect, it } from "vitest";
import type { Gate } from "#shared/domain/gate.ts";
import { type AccountId, asAccountId, asOwnerId } from "#shared/domain/ids.ts";
import type { PostingPolicy } from "#shared/domain/policy.ts";
import { chooseAccount } from "#shared/usecases/choose-account.ts";
import { aMedium } from "#test/support/builders.ts";
import { MAIN, setUpPublishing } from "#test/support/publishing.ts";

const slotAt = new Date("2026-12-01T01:10:00.000Z");
const at = (ms: number) => new Date(slotAt.getTime() + ms);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const reason = { code: "usage-capped", message: "Capped.", remedy: "Wait." };
const [SECOND, THIRD] = [asAccountId("account-2"), asAccountId("account-3")];

async function setUp(policy?: PostingPolicy, accountIds: readonly AccountId[] = [MAIN, SECOND, THIRD]) {
  const world = await setUpPublishing({ now: slotAt, accountIds, ...(policy && { policy }) });
  const choose = async (over: object = {}) =>
    chooseAccount(
      world,
      await world.put({ slotAt, pool: "open", ...over }),
      world.project,
      world.clock.now(),
    );
  /** Gives the account a past, by what really writes it. */
  const past = async (accountId: AccountId, over: Partial<Gate>) => {
    const task = await world.put({ slotAt, accountId });
    const gate = await world.gate(accountId);
    const next = { ...gate, ownerId: task.ownerId, ...over, version: gate.version + 1 };
    expect(await world.tasks.save({ ...task, version: 2 }, { gate: next })).toMatchObject({ ok: true });
  };
  return { ...world, choose, past };
}

describe("chooseAccount", () => {
  it("takes accounts that never posted, in the order of their ids", async () => {
    const { choose } = await setUp();
    expect(await choose()).toEqual({ ok: true, value: MAIN });
  });

  it("takes the one with most quota left, longest idle and most successful", async () => {
    const { choose, past } = await setUp();
    await past(MAIN, { lastPostAt: at(-MINUTE) });
    await past(SECOND, { lastPostAt: at(-HOUR) });
    await past(THIRD, { lastPostAt: at(-HOUR), successRate: 0.5 });
    expect(await choose()).toEqual({ ok: true, value: SECOND });
    await past(SECOND, { quarter: { startAt: at(-MINUTE), used: 90 } });
    expect(await choose()).toEqual({ ok: true, value: THIRD });
  });

  it("leaves out what may not post, and accounts of other projects", async () => {
    const world = await setUp({ minIntervalMs: HOUR });
    const { choose, past, accounts } = world;
    await past(MAIN, { lastPostAt: at(-HOUR + 1) });
    await accounts.deactivateAccount(SECOND, { status: "needs-reconnect", reason });
    const foreign = asAccountId("account-0-of-another-project");
    const { ownerId } = world.project;
    const account = {
      id: foreign,
      ownerId,
      name: "foreign",
      maxTextLength: 280,
      status: "active",
      version: 1,
    } as const;
    await accounts.saveAccount(account);
    await past(foreign, {});
    expect(await choose()).toEqual({ ok: true, value: THIRD });
  });

  it("finds an account by its project although no list shows it, or all lists lag", async () => {
    const { choose, tasks, past } = await setUp();
    await past(SECOND, { lastPostAt: at(-HOUR) });
    tasks.listAvailable = async () => [];
    expect(await choose()).toEqual({ ok: true, value: MAIN });
    tasks.listAvailable = async () => [asAccountId("gone"), THIRD];
    expect(await choose()).toEqual({ ok: true, value: MAIN });
  });

  it("finds a free account among more than it compares", async () => {
    const many = Array.from({ length: 60 }, (_, index) =>
      asAccountId(`account-${String(index).padStart(2, "0")}`),
    );
    const { choose, past } = await setUp({ minIntervalMs: HOUR }, many);
    for (const id of many) await past(id, { lastPostAt: at(-MINUTE), intervalMs: HOUR });
    const [free] = many.slice(50, 51);
    if (!free) throw new Error("there is no account");
    await past(free, { lastPostAt: at(-2 * HOUR), intervalMs: HOUR });
    expect(await choose()).toEqual({ ok: true, value: free });
  });

  it("says when the first account may post, if that is known", async () => {
    const { choose, past } = await setUp({ minIntervalMs: HOUR });
    await past(MAIN, { lastPostAt: at(-MINUTE) });
    await past(SECOND, { lastPostAt: at(-2 * MINUTE) });
    await past(THIRD, { closedUntil: at(30 * MINUTE), closedReason: reason });
    expect(await choose()).toMatchObject({
      ok: false,
      error: { code: "no-service", until: at(30 * MINUTE), known: true, reason: { code: "no-service" } },
    });
  });

  it("knows nothing when the first one is in a circuit that is open, or none is active", async () => {
    const { choose, past, accounts } = await setUp(undefined, [MAIN]);
    await past(MAIN, { circuit: { failures: 3, openUntil: at(MINUTE) } });
    expect(await choose()).toMatchObject({ error: { code: "no-service", until: at(MINUTE), known: false } });
    await accounts.deactivateAccount(MAIN, { status: "paused", reason });
    expect(await choose()).toMatchObject({
      error: { code: "no-service", until: at(15 * MINUTE), known: false },
    });
  });
});

describe("a pool", () => {
  it("spreads its posts over all accounts", async () => {
    const { put, publish, sent, clock } = await setUp();
    for (let count = 0; count < 6; count++) {
      expect(await publish(await put({ slotAt, pool: "open" }))).toMatchObject({ kind: "posted" });
      clock.advance(1_000);
    }
    expect(sent.map(({ accountId }) => accountId)).toEqual([MAIN, SECOND, THIRD, MAIN, SECOND, THIRD]);
  });

  it("never gives two of its tasks the same gap, however many workers there are", async () => {
    const { put, publish, sent, read, clock } = await setUp({ minIntervalMs: HOUR });
    const tasks = await Promise.all(Array.from({ length: 7 }, () => put({ slotAt, pool: "open" })));
    const waiting = async () => {
      const all = await Promise.all(tasks.map((task) => read(task)));
      return all.filter(({ status }) => status === "pending" || status === "retrying");
    };
    for (let round = 0; round < 20; round++) {
      const due = (await waiting()).filter(({ notBeforeAt }) => !notBeforeAt || notBeforeAt <= clock.now());
      await Promise.all(due.map((task) => publish(task)));
      const next = await waiting();
      if (next.length === 0) break;
      const soonest = Math.min(...next.map(({ notBeforeAt }) => notBeforeAt?.getTime() ?? 0));
      clock.set(new Date(Math.max(soonest, clock.now().getTime())));
    }
    expect(await waiting()).toEqual([]);
    expect(sent).toHaveLength(7);
    for (const account of [MAIN, SECOND, THIRD]) {
      const instants = sent.filter((post) => post.accountId === account).map((post) => post.at.getTime());
      expect(instants.length).toBeGreaterThanOrEqual(2);
      for (const [index, instant] of instants.slice(1).entries())
        expect(instant - (instants[index] ?? 0)).toBeGreaterThanOrEqual(HOUR);
    }
  });

  it("writes its choice down before it posts, and keeps it for what follows", async () => {
    const { put, publish, publisher, read } = await setUp();
    const task = await put({ slotAt, pool: "open", partCount: 2 });
    publisher.create.mockImplementationOnce(async (accountId) => {
      expect(await read(task)).toMatchObject({ pool: "chosen", accountId });
      return { kind: "posted", postId: "1" };
    });
    await publish(task);
    await publish(await put({ slotAt, accountId: SECOND }));
    expect(await read(task)).toMatchObject({ pool: "chosen", accountId: MAIN, status: "ready" });
  });

  it("chooses again after a wait, but not for media that were uploaded for one account", async () => {
    const { put, publish, read, tasks, past, accounts } = await setUp();
    for (const id of [SECOND, THIRD]) await accounts.deactivateAccount(id, { status: "paused", reason });
    const task = await put({ slotAt, pool: "open" });
    const photo = await put({ slotAt, pool: "chosen", status: "ready" }, { media: [aMedium()] });
    await past(MAIN, { closedUntil: at(HOUR), closedReason: reason });
    expect(await publish(task)).toMatchObject({ kind: "parked", code: "no-service" });
    expect(await read(task)).toMatchObject({ pool: "open", notBeforeAt: at(HOUR) });
    expect(await publish(photo)).toMatchObject({ kind: "parked", code: "rate-limited" });
    expect(await read(photo)).toMatchObject({ pool: "chosen", accountId: MAIN });
    expect(await tasks.listAvailable(asOwnerId("owner-1"), slotAt, 10)).toEqual([]);
  });
});
