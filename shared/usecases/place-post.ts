import type { Project } from "#shared/domain/account.ts";
import { type Claim, mediaClaimKey, textClaimKey } from "#shared/domain/claim.ts";
import type { Writing } from "#shared/domain/content/writing.ts";
import type { Drop } from "#shared/domain/drop.ts";
import { hashText, type NearPost, type Print, printOf } from "#shared/domain/duplicates/fingerprint.ts";
import {
  type AccountId,
  asAttemptId,
  asTaskId,
  type BatchId,
  type ProjectId,
  type TaskId,
} from "#shared/domain/ids.ts";
import type { LogEntry } from "#shared/domain/log-entry.ts";
import type { Medium } from "#shared/domain/media.ts";
import { revise } from "#shared/domain/moves.ts";
import { newTask } from "#shared/domain/new-task.ts";
import { noteSlot } from "#shared/domain/planning/board.ts";
import type { Plan, PlanRefusal } from "#shared/domain/planning/plan.ts";
import { type DuplicateRules, rulesOf } from "#shared/domain/planning/rules.ts";
import { isFlexible, type Strategy } from "#shared/domain/planning/strategy.ts";
import { pricePost } from "#shared/domain/price.ts";
import type { PublishTime } from "#shared/domain/publish-time.ts";
import type { Reason } from "#shared/domain/reason.ts";
import {
  type Content,
  isFinal,
  type LatePolicy,
  type Part,
  type ReconcilePolicy,
  type Task,
  type TaskSource,
} from "#shared/domain/task.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { FingerprintStore } from "#shared/ports/fingerprint-store.ts";
import type { TaskStore, WriteRefusal } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { ArrangeTask } from "./arrange-task.ts";
import type { PlanSlot } from "./plan-slot.ts";

/** Each try is refused by somebody else's success, so in a crowd many are needed. */
const MAX_TRIES = 60;
/** Ids have 80 random bits: one that is taken twice is no accident. */
const MAX_IDS = 3;
const PAUSE_MS = 25;
const MAX_PAUSE_MS = 500;
const DAY_MS = 86_400_000;

/** A post whose texts, media, account and time are checked. */
export interface CheckedPost {
  readonly project: Project;
  /** The default one, if any account will do. */
  readonly accountId: AccountId;
  readonly isAny: boolean;
  readonly parts: readonly Part[];
  readonly writing?: Writing | undefined;
  readonly media: readonly Medium[];
  readonly strategy: Strategy;
  readonly time: PublishTime;
  /** A planned slot is not after it. */
  readonly until?: Date | undefined;
  readonly priority: number;
  readonly language: string;
  readonly latePolicy: LatePolicy;
  readonly reconcile?: ReconcilePolicy | undefined;
  readonly maxRetries: number;
  readonly batchId?: BatchId | undefined;
  /** The owner wants to post the same media once more. */
  readonly reuseMedia: boolean;
  readonly source: TaskSource;
}

export interface PlacedPost {
  readonly task: Task;
  readonly content: Content;
  /** Absent: its slot was given. */
  readonly plan?: Plan;
}

export type PlaceRefusal =
  | { readonly reason: "no-free-slot"; readonly why: PlanRefusal }
  | {
      readonly reason: "repeats";
      readonly why: Reason & { readonly code: "duplicate-content" | "near-duplicate" | "media-used" };
      readonly by: TaskId;
    }
  /** The task or the drop was changed by somebody else. */
  | { readonly reason: "stale" };

export interface PlaceOptions {
  /** It becomes a new revision of this task. */
  readonly revises?: Task;
  /** Of the new task. Absent: any. One that is taken is refused as `stale`. */
  readonly id?: TaskId;
  /** Written with the task. */
  readonly drop?: (taskId: TaskId) => Drop;
}

/** Gives a post its slot, stores it as a task and arranges it. */
export type PlacePost = (
  post: CheckedPost,
  options?: PlaceOptions,
) => Promise<Result<PlacedPost, PlaceRefusal>>;

export interface PlacePostDeps {
  readonly tasks: Pick<TaskStore, "create" | "save" | "get" | "getContent">;
  readonly planSlot: PlanSlot;
  readonly fingerprints: Pick<FingerprintStore, "put" | "remove" | "findNear">;
  readonly arrange: ArrangeTask;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Told why a task could not be arranged at once; the sweeper then does it. */
  readonly report: (error: unknown, taskId: TaskId) => void;
}

/**
 * Everything of a task is one transaction: its slot on the account's board, what it claims (its text for the account,
 * its media for the project), its content and its first log entry. Whoever comes second is planned anew, or refused.
 *
 * @throws whatever the table throws; the task may be stored then, but it is neither lost nor doubled by itself
 */
