import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import { unknownProject } from "#functions/middleware/unknown-project.ts";
import { approveContentBody, toContentView, toDraftContent } from "#shared/contract/content-view.ts";
import { toTaskCreated } from "#shared/contract/task-answer.ts";
import { asDraftId } from "#shared/domain/draft.ts";
import { asTaskId, type TaskId } from "#shared/domain/ids.ts";
import type { ApproveDraft, ApproveRefusal } from "#shared/usecases/approve-draft.ts";
import type { ChangeDraft, DeleteDraft, OwnDraftRefusal } from "#shared/usecases/change-draft.ts";
import type { CreateDraft, WriteDraftRefusal } from "#shared/usecases/create-draft.ts";
import type { ListDrafts, ReadDraft } from "#shared/usecases/read-draft.ts";
import { badCursor } from "./bad-cursor.ts";
import { createRefusal } from "./create-refusal.ts";

export interface ContentRouteDeps {
  readonly createDraft: CreateDraft;
  readonly listDrafts: ListDrafts;
  readonly readDraft: ReadDraft;
  readonly changeDraft: ChangeDraft;
  readonly deleteDraft: DeleteDraft;
  readonly approveDraft: ApproveDraft;
}

const NO_CONTENT = {
  problem: "content-not-found",
  detail: "No draft of this key's owner has this id.",
} as const;

export const CONTENT_CONFLICT = {
  problem: "content-conflict",
  detail: "Somebody else changed the draft every time. Try again.",
} as const;

export const approvedAlready = (taskId: TaskId) =>
  ({
    problem: "draft-approved",
    detail: `It became the task ${taskId} already. Send again: true to make another one.`,
  }) as const;

/** Why no task could be made of a draft. What is wrong with the draft itself is nowhere in the request. */
export function refuseApproval({ why, project }: Extract<ApproveRefusal, { readonly reason: "refused" }>) {
  const { problem, detail, errors } = createRefusal(why, { project, isThread: false });
  switch (why.reason) {
    case "unknown-project":
    case "bad-text":
    case "bad-media":
    case "repeats":
    case "too-many-active-tasks":
      return { problem, detail };
    case "unknown-account":
    case "bad-time":
    case "no-free-slot":
      return { problem, detail, errors };
  }
}

function notChanged(refusal: OwnDraftRefusal) {
  switch (refusal.reason) {
    case "not-found":
      return NO_CONTENT;
    case "precondition-failed":
      return {
        problem: "precondition-failed",
        detail: `The draft has the version ${refusal.version}. Read it, and decide again.`,
      } as const;
    case "conflict":
      return CONTENT_CONFLICT;
  }
}

function refuseDraft(refusal: WriteDraftRefusal) {
  switch (refusal.reason) {
    case "unknown-project":
      return unknownProject(refusal.name, refusal.known, { pointer: "/project" });
    case "unknown-media": {
      const detail = "No medium of this key's owner has this id.";
      const errors = [{ pointer: `/media/${refusal.index}/id`, detail }];
      return { problem: "unknown-media", detail, errors } as const;
    }
    case "empty":
      return { problem: "empty-content", detail: "Give a text, a thread, media or notes." } as const;
    case "too-long":
      return {
        problem: "content-too-long",
        detail: `The texts have ${refusal.length} characters together; at most ${refusal.limit} are kept.`,
      } as const;
  }
}

type ContentRoutes = Pick<
  RouteHandlers,
  "createContent" | "listContents" | "readContent" | "updateContent" | "deleteContent" | "approveContent"
>;

/** Drafts: which answer each outcome is. */
export const createContentRoutes = (usecases: ContentRouteDeps): ContentRoutes => ({
  async createContent({ caller: { ownerId }, body, newId }): Promise<RouteAnswer<"createContent">> {
    const created = await usecases.createDraft(
      { ownerId, project: body.project, ...toDraftContent(body) },
      newId === undefined ? undefined : asDraftId(newId),
    );
    if (!created.ok) return refuseDraft(created.error);
    const content = toContentView(created.value);
    return { status: 201, body: content, headers: { location: `/api/v1/contents/${content.id}` } };
  },

  async listContents({ caller: { ownerId }, query }): Promise<RouteAnswer<"listContents">> {
    const listed = await usecases.listDrafts({ ownerId, ...query });
    if (listed.ok) {
      const { items, next } = listed.value;
      return {
        status: 200,
        body: { items: items.map(toContentView), ...(next !== undefined && { next }) },
      };
    }
    const { error } = listed;
    return error.reason === "bad-cursor"
      ? badCursor
      : unknownProject(error.name, error.known, { parameter: "project" });
  },

  async readContent({ caller: { ownerId }, params }) {
    const read = await usecases.readDraft(ownerId, params.id);
    return read.ok ? { status: 200, body: toContentView(read.value) } : NO_CONTENT;
  },

  async updateContent({
    caller: { ownerId },
    params,
    body,
    ifVersion,
  }): Promise<RouteAnswer<"updateContent">> {
    const changed = await usecases.changeDraft({ ownerId, id: params.id, ifVersion }, body);
    if (changed.ok) return { status: 200, body: toContentView(changed.value) };
    const { error } = changed;
    switch (error.reason) {
      case "not-found":
      case "precondition-failed":
      case "conflict":
        return notChanged(error);
      default:
        return refuseDraft(error);
    }
  },

  async deleteContent({ caller: { ownerId }, params, ifVersion }) {
    const deleted = await usecases.deleteDraft({ ownerId, id: params.id, ifVersion });
    return deleted.ok ? { status: 200, body: toContentView(deleted.value) } : notChanged(deleted.error);
  },

  async approveContent({
    caller: { ownerId },
    params,
    body = approveContentBody.parse({}),
    ifVersion,
    newId,
  }): Promise<RouteAnswer<"approveContent">> {
    const approved = await usecases.approveDraft(
      { ownerId, id: params.id, ifVersion },
      body,
      newId === undefined ? undefined : asTaskId(newId),
    );
    if (approved.ok) {
      const task = toTaskCreated(approved.value);
      return { status: 202, body: task, headers: { location: `/api/v1/scheduling/tasks/${task.id}` } };
    }
    const { error } = approved;
    switch (error.reason) {
      case "not-found":
      case "precondition-failed":
      case "conflict":
        return notChanged(error);
      case "approved":
        return approvedAlready(error.taskId);
      case "refused":
        return refuseApproval(error);
    }
  },
});
