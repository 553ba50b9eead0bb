/**
 * Finds what the rules forbid in a finished plan, by counting and by looking at the clock, without any of the planner's
 * own code.
 */
import type { Policy } from "#shared/domain/planning/rules.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** From one part of a thread to the next, with X's answer. */
const PART_MS = 6_000;

export interface PlacedSlot {
  readonly id: string;
  readonly accountId: string;
  readonly at: Date;
  readonly parts: number;
  readonly priority: number;
}

export type ConflictKind = "interval" | "blackout" | "day" | "24 hours" | "urgent share";

interface LocalClock {
  /** `2026-12-01`. */
  readonly date: string;
  readonly hour: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();
function clockOf(atMs: number, timeZone: string): LocalClock {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "short" });
    formats.set(timeZone, format);
  }
  const [date = "", time = ""] = format.format(atMs).split(" ");
  return { date, hour: Number(time.slice(0, 2)) };
}

const lastPartMs = ({ at, parts }: PlacedSlot): number => at.getTime() + (parts - 1) * PART_MS;

function isBlack(
  atMs: number,
  { blackout, blackoutDates = [], holidays = [] }: Policy,
  timeZone: string,
): boolean {
  const { date, hour } = clockOf(atMs, timeZone);
  if (blackoutDates.includes(date) || holidays.some(({ dates }) => dates.includes(date))) return true;
  if (!blackout) return false;
  const { fromHour, toHour } = blackout;
  return fromHour <= toHour ? hour >= fromHour && hour < toHour : hour >= fromHour || hour < toHour;
}

export interface Checked {
  readonly policy: Policy;
  readonly timeZone: string;
}

/**
 * @param slots - everything that is planned
 * @returns by the id of the slot; slots without a conflict are not there
 */
export function checkSlots(
  slots: readonly PlacedSlot[],
  { policy, timeZone }: Checked,
): ReadonlyMap<string, ReadonlySet<ConflictKind>> {
  const found = new Map<string, Set<ConflictKind>>();
  const note = (id: string, kind: ConflictKind): void => {
    found.set(id, (found.get(id) ?? new Set()).add(kind));
  };
  for (const one of Map.groupBy(slots, ({ accountId }) => accountId).values()) {
    const ordered = one.toSorted((a, b) => a.at.getTime() - b.at.getTime());
    checkNeighbours(ordered, policy, note);
    checkRollingDay(ordered, policy, note);
    checkDays(ordered, { policy, timeZone }, note);
  }
  for (const slot of slots)
    for (let part = 0; part < slot.parts; part++)
      if (isBlack(slot.at.getTime() + part * PART_MS, policy, timeZone)) note(slot.id, "blackout");
  return found;
}

type Note = (id: string, kind: ConflictKind) => void;

function checkNeighbours(ordered: readonly PlacedSlot[], { minIntervalMs = 0 }: Policy, note: Note): void {
  for (const [index, slot] of ordered.entries()) {
    const next = ordered[index + 1];
    if (!next || next.at.getTime() - lastPartMs(slot) >= minIntervalMs) continue;
    note(slot.id, "interval");
    note(next.id, "interval");
  }
}

const sumOf = (slots: readonly PlacedSlot[]): number => slots.reduce((sum, { parts }) => sum + parts, 0);

/** Every 24 hours that begin with a post: no other can hold more. */
function checkRollingDay(ordered: readonly PlacedSlot[], { dailyMax }: Policy, note: Note): void {
  if (dailyMax === undefined) return;
  for (const [index, first] of ordered.entries()) {
    const within: PlacedSlot[] = [];
    for (let place = index; place < ordered.length; place++) {
      const slot = ordered[place];
      if (!slot || slot.at.getTime() - first.at.getTime() >= DAY_MS) break;
      within.push(slot);
    }
    if (sumOf(within) > dailyMax) for (const { id } of within) note(id, "24 hours");
  }
}

function checkDays(
  ordered: readonly PlacedSlot[],
  { policy: { dailyMax, urgentShare = 0 }, timeZone }: Checked,
  note: Note,
): void {
  if (dailyMax === undefined) return;
  const forAll = Math.max(1, dailyMax - Math.ceil(dailyMax * urgentShare - 1e-9));
  for (const day of Map.groupBy(ordered, ({ at }) => clockOf(at.getTime(), timeZone).date).values()) {
    const notUrgent = day.filter(({ priority }) => priority > 3);
    if (sumOf(day) > dailyMax) for (const { id } of day) note(id, "day");
    if (sumOf(notUrgent) > forAll) for (const { id } of notUrgent) note(id, "urgent share");
  }
}
