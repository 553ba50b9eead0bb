import type * as z from "zod";
import { checkInput } from "#functions/middleware/http-input.ts";
import { toConflictsView } from "#shared/contract/conflict-view.ts";
import { createTasksEntry } from "#shared/contract/create-tasks.ts";
import { PROBLEMS } from "#shared/contract/problem.ts";
import { toTaskAnswer, toTaskCreated } from "#shared/contract/task-answer.ts";
import { toLogEntryView } from "#shared/contract/task-detail.ts";
import { allowsScope } from "#shared/domain/api-key.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import { quote } from "#shared/domain/words.ts";
import { err } from "#shared/result.ts";
import type { CancelTask } from "#shared/usecases/cancel-task.ts";
import type { CreateTask, NewTask } from "#shared/usecases/create-task.ts";
import type { CreateTasks } from "#shared/usecases/create-tasks.ts";
import type { ReadConflicts } from "#shared/usecases/find-conflicts.ts";
import type { ListTasks, TaskFilter } from "#shared/usecases/list-tasks.ts";
import type { PublishNow } from "#shared/usecases/publish-now.ts";
import type { ReadTask } from "#shared/usecases/read-task.ts";
import { createRefusal, unknownAccount, unknownProject } from "./create-refusal.ts";
import type { RouteAnswer, RouteHandlers, RouteInput } from "./router.ts";

export interface TaskRouteDeps {
  readonly createTask: CreateTask;
  readonly createTasks: CreateTasks;
  readonly listTasks: ListTasks;
  readonly readTask: ReadTask;
  readonly readConflicts: ReadConflicts;
  readonly cancelTask: CancelTask;
  readonly publishNow: PublishNow;
}

const NO_TASK = { problem: "task-not-found", detail: "No task of this key's owner has this id." } as const;
const CONFLICT = {
  problem: "write-conflict",
  detail: "Somebody else changed the task every time. Try again.",
} as const;

const filterOf = ({ project, status, account }: RouteInput<"listTasks">["query"]): TaskFilter => {
  if (project !== undefined && status !== undefined) return { by: "project", project, status };
  return account === undefined ? { by: "owner" } : { by: "account", account };
};

const toNewTask = (
  ownerId: OwnerId,
  { text, thread, ...fields }: z.output<typeof createTasksEntry>,
): NewTask => ({ ownerId, texts: thread ?? [text ?? ""], ...fields });

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

type TaskRoutes = Pick<
  RouteHandlers,
  "createTask" | "createTasks" | "listTasks" | "readTask" | "readConflicts" | "cancelTask" | "publishNow"
>;

/** Tasks: which answer each outcome is. */
export const createTaskRoutes = (usecases: TaskRouteDeps): TaskRoutes => ({
  async createTask({ caller: { ownerId }, body }): Promise<RouteAnswer<"createTask">> {
    const { thread } = body;
    const created = await usecases.createTask(toNewTask(ownerId, body));
    if (created.ok) {
      const task = toTaskCreated(created.value);
      return { status: 202, body: task, headers: { location: `/api/v1/scheduling/tasks/${task.id}` } };
    }
    return createRefusal(created.error, { project: body.project, isThread: thread !== undefined });
  },

  async createTasks({ caller: { ownerId }, body }): Promise<RouteAnswer<"createTasks">> {
    const entries = body.tasks.map((entry, index) => readEntry(entry, `/tasks/${index}`));
    const wanted = entries.flatMap((entry) => (entry.ok ? [entry.value] : []));
    const created = await usecases.createTasks(wanted.map((entry) => toNewTask(ownerId, entry)));
    let next = 0;
    const results = entries.map((entry, index) => {
      if (!entry.ok) return entry.error;
      const { project, thread } = entry.value;
      const answer = created[next++];
      if (answer?.ok) return { task: toTaskCreated(answer.value) };
      if (!answer) throw new RangeError("a post has no answer");
      const { problem, detail, errors } = createRefusal(answer.error, {
        project,
        isThread: thread !== undefined,
        root: `/tasks/${index}`,
      });
      return { code: problem, detail, retryable: PROBLEMS[problem].retryable, errors: [...errors] };
    });
    const accepted = results.filter((result) => "task" in result).length;
    return { status: 200, body: { accepted, refused: results.length - accepted, results } };
  },

  async listTasks({ caller: { ownerId }, query }): Promise<RouteAnswer<"listTasks">> {
    const { limit, cursor } = query;
    const listed = await usecases.listTasks({ ownerId, filter: filterOf(query), limit, cursor });
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
      case "bad-cursor": {
        const detail = "Send `next` of the page before, with the same filters; or none, for the first page.";
        return { problem: "invalid-cursor", detail, errors: [{ parameter: "cursor", detail }] };
      }
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

  async cancelTask({ caller: { ownerId }, params }): Promise<RouteAnswer<"cancelTask">> {
    const cancelled = await usecases.cancelTask(ownerId, params.id);
    if (cancelled.ok) {
      const status = cancelled.value.outcome === "cancelled" ? 200 : 202;
      return { status, body: toTaskAnswer(cancelled.value) };
    }
    const { error } = cancelled;
    switch (error.reason) {
      case "not-found":
        return NO_TASK;
      case "conflict":
        return CONFLICT;
      case "final":
        return {
          problem: "task-final",
          detail: `The task is ${error.status}: there is nothing to cancel.`,
        };
    }
  },

  async publishNow({ caller, params, body }): Promise<RouteAnswer<"publishNow">> {
    const override = body?.override ?? false;
    if (override && !allowsScope(caller, "manage"))
      return {
        problem: "missing-scope",
        detail: "To override a blackout needs a key with the scope manage too.",
        errors: [{ pointer: "/override", detail: "It needs the scope manage." }],
      };
    const moved = await usecases.publishNow(caller.ownerId, params.id, { override });
    if (moved.ok) return { status: 202, body: toTaskAnswer(moved.value) };
    const { error } = moved;
    switch (error.reason) {
      case "not-found":
        return NO_TASK;
      case "conflict":
        return CONFLICT;
      case "final":
        return {
          problem: "task-final",
          detail: `The task is ${error.status}. Create it again to post it.`,
        };
      case "in-flight":
        return {
          problem: "in-flight",
          detail: `The task is ${error.status}: X may have the post already, so it is not sent again.`,
        };
      case "parts-posted":
        return {
          problem: "parts-posted",
          detail: `${error.posted} of ${error.partCount} parts are on X: the slot of this thread cannot move any more.`,
        };
    }
  },
});
