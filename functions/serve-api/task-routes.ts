import { createHash } from "node:crypto";
import { checkInput } from "#functions/middleware/http-input.ts";
import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import { unknownProject } from "#functions/middleware/unknown-project.ts";
import { toConflictsView } from "#shared/contract/conflict-view.ts";
import { createTasksEntry } from "#shared/contract/create-tasks.ts";
import { PROBLEMS } from "#shared/contract/problem.ts";
import { toBatchStatusView, toTaskStatusView } from "#shared/contract/realtime-status-view.ts";
import { toTaskAnswer, toTaskCreated } from "#shared/contract/task-answer.ts";
import { toLogEntryView } from "#shared/contract/task-detail.ts";
import { allowsScope } from "#shared/domain/api-key.ts";
import { asTaskId, type TaskId } from "#shared/domain/ids.ts";
import type { PlanRefusal } from "#shared/domain/planning/plan.ts";
import { instantInWords, quote } from "#shared/domain/words.ts";
import { err } from "#shared/result.ts";
import type { CancelTask } from "#shared/usecases/cancel-task.ts";
import type { ChangeRefusal, StandsAgainst } from "#shared/usecases/change-own-task.ts";
import type { CreateTask } from "#shared/usecases/create-task.ts";
import type { CreateTasks } from "#shared/usecases/create-tasks.ts";
import type { ReadConflicts } from "#shared/usecases/find-conflicts.ts";
import type { ListTasks } from "#shared/usecases/list-tasks.ts";
import type { PlaceRefusal } from "#shared/usecases/place-post.ts";
import type { PublishNow } from "#shared/usecases/publish-now.ts";
import type { ReadBatchStatus } from "#shared/usecases/read-batch-status.ts";
import type { ReadTask } from "#shared/usecases/read-task.ts";
import type { ReadTaskLog } from "#shared/usecases/read-task-log.ts";
import type { ReadTaskStatus } from "#shared/usecases/read-task-status.ts";
import type { RescheduleTask } from "#shared/usecases/reschedule-task.ts";
import type { ResolveTask } from "#shared/usecases/resolve-task.ts";
import type { RetryTask } from "#shared/usecases/retry-task.ts";
import type { UpdateTask } from "#shared/usecases/update-task.ts";
import { createRefusal, unknownAccount } from "./create-refusal.ts";
import { toNewTask } from "./new-task.ts";

export interface TaskRouteDeps {
  readonly createTask: CreateTask;
  readonly createTasks: CreateTasks;
  readonly listTasks: ListTasks;
  readonly readTask: ReadTask;
  readonly readConflicts: ReadConflicts;
  readonly cancelTask: CancelTask;
  readonly publishNow: PublishNow;
  readonly readTaskLog: ReadTaskLog;
  readonly readTaskStatus: ReadTaskStatus;
  readonly readBatchStatus: ReadBatchStatus;
  readonly updateTask: UpdateTask;
  readonly rescheduleTask: RescheduleTask;
  readonly retryTask: RetryTask;
  readonly resolveTask: ResolveTask;
}

const NO_TASK = { problem: "task-not-found", detail: "No task of this key's owner has this id." } as const;
const CONFLICT = {
  problem: "write-conflict",
  detail: "Somebody else changed the task every time. Try again.",
} as const;

const IN_FLIGHT = "X may have the post already";

/** Why no change of a task was made. */
function changeRefusal(error: ChangeRefusal) {
  switch (error.reason) {
    case "not-found":
      return NO_TASK;
    case "conflict":
      return CONFLICT;
    case "stale":
      return {
        problem: "precondition-failed",
        detail: `The task has version ${error.version} by now. Read it again, and decide again.`,
      } as const;
  }
}

/** Why a task stays as it is. @param what - that cannot change */
function standsAgainst(error: StandsAgainst, what: string) {
  const { status } = error;
  switch (error.reason) {
    case "final":
      return {
        problem: "task-final",
        detail: `The task is ${status}: ${what} cannot change any more.${status === "failed" || status === "missed" ? " To try it once more, retry it." : ""}`,
      } as const;
    case "in-flight":
      return { problem: "in-flight", detail: `The task is ${status}: ${IN_FLIGHT}.` } as const;
    case "in-doubt":
      return {
        problem: "in-doubt",
        detail: "Nobody knows whether the post is out. Look at the account's timeline, and resolve the task.",
      } as const;
    case "parts-posted":
      return {
        problem: "parts-posted",
        detail: `${error.posted} of ${error.partCount} parts are on X: ${what} of this thread cannot change any more.`,
      } as const;
  }
}

