import type { Account, Project } from "#shared/domain/account.ts";
import { mediaClaimKey } from "#shared/domain/claim.ts";
import {
  fingerprintOf,
  MAX_NEAR,
  MIN_THRESHOLD,
  type NearPost,
  type NearWish,
} from "#shared/domain/duplicates/fingerprint.ts";
import { createPrintIndex } from "#shared/domain/duplicates/print-index.ts";
import type { Gate } from "#shared/domain/gate.ts";
import { type AccountId, asTaskId, type OwnerId, type TaskId } from "#shared/domain/ids.ts";
import type { Medium } from "#shared/domain/media.ts";
import { mergeOccupied } from "#shared/domain/planning/board.ts";
import { openTimetable, type Timetable } from "#shared/domain/planning/calendar.ts";
import {
  type Candidate,
  type Conflict,
  findConflicts,
  MAX_SUGGESTIONS,
  type SimilarPost,
} from "#shared/domain/planning/conflicts.ts";
import { findAlternatives } from "#shared/domain/planning/find-slot.ts";
import type { Occupied, ScoredSlot } from "#shared/domain/planning/plan.ts";
import { quotaOf } from "#shared/domain/planning/quota.ts";
import { type Policy, rulesOf } from "#shared/domain/planning/rules.ts";
import { dueAt, isFinal, isInFlight, type Part, type Task } from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { FingerprintStore } from "#shared/ports/fingerprint-store.ts";
import type { SharedCounters } from "#shared/ports/shared-counters.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { readCalendar } from "./read-calendar.ts";
import { readOwnTask } from "./show-tasks.ts";

const DAY_MS = 86_400_000;
/** Free slots are looked for this far after the slot, and not further: so much of the calendar is read. */
const SUGGESTED_DAYS = 14;
/** Posts whose likes are looked up at the same time: each takes some 25 requests. */
const CONCURRENCY = 4;

export interface FindConflictsDeps {
  readonly tasks: Pick<TaskStore, "get" | "list" | "getGate" | "getBoard" | "getClaim">;
  readonly accounts: Pick<AccountStore, "getAccount">;
  readonly fingerprints: Pick<FingerprintStore, "findNear">;
  readonly counters: Pick<SharedCounters, "read">;
  readonly clock: Pick<Clock, "now">;
}

/** A task, or a draft of one that has an id of its own. */
export interface CheckedDraft extends Candidate, Pick<Task, "priority" | "source"> {
  /** What its author says: the original, where a text was written for it. */
  readonly parts: readonly Part[];
  readonly media: readonly Pick<Medium, "name" | "sha256">[];
  /** The owner wants to post the same media once more. */
  readonly reuseMedia: boolean;
}

/**
 * What is in the way of posts of a project, in their order. Drafts that come earlier in the list count as planned for those
 * that come later. Writes nothing. Calendars may lag behind by seconds; what must never happen twice is refused when a
 * task is stored.
 */
export type FindConflicts = (
  project: Project,
  drafts: readonly CheckedDraft[],
) => Promise<readonly (readonly Conflict[])[]>;

/** What the drafts of one account share. */
interface AccountState {
  readonly account: Account | undefined;
  readonly gate: Gate;
  /** Without the drafts. */
  readonly occupied: readonly Occupied[];
  /** So far the calendar was read. */
  readonly horizon: Date;
  /** With the slots of drafts that come earlier. */
  readonly openTimes: (earlier: readonly Occupied[]) => Timetable;
}

