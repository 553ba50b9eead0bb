import { textClaimKey } from "#shared/domain/claim.ts";
import { hashText } from "#shared/domain/duplicates/fingerprint.ts";
import { asAttemptId, type OwnerId, type TaskId } from "#shared/domain/ids.ts";
import { retime } from "#shared/domain/moves.ts";
import { noteSlot } from "#shared/domain/planning/board.ts";
import { decideStrategy } from "#shared/domain/planning/decide-strategy.ts";
import type { Plan, PlanRefusal } from "#shared/domain/planning/plan.ts";
import { type Policy, rulesOf } from "#shared/domain/planning/rules.ts";
import { isFlexible, type Strategy } from "#shared/domain/planning/strategy.ts";
import { checkThreadSpan } from "#shared/domain/policy.ts";
import { decidePublishTime } from "#shared/domain/publish-time.ts";
import type { Content, Task } from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { TaskStore, Together } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import {
  type ChangeOptions,
  type ChangeRefusal,
  changeOwnTask,
  type Decided,
  type RearrangeDeps,
  rearrange,
  type StandsAgainst,
  whatStandsAgainst,
} from "./change-own-task.ts";
import type { PlanSlot } from "./plan-slot.ts";
import type { ShownTask } from "./show-tasks.ts";

export interface RescheduleTaskDeps extends RearrangeDeps {
  readonly tasks: Pick<TaskStore, "get" | "getContent" | "getBoard" | "getClaim" | "save">;
  readonly accounts: Pick<AccountStore, "getProject">;
  readonly planSlot: PlanSlot;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Entropy;
}

export interface NewTime {
  /** As written: `now`, an instant, or a local time of the project's zone. Absent: from now on. */
  readonly publishAt?: string | undefined;
  /** How the slot is chosen. Absent: `publishAt` says it. */
  readonly strategy?: Strategy | undefined;
}

const TIME_CODES = [
  "bad-time",
  "strategy-and-time",
  "slot-passed",
  "too-far-ahead",
  "thread-meets-blackout",
] as const;

export type RescheduleRefusal =
  | StandsAgainst
  | { readonly reason: "bad-time"; readonly code: (typeof TIME_CODES)[number]; readonly message: string }
  | { readonly reason: "no-free-slot"; readonly why: PlanRefusal };

export interface RescheduledTask extends ShownTask {
  /** Absent: its slot was given. */
  readonly plan?: Plan;
}

/**
 * Gives a task that is not out another time, or has the planner choose one. It keeps its words, its account and what is
 * uploaded; a held one goes on with it. The rules of the project hold at the new slot as at any other.
 */
export type RescheduleTask = (
  ownerId: OwnerId,
  id: TaskId,
  time: NewTime,
  options?: ChangeOptions,
) => Promise<Result<RescheduledTask, RescheduleRefusal | ChangeRefusal>>;

export function createRescheduleTask(deps: RescheduleTaskDeps): RescheduleTask {
  const { tasks, accounts, planSlot, clock, entropy } = deps;

  return async (ownerId, id, wanted, options) => {
    let plan: Plan | undefined;

    async function decide(task: Task): Promise<Decided<RescheduleRefusal>> {
      plan = undefined;
      const against = whatStandsAgainst(task);
      if (against) return err(against);
      const [project, content] = await Promise.all([
        accounts.getProject(task.projectId),
        tasks.getContent(task),
      ]);
      if (!project || !content) throw new RangeError(`task ${id} has no project or no content`);
      const strategy = decideStrategy(wanted.strategy, wanted.publishAt);
      if (!strategy.ok) return badTime(strategy.error);
      const now = clock.now();
      const time = decidePublishTime(wanted.publishAt, {
        now,
        timeZone: project.timeZone,
        latePolicy: task.latePolicy,
      });
      if (!time.ok) return badTime(time.error);
      const { publishAt } = time.value;
      const parts = task.partCount;

      if (isFlexible(strategy.value)) {
        // Elsewhere its text is not claimed, and its media are not uploaded.
        const accountIds = task.pool === "open" ? project.accountIds : [task.accountId];
        const seed = hashText(content.original ?? content.parts);
        const found = await planSlot(project, {
          id,
          strategy: strategy.value,
          from: time.value.slotAt,
          accountIds,
          parts,
          priority: task.priority,
          ...(seed !== undefined && { seed }),
        });
        if (!found.ok) return err({ reason: "no-free-slot", why: found.error });
        plan = found.value.plan;
        const next = retime(task, now, {
          publishAt,
          slotAt: plan.at,
          strategy: plan.strategy,
          ...(task.pool === "open" && { chosen: plan.accountId }),
        });
        return ok({
          next,
          together: {
            ...(await following(next, content, project.policy)),
            board: noteSlot(
              found.value.board,
              { taskId: id, at: plan.at, parts, priority: task.priority },
              now,
            ),
            log: logOf(next, now, plan.reasons.map(({ message }) => message).join(" ")),
          },
        });
      }

      const { slotAt } = time.value;
      const tooLong = checkThreadSpan(project.policy, project.timeZone, slotAt, parts);
      if (tooLong) return badTime(tooLong);
      const next = retime(task, now, { publishAt, slotAt });
      // Planners would go by the slot that was noted a moment ago.
      const board = await tasks.getBoard(task.accountId);
      const isNoted = board.noted.some(({ taskId }) => taskId === id);
      return ok({
        next,
        together: {
          ...(await following(next, content, project.policy)),
          ...(isNoted && {
            board: noteSlot(board, { taskId: id, at: slotAt, parts, priority: task.priority }, now),
          }),
          log: logOf(next, now, time.value.note?.message),
        },
      });
    }

    /** Its text stays its own for the whole window after the new slot. */
    async function following(
      next: Task,
      content: Content,
      policy: Policy | undefined,
    ): Promise<Pick<Together, "claims">> {
      const { windowMs } = rulesOf(policy).duplicates;
      const hash = hashText(content.original ?? content.parts);
      if (windowMs === 0 || hash === undefined || next.pool === "open" || next.source.kind === "recurrence")
        return {};
      const key = textClaimKey(next.accountId, hash);
      const holder = await tasks.getClaim(key);
      const until = new Date(next.slotAt.getTime() + windowMs);
      const isOwn = holder === undefined || holder === id;
      return isOwn ? { claims: [{ key, until }] } : {};
    }

    const logOf = (next: Task, at: Date, message?: string) => ({
      at,
      attemptId: asAttemptId(entropy.newId()),
      step: "change" as const,
      status: next.status,
      code: "rescheduled",
      ...(message !== undefined && { message }),
    });

    const changed = await changeOwnTask(tasks, ownerId, id, decide, options);
    if (!changed.ok) return changed;
    const shown = await rearrange(deps, changed.value.before, changed.value.after);
    return ok({ ...shown, ...(plan && { plan }) });
  };
}

function badTime({ code, message }: { readonly code: string; readonly message: string }) {
  const known = TIME_CODES.find((one) => one === code);
  if (!known) throw new RangeError(`no answer is known for ${code}`);
  return err({ reason: "bad-time" as const, code: known, message });
}
