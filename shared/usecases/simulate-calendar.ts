import { accountIdFor, type Project } from "#shared/domain/account.ts";
import type { AccountId, OwnerId } from "#shared/domain/ids.ts";
import type { Occupied } from "#shared/domain/planning/plan.ts";
import {
  type CalendarReport,
  endOfDays,
  findExcesses,
  type SimulatedDraft,
  type SimulatedPost,
  simulateCalendar,
  type TextExcess,
} from "#shared/domain/planning/simulate-calendar.ts";
import { monthOf, type Standing } from "#shared/domain/planning/simulate-posting.ts";
import { itemizePrice, type PostPrice } from "#shared/domain/price.ts";
import type { Task } from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { FingerprintStore } from "#shared/ports/fingerprint-store.ts";
import type { SharedCounters } from "#shared/ports/shared-counters.ts";
import { err, ok, type Result } from "#shared/result.ts";
import {
  type CreatedTask,
  type CreateTask,
  type CreateTaskRefusal,
  createCreateTask,
  type NewTask,
} from "./create-task.ts";
import { createTogether } from "./create-tasks.ts";
import {
  createDryRunFingerprints,
  createDryRunStore,
  type DryRunFingerprints,
  type DryRunStore,
  type ReadableTasks,
  remember,
} from "./dry-run-store.ts";
import { createFindConflicts } from "./find-conflicts.ts";
import { findAccount, findProject, type UnknownAccount, type UnknownProject } from "./find-project.ts";
import { createPlacePost } from "./place-post.ts";
import { createPlanSlot } from "./plan-slot.ts";
import { takesPlace, toOccupied } from "./read-calendar.ts";
import type { PostMedia } from "./take-media.ts";

const DAY_MS = 86_400_000;
/** Tasks of a page: 1 MB of them, about. */
const PAGE = 500;
/** Accounts that are read at the same time. */
const AT_ONCE = 20;

export interface SimulateCalendarDeps {
  readonly tasks: ReadableTasks;
  readonly accounts: AccountStore;
  readonly fingerprints: Pick<FingerprintStore, "findNear">;
  readonly counters: Pick<SharedCounters, "read">;
  /** Uploaded media that drafts may name; none is taken. Absent: there are none. */
  readonly uploads?: Pick<PostMedia, "find">;
  readonly clock: Pick<Clock, "now">;
}

export interface SimulationWish {
  readonly ownerId: OwnerId;
  /** Names, as people know them. */
  readonly project: string;
  /** Only its posts and days are told. Everything else is looked at all the same. */
  readonly account?: string | undefined;
  /** Today is the first. */
  readonly days: number;
  readonly drafts: readonly DraftWish[];
}

export interface DraftWish {
  /** Unlike that of any task, and of any other draft. The minute of a planned hour comes from it. */
  readonly id: string;
  /** Of the project of the wish. */
  readonly post: NewTask;
}

/** A draft that would be accepted. */
export interface PlannedDraft extends CreatedTask {
  readonly post: SimulatedPost;
  readonly price: PostPrice;
}

/** A draft that would not. */
export interface RefusedDraft {
  readonly refusal: CreateTaskRefusal;
  /** Every part that is too long. */
  readonly excesses: readonly TextExcess[];
}

export interface DryRun {
  readonly at: Date;
  readonly project: Project;
  /** In the order of the wish. */
  readonly drafts: readonly Result<PlannedDraft, RefusedDraft>[];
  readonly report: CalendarReport;
}

/** Tells what would become of drafts and of everything that is planned. Writes nothing. */
export type SimulateCalendar = (
  wish: SimulationWish,
) => Promise<Result<DryRun, UnknownProject | UnknownAccount>>;

/**
 * Drafts are accepted by the production use cases on a store that keeps them to itself: what is refused here is refused
 * there, and for the same reason. Then the calendar is simulated with them.
 *
 * Of stored tasks no contents are read, however many there are: their price is on the task, what they repeat was claimed,
 * and their media were checked when they came. Credentials are not looked at either: an account whose token is refused
 * for good needs to be reconnected, and says so; every other token is renewed when it is needed.
 */
