import type { Account } from "#shared/domain/account.ts";
import { ANY_ACCOUNT } from "#shared/domain/account-pool.ts";
import { asAttemptId, asTaskId, type OwnerId } from "#shared/domain/ids.ts";
import type { LogEntry } from "#shared/domain/log-entry.ts";
import { checkThreadSpan } from "#shared/domain/policy.ts";
import { checkPost } from "#shared/domain/post-text.ts";
import { pricePost } from "#shared/domain/price.ts";
import { decidePublishTime } from "#shared/domain/publish-time.ts";
import type { Reason } from "#shared/domain/reason.ts";
import type { Content, LatePolicy, Part, ReconcilePolicy, Task } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { BatchStore } from "#shared/ports/batch-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { ArrangeTask } from "./arrange-task.ts";
import { findAccount, findProject, type UnknownAccount, type UnknownProject } from "./find-project.ts";
import { openBatch } from "./open-batch.ts";
import type { ShownTask } from "./show-tasks.ts";

/** Ids have 80 random bits: one that is taken twice is no accident. */
const MAX_IDS = 3;

export interface CreateTaskDeps {
  readonly tasks: Pick<TaskStore, "create">;
  readonly accounts: AccountStore;
  readonly batches: Pick<BatchStore, "open">;
  readonly arrange: ArrangeTask;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Entropy;
  /** Told why a task could not be arranged at once; the sweeper then does it. */
  readonly report: (error: unknown) => void;
}

export interface NewTask {
  readonly ownerId: OwnerId;
  /** Names, as people know them. */
  readonly project: string;
  /** `any`: whichever has most room. Absent: the project's default. */
  readonly account?: string | undefined;
  /** Name of the batch that it belongs to; made when there is none. */
  readonly batch?: string | undefined;
  /** One per part. */
  readonly texts: readonly string[];
  /** As written: `now`, an instant, or a local time of the project's zone. */
  readonly publishAt: string;
  readonly priority: number;
  readonly language: string;
  readonly latePolicy: LatePolicy;
  readonly maxRetries: number;
  readonly reconcile?: ReconcilePolicy | undefined;
}

export type CreateTaskRefusal = UnknownProject | UnknownAccount | BadText | BadTime;

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

const TEXT_CODES = ["empty-post", "empty-part", "too-many-parts", "invalid-text", "text-too-long"] as const;
type TextCode = (typeof TEXT_CODES)[number];
const TIME_CODES = ["bad-time", "slot-passed", "too-far-ahead", "thread-meets-blackout"] as const;
type TimeCode = (typeof TIME_CODES)[number];

/** The rules' codes are closed here, so that every one of them is known to the caller. Remedies speak of files: left out. */
function codeOf<Code extends string>(codes: readonly Code[], { code, message }: Reason) {
  const known = codes.find((one) => one === code);
  if (!known) throw new RangeError(`no answer is known for ${code}`);
  return { code: known, message };
}

/** Accepts a post and arranges it. Nothing is published here: a lost answer costs a look into the list, not a post. */
export type CreateTask = (wanted: NewTask) => Promise<Result<ShownTask, CreateTaskRefusal>>;

/** @throws whatever the table throws; the task may be stored then, but it is neither lost nor doubled by itself */
export function createCreateTask(deps: CreateTaskDeps): CreateTask {
  const { tasks, accounts, batches, arrange, clock, entropy, report } = deps;

  return async (wanted) => {
    const { ownerId, priority, language, latePolicy, maxRetries } = wanted;
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

    const parts = checkTexts(wanted.texts, account.value);
    if (!parts.ok) return parts;
    const now = clock.now();
    const time = decidePublishTime(wanted.publishAt, { now, timeZone: project.timeZone, latePolicy });
    if (!time.ok) return err({ reason: "bad-time", ...codeOf(TIME_CODES, time.error) });
    const { publishAt, slotAt, note } = time.value;
    const tooLong = checkThreadSpan(project.policy, project.timeZone, slotAt, parts.value.length);
    if (tooLong) return err({ reason: "bad-time", ...codeOf(TIME_CODES, tooLong) });
    const batchId =
      wanted.batch === undefined ? undefined : await openBatch(batches, ownerId, wanted.batch, now);

    for (let tried = 0; tried < MAX_IDS; tried++) {
      const task: Task = {
        id: asTaskId(entropy.newId()),
        ownerId,
        projectId: project.id,
        accountId: account.value.id,
        ...(isAny && { pool: "open" as const }),
        ...(wanted.reconcile && { reconcile: wanted.reconcile }),
        ...(batchId && { batchId }),
        status: "pending",
        version: 1,
        rev: 1,
        contentRev: 1,
        arm: 1,
        wakeAt: new Date(now.getTime() + TIMING.wake.unarrangedMs),
        source: { kind: "api" },
        priority,
        language,
        latePolicy,
        maxRetries,
        retries: 0,
        recoveries: 0,
        parkings: 0,
        reposts: 0,
        createdAt: now,
        updatedAt: now,
        publishAt,
        slotAt,
        partCount: parts.value.length,
        mediaCount: 0,
        costMicros: pricePost(parts.value, []),
        posted: [],
        ...(note && { reason: note }),
      };
      const content: Content = { taskId: task.id, rev: 1, parts: parts.value, media: [] };
      const log: LogEntry = {
        at: now,
        attemptId: asAttemptId(entropy.newId()),
        step: "accept",
        status: "pending",
        ...(note && { code: note.code, message: note.message }),
      };
      const created = await tasks.create(task, content, { log });
      if (!created.ok) continue;
      await arrange(task, []).catch(report);
      return ok({ task, content, project: project.name, account: account.value.name });
    }
    throw new RangeError(`${MAX_IDS} new ids were taken`);
  };
}

function checkTexts(texts: readonly string[], { maxTextLength }: Account): Result<readonly Part[], BadText> {
  const limits = { maxTextLength, hasMedia: false };
  const checked = checkPost(texts, limits);
  if (checked.ok) return checked;
  const isOfOnePart = texts.length > 1 && checked.error.code !== "too-many-parts";
  const part = isOfOnePart ? texts.findIndex((text) => !checkPost([text], limits).ok) : -1;
  return err({
    reason: "bad-text",
    ...codeOf(TEXT_CODES, checked.error),
    ...(part >= 0 && { part }),
  });
}
