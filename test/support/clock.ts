import type { Clock } from "#shared/ports/clock.ts";

export interface ManualClock extends Clock {
  /** Every instant that somebody slept until. */
  readonly slept: readonly Date[];
  advance(ms: number): void;
  set(at: Date | string): void;
}

/** A clock that moves only when told to, or when somebody sleeps: then it jumps to the instant asked for. */
export function manualClock(start: Date | string = "2026-12-01T01:00:00.000Z"): ManualClock {
  let nowMs = new Date(start).getTime();
  const slept: Date[] = [];
  return {
    slept,
    now: () => new Date(nowMs),
    async sleepUntil(at) {
      slept.push(at);
      nowMs = Math.max(nowMs, at.getTime());
    },
    advance(ms) {
      nowMs += ms;
    },
    set(at) {
      nowMs = new Date(at).getTime();
    },
  };
}