export function createSimulateCalendar(deps: SimulateCalendarDeps): SimulateCalendar {
  const { tasks, accounts, counters } = deps;

  return async ({ ownerId, project: name, account: accountName, days, drafts }) => {
    const now = deps.clock.now();
    const found = await findProject(accounts, ownerId, name);
    if (!found.ok) return found;
    const project = found.value;
    const { timeZone } = project;
    const only =
      accountName === undefined ? ok(undefined) : await findAccount(accounts, ownerId, accountName, project);
    if (!only.ok) return only;

    const until = endOfDays(now, days, timeZone);
    const clock: Clock = { now: () => now, sleepUntil: async () => {} };
    const known = {
      ...accounts,
      getProjectByFolder: remember(accounts.getProjectByFolder),
      getAccount: remember(accounts.getAccount),
    };
    const dry = createDryRunStore(tasks);
    const findNear = remember(deps.fingerprints.findNear);
    const created = await createDrafts(drafts, {
      dry,
      fingerprints: createDryRunFingerprints(findNear),
      accounts: known,
      ...(deps.uploads && { uploads: deps.uploads }),
      clock,
    });
    const planned = new Map(
      created.flatMap((one) => (one.ok ? [[one.value.task.id, one.value] as const] : [])),
    );
    // In the order in which they were planned, so that each sees the ones before it.
    const checked = dry.created.map((task) => ({
      ...task,
      parts: planned.get(task.id)?.content.parts ?? [],
      media: [],
      reuseMedia: false,
    }));
    const findConflicts = createFindConflicts({
      tasks: dry,
      accounts: known,
      fingerprints: { findNear },
      counters,
      clock,
    });
    const conflicts = await findConflicts(project, checked);
    const simulated = dry.created.map(
      (task, index): SimulatedDraft => ({ task, conflicts: conflicts[index] ?? [] }),
    );

    const { standings, stored } = await readAccounts(known, dry, tasks, {
      ids: [...new Set([...project.accountIds, ...dry.created.map(({ accountId }) => accountId)])],
      from: new Date(now.getTime() - DAY_MS),
      until: new Date(until.getTime() + DAY_MS),
      besides: dry.created.filter(({ slotAt }) => slotAt >= until),
    });
    const spentMicros = new Map<string, number>();
    for (const month of new Set([now, until, ...dry.created.map(({ slotAt }) => slotAt)].map(monthOf)))
      spentMicros.set(
        month,
        await counters.read({ kind: "project-spend", ownerId, projectId: project.id, month }),
      );

    const report = simulateCalendar({
      now,
      days,
      project,
      accounts: standings,
      tasks: stored,
      drafts: simulated,
      occupied: occupiedBy([...stored, ...dry.created]),
      spentMicros,
    });
    const posts = new Map(report.posts.map((post) => [post.id, post]));
    const accountId = only.value?.id;
    return ok({
      at: now,
      project,
      drafts: created.map((one) => {
        if (!one.ok) return one;
        const { task, content } = one.value;
        const post = posts.get(task.id);
        if (!post) throw new RangeError(`nothing became of the draft ${task.id}`);
        return ok({ ...one.value, post, price: itemizePrice(content.parts, content.media) });
      }),
      report: accountId === undefined ? report : onlyOf(report, accountId),
    });
  };
}

interface DraftDeps {
  readonly dry: DryRunStore;
  readonly fingerprints: DryRunFingerprints;
  readonly accounts: AccountStore;
  readonly uploads?: Pick<PostMedia, "find">;
  readonly clock: Clock;
}