/** No slot is left for it. @param pointer - to what asked for one, if the body did */
function noFreeSlot({ message, remedy }: PlanRefusal, pointer?: string) {
  const detail = `${message} ${remedy}`;
  return { problem: "no-free-slot", detail, ...(pointer && { errors: [{ pointer, detail }] }) } as const;
}

/** The account or the project has said it already. @param pointer - to what says it, if the body does */
function repeats({ code, message, remedy }: Repetition, pointer?: string) {
  const detail = `${message} ${remedy}`;
  return { problem: code, detail, ...(pointer && { errors: [{ pointer, detail }] }) } as const;
}

/** ULIDs are written in these. @see https://github.com/ulid/spec */
const ULID_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TIME_DIGITS = 10;
const CHANCE_DIGITS = 16;

/** Of one entry of a batch: the same whenever the request has to begin anew, and nobody else's. */
function entryId(newId: string, index: number): TaskId {
  const hash = createHash("sha256").update(`${newId}#${index}`).digest();
  const chance = Array.from({ length: CHANCE_DIGITS }, (_, place) => ULID_DIGITS[(hash[place] ?? 0) % 32]);
  return asTaskId(`${newId.slice(0, TIME_DIGITS)}${chance.join("")}`);
}

/** One post of a batch, or why it is none. */
function readEntry(entry: unknown, root: string) {
  const read = checkInput(createTasksEntry, entry, "body");
  if (read.ok) return read;
  const { code, detail, errors } = read.error;
  return err({
    code,
    detail,
    retryable: false,
    ...(errors && { errors: errors.map((one) => ({ ...one, pointer: `${root}${one.pointer ?? ""}` })) }),
  });
}

type Repetition = Extract<PlaceRefusal, { readonly reason: "repeats" }>["why"];

type TaskRoutes = Pick<RouteHandlers, keyof TaskRouteDeps>;

