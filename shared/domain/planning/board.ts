import type { AccountId, TaskId } from "../ids.ts";
import type { Occupied } from "./plan.ts";

/** A slot that was given away a moment ago. */
export interface Noted {
  readonly taskId: TaskId;
  readonly at: Date;
  readonly parts: number;
  readonly priority: number;
  readonly notedAt: Date;
}

/**
 * What was planned for an account within the last minutes. Lists of tasks lag behind by seconds; this is read
 * consistently and written together with the task, so two planners can never give away the same slot.
 */
export interface Board {
  readonly accountId: AccountId;
  readonly version: number;
  readonly noted: readonly Noted[];
}

/** Long after every list shows the task. */
const KEPT_MS = 2 * 60_000;

export const newBoard = (accountId: AccountId): Board => ({ accountId, version: 0, noted: [] });

const recent = (noted: readonly Noted[], now: Date): readonly Noted[] =>
  noted.filter(({ notedAt }) => now.getTime() - notedAt.getTime() < KEPT_MS);

/** The board after a slot was given to a task. */
export function noteSlot(
  { accountId, version, noted }: Board,
  slot: Omit<Noted, "notedAt">,
  now: Date,
): Board {
  const others = recent(noted, now).filter(({ taskId }) => taskId !== slot.taskId);
  return { accountId, version: version + 1, noted: [...others, { ...slot, notedAt: now }] };
}

/** What is taken, by the lists and by the board. A task that both know is where the board has it. */
export function mergeOccupied(listed: readonly Occupied[], { noted }: Board, now: Date): readonly Occupied[] {
  const newer = recent(noted, now);
  const moved = new Set<string>(newer.map(({ taskId }) => taskId));
  return [
    ...listed.filter(({ id }) => !moved.has(id)),
    ...newer.map(({ taskId, at, parts, priority }) => ({ id: taskId, at, parts, priority })),
  ];
}
