/**
 * What is in the way of a post at its slot. What blocks would break a rule of the platform or the project, or would be
 * refused; what warns goes out, but later or less well than its author thinks.
 */
import type { Account } from "../account.ts";
import type { NearPost } from "../duplicates/fingerprint.ts";
import { decideGate, type Gate, QUARTER_LIMIT } from "../gate.ts";
import { type AccountId, asTaskId, type TaskId } from "../ids.ts";
import { decidePolicy, type ParkingCode, threadMs } from "../policy.ts";
import { X_PRICES_MICROS } from "../price.ts";
import type { Reason } from "../reason.ts";
import type { Task } from "../task.ts";
import { durationInWords, instantInWords } from "../words.ts";
import type { Occupied, ScoredSlot } from "./plan.ts";
import { type Policy, rulesOf } from "./rules.ts";

/** In the order in which they are told. */
export const CONFLICT_CODES = [
  "time-overlap",
  "account-busy",
  "platform-limit",
  "duplicate-content",
  "near-duplicate",
  "media-used",
  "frozen",
  "blackout",
  "budget",
] as const;
export type ConflictCode = (typeof CONFLICT_CODES)[number];

/** Another post that is in the way. */
export interface Collision {
  /** Of the task, or of a draft that is looked at together with this one. */
  readonly id: string;
  readonly at?: Date;
  /** Of the texts, estimated, in [0, 1]. */
  readonly similarity?: number;
  /** Name of the file that both have. */
  readonly medium?: string;
}

export type Suggestion =
  | { readonly kind: "slot"; readonly accountId: AccountId; readonly at: Date; readonly message: string }
  | { readonly kind: "fix"; readonly message: string };

export interface Conflict extends Reason {
  readonly code: ConflictCode;
  readonly severity: "blocks" | "warns";
  /** Nearest first, at most `MAX_COLLISIONS`; none: it collides with a rule. */
  readonly with: readonly Collision[];
  /** The instant from which this is not in the way any more, where one is known. */
  readonly until?: Date;
  /** Best first, at most `MAX_SUGGESTIONS`. */
  readonly suggestions: readonly Suggestion[];
}

export const MAX_COLLISIONS = 5;
export const MAX_SUGGESTIONS = 3;

/** A task, or a draft with an id of its own. */
export type Candidate = Pick<
  Task,
  "accountId" | "pool" | "slotAt" | "partCount" | "costMicros" | "latePolicy" | "override"
> & { readonly id: string };

/** A post that says the same, or nearly. */
export interface SimilarPost extends NearPost {
  /** Both are instances of one recurrence, which repeats itself by design. */
  readonly isInstance?: boolean;
}

export interface ConflictContext {
  readonly now: Date;
  readonly policy: Policy;
  /** Of the project: IANA name. */
  readonly timeZone: string;
  /** Absent: it does not exist any more. */
  readonly account: Account | undefined;
  readonly gate: Gate;
  /** Of the account, for 24 hours on both sides of the slot. The candidate's own may be among them. */
  readonly occupied: readonly Occupied[];
  /** Within the window of the policy, at its threshold or above. */
  readonly similar: readonly SimilarPost[];
  /** Posts of the project that have media of the candidate; none if it may use them again. */
  readonly sameMedia: readonly { readonly taskId: TaskId; readonly name: string }[];
  /** What X charged the project for in the month of the slot (UTC), in millionths of a US dollar. */
  readonly spentMicros: number;
  /** Free slots of the account from an instant on, best first. Asked only when something is in the way. */
  readonly suggest: (from: Date) => readonly ScoredSlot[];
}

const QUARTER_MS = 15 * 60_000;
const DAY_MS = 86_400_000;

/** What blocks comes first. */
export function findConflicts(candidate: Candidate, context: ConflictContext): readonly Conflict[] {
  // What is overdue goes out now.
  const at = candidate.slotAt > context.now ? candidate.slotAt : context.now;
  const slots = rememberSlots(context);
  const finder: Finder = { ...context, candidate, at, slots };
  // Of a pool of accounts the one is chosen that nothing is in the way of.
  const ofAccount = candidate.pool === "open" ? [] : findAccountConflicts(finder);
  const found = [...ofAccount, ...findProjectConflicts(finder)];
  return found.toSorted(
    (a, b) =>
      Number(b.severity === "blocks") - Number(a.severity === "blocks") ||
      CONFLICT_CODES.indexOf(a.code) - CONFLICT_CODES.indexOf(b.code),
  );
}