/** Tasks: which answer each outcome is. */
export const createTaskRoutes = (usecases: TaskRouteDeps): TaskRoutes => ({
  async createTask({ caller: { ownerId }, body, newId }): Promise<RouteAnswer<"createTask">> {
    const { thread } = body;
    const id = newId === undefined ? undefined : asTaskId(newId);
    // The request had to begin anew, and has been here before.
    const known = id && (await usecases.readTask(ownerId, id));
    const created = known?.ok ? known : await usecases.createTask(toNewTask(ownerId, body, id));
    if (created.ok) return accepted(toTaskCreated(created.value));
    return createRefusal(created.error, { project: body.project, isThread: thread !== undefined });
  },

  async createTasks({ caller: { ownerId }, body, newId }): Promise<RouteAnswer<"createTasks">> {
    const entries = body.tasks.map((entry, index) => readEntry(entry, `/tasks/${index}`));
    const known = await Promise.all(
      entries.map(async (_, index) =>
        newId === undefined ? undefined : usecases.readTask(ownerId, entryId(newId, index)),
      ),
    );
    const wanted = entries.flatMap((entry, index) =>
      entry.ok && !known[index]?.ok
        ? [toNewTask(ownerId, entry.value, newId === undefined ? undefined : entryId(newId, index))]
        : [],
    );
    const created = await usecases.createTasks(wanted, entries.length);
    if (!created.ok) {
      const detail = `At most ${created.error.most} posts are taken at once: the setting batchSize says so.`;
      return { problem: "batch-too-large", detail, errors: [{ pointer: "/tasks", detail }] };
    }
    let next = 0;
    const results = entries.map((entry, index) => {
      if (!entry.ok) return entry.error;
      const { project, thread } = entry.value;
      const before = known[index];
      const answer = before?.ok ? before : created.value[next++];
      if (answer?.ok) return { task: toTaskCreated(answer.value) };
      if (!answer) throw new RangeError("a post has no answer");
      const { problem, detail, errors } = createRefusal(answer.error, {
        project,
        isThread: thread !== undefined,
        root: `/tasks/${index}`,
      });
      return { code: problem, detail, retryable: PROBLEMS[problem].retryable, errors: [...errors] };
    });
    const taken = results.filter((result) => "task" in result).length;
    return { status: 200, body: { accepted: taken, refused: results.length - taken, results } };
  },

  async listTasks({ caller: { ownerId }, query }): Promise<RouteAnswer<"listTasks">> {
    const { limit, cursor, ...filter } = query;
    const listed = await usecases.listTasks({ ownerId, filter, limit, cursor });
    if (listed.ok) {
      const { items, next } = listed.value;
      return {
        status: 200,
        body: { items: items.map(toTaskAnswer), ...(next !== undefined && { next }) },
      };
    }
    const { error } = listed;
    switch (error.reason) {
      case "unknown-project":
        return unknownProject(error.name, error.known, { parameter: "project" });
      case "unknown-account":
        return unknownAccount(`There is no account ${quote(error.name)}.`, { parameter: "account" });
    }
  },

  async readTask({ caller: { ownerId }, params }): Promise<RouteAnswer<"readTask">> {
    const read = await usecases.readTask(ownerId, params.id);
    if (!read.ok) return NO_TASK;
    return {
      status: 200,
      body: { ...toTaskAnswer(read.value), log: read.value.log.map(toLogEntryView) },
    };
  },

  async readConflicts({ caller: { ownerId }, params }): Promise<RouteAnswer<"readConflicts">> {
    const read = await usecases.readConflicts(ownerId, params.id);
    if (!read.ok) return NO_TASK;
    return { status: 200, body: toConflictsView(read.value.task, read.value.conflicts) };
  },

  async cancelTask({ caller: { ownerId }, params, ifVersion }): Promise<RouteAnswer<"cancelTask">> {
    const cancelled = await usecases.cancelTask(ownerId, params.id, { ifVersion });
    if (cancelled.ok) {
      const status = cancelled.value.outcome === "cancelled" ? 200 : 202;
      return { status, body: toTaskAnswer(cancelled.value) };
    }
    const { error } = cancelled;
    if (error.reason !== "final") return changeRefusal(error);
    return { problem: "task-final", detail: `The task is ${error.status}: there is nothing to cancel.` };
  },

  async publishNow({ caller, params, body, ifVersion }): Promise<RouteAnswer<"publishNow">> {
    const override = body?.override ?? false;
    if (override && !allowsScope(caller, "manage"))
      return {
        problem: "missing-scope",
        detail: "To override a blackout needs a key with the scope manage too.",
        errors: [{ pointer: "/override", detail: "It needs the scope manage." }],
      };
    const moved = await usecases.publishNow(caller.ownerId, params.id, { override, ifVersion });
    if (moved.ok) return { status: 202, body: toTaskAnswer(moved.value) };
    const { error } = moved;
    switch (error.reason) {
      case "final":
        return {
          problem: "task-final",
          detail: `The task is ${error.status}. Retry it if it failed, or create it again.`,
        };
      case "in-flight":
        return {
          problem: "in-flight",
          detail: `The task is ${error.status}: ${IN_FLIGHT}, so it is not sent again.`,
        };
      case "parts-posted":
        return {
          problem: "parts-posted",
          detail: `${error.posted} of ${error.partCount} parts are on X: the slot of this thread cannot move any more.`,
        };
      default:
        return changeRefusal(error);
    }
  },

  async readTaskLog({ caller: { ownerId }, params, query }): Promise<RouteAnswer<"readTaskLog">> {
    const read = await usecases.readTaskLog(ownerId, params.id, query);
    if (!read.ok) return NO_TASK;
    const { items, next } = read.value;
    return {
      status: 200,
      body: { items: items.map(toLogEntryView), ...(next !== undefined && { next }) },
    };
  },

  async readTaskStatus({ caller: { ownerId }, params }): Promise<RouteAnswer<"readTaskStatus">> {
    const read = await usecases.readTaskStatus(ownerId, params.id);
    if (!read.ok) return NO_TASK;
    return { status: 200, body: toTaskStatusView(read.value.task, read.value.status) };
  },

  async readBatchStatus({ caller: { ownerId }, params }): Promise<RouteAnswer<"readBatchStatus">> {
    const read = await usecases.readBatchStatus(ownerId, params.id);
    if (!read.ok) return { problem: "batch-not-found", detail: "No batch of this key's owner has this id." };
    const { batch, status, looked } = read.value;
    return { status: 200, body: toBatchStatusView(batch, status, looked) };
  },

  async updateTask({ caller: { ownerId }, params, body, ifVersion }): Promise<RouteAnswer<"updateTask">> {
    const { text, thread, ...patch } = body;
    const texts = thread ?? (text === undefined ? undefined : [text]);
    const changed = await usecases.updateTask(ownerId, params.id, { ...patch, texts }, { ifVersion });
    if (changed.ok) return { status: 200, body: toTaskCreated(changed.value) };
    const { error } = changed;
    const where = thread ? "/thread" : "/text";
    switch (error.reason) {
      case "unknown-account":
        return unknownAccount(`The project has no account ${quote(error.name)}.`, { pointer: "/account" });
      case "bad-text": {
        const part = thread && error.part !== undefined ? `/${error.part}` : "";
        const errors = texts && { errors: [{ pointer: `${where}${part}`, detail: error.message }] };
        return { problem: error.code, detail: error.message, ...errors };
      }
      case "thread-meets-blackout":
        return {
          problem: error.reason,
          detail: error.message,
          errors: [{ pointer: where, detail: error.message }],
        };
      case "no-free-slot":
        return noFreeSlot(error.why);
      case "repeats":
        return repeats(error.why, texts && where);
      case "not-found":
      case "conflict":
      case "stale":
        return changeRefusal(error);
      default:
        return standsAgainst(error, "what it says");
    }
  },

  async rescheduleTask({
    caller: { ownerId },
    params,
    body,
    ifVersion,
  }): Promise<RouteAnswer<"rescheduleTask">> {
    const moved = await usecases.rescheduleTask(ownerId, params.id, body, { ifVersion });
    if (moved.ok) return { status: 200, body: toTaskCreated(moved.value) };
    const { error } = moved;
    switch (error.reason) {
      case "bad-time": {
        const { code, message } = error;
        const pointer = code === "strategy-and-time" ? "/strategy" : "/publishAt";
        return { problem: code, detail: message, errors: [{ pointer, detail: message }] };
      }
      case "no-free-slot":
        return noFreeSlot(error.why, "/strategy");
      case "not-found":
      case "conflict":
      case "stale":
        return changeRefusal(error);
      default:
        return standsAgainst(error, "the slot");
    }
  },

  async retryTask({ caller: { ownerId }, params, ifVersion }): Promise<RouteAnswer<"retryTask">> {
    const retried = await usecases.retryTask(ownerId, params.id, { ifVersion });
    if (retried.ok) return accepted(toTaskCreated(retried.value));
    const { error } = retried;
    switch (error.reason) {
      case "not-failed":
        return {
          problem: "not-failed",
          detail: `The task is ${error.status}: it goes out by itself. To send it at once, publish it now.`,
        };
      case "final":
        return {
          problem: "task-final",
          detail: `The task is ${error.status}, it did not fail. Create it again to post it.`,
        };
      case "in-flight":
      case "in-doubt":
        return standsAgainst(error, "the slot");
      case "parts-posted":
        return {
          problem: "parts-posted",
          detail: `${error.posted} of ${error.partCount} parts are on X, and would be posted twice. Create the rest as a thread of its own.`,
        };
      case "no-free-slot":
        return noFreeSlot(error.why);
      case "media-gone":
        return {
          problem: "media-unusable",
          detail: `${quote(error.name)} was deleted. Upload it again, and create the post anew.`,
        };
      case "repeats":
        return repeats(error.why);
      default:
        return changeRefusal(error);
    }
  },

  async resolveTask({ caller: { ownerId }, params, body, ifVersion }): Promise<RouteAnswer<"resolveTask">> {
    const resolved = await usecases.resolveTask(ownerId, params.id, body, { ifVersion });
    if (resolved.ok) return { status: 200, body: toTaskAnswer(resolved.value) };
    const { error } = resolved;
    switch (error.reason) {
      case "not-in-doubt":
        return {
          problem: "not-in-doubt",
          detail:
            error.status === "held"
              ? "Its answer was not lost: retry it, publish it now, or cancel it."
              : `The task is ${error.status}, and no answer was lost: reschedule it, publish it now, or cancel it.`,
        };
      case "in-flight":
        return {
          problem: "in-flight",
          detail: `The task is ${error.status}: the account's timeline is read by itself, 2 and 5 minutes after the request. Wait for it.`,
        };
      case "final":
        return {
          problem: "task-final",
          detail: `The task is ${error.status}: nothing is in doubt any more.`,
        };
      case "post-taken": {
        const detail = `The post ${error.postId} belongs to another task.`;
        return { problem: "post-taken", detail, errors: [{ pointer: "/postId", detail }] };
      }
      case "wrong-post": {
        const { postId, madeAt, sentFrom } = error;
        const detail = madeAt
          ? `The post ${postId} was made at ${instantInWords(madeAt)}, and the task was sent at ${instantInWords(sentFrom)}.`
          : `${postId} is no id of a post on X.`;
        return { problem: "wrong-post", detail, errors: [{ pointer: "/postId", detail }] };
      }
      default:
        return changeRefusal(error);
    }
  },
});

/** A task that goes out by itself from here on. */
const accepted = <Body extends { readonly id: string }>(body: Body) =>
  ({ status: 202, body, headers: { location: `/api/v1/scheduling/tasks/${body.id}` } }) as const;
