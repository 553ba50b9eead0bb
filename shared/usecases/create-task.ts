import type { Account } from "#shared/domain/account.ts";
import { ANY_ACCOUNT } from "#shared/domain/account-pool.ts";
import { type ComposedPost, composePost, type PostText } from "#shared/domain/compose-post.ts";
import type { MediaRef } from "#shared/domain/draft.ts";
import { asTaskId, type OwnerId, type TaskId } from "#shared/domain/ids.ts";
import type { Medium } from "#shared/domain/media.ts";
import { decideStrategy } from "#shared/domain/planning/decide-strategy.ts";
import type { Plan } from "#shared/domain/planning/plan.ts";
import { isFlexible, type Strategy } from "#shared/domain/planning/strategy.ts";
import { checkThreadSpan } from "#shared/domain/policy.ts";
import { checkPost } from "#shared/domain/post-text.ts";
import { decidePublishTime } from "#shared/domain/publish-time.ts";
import type { Reason } from "#shared/domain/reason.ts";
import { DEFAULT_LATE_POLICY, type LatePolicy, type ReconcilePolicy } from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { BatchStore } from "#shared/ports/batch-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { findAccount, findProject, type UnknownAccount, type UnknownProject } from "./find-project.ts";
import { openBatch } from "./open-batch.ts";
import type { PlacePost, PlaceRefusal } from "./place-post.ts";
import type { ShownTask } from "./show-tasks.ts";
import type { BadMedia, PostMedia } from "./take-media.ts";

export interface CreateTaskDeps {
  readonly accounts: AccountStore;
  readonly batches: Pick<BatchStore, "open">;
  readonly placePost: PlacePost;
  readonly clock: Pick<Clock, "now">;
  /** Uploaded media, and ids for the tasks that take them. Absent: no post may name any. */
  readonly uploads?: PostMedia & Pick<Entropy, "newId">;
}

export interface NewTask extends PostText {
  readonly ownerId: OwnerId;
  /** Of the new task. Absent: any. */
  readonly id?: TaskId | undefined;
  /** Names, as people know them. */
  readonly project: string;
  /** `any`: whichever has most room. Absent: the project's default. */
  readonly account?: string | undefined;
  /** Name of the batch that it belongs to; made when there is none. */
  readonly batch?: string | undefined;
  /** As written: `now`, an instant, or a local time of the project's zone. */
  readonly publishAt: string;
  /** How the slot is chosen. Absent: `publishAt` says it. */
  readonly strategy?: Strategy | undefined;
  readonly priority: number;
  readonly language: string;
  /** Absent: the project's. */
  readonly latePolicy?: LatePolicy | undefined;
  readonly maxRetries: number;
  readonly reconcile?: ReconcilePolicy | undefined;
  /** Uploaded before, in the order of the post. */
  readonly media?: readonly MediaRef[] | undefined;
  /** The owner wants to post the same media once more, although the project posts each only once. */
  readonly reuseMedia?: boolean | undefined;
}

export type CreateTaskRefusal =
  | UnknownProject
  | UnknownAccount
  | BadText
  | BadMedia
  | BadTime
  /** The owner has as many that have not ended as there may be. */
  | { readonly reason: "too-many-active-tasks"; readonly most: number }
  | Exclude<PlaceRefusal, { readonly reason: "stale" }>;

export interface BadText {
  readonly reason: "bad-text";
  readonly code: TextCode;
  readonly message: string;
  /** The first one that does not fit, from 0; absent: the text as a whole. */
  readonly part?: number;
}

export interface BadTime {
  readonly reason: "bad-time";
  readonly code: TimeCode;
  readonly message: string;
}

const TEXT_CODES = [
  "split-and-thread",
  "unsplittable-text",
  "writing-twice",
  "nothing-to-enhance",
  "no-original",
  "empty-post",
  "empty-part",
  "too-many-parts",
  "invalid-text",
  "text-too-long",
] as const;
type TextCode = (typeof TEXT_CODES)[number];
const TIME_CODES = [
  "bad-time",
  "strategy-and-time",
  "slot-passed",
  "too-far-ahead",
  "thread-meets-blackout",
] as const;
type TimeCode = (typeof TIME_CODES)[number];

/** The rules' codes are closed here, so that every one of them is known to the caller. Remedies speak of files: left out. */
function codeOf<Code extends string>(codes: readonly Code[], { code, message }: Reason) {
  const known = codes.find((one) => one === code);
  if (!known) throw new RangeError(`no answer is known for ${code}`);
  return { code: known, message };
}

/** Accepts a post and arranges it. Nothing is published here: a lost answer costs a look into the list, not a post. */
export type CreateTask = (wanted: NewTask) => Promise<Result<CreatedTask, CreateTaskRefusal>>;