export const isBlocked = (conflicts: readonly Conflict[]): boolean =>
  conflicts.some(({ severity }) => severity === "blocks");

interface Finder extends ConflictContext {
  readonly candidate: Candidate;
  /** When it would begin. */
  readonly at: Date;
  readonly slots: (from: Date) => readonly Suggestion[];
}

/** Several conflicts have the same way out. */
function rememberSlots({ suggest }: ConflictContext): Finder["slots"] {
  const known = new Map<number, readonly Suggestion[]>();
  return (from) => {
    const slots =
      known.get(from.getTime()) ??
      suggest(from).map(({ accountId, at, reasons }) => ({
        kind: "slot" as const,
        accountId,
        at,
        message: reasons.map(({ message }) => message).join(" "),
      }));
    known.set(from.getTime(), slots);
    return slots;
  };
}

const fix = (message: string): Suggestion => ({ kind: "fix", message });

/** The conflict, with no more than a reader wants. */
const conflict = ({ with: collisions, suggestions, ...rest }: Conflict): Conflict => ({
  ...rest,
  with: collisions.slice(0, MAX_COLLISIONS),
  suggestions: suggestions.slice(0, MAX_SUGGESTIONS),
});

const TAKE_ANOTHER_SLOT = "Take one of the suggested slots.";

function findAccountConflicts(finder: Finder): readonly Conflict[] {
  const neighbours = findNeighbours(finder);
  return [
    findOverlap(finder, neighbours),
    findBusyAccount(finder, neighbours),
    findLimit(finder),
    findSameText(finder),
    findNearText(finder),
  ].filter((found) => found !== undefined);
}

interface Neighbour {
  readonly id: string;
  readonly at: Date;
  readonly parts: number;
  /** From the end of the one to the beginning of the other, in ms; negative or 0: they overlap. */
  readonly gapMs: number;
}

/** Other posts of the account, nearest first. */
function findNeighbours({ candidate, at, occupied }: Finder): readonly Neighbour[] {
  const startMs = at.getTime();
  const endMs = startMs + threadMs(candidate.partCount);
  return occupied
    .filter(({ id }) => id !== candidate.id)
    .map((other) => {
      const otherMs = other.at.getTime();
      const gapMs = Math.max(startMs - (otherMs + threadMs(other.parts)), otherMs - endMs);
      return { ...other, gapMs };
    })
    .toSorted((a, b) => a.gapMs - b.gapMs || a.at.getTime() - b.at.getTime());
}

const inWords = ({ id, at }: Collision): string => `the task ${id}${at ? ` at ${instantInWords(at)}` : ""}`;
const andMore = (count: number): string => (count > 1 ? ` and ${count - 1} more` : "");

function findOverlap(
  { candidate, at, policy, slots }: Finder,
  neighbours: readonly Neighbour[],
): Conflict | undefined {
  const overlapping = neighbours.filter(({ gapMs }) => gapMs <= 0);
  const [first] = overlapping;
  if (!first) return undefined;
  const mixesThreads = candidate.partCount > 1 || overlapping.some(({ parts }) => parts > 1);
  return conflict({
    code: "time-overlap",
    // Two posts at one instant harm nobody, as long as no rule keeps them apart.
    severity: mixesThreads || (policy.minIntervalMs ?? 0) > 0 ? "blocks" : "warns",
    message: mixesThreads
      ? `Its parts would mix with those of ${inWords(first)}${andMore(overlapping.length)}.`
      : `The account posts ${inWords(first)}${andMore(overlapping.length)} as well.`,
    remedy: TAKE_ANOTHER_SLOT,
    with: overlapping.map(({ id, at: otherAt }) => ({ id, at: otherAt })),
    suggestions: slots(at),
  });
}

