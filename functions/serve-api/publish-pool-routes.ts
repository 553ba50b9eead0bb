import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import { unknownProject } from "#functions/middleware/unknown-project.ts";
import { toBatchView } from "#shared/contract/batch-view.ts";
import { toRunView } from "#shared/contract/run-view.ts";
import { toTaskAnswer, toTaskCreated } from "#shared/contract/task-answer.ts";
import { asTaskId } from "#shared/domain/ids.ts";
import { asRunId } from "#shared/domain/run.ts";
import { DEFAULT_LANGUAGE } from "#shared/domain/task.ts";
import type { ApproveDraft } from "#shared/usecases/approve-draft.ts";
import type { CreateTask } from "#shared/usecases/create-task.ts";
import type { ListPool } from "#shared/usecases/list-pool.ts";
import type { ReadBatch } from "#shared/usecases/read-batch.ts";
import type { ReadPoolStats } from "#shared/usecases/read-pool-stats.ts";
import type { ReadRun } from "#shared/usecases/read-run.ts";
import type { ReadTask } from "#shared/usecases/read-task.ts";
import type { StartRun } from "#shared/usecases/start-run.ts";
import { badCursor } from "./bad-cursor.ts";
import { approvedAlready, CONTENT_CONFLICT, refuseApproval } from "./content-routes.ts";
import { createRefusal } from "./create-refusal.ts";

export interface PublishPoolRouteDeps {
  readonly createTask: CreateTask;
  readonly readTask: ReadTask;
  readonly approveDraft: ApproveDraft;
  readonly listPool: ListPool;
  readonly readPoolStats: ReadPoolStats;
  readonly readBatch: ReadBatch;
  readonly startRun: StartRun;
  readonly readRun: ReadRun;
}

type PublishPoolRoutes = Pick<
  RouteHandlers,
  "addToPool" | "listPool" | "readPoolStats" | "readBatch" | "startRun" | "readRun"
>;

/** The pool, batches and runs: which answer each outcome is. */
export const createPublishPoolRoutes = (usecases: PublishPoolRouteDeps): PublishPoolRoutes => ({
  async addToPool({ caller: { ownerId }, body, newId }): Promise<RouteAnswer<"addToPool">> {
    const {
      contentId,
      again,
      project = "default",
      text,
      thread,
      language,
      publishAt,
      scheduledAt,
      ...rest
    } = body;
    const id = newId === undefined ? undefined : asTaskId(newId);
    const scheduling = { ...rest, publishAt: publishAt ?? scheduledAt ?? "now" };
    const made = contentId || !id ? undefined : await usecases.readTask(ownerId, id);
    const added = made?.ok
      ? made
      : contentId
        ? await usecases.approveDraft({ ownerId, id: contentId }, { ...scheduling, again }, id)
        : await usecases.createTask({
            ...scheduling,
            ownerId,
            id,
            project,
            texts: thread ?? [text ?? ""],
            language: language ?? DEFAULT_LANGUAGE,
          });
    if (added.ok) {
      const task = toTaskCreated(added.value);
      return { status: 202, body: task, headers: { location: `/api/v1/scheduling/tasks/${task.id}` } };
    }
    const { error } = added;
    switch (error.reason) {
      case "not-found": {
        const detail = "No draft of this key's owner has this id.";
        return { problem: "unknown-content", detail, errors: [{ pointer: "/contentId", detail }] };
      }
      case "approved":
        return approvedAlready(error.taskId);
      case "conflict":
      case "precondition-failed":
        return CONTENT_CONFLICT;
      case "refused":
        return refuseApproval(error);
      default:
        return createRefusal(error, { project, isThread: thread !== undefined });
    }
  },

  async listPool({ caller: { ownerId }, query }): Promise<RouteAnswer<"listPool">> {
    const listed = await usecases.listPool({ ownerId, ...query });
    if (listed.ok) {
      const { items, next } = listed.value;
      return { status: 200, body: { items: items.map(toTaskAnswer), ...(next !== undefined && { next }) } };
    }
    const { error } = listed;
    return error.reason === "bad-cursor"
      ? badCursor
      : unknownProject(error.name, error.known, { parameter: "project" });
  },

  async readPoolStats({ caller: { ownerId }, query }): Promise<RouteAnswer<"readPoolStats">> {
    const read = await usecases.readPoolStats(ownerId, query.project);
    if (read.ok) return { status: 200, body: read.value };
    return unknownProject(read.error.name, read.error.known, { parameter: "project" });
  },

  async readBatch({ caller: { ownerId }, params }): Promise<RouteAnswer<"readBatch">> {
    const read = await usecases.readBatch(ownerId, params.id);
    if (read.ok) return { status: 200, body: toBatchView(read.value) };
    return { problem: "batch-not-found", detail: "No batch of this key's owner has this id." };
  },

  async startRun({ caller: { ownerId }, newId }): Promise<RouteAnswer<"startRun">> {
    const { id } = await usecases.startRun(ownerId, newId === undefined ? undefined : asRunId(newId));
    const href = `/api/v1/publish-pool/runs/${id}`;
    return { status: 202, body: { runId: id, href }, headers: { location: href } };
  },

  async readRun({ caller: { ownerId }, params, query }): Promise<RouteAnswer<"readRun">> {
    const read = await usecases.readRun(ownerId, params.id, query.cursor ?? 0);
    if (read.ok) return { status: 200, body: toRunView(read.value) };
    switch (read.error.reason) {
      case "not-found":
        return { problem: "run-not-found", detail: "No run of this key's owner has this id." };
      case "bad-page":
        return badCursor;
    }
  },
});
