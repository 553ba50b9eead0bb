import { err, ok, type Result } from "#shared/result.ts";
import type { OwnerId, ProjectId, TaskId } from "./ids.ts";
import type { MediaId } from "./stored-media.ts";

declare const brand: unique symbol;
/** ULID: sorts by creation. */
export type DraftId = string & { readonly [brand]: "DraftId" };
export const asDraftId = (id: string): DraftId => id as DraftId;

/** Characters. */
export const MAX_NOTES = 10_000;
/**
 * Characters of a draft's texts together, above what any post can have. With notes and alternative texts that is at
 * most 200 kB in any script, and an item of the table may have 400.
 */
export const MAX_DRAFT_TEXT = 50_000;

/** An uploaded file in a post. */
export interface MediaRef {
  readonly id: MediaId;
  readonly altText?: string | undefined;
}

/** What a person writes before anybody decides that it is published. */
export interface DraftContent {
  readonly projectId: ProjectId;
  /** One text, or the texts of a thread; neither is an idea so far. */
  readonly text?: string;
  readonly thread?: readonly string[];
  /** In the order of the post. */
  readonly media: readonly MediaRef[];
  /** For the people who work on it: never published. */
  readonly notes?: string;
  readonly language: string;
}

/** An entry of `/contents`. Not `Content`: that is what a revision of a task says. */
export interface Draft extends DraftContent {
  readonly id: DraftId;
  readonly ownerId: OwnerId;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** The task that it became, the newest one. */
  readonly taskId?: TaskId;
  /**
   * The task that it becomes. The id is written before the task: whoever dies between the two leaves it here, and the
   * next approval goes on with it, so that there is never a second task.
   */
  readonly nextTaskId?: TaskId;
  /** It is gone for everybody. */
  readonly deletedAt?: Date;
  /** Grows by one with every write. */
  readonly version: number;
}

/** Absent: as it is. `null`: removed. */
export interface DraftChange {
  readonly projectId?: ProjectId | undefined;
  readonly text?: string | null | undefined;
  readonly thread?: readonly string[] | null | undefined;
  readonly media?: readonly MediaRef[] | undefined;
  readonly notes?: string | null | undefined;
  readonly language?: string | undefined;
}

export type DraftRefusal =
  /** Nothing is left of it. */
  | { readonly reason: "empty" }
  | { readonly reason: "too-long"; readonly length: number; readonly limit: number };

const lengthOf = ({ text, thread }: Pick<DraftContent, "text" | "thread">): number =>
  [text ?? "", ...(thread ?? [])].reduce((sum, part) => sum + part.length, 0);

function checkDraft<Checked extends DraftContent>(draft: Checked): Result<Checked, DraftRefusal> {
  const { text, thread, media, notes } = draft;
  if (text === undefined && thread === undefined && notes === undefined && media.length === 0)
    return err({ reason: "empty" });
  const length = lengthOf(draft);
  return length > MAX_DRAFT_TEXT ? err({ reason: "too-long", length, limit: MAX_DRAFT_TEXT }) : ok(draft);
}

export const newDraft = (
  id: DraftId,
  ownerId: OwnerId,
  content: DraftContent,
  now: Date,
): Result<Draft, DraftRefusal> =>
  checkDraft({ ...content, id, ownerId, createdAt: now, updatedAt: now, version: 1 });

/** A draft has a text or a thread: giving one removes the other. */
export function editDraft(draft: Draft, change: DraftChange, now: Date): Result<Draft, DraftRefusal> {
  const given = {
    ...change,
    ...(typeof change.text === "string" && { thread: null }),
    ...(change.thread && { text: null }),
  };
  const kept = Object.entries(given).filter(([, value]) => value !== undefined);
  const merged: Record<string, unknown> = { ...draft, ...Object.fromEntries(kept) };
  for (const [field, value] of kept) if (value === null) delete merged[field];
  return checkDraft({ ...(merged as unknown as Draft), updatedAt: now, version: draft.version + 1 });
}

/** Only what keeps others from bringing it back. */
export const deletedDraft = (
  { id, ownerId, projectId, language, createdAt, version }: Draft,
  now: Date,
): Draft => ({
  id,
  ownerId,
  projectId,
  language,
  media: [],
  createdAt,
  updatedAt: now,
  deletedAt: now,
  version: version + 1,
});

/** How long a deleted draft keeps its place, in ms: longer than any request lives. */
export const DELETED_DRAFT_MS = 86_400_000;

export type ApprovalDecision =
  /** It has a task. */
  | { readonly kind: "approved"; readonly taskId: TaskId }
  /** Somebody began, and whether the task came into being is not known. */
  | { readonly kind: "resume"; readonly taskId: TaskId }
  | { readonly kind: "begin" };

/** @param again - the owner wants another task of an approved draft */
export function decideApproval({ taskId, nextTaskId }: Draft, again: boolean): ApprovalDecision {
  if (taskId !== undefined && !again) return { kind: "approved", taskId };
  return nextTaskId === undefined ? { kind: "begin" } : { kind: "resume", taskId: nextTaskId };
}

const written = (draft: Draft, now: Date): Draft => ({
  ...draft,
  updatedAt: now,
  version: draft.version + 1,
});

export const approving = (draft: Draft, nextTaskId: TaskId, now: Date): Draft => ({
  ...written(draft, now),
  nextTaskId,
});

/** The task that it was becoming is there. */
export function approved({ nextTaskId, ...draft }: Draft, now: Date): Draft {
  if (nextTaskId === undefined) throw new RangeError("nobody approved the draft");
  return { ...written(draft, now), taskId: nextTaskId };
}