function findBusyAccount(finder: Finder, neighbours: readonly Neighbour[]): Conflict | undefined {
  const { account, at, slots, policy } = finder;
  const endsAt = account?.status === "paused" ? account.pausedUntil : undefined;
  if (account?.status !== "active" && !(endsAt && endsAt <= at))
    return conflict({
      code: "account-busy",
      severity: "blocks",
      message: account
        ? `The account ${account.name} is ${account.status}${endsAt ? ` until ${instantInWords(endsAt)}` : ""}.`
        : "The account does not exist any more.",
      remedy: endsAt
        ? TAKE_ANOTHER_SLOT
        : account?.status === "needs-reconnect"
          ? "Reconnect the account, or choose another one."
          : "Resume the account, or choose another one.",
      with: [],
      ...(endsAt && { until: endsAt }),
      suggestions: endsAt ? slots(endsAt) : [fix("Choose another account of the project.")],
    });

  const minIntervalMs = policy.minIntervalMs ?? 0;
  const tooClose = neighbours.filter(({ gapMs }) => gapMs > 0 && gapMs < minIntervalMs);
  const [nearest] = tooClose;
  if (nearest)
    return conflict({
      code: "account-busy",
      severity: "blocks",
      message: `It is closer than ${durationInWords(minIntervalMs)} to ${inWords(nearest)}${andMore(tooClose.length)}.`,
      remedy: TAKE_ANOTHER_SLOT,
      with: tooClose.map(({ id, at: otherAt }) => ({ id, at: otherAt })),
      suggestions: slots(at),
    });
  return findAtGate(finder, "account-busy");
}

/** What the gate will say, if nothing changes until then. */
const GATE_CONFLICTS: Readonly<Partial<Record<ParkingCode, "account-busy" | "platform-limit">>> = {
  "too-close": "account-busy",
  "circuit-open": "account-busy",
  "rate-limited": "platform-limit",
  "no-quota": "platform-limit",
};

function findAtGate(
  { candidate, at, gate, policy, slots }: Finder,
  code: "account-busy" | "platform-limit",
): Conflict | undefined {
  const parking = decideGate(gate, {
    taskId: asTaskId(candidate.id),
    now: at,
    units: candidate.partCount,
    policy,
  });
  if (!parking || GATE_CONFLICTS[parking.code] !== code) return undefined;
  const until = parking.until;
  const posting = gate.reservations.filter(({ taskId }) => taskId !== candidate.id);
  return conflict({
    code,
    severity: "blocks",
    message: parking.reason.message,
    remedy: `Take a slot from ${instantInWords(until)} on.`,
    with:
      parking.code === "too-close" ? posting.map(({ taskId, at: since }) => ({ id: taskId, at: since })) : [],
    until,
    suggestions: slots(until),
  });
}

function findLimit(finder: Finder): Conflict | undefined {
  const known = findAtGate(finder, "platform-limit");
  if (known) return known;
  const { at, policy, slots } = finder;
  const limits = [
    { lengthMs: QUARTER_MS, most: QUARTER_LIMIT, whose: "X takes" },
    ...(policy.dailyMax === undefined
      ? []
      : [{ lengthMs: DAY_MS, most: policy.dailyMax, whose: "the project allows" }]),
  ];
  for (const { lengthMs, most, whose } of limits) {
    const full = findFullStretch(finder, lengthMs, most);
    if (full)
      return conflict({
        code: "platform-limit",
        severity: "blocks",
        message: `With it the account would have ${full.parts} posts within ${durationInWords(lengthMs)}; ${whose} ${most}.`,
        remedy: TAKE_ANOTHER_SLOT,
        with: [],
        until: full.until,
        suggestions: slots(at),
      });
  }
  return undefined;
}

/** The fullest stretch of a length around the candidate that has more parts than are allowed, counted from a first post. */
function findFullStretch(
  { candidate, at, occupied }: Finder,
  lengthMs: number,
  most: number,
): { readonly parts: number; readonly until: Date } | undefined {
  const atMs = at.getTime();
  const others = occupied
    .filter(({ id }) => id !== candidate.id)
    .map(({ at: otherAt, parts }) => ({ ms: otherAt.getTime(), parts }))
    .filter(({ ms }) => Math.abs(ms - atMs) < lengthMs);
  let fullest: { parts: number; until: Date } | undefined;
  for (const { ms: firstMs } of [...others, { ms: atMs }]) {
    if (firstMs > atMs) continue;
    const endMs = firstMs + lengthMs;
    const parts = others
      .filter(({ ms }) => ms >= firstMs && ms < endMs)
      .reduce((sum, other) => sum + other.parts, candidate.partCount);
    if (parts > most && parts > (fullest?.parts ?? 0)) fullest = { parts, until: new Date(endMs) };
  }
  return fullest;
}

const collisionOf = ({ taskId, slotAt, similarity }: SimilarPost): Collision => ({
  id: taskId,
  at: slotAt,
  similarity,
});