export function createPlacePost(deps: PlacePostDeps): PlacePost {
  const { tasks, planSlot, fingerprints, arrange, clock, entropy, report } = deps;

  /** Whether the task that holds a claim does not need it any more. */
  async function isGivenUp(by: TaskId, key: string): Promise<boolean> {
    const holder = await tasks.get(by);
    if (!holder || isUnsent(holder)) return true;
    const content = await tasks.getContent(holder);
    if (!content) return true;
    const { text, media } = claimKeys(holder, content);
    return key !== text && !media.includes(key);
  }

  /** The post of the account that is most like it, if it still stands. */
  async function findNear(
    { taskId, accountId, slotAt, fingerprint }: Print,
    { windowMs, threshold }: DuplicateRules,
  ): Promise<NearPost | undefined> {
    const found = await fingerprints.findNear({
      accountId,
      fingerprint,
      from: new Date(slotAt.getTime() - windowMs),
      until: new Date(slotAt.getTime() + windowMs),
      threshold,
      except: taskId,
    });
    for (const near of found) {
      const other = near.isExact ? undefined : await tasks.get(near.taskId);
      if (other && !isUnsent(other)) return near;
    }
    return undefined;
  }

  /** Posts of one project that this worker plans stand in line here: only other workers make their boards stale. */
  const lines = new Map<ProjectId, Promise<unknown>>();
  function inTurn<Value>(project: ProjectId, work: () => Promise<Value>): Promise<Value> {
    const turn = (lines.get(project) ?? Promise.resolve()).then(work, work);
    lines.set(project, turn);
    return turn;
  }

  const place: PlacePost = async (post, { revises, id: wantedId, drop } = {}) => {
    const { project, strategy, time, parts, media } = post;
    const rules = rulesOf(project.policy).duplicates;
    const given = new Map<string, TaskId>();
    let ids = 0;

    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const now = clock.now();
      const id = revises?.id ?? wantedId ?? asTaskId(entropy.newId());
      const planned = isFlexible(strategy) ? await planSlot(project, { ...wishOf(post), id }) : undefined;
      if (planned && !planned.ok) return err({ reason: "no-free-slot", why: planned.error });
      const { plan, board } = planned?.value ?? {};

      const facts = {
        accountId: plan?.accountId ?? post.accountId,
        toWrite: post.writing ? true : undefined,
        pool: post.isAny ? (plan ? "chosen" : "open") : undefined,
        strategy: plan?.strategy,
        reconcile: post.reconcile,
        publishAt: time.publishAt,
        slotAt: plan?.at ?? time.slotAt,
        priority: post.priority,
        language: post.language,
        latePolicy: post.latePolicy,
        partCount: parts.length,
        mediaCount: media.length,
        costMicros: pricePost(parts, media),
        source: post.source,
      } as const;
      let task = revises
        ? revise(revises, now, facts)
        : newTask(facts, {
            id,
            ownerId: project.ownerId,
            projectId: project.id,
            batchId: post.batchId,
            maxRetries: post.maxRetries,
            now,
            ...(time.note && { reason: time.note }),
          });
      const content: Content = {
        taskId: id,
        rev: task.contentRev,
        parts,
        media,
        ...(post.writing && { writing: post.writing }),
      };
      const print = comparesText(post, task) ? printOf(task, content) : undefined;
      const near = print && (await findNear(print, rules));
      if (near && rules.near === "blocks")
        return err({ reason: "repeats", by: near.taskId, why: nearlyRepeats(near) });
      if (near) task = { ...task, reason: task.reason ?? nearlyRepeats(near) };
      const log: LogEntry = {
        at: now,
        attemptId: asAttemptId(entropy.newId()),
        step: "accept",
        status: "pending",
        ...(task.reason && { code: task.reason.code, message: task.reason.message }),
        ...(plan && { code: "slot-chosen", message: inWords(plan) }),
      };
      const claims = claimsOf(post, task, content).map((claim) => {
        const replaces = given.get(claim.key);
        return replaces === undefined ? claim : { ...claim, replaces };
      });
      const together = {
        log,
        ...(claims.length > 0 && { claims }),
        ...(drop && { drop: drop(id) }),
        ...(plan &&
          board && {
            board: noteSlot(
              board,
              { taskId: id, at: plan.at, parts: parts.length, priority: post.priority },
              now,
            ),
          }),
      };
      const saved = revises
        ? await tasks.save(task, { ...together, content })
        : await tasks.create(task, content, together);
      if (saved.ok) {
        // A help for whoever comes later: what must never happen twice is claimed already.
        const noted = print
          ? fingerprints.put(print, keptUntil(task, rules))
          : revises && fingerprints.remove(id);
        await noted?.catch((error: unknown) => report(error, id));
        const arranged = await arrange(task, media).catch((error: unknown) => report(error, id));
        return ok({ task: arranged?.task ?? task, content, ...(plan && { plan }) });
      }
      const refusal: WriteRefusal = saved.error;
      switch (refusal.reason) {
        case "stale":
          if (revises || drop || wantedId) return err({ reason: "stale" });
          if (++ids >= MAX_IDS) throw new RangeError(`${MAX_IDS} new ids were taken`);
          break;
        case "claimed":
          if (given.get(refusal.key) === refusal.by || !(await isGivenUp(refusal.by, refusal.key)))
            return err({ reason: "repeats", by: refusal.by, why: repeats(refusal.key, refusal.by) });
          given.set(refusal.key, refusal.by);
          break;
        case "board-stale":
          await clock.sleepUntil(
            new Date(now.getTime() + entropy.random() * Math.min(MAX_PAUSE_MS, PAUSE_MS * (tries + 1))),
          );
          break;
        case "gate-stale":
        case "post-taken":
          throw new RangeError(`a new task cannot be refused as ${refusal.reason}`);
      }
    }
    throw new DependencyFault("others were faster every time", { details: { tries: MAX_TRIES } });
  };

  return (post, options) =>
    isFlexible(post.strategy) ? inTurn(post.project.id, () => place(post, options)) : place(post, options);
}

