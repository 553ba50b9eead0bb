import { describe, expect, it } from "vitest";
import { fingerprintOf, MAX_NEAR, type NearWish, type Print } from "#shared/domain/duplicates/fingerprint.ts";
import { asAccountId } from "#shared/domain/ids.ts";
import type { FingerprintStore } from "#shared/ports/fingerprint-store.ts";
import { freshTaskId } from "#test/support/builders.ts";
import type { ManualClock } from "#test/support/clock.ts";

export interface FingerprintStoreUnderTest {
  readonly fingerprints: FingerprintStore;
  readonly clock: ManualClock;
}

const DAY_MS = 86_400_000;
const TEXT = "The harbour opens at nine this morning. Come early if you want to see the boats go out.";
const NEARLY = "The harbour opens at nine this morning. Come early if you want to watch the boats leave.";
const OTHER = "Researchers have found a way to recycle glass fibre from old wind turbines.";
const SHORT = "Good morning!";

let serial = 0;
const freshAccount = () => asAccountId(`prints-${++serial}-${freshTaskId()}`);

const printed = (text: string) => {
  const fingerprint = fingerprintOf([{ text }]);
  if (!fingerprint) throw new RangeError("the text says nothing");
  return fingerprint;
};

/** What every `FingerprintStore` promises. Run it against each implementation. */
export function fingerprintStoreContract(
  name: string,
  open: (options?: { readonly maxPerBucket: number }) => FingerprintStoreUnderTest,
): void {
  describe(`FingerprintStore: ${name}`, () => {
    function setUp(options?: { readonly maxPerBucket: number }) {
      const { fingerprints, clock } = open(options);
      const accountId = freshAccount();
      const start = clock.now().getTime();
      const atDay = (day: number) => new Date(start + day * DAY_MS);
      const until = atDay(100);
      return {
        fingerprints,
        clock,
        accountId,
        atDay,
        async put(text: string, over: Partial<Print> = {}, keptUntil = until): Promise<Print> {
          const print = {
            taskId: freshTaskId(),
            accountId,
            slotAt: atDay(1),
            fingerprint: printed(text),
            ...over,
          };
          await fingerprints.put(print, keptUntil);
          return print;
        },
        find: (text: string, over: Partial<NearWish> = {}) =>
          fingerprints.findNear({
            accountId,
            fingerprint: printed(text),
            from: atDay(-30),
            until: atDay(31),
            threshold: 0.6,
            ...over,
          }),
      };
    }

    it("finds what says the same, then what is similar, and nothing else", async () => {
      const { put, find } = setUp();
      const near = await put(NEARLY);
      const same = await put(`${TEXT.toUpperCase()} 🎉`);
      await put(OTHER);
      const found = await find(TEXT);
      expect(found.map(({ taskId, isExact }) => [taskId, isExact])).toEqual([
        [same.taskId, true],
        [near.taskId, false],
      ]);
      expect(found[0]).toMatchObject({ slotAt: same.slotAt, similarity: 1 });
      expect(found[1]?.similarity).toBeGreaterThan(0.6);
      expect(found[1]?.similarity).toBeLessThan(1);
    });

    it("finds nothing below the threshold, of other accounts, or of the task itself", async () => {
      const { put, find } = setUp();
      const { taskId } = await put(NEARLY);
      expect(await find(TEXT, { threshold: 0.99 })).toEqual([]);
      expect(await find(TEXT, { accountId: freshAccount() })).toEqual([]);
      expect(await find(TEXT, { except: taskId })).toEqual([]);
      expect(await find(TEXT, { except: freshTaskId() })).toHaveLength(1);
    });

    it("looks from one instant to the other, both included", async () => {
      const { put, find, atDay } = setUp();
      await put(TEXT, { slotAt: atDay(3) });
      const from = (day: number, until: number) => find(TEXT, { from: atDay(day), until: atDay(until) });
      expect(await from(3, 4)).toHaveLength(1);
      expect(await from(2, 3)).toHaveLength(1);
      const justAfter = { from: new Date(atDay(3).getTime() + 1), until: atDay(4) };
      const justBefore = { from: atDay(2), until: new Date(atDay(3).getTime() - 1) };
      expect(await find(TEXT, justAfter)).toEqual([]);
      expect(await find(TEXT, justBefore)).toEqual([]);
    });

    it("finds a short text by itself only", async () => {
      const { put, find } = setUp();
      const { taskId } = await put(SHORT);
      await put("Good morning, everybody!");
      expect((await find(SHORT)).map((found) => found.taskId)).toEqual([taskId]);
    });

    it("keeps one print of a task: the last", async () => {
      const { put, find, fingerprints, atDay } = setUp();
      const first = await put(TEXT);
      const moved = { ...first, slotAt: atDay(9) };
      await fingerprints.put(moved, atDay(100));
      await fingerprints.put(moved, atDay(100));
      expect(await find(TEXT)).toMatchObject([{ taskId: first.taskId, slotAt: atDay(9) }]);
      expect(await find(TEXT, { until: atDay(8) })).toEqual([]);

      await fingerprints.put({ ...moved, fingerprint: printed(SHORT) }, atDay(100));
      expect(await find(TEXT)).toEqual([]);
      expect(await find(SHORT)).toHaveLength(1);

      const elsewhere = freshAccount();
      await fingerprints.put({ ...moved, accountId: elsewhere }, atDay(100));
      expect(await find(TEXT)).toEqual([]);
      expect(await find(TEXT, { accountId: elsewhere })).toHaveLength(1);
    });

    it("removes a print, also twice", async () => {
      const { put, find, fingerprints } = setUp();
      const { taskId } = await put(TEXT);
      await put(NEARLY);
      await fingerprints.remove(taskId);
      await fingerprints.remove(taskId);
      expect(await find(TEXT)).toHaveLength(1);
    });

    it("forgets a print when its time is over, deleted or not", async () => {
      const { put, find, clock, atDay } = setUp();
      await put(TEXT, {}, atDay(2));
      clock.set(new Date(atDay(2).getTime() - 1_000));
      expect(await find(TEXT)).toHaveLength(1);
      clock.set(atDay(2));
      expect(await find(TEXT)).toEqual([]);
    });

    it("tells of at most ten", async () => {
      const { put, find } = setUp();
      for (let count = 0; count <= MAX_NEAR; count++) await put(TEXT);
      expect(await find(TEXT)).toHaveLength(MAX_NEAR);
    });

    it("looks at the latest of a crowd, and still finds what no crowd hides", async () => {
      const { put, find, atDay } = setUp({ maxPerBucket: 2 });
      for (const day of [1, 2, 3]) await put(TEXT, { slotAt: atDay(day) });
      const near = await put(NEARLY, { slotAt: atDay(0) });
      expect((await find(TEXT)).map(({ slotAt }) => slotAt)).toEqual([atDay(3), atDay(2)]);
      expect((await find(NEARLY)).map(({ taskId }) => taskId)).toContain(near.taskId);
    });
  });
}