export interface CreatedTask extends ShownTask {
  /** Absent: its slot was given. */
  readonly plan?: Plan;
}

/** @throws whatever the table throws; the task may be stored then, but it is neither lost nor doubled by itself */
export function createCreateTask(deps: CreateTaskDeps): CreateTask {
  const { accounts, batches, placePost, clock, uploads } = deps;

  return async (wanted) => {
    const { ownerId, priority, language, maxRetries } = wanted;
    const found = await findProject(accounts, ownerId, wanted.project);
    if (!found.ok) return found;
    const project = found.value;
    const isAny = wanted.account === ANY_ACCOUNT;
    const account =
      wanted.account === undefined || isAny
        ? ok(await accounts.getAccount(project.defaultAccountId))
        : await findAccount(accounts, ownerId, wanted.account, project);
    if (!account.ok) return account;
    // A default account that is gone is a fault of ours; the caller can still name another one.
    if (account.value?.ownerId !== ownerId)
      return err({ reason: "unknown-account", name: String(project.defaultAccountId) });

    const refs = wanted.media ?? [];
    const media = await findMedia(uploads, ownerId, refs);
    if (!media.ok) return media;
    const composed = composeText(wanted, account.value, media.value);
    if (!composed.ok) return composed;
    const { parts, writing } = composed.value;
    const strategy = decideStrategy(wanted.strategy, wanted.publishAt);
    if (!strategy.ok) return err({ reason: "bad-time", ...codeOf(TIME_CODES, strategy.error) });
    const now = clock.now();
    const latePolicy = wanted.latePolicy ?? project.policy?.latePolicy ?? DEFAULT_LATE_POLICY;
    const time = decidePublishTime(wanted.publishAt, { now, timeZone: project.timeZone, latePolicy });
    if (!time.ok) return err({ reason: "bad-time", ...codeOf(TIME_CODES, time.error) });
    const tooLong =
      !isFlexible(strategy.value) &&
      checkThreadSpan(project.policy, project.timeZone, time.value.slotAt, parts.length);
    if (tooLong) return err({ reason: "bad-time", ...codeOf(TIME_CODES, tooLong) });
    const batchId =
      wanted.batch === undefined ? undefined : await openBatch(batches, ownerId, wanted.batch, now);

    // Media that are taken know their task before it is there, so that nobody deletes them in between.
    const id = wanted.id ?? (uploads && refs.length > 0 ? asTaskId(uploads.newId()) : undefined);
    const taken = uploads && id !== undefined ? await uploads.take(ownerId, refs, id) : ok(undefined);
    if (!taken.ok) return taken;
    const post = {
      project,
      accountId: account.value.id,
      isAny,
      parts,
      writing,
      media: media.value,
      strategy: strategy.value,
      time: time.value,
      priority,
      language,
      latePolicy,
      reconcile: wanted.reconcile ?? project.policy?.reconcile,
      maxRetries,
      batchId,
      reuseMedia: wanted.reuseMedia ?? false,
      source: { kind: "api" },
    } as const;
    const placed = await placePost(post, id === undefined ? {} : { id });
    if (!placed.ok) {
      if (placed.error.reason === "stale") throw new RangeError(`the new task id ${id} was taken`);
      return err(placed.error);
    }
    const { task, content, plan } = placed.value;
    const chosen =
      task.accountId === account.value.id ? account.value : await accounts.getAccount(task.accountId);
    return ok({
      task,
      content,
      project: project.name,
      timeZone: project.timeZone,
      account: chosen?.name ?? task.accountId,
      ...(plan && { plan }),
    });
  };
}

async function findMedia(
  uploads: PostMedia | undefined,
  ownerId: OwnerId,
  refs: readonly MediaRef[],
): Promise<Result<readonly Medium[], BadMedia>> {
  if (refs.length === 0) return ok([]);
  if (!uploads)
    return err({ reason: "bad-media", code: "unknown-media", message: "Uploaded media are not known here." });
  return uploads.find(ownerId, refs);
}

function composeText(
  wanted: PostText,
  { maxTextLength }: Account,
  media: readonly Medium[],
): Result<ComposedPost, BadText> {
  const limits = { maxTextLength, hasMedia: media.length > 0 };
  const composed = composePost(wanted, limits);
  if (composed.ok) return composed;
  const isOfOnePart = wanted.texts.length > 1 && composed.error.code !== "too-many-parts";
  const part = isOfOnePart ? wanted.texts.findIndex((text) => !checkPost([text], limits).ok) : -1;
  return err({
    reason: "bad-text",
    ...codeOf(TEXT_CODES, composed.error),
    ...(part >= 0 && { part }),
  });
}
