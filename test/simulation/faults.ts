/**
 * What can go wrong, and how often. A rate is per thousand calls of its kind; a run multiplies it by its own severity,
 * so that some runs are calm enough to reach the far end of every path and some are worse than anything AWS does.
 */

export const CALL_FAULTS = [
  "not-sent",
  "throttled",
  "conflict",
  "answer-lost",
  "repeated",
  "answered-late",
  "stale-index",
  "crash-before",
  "crash-after",
  "stalled",
  "woke-after-end",
] as const;

export const DELIVERY_FAULTS = ["twice", "late", "overtaken", "unacknowledged", "dropped"] as const;

export const X_FAULTS = [
  "x-lost-made",
  "x-lost-unmade",
  "x-landed-late",
  "x-shown-late",
  "x-refused",
  "x-rate-limited",
  "x-access-ended",
  "x-duplicate",
  "x-outage",
  "timeline-refused",
] as const;

export const PEOPLE_FAULTS = ["edited", "cancelled", "published-now", "account-paused", "frozen"] as const;

const OTHER_FAULTS = ["clock-skewed", "slow-processing"] as const;

export const FAULTS = [
  ...CALL_FAULTS,
  ...DELIVERY_FAULTS,
  ...X_FAULTS,
  ...PEOPLE_FAULTS,
  ...OTHER_FAULTS,
] as const;
export type Fault = (typeof FAULTS)[number];
export type CallFault = (typeof CALL_FAULTS)[number];

/**
 * - `not-sent`: the request never left; the adapter throws
 * - `throttled`: refused by the service, repeats included
 * - `conflict`: a transaction met another one; repeated by the adapter, at worst given up
 * - `answer-lost`: it took effect, and the adapter throws
 * - `repeated`: the answer was lost, and the SDK's own repeat found that the first try took effect
 * - `answered-late`: it took effect, and the answer took seconds
 * - `stale-index`: an index shows what was, not what is
 * - `crash-before`, `crash-after`: nothing of the worker runs any more; without, or with the effect
 * - `stalled`: the worker stands still for seconds to a quarter of an hour after the effect
 */
type Menu = readonly (readonly [fault: CallFault, perThousand: number])[];

export const CALL_KINDS = ["read", "index", "write", "transaction", "send", "sleep", "platform"] as const;
export type CallKind = (typeof CALL_KINDS)[number];

const DEATHS: Menu = [
  ["crash-before", 2],
  ["crash-after", 3],
  ["stalled", 3],
];
const READ: Menu = [["not-sent", 3], ["throttled", 2], ["answered-late", 4], ...DEATHS];
const WRITE: Menu = [...READ, ["answer-lost", 4], ["repeated", 5]];

export const MENUS: Readonly<Record<CallKind, Menu>> = {
  read: READ,
  index: [...READ, ["stale-index", 60]],
  write: WRITE,
  transaction: [...WRITE, ["conflict", 15]],
  send: [...READ, ["answer-lost", 4]],
  sleep: DEATHS,
  // X answers for itself; what can happen to the one who asks is the same.
  platform: [...DEATHS, ["answered-late", 4]],
};

/** Of a wake-up call, per thousand. */
export const DELIVERY_RATES = {
  /** SQS and Scheduler deliver at least once. */
  twice: 30,
  /** By minutes. */
  late: 20,
  /** It was handled, but its message comes back. */
  unacknowledged: 10,
  /** Scheduler gave up handing it over. */
  dropped: 5,
} as const;

/** Of a request to post, per thousand. */
export const X_RATES = {
  unreachable: 15,
  rateLimited: 15,
  accessEnded: 12,
  revoked: 3,
  billing: 4,
  content: 8,
  configuration: 4,
  unavailable: 25,
  lostMade: 45,
  lostUnmade: 35,
  landedLate: 20,
  shownLate: 60,
  /** X's filter recognises a text that it has seen. */
  duplicateSeen: 500,
  timelineRefused: 80,
  slowArrival: 15,
} as const;

/** X's slowness, in ms. Request deadline + landing + showing stay below the 300 s that the protocol assumes. */
export const X_SLOWNESS = { landMs: 90_000, showMs: 180_000 } as const;
