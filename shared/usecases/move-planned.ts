import { type Claim, textClaimKey } from "#shared/domain/claim.ts";
import { hashText } from "#shared/domain/duplicates/fingerprint.ts";
import { type AccountId, asAttemptId, type ProjectId, type TaskId } from "#shared/domain/ids.ts";
import { moveSlot } from "#shared/domain/moves.ts";
import { type Board, noteSlot } from "#shared/domain/planning/board.ts";
import { type Calendar, openTimetable } from "#shared/domain/planning/calendar.ts";
import {
  isUrgent,
  type Occupied,
  type PlanContext,
  type PlannedPost,
  type SlotReason,
} from "#shared/domain/planning/plan.ts";
import { rulesOf } from "#shared/domain/planning/rules.ts";
import { isFlexible, type Strategy } from "#shared/domain/planning/strategy.ts";
import { arrangedSteps, type Content, type Task } from "#shared/domain/task.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { TaskDispatch } from "#shared/ports/task-dispatch.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import type { ArrangeTask } from "./arrange-task.ts";
import { workOff } from "./dispatch-fairly.ts";
import { readTaken, type SlotRange, takesPlace, toOccupied } from "./read-calendar.ts";

/** Each refusal is somebody else's success: more often than this, others are to go first. */
const MAX_RACES = 5;
/** Tasks that get their new wake-up calls at the same time. */
const CONCURRENCY = 10;
/** After the last move; whoever gets none then is the sweeper's. */
const REARRANGE_MS = 4_000;
const DAY_MS = 86_400_000;

/** A task whose slot was chosen by a strategy. */
export type PlannedTask = Task & { readonly strategy: Strategy };

/** It waits for a slot that it was given by its strategy, and nobody has begun anything for it. */
const isPlanned = (task: Task): task is PlannedTask =>
  task.strategy !== undefined &&
  isFlexible(task.strategy) &&
  task.status === "pending" &&
  task.notBeforeAt === undefined &&
  task.inDoubtSince === undefined &&
  task.posted.length === 0 &&
  task.pool !== "open";

/** It stays with its account: its text is claimed there. */
export const toPlannedPost = (task: PlannedTask): PlannedPost => ({
  wish: {
    id: task.id,
    strategy: task.strategy,
    from: task.publishAt,
    accountIds: [task.accountId],
    parts: task.partCount,
    priority: task.priority,
  },
  accountId: task.accountId,
  at: task.slotAt,
});

/** What an account has planned. */
export interface AccountPlan {
  readonly accountId: AccountId;
  /** As it was before anything else was read: a move is stored with its next version. */
  readonly board: Board;
  /** Of the last 24 hours too. */
  readonly occupied: readonly Occupied[];
  /** Of the project, and whose slots were chosen by a strategy. By slot. */
  readonly planned: readonly PlannedTask[];
}

/** Reads what an account has planned until an instant. Tasks that the lists do not show yet are on its board. */
export async function readAccountPlan(
  tasks: Pick<TaskStore, "list" | "get" | "getBoard">,
  accountId: AccountId,
  { projectId, now, until }: { readonly projectId: ProjectId; readonly now: Date; readonly until: Date },
): Promise<AccountPlan> {
  const board = await tasks.getBoard(accountId);
  const range: SlotRange = { from: new Date(now.getTime() - DAY_MS), until };
  const [listed, noted] = await Promise.all([
    readTaken(tasks, accountId, range),
    Promise.all(board.noted.map(({ taskId }) => tasks.get(taskId))),
  ]);
  const fresh = noted.filter((task) => task?.accountId === accountId).filter((task) => task !== undefined);
  const known = new Set(fresh.map(({ id }) => id));
  const taken = [...listed.filter(({ id }) => !known.has(id)), ...fresh.filter(takesPlace)];
  return {
    accountId,
    board,
    // What is on the board was read as it is now.
    occupied: taken.map(toOccupied),
    planned: taken
      .filter((task) => task.projectId === projectId)
      .filter((task) => isPlanned(task))
      .toSorted((a, b) => a.slotAt.getTime() - b.slotAt.getTime() || (a.id < b.id ? -1 : 1)),
  };
}

export interface PlannedMove {
  readonly task: Task;
  readonly toAt: Date;
  readonly reasons: readonly SlotReason[];
}

export type MoveOutcome =
  | "moved"
  /** Somebody else changed the task since it was read: it is left alone. */
  | "changed"
  /** Somebody else got the slot, or has not left it. */
  | "slot-taken"
  /** The time ended first. */
  | "left";

/**
 * Gives tasks of one account their new slots.
 *
 * @param moves - slots that are free when all of them are done
 * @param deadline - none is begun after it
 */
export type MovePlanned = (
  account: Omit<AccountPlan, "planned">,
  moves: readonly PlannedMove[],
  options: { readonly context: PlanContext; readonly deadline: Date },
) => Promise<ReadonlyMap<TaskId, MoveOutcome>>;

export interface MovePlannedDeps {
  readonly tasks: Pick<TaskStore, "save" | "getBoard" | "getContent" | "getClaim">;
  readonly dispatch: Pick<TaskDispatch, "unschedule">;
  readonly arrange: ArrangeTask;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Entropy;
  /** Told why a task could not be arranged at once; the sweeper then does it. */
  readonly report: (error: unknown) => void;
}

