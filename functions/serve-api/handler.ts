import type { HttpLogger } from "#functions/middleware/http.ts";
import { toBatchView } from "#shared/contract/batch-view.ts";
import type { InputError } from "#shared/contract/problem.ts";
import { toRunView } from "#shared/contract/run-view.ts";
import { toTaskAnswer } from "#shared/contract/task-answer.ts";
import { toLogEntryView } from "#shared/contract/task-detail.ts";
import { instantInWords, quote, quoteAll } from "#shared/domain/words.ts";
import type { CancelTask } from "#shared/usecases/cancel-task.ts";
import type { CheckHealth } from "#shared/usecases/check-health.ts";
import type { CreateTask } from "#shared/usecases/create-task.ts";
import type { ListTasks, TaskFilter } from "#shared/usecases/list-tasks.ts";
import type { PublishNow } from "#shared/usecases/publish-now.ts";
import type { ReadBatch } from "#shared/usecases/read-batch.ts";
import type { ReadRun } from "#shared/usecases/read-run.ts";
import type { ReadTask } from "#shared/usecases/read-task.ts";
import type { StartRun } from "#shared/usecases/start-run.ts";
import { createRouter, type RouteAnswer, type RouteInput } from "./router.ts";

export interface ServeApiHandlerDeps {
  readonly createTask: CreateTask;
  readonly listTasks: ListTasks;
  readonly readTask: ReadTask;
  readonly cancelTask: CancelTask;
  readonly publishNow: PublishNow;
  readonly readBatch: ReadBatch;
  readonly startRun: StartRun;
  readonly readRun: ReadRun;
  readonly checkHealth: CheckHealth;
  /** Which deployment this is, for people. */
  readonly stage: string;
  readonly logger: HttpLogger;
}

const NO_TASK = { problem: "task-not-found", detail: "No task of this key's owner has this id." } as const;
const CONFLICT = {
  problem: "write-conflict",
  detail: "Somebody else changed the task every time. Try again.",
} as const;

const unknownProject = (name: string, known: readonly string[], where: Partial<InputError>) => {
  const detail =
    known.length > 0
      ? `There is no project ${quote(name)}. There is ${quoteAll(known)}.`
      : `There is no project ${quote(name)}, nor any other: \`npm run admin -- init\` makes the first.`;
  return { problem: "unknown-project", detail, errors: [{ ...where, detail }] } as const;
};

const unknownAccount = (detail: string, where: Partial<InputError>) =>
  ({ problem: "unknown-account", detail, errors: [{ ...where, detail }] }) as const;

const filterOf = ({ project, status, account }: RouteInput<"listTasks">["query"]): TaskFilter => {
  if (project !== undefined && status !== undefined) return { by: "project", project, status };
  return account === undefined ? { by: "owner" } : { by: "account", account };
};

/** Everything between a checked request and a use case: which answer each outcome is. */
export const createHandler = ({ logger, stage, ...usecases }: ServeApiHandlerDeps) =>
  createRouter(
    {
      async createTask({ caller: { ownerId }, body }): Promise<RouteAnswer<"createTask">> {
        const { text, thread, ...fields } = body;
        const created = await usecases.createTask({ ownerId, texts: thread ?? [text ?? ""], ...fields });
        if (created.ok) {
          const task = toTaskAnswer(created.value);
          return { status: 202, body: task, headers: { location: `/api/v1/scheduling/tasks/${task.id}` } };
        }
        const { error } = created;
        switch (error.reason) {
          case "unknown-project":
            return unknownProject(error.name, error.known, { pointer: "/project" });
          case "unknown-account":
            return unknownAccount(`The project ${quote(body.project)} has no account ${quote(error.name)}.`, {
              pointer: "/account",
            });
          case "bad-time":
            return {
              problem: error.code,
              detail: error.message,
              errors: [{ pointer: "/publishAt", detail: error.message }],
            };
          case "bad-text": {
            const part = error.part === undefined ? "" : `/${error.part}`;
            const pointer = thread ? `/thread${part}` : "/text";
            return {
              problem: error.code,
              detail: error.message,
              errors: [{ pointer, detail: error.message }],
            };
          }
        }
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
            const detail =
              "Send `next` of the page before, with the same filters; or none, for the first page.";
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

      async publishNow({ caller: { ownerId }, params }): Promise<RouteAnswer<"publishNow">> {
        const moved = await usecases.publishNow(ownerId, params.id);
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

      async readBatch({ caller: { ownerId }, params }): Promise<RouteAnswer<"readBatch">> {
        const read = await usecases.readBatch(ownerId, params.id);
        if (read.ok) return { status: 200, body: toBatchView(read.value) };
        return { problem: "batch-not-found", detail: "No batch of this key's owner has this id." };
      },

      async startRun({ caller: { ownerId } }): Promise<RouteAnswer<"startRun">> {
        const { id } = await usecases.startRun(ownerId);
        const href = `/api/v1/publish-pool/runs/${id}`;
        return { status: 202, body: { runId: id, href }, headers: { location: href } };
      },

      async readRun({ caller: { ownerId }, params, query }): Promise<RouteAnswer<"readRun">> {
        const read = await usecases.readRun(ownerId, params.id, query.cursor ?? 0);
        if (read.ok) return { status: 200, body: toRunView(read.value) };
        switch (read.error.reason) {
          case "not-found":
            return { problem: "run-not-found", detail: "No run of this key's owner has this id." };
          case "bad-page": {
            const detail = "Send `next` of the page before; or none, for the first page.";
            return { problem: "invalid-cursor", detail, errors: [{ parameter: "cursor", detail }] };
          }
        }
      },

      async checkHealth({ caller: { ownerId } }): Promise<RouteAnswer<"checkHealth">> {
        const { checkedAt, dependencies, accounts, status } = await usecases.checkHealth(ownerId);
        const body = {
          status,
          stage,
          checkedAt: instantInWords(checkedAt),
          dependencies: dependencies.map((dependency) => ({ ...dependency })),
          ...(accounts && { accounts: { ...accounts } }),
        };
        return { status: status === "down" ? 503 : 200, body };
      },
    },
    logger,
  );
