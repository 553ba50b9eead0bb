import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import {
  IDEMPOTENCY_TTL_MS,
  type KeptAnswer,
  type KeyedRequest,
  MAX_KEPT_BYTES,
} from "#shared/domain/idempotency.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { createRunOnce } from "#shared/usecases/idempotency.ts";
import { freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryIdempotency } from "#test/support/in-memory-idempotency.ts";

const REQUEST: KeyedRequest = { ownerId: asOwnerId("anne"), key: "k", hash: "h" };
const anAnswer = (body = '"made"'): KeptAnswer => ({ status: 201, headers: {}, body });

function setUp() {
  const clock = manualClock();
  const idempotency = { ...createInMemoryIdempotency(clock) };
  const report = vi.fn();
  const entropy = { newId: () => String(freshTaskId()) };
  const runOnce = createRunOnce({ idempotency, clock, entropy, report });
  return {
    clock,
    idempotency,
    report,
    runOnce,
    leaseUntil: () => new Date(clock.now().getTime() + 30_000),
  };
}

describe("of requests with one key", () => {
  it("one runs, however many come at the same time", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 6 }), async (scheduler, count) => {
        const { idempotency, runOnce, leaseUntil } = setUp();
        const { get, save } = idempotency;
        Object.assign(idempotency, {
          get: scheduler.scheduleFunction(get),
          save: scheduler.scheduleFunction(save),
        });
        const run = vi.fn(async () => ({ answer: "made", kept: anAnswer() }));
        const all = Promise.all(Array.from({ length: count }, () => runOnce(REQUEST, leaseUntil(), run)));
        const told = await scheduler.waitFor(all);
        expect(run).toHaveBeenCalledOnce();
        expect(told.filter(({ kind }) => kind === "ran")).toHaveLength(1);
        for (const { kind } of told) expect(["ran", "in-flight", "answered"]).toContain(kind);
      }),
      { numRuns: 100 },
    );
  });

  it("one runs again after the lease of the first, under the same id", async () => {
    const { clock, runOnce, leaseUntil } = setUp();
    const ids: string[] = [];
    const fail = (newId: string) => {
      ids.push(newId);
      return Promise.reject(new Error("gone"));
    };
    await expect(runOnce(REQUEST, leaseUntil(), fail)).rejects.toThrow("gone");
    expect((await runOnce(REQUEST, leaseUntil(), fail)).kind).toBe("in-flight");
    clock.advance(30_000);
    await expect(runOnce(REQUEST, leaseUntil(), fail)).rejects.toThrow("gone");
    clock.advance(30_000);
    expect((await runOnce({ ...REQUEST, hash: "other" }, leaseUntil(), fail)).kind).toBe("other-request");
    expect(new Set(ids).size).toBe(1);
    expect(ids).toHaveLength(2);
  });

  it("has another id after a day", async () => {
    const { clock, runOnce, leaseUntil } = setUp();
    const ids: string[] = [];
    for (let day = 0; day < 2; day++) {
      await runOnce(REQUEST, leaseUntil(), async (newId) => {
        ids.push(newId);
        return { answer: "made", kept: anAnswer() };
      });
      clock.advance(IDEMPOTENCY_TTL_MS);
    }
    expect(new Set(ids).size).toBe(2);
  });
});

describe("an answer", () => {
  it("is kept up to its limit; above it the request runs again, under the same id", async () => {
    for (const [sizeBytes, runs] of [
      [MAX_KEPT_BYTES, 1],
      [MAX_KEPT_BYTES + 1, 2],
    ] as const) {
      const { runOnce, leaseUntil } = setUp();
      const ids: string[] = [];
      // A sign of three bytes: bytes count, not signs.
      const body = `"${"x".repeat(sizeBytes - 5)}好"`;
      const run = async (newId: string) => {
        ids.push(newId);
        return { answer: "made", kept: anAnswer(body) };
      };
      await runOnce(REQUEST, leaseUntil(), run);
      await runOnce(REQUEST, leaseUntil(), run);
      expect([ids.length, new Set(ids).size]).toEqual([runs, 1]);
    }
  });

  it("is given although it could not be kept", async () => {
    const { idempotency, runOnce, leaseUntil, report } = setUp();
    const { save } = idempotency;
    const error = new Error("throttled");
    Object.assign(idempotency, {
      save: (...[next]: Parameters<typeof save>) => (next.version === 1 ? save(next) : Promise.reject(error)),
    });
    const once = await runOnce(REQUEST, leaseUntil(), async () => ({ answer: "made", kept: anAnswer() }));
    expect(once).toEqual({ kind: "ran", answer: "made" });
    expect(report).toHaveBeenCalledWith(error);
  });

  it("of one whose lease was taken over does not replace the other's", async () => {
    const { clock, runOnce, leaseUntil } = setUp();
    const late = Promise.withResolvers<void>();
    const first = runOnce(REQUEST, leaseUntil(), async () => {
      await late.promise;
      return { answer: "late", kept: anAnswer('"late"') };
    });
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    clock.advance(30_000);
    await runOnce(REQUEST, leaseUntil(), async () => ({ answer: "second", kept: anAnswer('"second"') }));
    late.resolve();
    await first;
    const run = () => Promise.reject(new Error("it ran"));
    expect(await runOnce(REQUEST, leaseUntil(), run)).toEqual({
      kind: "answered",
      answer: anAnswer('"second"'),
    });
  });
});
