/**
 * Every duration that another one must outlast, in one place.
 *
 * The order `request deadline < time that must remain < function timeout < lease < visibility` is what keeps a
 * worker from posting with a lease that somebody else already took over. `test/unit/domain/timing.test.ts` holds it.
 */
import { DEFAULT_SETTINGS } from "./settings.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** AWS asks for a visibility of at least six function timeouts. @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html */
export const VISIBILITY_FACTOR = 6;

export const TIMING = {
  prepare: {
    memoryMb: 1_024,
    timeoutMs: 120 * SECOND,
    /** One X media request: a segment of 4 MiB at 2 Mbit/s still fits. */
    requestDeadlineMs: 20 * SECOND,
    /** After this long an invocation saves its progress and continues by a message to itself. */
    sliceMs: 80 * SECOND,
    leaseMs: 135 * SECOND,
    visibilityMs: 720 * SECOND,
    maxReceives: 5,
    maxConcurrency: 10,
  },
  publish: {
    memoryMb: 256,
    timeoutMs: 90 * SECOND,
    /** Whole answer to `POST /2/tweets`, connection included. */
    requestDeadlineMs: 12 * SECOND,
    /** The call to X starts only while at least this much of the invocation remains. */
    minRemainingMs: 20 * SECOND,
    /** Task, gate and policy are read this long before the due second, so that only the intent is left for it. */
    readAheadMs: 300,
    /** Between the intent and the call: a worker that stalled longer does not call. */
    intentFreshMs: 5 * SECOND,
    leaseMs: 105 * SECOND,
    visibilityMs: 540 * SECOND,
    maxReceives: 5,
    /** A publish that meets media still being prepared looks again after this. */
    waitForMediaMs: 10 * SECOND,
    /** X can refuse a self-reply sent at once (code 385); about 5 s apart works. */
    betweenPartsMs: 5 * SECOND,
    /** How far ahead of the slot Scheduler wakes the publisher: its own precision (60 s) and a cold start. */
    holdLeadMs: 65 * SECOND,
    /** The hold may start this much earlier than planned (clock skew between Scheduler and worker). */
    holdSlackMs: 2 * SECOND,
  },
  /** Reading back a lost answer, counted from the first request whose answer was lost. */
  reconcile: {
    /** A post that is found may be adopted. */
    adoptAfterMs: 120 * SECOND,
    /** A complete reading without the post proves, as the second one, that it is not out: X shows a post within this. */
    absentAfterMs: 300 * SECOND,
    /** Between the two readings at least. */
    betweenReadsMs: 30 * SECOND,
    /** After a reading that was refused; the longer it lasts, the rarer it is tried. */
    retryMs: 60 * SECOND,
    maxRetryMs: 10 * MINUTE,
    /** When nobody could read for so long, a person has to look. */
    giveUpMs: DAY,
    /** How far X's clock may be behind ours. */
    clockToleranceMs: 60 * SECOND,
  },
  /** How long before its first wake-up call a task's account is verified. */
  verifyAheadMs: [DAY, HOUR],
  sweep: {
    memoryMb: 256,
    timeoutMs: 55 * SECOND,
    everyMs: MINUTE,
    /** A claimed task comes back to the sweeper after this, if whoever it was given to did nothing. A setting. */
    claimMs: DEFAULT_SETTINGS.stuckAfterSeconds * SECOND,
    maxRecoveries: 5,
    /** S3's events are delivered at least once; this finds what was dropped while they could not be. */
    scanEveryMs: HOUR,
  },
  /** One recurrence is expanded in slices, so that an end in between costs nothing but an hour. */
  expand: { memoryMb: 256, timeoutMs: 180 * SECOND, everyMs: HOUR },
  accept: {
    memoryMb: 512,
    timeoutMs: 120 * SECOND,
    visibilityMs: 720 * SECOND,
    maxReceives: 5,
    maxConcurrency: 10,
    /** Files that a sidecar lists, and sidecars of files that came alone, are waited for this long. */
    waitForFilesMs: DAY,
  },
  relay: { memoryMb: 256, timeoutMs: 60 * SECOND },
  /** Calls to the endpoints of webhooks. */
  deliver: {
    memoryMb: 256,
    /** A batch that is all of one task and one endpoint, which never answers, takes ten deadlines. */
    timeoutMs: 120 * SECOND,
    /** Whole attempt, the look-up of the name included. */
    requestDeadlineMs: 10 * SECOND,
    batchSize: 10,
    visibilityMs: 720 * SECOND,
    maxReceives: 5,
    /** Ten calls each. A new AWS account has ten in all, and whoever waits for a slow endpoint keeps no post from its second. */
    maxConcurrency: 3,
  },
  api: { memoryMb: 512, timeoutMs: 25 * SECOND },
  /** Two requests to X, one after the other, and API Gateway waits for 30 s. */
  connect: { memoryMb: 512, timeoutMs: 28 * SECOND },
  authorize: { memoryMb: 256, timeoutMs: 5 * SECOND, cacheMs: 60 * SECOND },
  /** Deadline of any AWS call, retries included. */
  lookupDeadlineMs: 10 * SECOND,
  /** `arrange` uses the queue when the publisher would wake sooner than this: Scheduler refuses past instants. */
  nearLimitMs: 90 * SECOND,
  /** How long something may be overdue before the sweeper looks at it. */
  wake: {
    unarrangedMs: 120 * SECOND,
    arrangedMs: 120 * SECOND,
    retryMs: 60 * SECOND,
    /** After the instant at which a lost answer is to be read back. */
    unsettledMs: 60 * SECOND,
  },
  /** SQS delays at most 900 s; the rest is room for jitter. @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
  maxQueueDelayMs: 840 * SECOND,
  /** Events of an asynchronous invocation that are older than this are useless. */
  maxEventAgeMs: 300 * SECOND,
  logRetentionMs: 90 * DAY,
} as const;

/** How far ahead of the slot media start to upload, by the heaviest medium of the post. */
export const PREPARE_LEADS_MS = {
  photo: 3 * MINUTE,
  gif: 10 * MINUTE,
  video: 20 * MINUTE,
  large: HOUR,
} as const;

/** A video above this many bytes counts as `large`. */
export const LARGE_VIDEO_BYTES = 512 * 1024 * 1024;