export function createFindConflicts(deps: FindConflictsDeps): FindConflicts {
  const { tasks, accounts, fingerprints, counters, clock } = deps;

  async function readAccount(
    { policy = {}, timeZone }: Project,
    accountId: AccountId,
    drafts: readonly CheckedDraft[],
    now: Date,
  ): Promise<AccountState> {
    const slots = drafts.map((draft) => beginOf(draft, now).getTime());
    const from = new Date(Math.min(...slots) - DAY_MS);
    const horizon = new Date(Math.max(...slots) + SUGGESTED_DAYS * DAY_MS);
    // The board first: what is planned after it was read is on the next list.
    const board = await tasks.getBoard(accountId);
    const [account, gate, listed] = await Promise.all([
      accounts.getAccount(accountId),
      tasks.getGate(accountId),
      readCalendar(tasks, accountId, { from, until: horizon }),
    ]);
    const ids = new Set(drafts.map(({ id }) => id));
    const occupied = mergeOccupied(listed, board, now).filter(({ id }) => !ids.has(id));
    const quota = quotaOf(gate, policy, now);
    const context = { now, policy, timeZone, ...(quota && { quotas: new Map([[accountId, quota]]) }) };
    return {
      account,
      gate,
      occupied,
      horizon,
      openTimes: (earlier) => openTimetable(new Map([[accountId, [...occupied, ...earlier]]]), context),
    };
  }

  /** A task that holds something, unless it ended without a post. */
  async function readStanding(id: TaskId): Promise<Task | undefined> {
    const task = await tasks.get(id);
    const isGone = task && isFinal(task.status) && task.status !== "published" && task.posted.length === 0;
    return isGone ? undefined : task;
  }

  /** What was found, as its task is now: prints are hints. */
  async function checkNear(
    found: readonly NearPost[],
    { accountId, from, until }: NearWish,
    { source }: CheckedDraft,
  ): Promise<readonly SimilarPost[]> {
    const checked = await Promise.all(
      found.map(async (near): Promise<SimilarPost | undefined> => {
        const task = await readStanding(near.taskId);
        const slotAt = task && (task.sentAt ?? dueAt(task));
        if (!task || !slotAt || task.accountId !== accountId || slotAt < from || slotAt > until)
          return undefined;
        return { ...near, slotAt, ...(areInstances(source, task.source) && { isInstance: true }) };
      }),
    );
    return checked.filter((near) => near !== undefined);
  }

  async function findSameMedia({ id: projectId }: Project, { media }: CheckedDraft) {
    const used = await Promise.all(
      media.map(async ({ name, sha256 }) => {
        const holder = await tasks.getClaim(mediaClaimKey(projectId, sha256));
        const task = holder === undefined ? undefined : await readStanding(holder);
        return task && { taskId: task.id, name };
      }),
    );
    return used.filter((medium) => medium !== undefined);
  }

  async function readSpent({ ownerId, id: projectId, policy }: Project, months: Iterable<string>) {
    const spent = new Map<string, number>();
    if (policy?.monthlyBudgetMicros === undefined) return spent;
    for (const month of new Set(months))
      spent.set(month, await counters.read({ kind: "project-spend", ownerId, projectId, month }));
    return spent;
  }

  return async (project, drafts) => {
    const now = clock.now();
    const { policy = {}, timeZone } = project;
    const ids = new Set(drafts.map(({ id }) => id));
    const byAccount = Map.groupBy(drafts, ({ accountId }) => accountId);
    const states = new Map(
      await Promise.all(
        [...byAccount].map(async ([id, own]) => [id, await readAccount(project, id, own, now)] as const),
      ),
    );
    const months = drafts.map((draft) => monthOf(beginOf(draft, now)));
    const enter = openLedger(policy, now, await readSpent(project, months));
    const entries = drafts.map((draft) => {
      const state = states.get(draft.accountId);
      if (!state) throw new RangeError(`the account ${draft.accountId} was not read`);
      return { draft, state, entry: enter(draft) };
    });

    const check = async ({ draft, state, entry }: (typeof entries)[number]) => {
      const { wish, earlier } = entry;
      const [near, held] = await Promise.all([
        wish ? checkNear(await fingerprints.findNear(wish), wish, draft) : [],
        entry.comparesMedia ? findSameMedia(project, draft) : [],
      ]);
      // What is looked at together is where the list has it, not where it was.
      const isElsewhere = ({ taskId }: { readonly taskId: TaskId }): boolean => !ids.has(taskId);
      return findConflicts(draft, {
        now,
        policy,
        timeZone,
        account: state.account,
        gate: state.gate,
        occupied: [...state.occupied, ...earlier.occupied],
        similar: mostAlike([...near.filter(isElsewhere), ...earlier.near]),
        sameMedia: [...held.filter(isElsewhere), ...earlier.media],
        spentMicros: earlier.spentMicros,
        suggest: (from) => suggestSlots(draft, from, state, earlier.occupied),
      });
    };
    const found: (readonly Conflict[])[] = [];
    for (let start = 0; start < entries.length; start += CONCURRENCY)
      found.push(...(await Promise.all(entries.slice(start, start + CONCURRENCY).map(check))));
    return found;
  };
}

/** What is overdue goes out now. */
const beginOf = ({ slotAt }: Pick<Candidate, "slotAt">, now: Date): Date => (slotAt > now ? slotAt : now);

const monthOf = (at: Date): string => at.toISOString().slice(0, 7);

interface LedgerEntry {
  /** Absent: its text is not compared. */
  readonly wish?: NearWish;
  readonly comparesMedia: boolean;
  /** What the drafts before it take. */
  readonly earlier: {
    readonly occupied: readonly Occupied[];
    readonly near: readonly NearPost[];
    readonly media: readonly { readonly taskId: TaskId; readonly name: string }[];
    readonly spentMicros: number;
  };
}

