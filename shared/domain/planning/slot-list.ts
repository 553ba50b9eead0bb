import { threadMs } from "../policy.ts";
import type { LocalDays } from "./hours.ts";
import { isUrgent, type Occupied } from "./plan.ts";

/** A taken slot, ready to be compared. */
export interface Slot {
  readonly id: string;
  readonly startMs: number;
  /** Of the last part. */
  readonly endMs: number;
  readonly parts: number;
  readonly isUrgent: boolean;
}

/** Parts that are posted on a day. */
export interface DayCount {
  readonly all: number;
  readonly notUrgent: number;
}

/** Tells a slot from others: the id of its task, and when it is now. */
export type SlotKey = Pick<Occupied, "id" | "at">;

/** Taken slots of an account in their order. Whoever asks about an instant pays for its neighbourhood, not for the list. */
export interface SlotList {
  /** Those that begin from the one instant to the other, that not included. */
  between(fromMs: number, toMs: number, except?: Slot): readonly Slot[];
  /** The one before an instant and the one from it on. */
  around(atMs: number): readonly [before: Slot | undefined, after: Slot | undefined];
  /** On a day of the project. */
  countOn(day: number): DayCount;
  find(key: SlotKey): Slot | undefined;
  add(occupied: Occupied): Slot;
  /** Undefined: it was not there. */
  remove(key: SlotKey): Slot | undefined;
}

const NOTHING: DayCount = { all: 0, notUrgent: 0 };

/** @param except - ids of slots that are left out */
export function createSlotList(
  taken: readonly Occupied[],
  days: LocalDays,
  except: ReadonlySet<string>,
): SlotList {
  const slots = inOrder(taken, except);
  const counts = countDays(slots, days);
  /** Of the slots at the same place in the list: most of a full calendar are never looked at. */
  const ready: (Slot | undefined)[] = [];
  ready.length = slots.length;

  /** Index of the first slot that begins at this instant or later. */
  function firstFrom(atMs: number): number {
    let [low, high] = [0, slots.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((slots[middle]?.at.getTime() ?? 0) < atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function count({ startMs, isUrgent }: Slot, parts: number): void {
    const day = days.dayOf(startMs);
    const { all, notUrgent } = counts.get(day) ?? NOTHING;
    counts.set(day, { all: all + parts, notUrgent: notUrgent + (isUrgent ? 0 : parts) });
  }

  function slotAt(index: number): Slot | undefined {
    const occupied = slots[index];
    if (!occupied) return undefined;
    const known = ready[index] ?? asSlot(occupied);
    ready[index] = known;
    return known;
  }

  function indexOf({ id, at }: SlotKey): number {
    const atMs = at.getTime();
    for (let index = firstFrom(atMs); slots[index]?.at.getTime() === atMs; index++)
      if (slots[index]?.id === id) return index;
    return -1;
  }

  return {
    between(fromMs, toMs, except) {
      const found: Slot[] = [];
      for (let index = firstFrom(fromMs); index < slots.length; index++) {
        const slot = slotAt(index);
        if (!slot || slot.startMs >= toMs) break;
        if (slot !== except) found.push(slot);
      }
      return found;
    },
    around(atMs) {
      const after = firstFrom(atMs);
      return [slotAt(after - 1), slotAt(after)];
    },
    countOn: (day) => counts.get(day) ?? NOTHING,
    find: (key) => slotAt(indexOf(key)),
    add(occupied) {
      const index = firstFrom(occupied.at.getTime());
      const slot = asSlot(occupied);
      slots.splice(index, 0, occupied);
      ready.splice(index, 0, slot);
      count(slot, slot.parts);
      return slot;
    },
    remove(key) {
      const index = indexOf(key);
      const slot = slotAt(index);
      if (!slot) return undefined;
      slots.splice(index, 1);
      ready.splice(index, 1);
      count(slot, -slot.parts);
      return slot;
    },
  };
}

/** Lists of tasks come in order; only others are sorted. */
function inOrder(taken: readonly Occupied[], except: ReadonlySet<string>): Occupied[] {
  const kept: Occupied[] = [];
  let isInOrder = true;
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const slot of taken) {
    const startMs = slot.at.getTime();
    if (startMs < lastMs) isInOrder = false;
    lastMs = startMs;
    if (!except.has(slot.id)) kept.push(slot);
  }
  return isInOrder ? kept : kept.sort((a, b) => a.at.getTime() - b.at.getTime());
}

/** One step for each slot: they are in order, so the day is that of the one before, or a later one. */
function countDays(slots: readonly Occupied[], days: LocalDays): Map<number, DayCount> {
  const counts = new Map<number, DayCount>();
  let [day, endMs, all, notUrgent] = [0, Number.NEGATIVE_INFINITY, 0, 0];
  for (const slot of slots) {
    const startMs = slot.at.getTime();
    if (startMs >= endMs) {
      if (all > 0) counts.set(day, { all, notUrgent });
      day = days.dayOf(startMs);
      endMs = days.startOf(day + 1);
      [all, notUrgent] = [0, 0];
    }
    all += slot.parts;
    if (!isUrgentSlot(slot)) notUrgent += slot.parts;
  }
  if (all > 0) counts.set(day, { all, notUrgent });
  return counts;
}

const isUrgentSlot = ({ priority }: Occupied): boolean => priority !== undefined && isUrgent(priority);

function asSlot(occupied: Occupied): Slot {
  const { id, at, parts } = occupied;
  const startMs = at.getTime();
  return {
    id,
    startMs,
    endMs: startMs + threadMs(parts),
    parts,
    isUrgent: isUrgentSlot(occupied),
  };
}