/** Accepts drafts as `createTasks` would, one after the other. */
async function createDrafts(
  drafts: readonly DraftWish[],
  { dry, fingerprints, accounts, uploads, clock }: DraftDeps,
): Promise<readonly Result<CreatedTask, RefusedDraft>[]> {
  const planSlot = createPlanSlot({ tasks: dry, accounts, clock });
  const ids = new Map(drafts.map(({ post, id }) => [post, id]));
  const create: CreateTask = (post) => {
    const id = ids.get(post);
    if (id === undefined) throw new RangeError("a draft without an id");
    const placePost = createPlacePost({
      tasks: dry,
      planSlot,
      fingerprints,
      arrange: async () => ({ publish: { by: "queue", delayMs: 0 }, firstAt: clock.now() }),
      clock,
      entropy: { newId: () => id, random: () => 0 },
      report: () => {},
    });
    return createCreateTask({
      accounts,
      batches: { open: async () => {} },
      placePost,
      clock,
      ...(uploads && { uploads: { ...uploads, take: async () => ok(undefined), newId: () => id } }),
    })(post);
  };
  // Of two that say the same, it is always the second that is refused.
  let before: Promise<unknown> = Promise.resolve();
  const inTurn: CreateTask = (post) => {
    const answer = before.then(() => create(post));
    before = answer;
    return answer;
  };
  const answers = await createTogether(
    inTurn,
    drafts.map(({ post }) => post),
  );
  return Promise.all(
    drafts.map(async ({ id, post }, index) => {
      const answer = answers[index];
      if (!answer) throw new RangeError(`the draft ${id} has no answer`);
      if (answer.ok) return answer;
      return err({ refusal: answer.error, excesses: await readExcesses(post, answer.error, accounts) });
    }),
  );
}

async function readExcesses(
  { ownerId, account, project, texts }: NewTask,
  refusal: CreateTaskRefusal,
  accounts: AccountStore,
): Promise<readonly TextExcess[]> {
  if (refusal.reason !== "bad-text" || refusal.code !== "text-too-long") return [];
  const found = await findProject(accounts, ownerId, project);
  if (!found.ok) return [];
  const { accountIds, defaultAccountId } = found.value;
  const named = account === undefined ? undefined : accountIdFor(ownerId, account);
  const isNamed = named !== undefined && accountIds.includes(named);
  const { maxTextLength } = (await accounts.getAccount(isNamed ? named : defaultAccountId)) ?? {};
  return maxTextLength === undefined ? [] : findExcesses(texts, maxTextLength);
}

interface Reading {
  readonly ids: readonly AccountId[];
  readonly from: Date;
  readonly until: Date;
  /** Posts whose neighbours are read too. */
  readonly besides: readonly Task[];
}

/** Lists may lag behind by seconds: a task that was just planned may be missing. */
async function readAccounts(
  accounts: Pick<AccountStore, "getAccount">,
  dry: Pick<DryRunStore, "getGate">,
  tasks: Pick<ReadableTasks, "list">,
  { ids, from, until, besides }: Reading,
): Promise<{ readonly standings: readonly Standing[]; readonly stored: readonly Task[] }> {
  const stored = new Map<string, Task>();

  async function readOne(id: AccountId): Promise<Standing> {
    const ranges = [
      { from, until },
      ...besides
        .filter(({ accountId }) => accountId === id)
        .map(({ slotAt }) => ({
          from: new Date(slotAt.getTime() - DAY_MS),
          until: new Date(slotAt.getTime() + DAY_MS),
        })),
    ];
    const [account, gate] = await Promise.all([accounts.getAccount(id), dry.getGate(id)]);
    for (const range of ranges)
      for (let after: string | undefined; ; ) {
        const page = await tasks.list({
          by: "account",
          accountId: id,
          ...range,
          limit: PAGE,
          ...(after !== undefined && { after }),
        });
        for (const task of page.items) stored.set(task.id, task);
        if (page.next === undefined) break;
        after = page.next;
      }
    return { id, account, gate };
  }

  const standings: Standing[] = [];
  for (let start = 0; start < ids.length; start += AT_ONCE)
    standings.push(...(await Promise.all(ids.slice(start, start + AT_ONCE).map(readOne))));
  return { standings, stored: [...stored.values()] };
}

function occupiedBy(tasks: readonly Task[]): ReadonlyMap<AccountId, readonly Occupied[]> {
  const occupied = new Map<AccountId, Occupied[]>();
  for (const task of tasks) {
    if (!takesPlace(task)) continue;
    const slots = occupied.get(task.accountId) ?? [];
    occupied.set(task.accountId, slots);
    slots.push(toOccupied(task));
  }
  return occupied;
}

/** Sums and counts stay those of the project, which has one budget. */
const onlyOf = (report: CalendarReport, accountId: AccountId): CalendarReport => ({
  ...report,
  posts: report.posts.filter((post) => post.isDraft || post.accountId === accountId),
  accounts: report.accounts.filter(({ id }) => id === accountId),
});
