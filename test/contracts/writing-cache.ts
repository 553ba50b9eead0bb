import { describe, expect, it } from "vitest";
import type { WritingCache, WritingOutcome } from "#shared/ports/writing-cache.ts";
import { manualClock } from "#test/support/clock.ts";

const HOUR = 3_600_000;

/** What every `WritingCache` promises. Run it against each implementation. */
export function writingCacheContract(
  name: string,
  open: (clock: ReturnType<typeof manualClock>) => WritingCache,
): void {
  let serial = 0;
  const freshKey = () => `${name}-${++serial}`;
  const WRITTEN: WritingOutcome = { kind: "written", texts: ["Kites fly high. 🪁", "", "风筝"] };
  const REFUSED: WritingOutcome = {
    kind: "refused",
    reason: { code: "writing-blocked", message: "Refused.", remedy: "Change the text." },
  };

  describe(`WritingCache: ${name}`, () => {
    it("gives back what was saved, texts and refusals, and nothing else", async () => {
      const clock = manualClock();
      const cache = open(clock);
      const [written, refused] = [freshKey(), freshKey()];
      const expiresAt = new Date(clock.now().getTime() + HOUR);
      await cache.save({ key: written, outcome: WRITTEN, expiresAt });
      await cache.save({ key: refused, outcome: REFUSED, expiresAt });
      expect(await cache.get(written)).toEqual(WRITTEN);
      expect(await cache.get(refused)).toEqual(REFUSED);
      expect(await cache.get(freshKey())).toBeUndefined();
    });

    it("replaces what is there", async () => {
      const clock = manualClock();
      const cache = open(clock);
      const key = freshKey();
      const expiresAt = new Date(clock.now().getTime() + HOUR);
      await cache.save({ key, outcome: REFUSED, expiresAt });
      await cache.save({ key, outcome: WRITTEN, expiresAt });
      expect(await cache.get(key)).toEqual(WRITTEN);
    });

    it("forgets what has expired", async () => {
      const clock = manualClock();
      const cache = open(clock);
      const key = freshKey();
      await cache.save({ key, outcome: WRITTEN, expiresAt: new Date(clock.now().getTime() + HOUR) });
      clock.advance(HOUR - 1_000);
      expect(await cache.get(key)).toEqual(WRITTEN);
      clock.advance(1_000);
      expect(await cache.get(key)).toBeUndefined();
    });
  });
}