function findSameText({ similar, candidate }: Finder): Conflict | undefined {
  const same = similar.filter(({ isExact }) => isExact);
  const [first] = same.toSorted((a, b) => Number(a.isInstance ?? false) - Number(b.isInstance ?? false));
  if (!first) return undefined;
  const collision = inWords(collisionOf(first));
  const tense = first.slotAt < candidate.slotAt ? "said" : "says";
  return conflict({
    code: "duplicate-content",
    severity: first.isInstance ? "warns" : "blocks",
    message: first.isInstance
      ? `Its recurrence ${tense} the same in ${collision}${andMore(same.length)}: X may refuse to post it again.`
      : `The account ${tense} the same in ${collision}${andMore(same.length)}.`,
    remedy: first.isInstance
      ? "Give the recurrence more variants of the text."
      : "Change the text, or cancel the other task first.",
    with: same.map(collisionOf),
    suggestions: [fix(first.isInstance ? "Add a variant of the text." : "Say it in other words.")],
  });
}

function findNearText({ similar, policy }: Finder): Conflict | undefined {
  const near = similar.filter(({ isExact, isInstance }) => !isExact && !isInstance);
  const [first] = near;
  if (!first) return undefined;
  const percent = Math.round(first.similarity * 100);
  return conflict({
    code: "near-duplicate",
    severity: rulesOf(policy).duplicates.near,
    message: `${percent} % of the text is as in ${inWords(collisionOf(first))}${andMore(near.length)}.`,
    remedy: "Say something else, or leave it if both are meant.",
    with: near.map(collisionOf),
    suggestions: [fix("Say it in other words, or add what is new.")],
  });
}

function findProjectConflicts(finder: Finder): readonly Conflict[] {
  return [findSameMedia(finder), findFreeze(finder), findBlackout(finder), findBudget(finder)].filter(
    (found) => found !== undefined,
  );
}

function findSameMedia({ sameMedia, candidate }: Finder): Conflict | undefined {
  const used = sameMedia.filter(({ taskId }) => taskId !== candidate.id);
  const [first] = used;
  if (!first) return undefined;
  return conflict({
    code: "media-used",
    severity: "blocks",
    message: `The project posts ${first.name} in the task ${first.taskId} already${used.length > 1 ? `, and ${used.length - 1} more of its media` : ""}.`,
    remedy: "Give reuseMedia: true to post it once more, or choose another medium.",
    with: used.map(({ taskId, name }) => ({ id: taskId, medium: name })),
    suggestions: [fix("Give reuseMedia: true."), fix("Choose another medium.")],
  });
}

function findFreeze({ policy }: Finder): Conflict | undefined {
  if (!policy.frozen) return undefined;
  return conflict({
    code: "frozen",
    severity: "warns",
    message: "The project is frozen: nothing is posted until somebody lifts it.",
    remedy: "Lift the freeze before the slot.",
    with: [],
    suggestions: [fix("Lift the freeze.")],
  });
}

function findBlackout({ candidate, at, policy, timeZone, slots }: Finder): Conflict | undefined {
  const { partCount, override } = candidate;
  const parking = decidePolicy({ ...policy, frozen: false }, timeZone, at, partCount, override);
  if (!parking) return undefined;
  const { until } = parking;
  return conflict({
    code: "blackout",
    // A wait that is known beforehand never counts as late.
    severity: "warns",
    message: `It is in a blackout of the project and waits until ${instantInWords(until)}.`,
    remedy: `Take a slot from ${instantInWords(until)} on.`,
    with: [],
    until,
    suggestions: slots(until),
  });
}

const dollars = (micros: number): string => `$${(micros / 1_000_000).toFixed(3)}`;

function findBudget({ candidate, at, policy, spentMicros }: Finder): Conflict | undefined {
  const budget = policy.monthlyBudgetMicros;
  if (budget === undefined || spentMicros + candidate.costMicros <= budget) return undefined;
  const until = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1));
  return conflict({
    code: "budget",
    severity: "blocks",
    message: `X charges ${dollars(candidate.costMicros)} for it, and ${dollars(Math.max(0, budget - spentMicros))} of the month's ${dollars(budget)} are left.`,
    remedy: `Raise the project's budget, or take a slot from ${instantInWords(until)} on.`,
    with: [],
    until,
    suggestions: [
      fix("Raise the project's monthly budget."),
      ...(candidate.costMicros >= X_PRICES_MICROS.postWithLink
        ? [fix("Leave out the link: a post without one costs less.")]
        : []),
    ],
  });
}
