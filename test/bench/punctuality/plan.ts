/** What is to be posted when: the same for the same seed. */

/** Of all tasks: due in the same second as many others, created shortly before they are due, with a photo. */
const SHARE_IN_PEAKS = 0.4;
const SHARE_NEAR = 0.2;
const SHARE_WITH_PHOTO = 0.1;
/** A second that many share comes so often; the first one after half of it. */
const BETWEEN_PEAKS_SECONDS = 30;
/** Somebody who posts "in a moment" means at least this. */
const NEAREST_SECONDS = 3;

export interface PlannedTask {
  /** No two are alike: by it the post is found again. */
  readonly text: string;
  /** Index of the account. */
  readonly account: number;
  /** From the start of the window, whole. */
  readonly slotSecond: number;
  readonly inPeak: boolean;
  readonly withPhoto: boolean;
  /** Created so many seconds before its slot. Absent: long before the window. */
  readonly createdBefore?: number;
}

export interface PlanOptions {
  readonly tasks: number;
  readonly accounts: number;
  /** Length of the window in which the slots are. */
  readonly seconds: number;
  /** Slots that are not further away than this are reached through the queue. */
  readonly nearSeconds: number;
  readonly seed: number;
}

/** Numbers in [0, 1). @see https://gist.github.com/tommyettinger/46a874533244883189143505d203312c (mulberry32) */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Every property is drawn by itself, except that what is near has no photo: its upload would decide how late it is. */
export function planTasks({
  tasks,
  accounts,
  seconds,
  nearSeconds,
  seed,
}: PlanOptions): readonly PlannedTask[] {
  const random = createRandom(seed);
  const peaks = Math.max(1, Math.floor(seconds / BETWEEN_PEAKS_SECONDS));
  const between = seconds / peaks;
  return Array.from({ length: tasks }, (_, index): PlannedTask => {
    const inPeak = random() < SHARE_IN_PEAKS;
    const slotSecond = inPeak
      ? Math.floor((Math.floor(random() * peaks) + 0.5) * between)
      : Math.floor(random() * seconds);
    const draw = random();
    const isNear = draw < SHARE_NEAR;
    return {
      text: `On time, post ${index + 1}`,
      account: index % accounts,
      slotSecond,
      inPeak,
      withPhoto: !isNear && draw < SHARE_NEAR + SHARE_WITH_PHOTO,
      ...(isNear && {
        createdBefore: NEAREST_SECONDS + random() * (nearSeconds - NEAREST_SECONDS),
      }),
    };
  });
}
