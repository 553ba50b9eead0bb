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

/** The board after a slot was given to a task. */
export function noteSlot(
  { accountId, version, noted }: Board,
  slot: Omit<Noted, "notedAt">,
  now: Date,
): Board {
  const recent = noted.filter(
    ({ taskId, notedAt }) => taskId !== slot.taskId && now.getTime() - notedAt.getTime() < KEPT_MS,
  );
  return { accountId, version: version + 1, noted: [...recent, { ...slot, notedAt: now }] };
}

/** What is taken, by the lists and by the board. A task that both know is where the board has it. */
export function mergeOccupied(listed: readonly Occupied[], { noted }: Board): readonly Occupied[] {
  const moved = new Set<string>(noted.map(({ taskId }) => taskId));
  return [
    ...listed.filter(({ id }) => !moved.has(id)),
    ...noted.map(({ taskId, at, parts, priority }) => ({ id: taskId, at, parts, priority })),
  ];
}
