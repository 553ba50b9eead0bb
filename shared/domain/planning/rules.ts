import type { PostingPolicy } from "../policy.ts";
import type { LatePolicy, ReconcilePolicy } from "../task.ts";

/** What the rules against repeating oneself look at. */
export interface DuplicateRules {
  /** Posts of the account within this are compared, in ms, before and after the slot. 0: none are. */
  readonly windowMs: number;
  /** Estimated Jaccard similarity from which two texts count as near-duplicates, in (0, 1]. */
  readonly threshold: number;
  /** What a near-duplicate does. An exact one always blocks. */
  readonly near: "warns" | "blocks";
}

/** How slots are chosen for the posts of a project. Hours are of its day, 0 to 23. */
export interface PlanningRules {
  /** Best first is not said here: all are equally good until something is learned. */
  readonly optimalHours: readonly number[];
  /** The owner's own hours, for the strategy `preferred`. */
  readonly preferredHours: readonly number[];
  /** Posts of an account in a day of the project below which deferrable ones are pulled forward. */
  readonly dailyMin: number;
  /** A slot of an hour lies up to this after its start, so that not everybody posts at :00. Less than an hour, in ms. */
  readonly jitterMs: number;
  /** Nothing is planned nearer than this, in ms. */
  readonly leadMs: number;
  /** Share of a quota below which intervals stretch, in [0, 1). */
  readonly quotaBuffer: number;
  /** Share of a day's posts that only urgent ones (priority 1 to 3) may use, in [0, 1). */
  readonly urgentShare: number;
  readonly duplicates: DuplicateRules;
  /** A medium is posted once in the project, unless a post says `reuseMedia`. */
  readonly uniqueMedia: boolean;
}

/** Everything that a project decides for its posts. What is absent of the posting rules is no limit; see `rulesOf` for the rest. */
export interface Policy extends PostingPolicy, Partial<PlanningRules> {
  /** For posts that say nothing themselves. */
  readonly latePolicy?: LatePolicy;
  readonly reconcile?: ReconcilePolicy;
}

const DAY_MS = 86_400_000;

/** A project that never said how: planning works, and nothing is compared. */
const PLAIN_RULES: PlanningRules = {
  optimalHours: [9, 12, 15, 18, 21],
  preferredHours: [],
  dailyMin: 0,
  jitterMs: 40 * 60_000,
  leadMs: 60_000,
  quotaBuffer: 0.2,
  urgentShare: 0.2,
  duplicates: { windowMs: 0, threshold: 0.6, near: "warns" },
  uniqueMedia: false,
};

/** What new projects compare their posts by. */
export const DEFAULT_DUPLICATE_RULES: DuplicateRules = {
  windowMs: 30 * DAY_MS,
  threshold: 0.6,
  near: "warns",
};

/** The planning rules of a policy, complete. */
export const rulesOf = (policy: Policy | undefined): PlanningRules => ({
  optimalHours: policy?.optimalHours ?? PLAIN_RULES.optimalHours,
  preferredHours: policy?.preferredHours ?? PLAIN_RULES.preferredHours,
  dailyMin: policy?.dailyMin ?? PLAIN_RULES.dailyMin,
  jitterMs: policy?.jitterMs ?? PLAIN_RULES.jitterMs,
  leadMs: policy?.leadMs ?? PLAIN_RULES.leadMs,
  quotaBuffer: policy?.quotaBuffer ?? PLAIN_RULES.quotaBuffer,
  urgentShare: policy?.urgentShare ?? PLAIN_RULES.urgentShare,
  duplicates: policy?.duplicates ?? PLAIN_RULES.duplicates,
  uniqueMedia: policy?.uniqueMedia ?? PLAIN_RULES.uniqueMedia,
});