/** Notes draft after draft what each takes of what they share. @param spent - by month; is added to */
function openLedger(policy: Policy, now: Date, spent: Map<string, number>) {
  const { duplicates, uniqueMedia } = rulesOf(policy);
  const prints = createPrintIndex();
  const holders = new Map<string, TaskId>();
  const slots = new Map<AccountId, readonly Occupied[]>();

  return (draft: CheckedDraft): LedgerEntry => {
    const { id, accountId, pool, media, partCount, costMicros } = draft;
    const taskId = asTaskId(id);
    const at = beginOf(draft, now);
    const fingerprint = pool !== "open" && duplicates.windowMs > 0 ? fingerprintOf(draft.parts) : undefined;
    const wish: NearWish | undefined = fingerprint && {
      accountId,
      fingerprint,
      from: new Date(at.getTime() - duplicates.windowMs),
      until: new Date(at.getTime() + duplicates.windowMs),
      threshold: Math.max(MIN_THRESHOLD, duplicates.threshold),
      except: taskId,
    };
    // Instances of a recurrence have the same media by design.
    const comparesMedia = uniqueMedia && !draft.reuseMedia && draft.source.kind !== "recurrence";
    const taken = comparesMedia ? media : [];
    const occupied = slots.get(accountId) ?? [];
    const month = monthOf(at);
    const spentMicros = spent.get(month) ?? 0;
    const earlier = {
      occupied,
      near: wish ? prints.find(wish) : [],
      media: taken.flatMap(({ name, sha256 }) => {
        const holder = holders.get(sha256);
        return holder ? [{ taskId: holder, name }] : [];
      }),
      spentMicros,
    };

    if (fingerprint) prints.add({ taskId, accountId, slotAt: at, fingerprint });
    for (const { sha256 } of taken) if (!holders.has(sha256)) holders.set(sha256, taskId);
    if (pool !== "open") slots.set(accountId, [...occupied, { id, at, parts: partCount }]);
    spent.set(month, spentMicros + costMicros);
    return { ...(wish && { wish }), comparesMedia, earlier };
  };
}

function suggestSlots(
  { id, accountId, partCount: parts, priority }: CheckedDraft,
  from: Date,
  { horizon: until, openTimes }: AccountState,
  earlier: readonly Occupied[],
): readonly ScoredSlot[] {
  if (from >= until) return [];
  const wish = { id, strategy: "next-free", from, until, accountIds: [accountId], parts, priority } as const;
  return findAlternatives(openTimes(earlier), wish, MAX_SUGGESTIONS);
}

const mostAlike = (similar: readonly SimilarPost[]): readonly SimilarPost[] =>
  similar
    .toSorted((a, b) => Number(b.isExact) - Number(a.isExact) || b.similarity - a.similarity)
    .slice(0, MAX_NEAR);

const areInstances = (a: Task["source"], b: Task["source"]): boolean =>
  a.kind === "recurrence" && b.kind === "recurrence" && a.recurrenceId === b.recurrenceId;

export interface ReadConflictsDeps {
  readonly tasks: Pick<TaskStore, "get" | "getContent">;
  readonly accounts: Pick<AccountStore, "getProject">;
  readonly findConflicts: FindConflicts;
}

export interface TaskConflicts {
  readonly task: Task;
  readonly conflicts: readonly Conflict[];
}

/** What is in the way of a task at its slot; nothing is in the way of one that has ended, or is being posted. */
export type ReadConflicts = (
  ownerId: OwnerId,
  id: TaskId,
) => Promise<Result<TaskConflicts, { readonly reason: "not-found" }>>;

/** Another owner's task is refused like one that does not exist. */
export function createReadConflicts({ tasks, accounts, findConflicts }: ReadConflictsDeps): ReadConflicts {
  return async (ownerId, id) => {
    const task = await readOwnTask(tasks, ownerId, id);
    if (!task) return err({ reason: "not-found" });
    if (isFinal(task.status) || isInFlight(task.status)) return ok({ task, conflicts: [] });
    const [content, project] = await Promise.all([
      tasks.getContent(task),
      accounts.getProject(task.projectId),
    ]);
    if (!content || !project) throw new RangeError(`task ${id} has no content, or no project`);
    const { partCount, posted, costMicros } = task;
    const left = partCount - posted.length;
    const [conflicts = []] = await findConflicts(project, [
      {
        ...task,
        slotAt: dueAt(task),
        partCount: left,
        costMicros: Math.ceil((costMicros * left) / partCount),
        parts: content.original ?? content.parts,
        media: content.media,
        // Its owner was asked when it was accepted.
        reuseMedia: task.status !== "draft",
      },
    ]);
    return ok({ task, conflicts });
  };
}
