import { setTimeout } from "node:timers/promises";
import type { Clock } from "#shared/ports/clock.ts";

/** Timers fire at the nearest millisecond, which can be the one before. */
const MIN_SLEEP_MS = 1;

export const systemClock: Clock = {
  now: () => new Date(),
  async sleepUntil(at) {
    for (let left = at.getTime() - Date.now(); left > 0; left = at.getTime() - Date.now())
      await setTimeout(Math.max(MIN_SLEEP_MS, left));
  },
};