/** It ended, and nothing of it went out. What was cancelled in doubt may be out. */
const isUnsent = ({ status, posted, reason }: Task): boolean =>
  isFinal(status) && status !== "published" && posted.length === 0 && reason?.code !== "cancelled-in-doubt";

const keptUntil = ({ slotAt }: Task, { windowMs }: DuplicateRules): Date =>
  new Date(slotAt.getTime() + windowMs + DAY_MS);

const seedOf = (parts: readonly Part[]): { readonly seed?: string } => {
  const seed = hashText(parts);
  return seed === undefined ? {} : { seed };
};

const wishOf = (post: CheckedPost) => ({
  ...seedOf(post.parts),
  strategy: post.strategy,
  from: post.time.slotAt,
  ...(post.until && { until: post.until }),
  accountIds: post.isAny ? post.project.accountIds : [post.accountId],
  parts: post.parts.length,
  priority: post.priority,
});

/** What a task with this content holds. */
function claimKeys(
  { accountId, projectId }: Pick<Task, "accountId" | "projectId">,
  { parts, original, media }: Content,
) {
  const hash = hashText(original ?? parts);
  return {
    text: hash === undefined ? undefined : textClaimKey(accountId, hash),
    // One post may have the same picture twice.
    media: [...new Set(media.map(({ sha256 }) => mediaClaimKey(projectId, sha256)))],
  };
}

/** Instances of a recurrence repeat each other by design, and an open pool has no account yet that could repeat itself. */
const comparesText = ({ project, source }: CheckedPost, { pool }: Task): boolean =>
  source.kind !== "recurrence" && pool !== "open" && rulesOf(project.policy).duplicates.windowMs > 0;

function claimsOf(post: CheckedPost, task: Task, content: Content): readonly Claim[] {
  const { project, reuseMedia, source } = post;
  if (source.kind === "recurrence") return [];
  const { duplicates, uniqueMedia } = rulesOf(project.policy);
  const { text, media } = claimKeys(task, content);
  const until = new Date(task.slotAt.getTime() + duplicates.windowMs);
  return [
    ...(comparesText(post, task) && text !== undefined ? [{ key: text, until }] : []),
    ...(uniqueMedia && !reuseMedia ? media.map((key) => ({ key })) : []),
  ];
}

function repeats(key: string, by: TaskId) {
  return key.startsWith("text#")
    ? ({
        code: "duplicate-content",
        message: `The account says the same in the task ${by} already.`,
        remedy: "Change the text, or cancel the other task first.",
      } as const)
    : ({
        code: "media-used",
        message: `The project posts the same medium in the task ${by} already.`,
        remedy: "Give reuseMedia: true to post it once more, or choose another medium.",
      } as const);
}

const nearlyRepeats = ({ taskId, similarity }: NearPost) =>
  ({
    code: "near-duplicate",
    message: `The account says nearly the same (${Math.round(similarity * 100)} %) in the task ${taskId}.`,
    remedy: "Nothing to do if it is meant so; else change the text, or cancel one of them.",
  }) as const;

const inWords = ({ reasons }: Plan): string => reasons.map(({ message }) => message).join(" ");