/**
 * Every move is written by itself, with the account's board, on the condition that nobody changed the task: whoever dies in
 * between leaves some moved and the others where they were. A slot is taken only once it is free, so that a task that
 * cannot leave its own costs nobody else's.
 */
export function createMovePlanned(deps: MovePlannedDeps): MovePlanned {
  const { tasks, dispatch, arrange, clock, entropy, report } = deps;

  /** Its text stays its own for the whole window after the new slot. */
  async function claimsOf(
    task: Task,
    toAt: Date,
    content: Content,
    windowMs: number,
  ): Promise<readonly Claim[]> {
    const hash = toAt > task.slotAt ? hashText(content.original ?? content.parts) : undefined;
    if (hash === undefined) return [];
    const key = textClaimKey(task.accountId, hash);
    if ((await tasks.getClaim(key)) !== task.id) return [];
    return [{ key, until: new Date(toAt.getTime() + windowMs) }];
  }

  /** Takes its old wake-up calls away, and gives it new ones. */
  async function rearrange({ before, after, content }: Moved): Promise<void> {
    const { id: taskId, rev, arm } = before;
    for (const step of arrangedSteps(before))
      await dispatch.unschedule({ taskId, rev, arm, step }).catch(report);
    await arrange(after, content.media).catch(report);
  }

  return async ({ accountId, board: seen, occupied }, moves, { context, deadline }) => {
    const { windowMs } = rulesOf(context.policy).duplicates;
    const calendar = openTimetable(new Map([[accountId, occupied]]), context).calendar(accountId);
    const slots = new Map<string, Occupied>(occupied.map((slot) => [slot.id, slot]));
    const outcomes = new Map<TaskId, MoveOutcome>(moves.map(({ task }) => [task.id, "left"]));
    const done: Moved[] = [];
    let board = seen;

    function place(slot: Occupied): void {
      const before = slots.get(slot.id);
      if (before) calendar.remove(before);
      calendar.add(slot);
      slots.set(slot.id, slot);
    }

    async function move({ task, toAt, reasons }: PlannedMove): Promise<MoveOutcome> {
      const content = await tasks.getContent(task);
      if (!content) throw new RangeError(`task ${task.id} has no content of revision ${task.contentRev}`);
      const claims = windowMs > 0 ? await claimsOf(task, toAt, content, windowMs) : [];
      for (let race = 0; race < MAX_RACES; race++) {
        const now = clock.now();
        const next = moveSlot(task, now, toAt);
        const slot = { taskId: task.id, at: toAt, parts: task.partCount, priority: task.priority };
        const noted = noteSlot(board, slot, now);
        const log = {
          at: now,
          attemptId: asAttemptId(entropy.newId()),
          step: "change" as const,
          status: next.status,
          code: "slot-moved",
          message: reasons.map(({ message }) => message).join(" "),
        };
        const saved = await tasks.save(next, { log, board: noted, ...(claims.length > 0 && { claims }) });
        if (saved.ok) {
          board = noted;
          place(toOccupied(next));
          done.push({ before: task, after: next, content });
          return "moved";
        }
        switch (saved.error.reason) {
          case "stale":
          case "claimed":
            return "changed";
          case "board-stale": {
            board = await tasks.getBoard(accountId);
            for (const { taskId: id, at, parts, priority } of board.noted) place({ id, at, parts, priority });
            if (!isFree(calendar, { task, toAt })) return "slot-taken";
            break;
          }
          case "gate-stale":
          case "post-taken":
            throw new RangeError(`a move cannot be refused as ${saved.error.reason}`);
        }
      }
      return "slot-taken";
    }

    const waiting = [...moves];
    while (waiting.length > 0 && clock.now() < deadline) {
      const next = findNext(calendar, waiting);
      if (!next) {
        for (const { task } of waiting) outcomes.set(task.id, "slot-taken");
        break;
      }
      waiting.splice(waiting.indexOf(next), 1);
      outcomes.set(next.task.id, await move(next));
    }
    const endAt = new Date(Math.max(deadline.getTime(), clock.now().getTime()) + REARRANGE_MS);
    await workOff(done, rearrange, { concurrency: CONCURRENCY, deadline: endAt, clock });
    return outcomes;
  };
}

interface Moved {
  readonly before: Task;
  readonly after: Task;
  readonly content: Content;
}

const isFree = (calendar: Calendar, { task, toAt }: Pick<PlannedMove, "task" | "toAt">): boolean =>
  calendar.isFree(toAt, { parts: task.partCount, isUrgent: isUrgent(task.priority) }, toOccupied(task));

/** One whose slot is free by now; or, when they wait for each other in a circle, one whose slot the others leave. */
function findNext(calendar: Calendar, waiting: readonly PlannedMove[]): PlannedMove | undefined {
  const free = waiting.find((move) => isFree(calendar, move));
  if (free) return free;
  for (const { task } of waiting) calendar.remove(toOccupied(task));
  const left = waiting.find((move) => isFree(calendar, move));
  for (const { task } of waiting) calendar.add(toOccupied(task));
  return left;
}
