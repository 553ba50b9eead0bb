import { type Account, accountIdFor, type Project } from "#shared/domain/account.ts";
import { type AccountId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import type { PostingPolicy } from "#shared/domain/policy.ts";
import { DEFAULT_LATE_POLICY, type LatePolicy, type ReconcilePolicy } from "#shared/domain/task.ts";
import type { Random } from "./random.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** One task, from the person who asks for it to its end. */
export interface Life {
  readonly index: number;
  /** Lives that say the same for the same account share it: X, and whoever reads a timeline, cannot tell their posts apart. */
  readonly group: number;
  readonly createAt: number;
  readonly slotAt: number;
  readonly project: number;
  readonly accountId: AccountId;
  /** Any account of the project. */
  readonly isPool: boolean;
  readonly texts: readonly string[];
  readonly mediaCount: number;
  readonly latePolicy: LatePolicy;
  readonly reconcile: ReconcilePolicy | undefined;
  /** Through the API's own use case, or written as a drop writes it. */
  readonly by: "api" | "drop";
}

/** What people do meanwhile. */
export type Deed = { readonly at: number } & (
  | { readonly kind: "cancelled" | "published-now"; readonly life: number }
  | { readonly kind: "edited"; readonly life: number; readonly slotAt: number }
  | { readonly kind: "pause" | "resume" | "reconnect"; readonly accountId: AccountId }
  | { readonly kind: "freeze" | "thaw"; readonly project: number }
  | { readonly kind: "run" }
  | { readonly kind: "by-hand"; readonly accountId: AccountId; readonly posts: number }
);

export interface Scenario {
  readonly startAt: number;
  /** Multiplies every fault rate. */
  readonly severity: number;
  readonly faultsEndAt: number;
  /** Whoever did not end by then never will. */
  readonly giveUpAt: number;
  readonly projects: readonly Project[];
  readonly accounts: readonly Account[];
  readonly lives: readonly Life[];
  readonly deeds: readonly Deed[];
  readonly outages: readonly (readonly [from: number, to: number])[];
  /** How many may be between gate and settlement: the setting. */
  readonly publishers: number;
}

export const OWNER = asOwnerId("owner");
const EPOCH = Date.UTC(2026, 11, 1);
const ZONES = ["UTC", "UTC", "Asia/Shanghai", "Europe/Berlin"] as const;
/** Long enough for a quota of a few posts a day. */
const PATIENCE_MS = 12 * 24 * HOUR;

function drawPolicy(random: Random): PostingPolicy | undefined {
  if (random.chance(0.4)) return undefined;
  const fromHour = random.between(0, 23);
  return {
    ...(random.chance(0.5) && { minIntervalMs: random.spread(MINUTE, 40 * MINUTE) }),
    ...(random.chance(0.3) && { dailyMax: random.between(2, 6) }),
    ...(random.chance(0.3) && { blackout: { fromHour, toHour: (fromHour + random.between(1, 6)) % 24 } }),
    ...(random.chance(0.15) && { monthlyBudgetMicros: random.between(5, 15) * 15_000 }),
  };
}

function drawLatePolicy(random: Random): LatePolicy {
  if (random.chance(0.5)) return DEFAULT_LATE_POLICY;
  if (random.chance(0.3)) return { then: "missed" };
  return { postWithinMs: random.spread(MINUTE, 3 * HOUR), then: random.pick(["missed", "hold"]) };
}

/** Who wants what when, and what else happens. */
export function drawScenario(random: Random): Scenario {
  const startAt = EPOCH + random.between(0, 24 * 60) * MINUTE + random.between(0, 59_999);
  const severity = random.pick([0.3, 1, 1, 1, 2, 4]);
  const projects: Project[] = [];
  const accounts: Account[] = [];
  for (let index = 0; index < random.pick([1, 1, 2]); index++) {
    const own: Account[] = Array.from({ length: random.pick([1, 1, 2]) }, (_, place) => {
      const name = `account-${index}-${place}`;
      return {
        id: accountIdFor(OWNER, name),
        ownerId: OWNER,
        name,
        userId: `${index}${place}`,
        maxTextLength: 280,
        status: "active",
        version: 1,
      };
    });
    const policy = drawPolicy(random);
    const [first] = own;
    if (!first) throw new RangeError("a project without accounts");
    accounts.push(...own);
    projects.push({
      id: asProjectId(`project-${index}`),
      ownerId: OWNER,
      name: `project-${index}`,
      timeZone: random.pick(ZONES),
      accountIds: own.map(({ id }) => id),
      defaultAccountId: first.id,
      ...(policy && { policy }),
    });
  }

  const lives = drawLives(random, startAt, projects);
  const lastSlot = Math.max(...lives.map(({ slotAt }) => slotAt));
  const outages: [number, number][] = [];
  if (random.chance(0.12)) {
    const from = random.between(startAt, lastSlot);
    outages.push([from, from + random.spread(30 * SECOND, 40 * MINUTE)]);
  }
  return {
    startAt,
    severity,
    faultsEndAt: lastSlot + random.between(5 * MINUTE, 45 * MINUTE),
    giveUpAt:
      lastSlot +
      PATIENCE_MS +
      (projects.some(({ policy }) => policy?.monthlyBudgetMicros) ? 5 * 31 * 24 * HOUR : 0),
    projects,
    accounts,
    lives,
    deeds: drawDeeds(random, lives, accounts, projects),
    outages,
    publishers: random.pick([1, 2, 2, 10]),
  };
}

function drawLives(random: Random, startAt: number, projects: readonly Project[]): Life[] {
  const lives: Life[] = [];
  const count = random.between(5, 9);
  // Many posts of an account are due together in some runs, and far apart in others.
  const spanMs = random.pick([0, 20 * SECOND, 10 * MINUTE, 90 * MINUTE]);
  const aheadMs = random.pick([0, MINUTE, 4 * MINUTE, 30 * MINUTE]);
  for (let index = 0; index < count; index++) {
    const twin = lives.length > 0 && random.chance(0.08) ? random.pick(lives) : undefined;
    const createAt = startAt + random.between(0, 60 * SECOND);
    const slotAt = random.chance(0.1)
      ? createAt
      : Math.floor((createAt + aheadMs + random.between(0, spanMs)) / SECOND) * SECOND;
    const project = twin?.project ?? random.between(0, projects.length - 1);
    const owned = projects[project];
    if (!owned) throw new RangeError("no such project");
    const parts = twin?.texts.length ?? (random.chance(0.15) ? random.between(2, 4) : 1);
    const mediaCount = twin || parts > 2 ? 0 : random.chance(0.15) ? random.between(1, 2) : 0;
    const isPool = !twin && random.chance(0.12);
    const isTwinable = twin && twin.mediaCount === 0 && !twin.isPool && twin.texts.length === 1;
    lives.push({
      index,
      group: isTwinable ? twin.group : index,
      createAt,
      slotAt: Math.max(slotAt, createAt),
      project,
      accountId: isTwinable ? twin.accountId : random.pick(owned.accountIds),
      isPool,
      texts: isTwinable
        ? twin.texts
        : Array.from({ length: twin ? 1 : parts }, (_, part) => `life ${index} part ${part}`),
      mediaCount,
      latePolicy: isPool && random.chance(0.7) ? { then: "missed" } : drawLatePolicy(random),
      reconcile: random.chance(0.2) ? random.pick(["repost", "hold"]) : undefined,
      by: mediaCount > 0 || isPool || random.chance(0.8) ? "drop" : "api",
    });
  }
  return lives;
}

function drawDeeds(
  random: Random,
  lives: readonly Life[],
  accounts: readonly Account[],
  projects: readonly Project[],
): Deed[] {
  const deeds: Deed[] = [];
  for (const { index, createAt, slotAt } of lives) {
    const wishes = random.chance(0.3) ? random.pick([1, 1, 1, 2]) : 0;
    for (let wish = 0; wish < wishes; wish++) {
      // Near the slot, where it races with the publisher; else any time, also long after.
      const at = random.chance(0.6)
        ? slotAt + random.between(-3_000, 4_000)
        : random.between(createAt + 500, slotAt + 15 * MINUTE);
      const kind = random.pick(["cancelled", "published-now", "edited"] as const);
      deeds.push(
        kind === "edited"
          ? { kind, at, life: index, slotAt: Math.max(slotAt, at) + random.between(0, 10 * MINUTE) }
          : { kind, at, life: index },
      );
    }
  }
  const slots = lives.map(({ slotAt }) => slotAt);
  const first = Math.min(...slots);
  const last = Math.max(...slots);
  for (const { id: accountId } of accounts) {
    if (random.chance(0.1)) {
      const at = random.between(first - MINUTE, last + MINUTE);
      deeds.push({ kind: "pause", at, accountId });
      if (random.chance(0.8)) deeds.push({ kind: "resume", at: at + random.spread(5_000, HOUR), accountId });
    }
    if (random.chance(0.8))
      deeds.push({ kind: "reconnect", at: last + random.between(0, 40 * MINUTE), accountId });
    if (random.chance(0.15))
      deeds.push({
        kind: "by-hand",
        at: random.between(first, last + 5 * MINUTE),
        accountId,
        posts: random.pick([1, 3, 12]),
      });
  }
  // Somebody wants everything published that is due.
  if (random.chance(0.08)) deeds.push({ kind: "run", at: random.between(first, last + 10 * MINUTE) });
  for (const [project] of projects.entries())
    if (random.chance(0.08)) {
      const at = random.between(first - 2 * MINUTE, last + MINUTE);
      deeds.push({ kind: "freeze", at, project });
      if (random.chance(0.8)) deeds.push({ kind: "thaw", at: at + random.spread(10_000, HOUR), project });
    }
  return deeds;
}
