import type { AccountId, TaskId } from "../ids.ts";
import {
  bucketsOf,
  MAX_PER_BUCKET,
  type NearPost,
  type NearWish,
  type Print,
  rankNear,
} from "./fingerprint.ts";

/** Prints in memory, found by what they share: a look-up touches only what might be similar. */
export interface PrintIndex {
  /** Replaces the one of the same task. */
  add(print: Print): void;
  remove(taskId: TaskId): void;
  find(wish: NearWish): readonly NearPost[];
}

export interface PrintIndexOptions {
  /** @default MAX_PER_BUCKET */
  readonly maxPerBucket?: number;
}

export function createPrintIndex({ maxPerBucket = MAX_PER_BUCKET }: PrintIndexOptions = {}): PrintIndex {
  const prints = new Map<TaskId, Print>();
  /** Buckets hold their prints by slot, so that the latest are found without a look at the others. */
  const accounts = new Map<AccountId, Map<string, Print[]>>();

  const bucketsFor = (id: AccountId): Map<string, Print[]> => {
    const known = accounts.get(id) ?? new Map<string, Print[]>();
    accounts.set(id, known);
    return known;
  };

  function remove(taskId: TaskId): void {
    const print = prints.get(taskId);
    if (!print) return;
    prints.delete(taskId);
    const buckets = bucketsFor(print.accountId);
    for (const key of bucketsOf(print.fingerprint)) {
      const left = buckets.get(key)?.filter((other) => other.taskId !== taskId) ?? [];
      if (left.length > 0) buckets.set(key, left);
      else buckets.delete(key);
    }
  }

  return {
    remove,
    add(print) {
      remove(print.taskId);
      prints.set(print.taskId, print);
      const buckets = bucketsFor(print.accountId);
      for (const key of bucketsOf(print.fingerprint)) {
        const bucket = buckets.get(key);
        if (bucket) bucket.splice(countUntil(bucket, print.slotAt), 0, print);
        else buckets.set(key, [print]);
      }
    },
    find(wish) {
      const buckets = bucketsFor(wish.accountId);
      const candidates = new Set<Print>();
      for (const key of bucketsOf(wish.fingerprint)) {
        const bucket = buckets.get(key) ?? [];
        const end = countUntil(bucket, wish.until);
        for (const print of bucket.slice(Math.max(0, end - maxPerBucket), end)) candidates.add(print);
      }
      return rankNear(wish, candidates);
    },
  };
}

/** How many prints have this slot or an earlier one. */
function countUntil(bucket: readonly Print[], at: Date): number {
  let [low, high] = [0, bucket.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const print = bucket[middle];
    if (print && print.slotAt <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
