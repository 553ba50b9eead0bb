import { type Medium, type PrepareLeads, prepareLeadMs } from "./media.ts";
import { PREPARE_LEADS_MS, TIMING } from "./timing.ts";

/** When a step is woken, and by what. */
export type Wakeup =
  | { readonly by: "scheduler"; readonly at: Date }
  | { readonly by: "queue"; readonly delayMs: number };

export interface Arrangement {
  /** Absent: nothing to upload, and nothing to write. */
  readonly prepare?: Wakeup;
  readonly publish: Wakeup;
  /** When the first of them is due. */
  readonly firstAt: Date;
}

export interface ArrangementLimits {
  /** The publisher is woken this long before the slot, and holds. */
  readonly holdLeadMs: number;
  /** What would be woken sooner than this goes through the queue. */
  readonly nearLimitMs: number;
  readonly prepareLeads: PrepareLeads;
}

export const ARRANGEMENT_LIMITS: ArrangementLimits = {
  holdLeadMs: TIMING.publish.holdLeadMs,
  nearLimitMs: TIMING.nearLimitMs,
  prepareLeads: PREPARE_LEADS_MS,
};

/** Scheduler fires up to 60 s after its instant but never before; the queue is for all that is nearer, or waits its delay out. */
function planWakeup(at: Date, now: Date, nearLimitMs: number): Wakeup {
  const inMs = at.getTime() - now.getTime();
  if (inMs >= nearLimitMs) return { by: "scheduler", at: new Date(Math.floor(at.getTime() / 1_000) * 1_000) };
  return { by: "queue", delayMs: Math.max(0, Math.min(inMs, TIMING.maxQueueDelayMs)) };
}

/** A wait of minutes fits into the queue's delay; a longer one becomes a schedule, which is woken early enough to hold. */
export function planRetry(retryAt: Date, now: Date, holdLeadMs: number): Wakeup {
  const inMs = retryAt.getTime() - now.getTime();
  if (inMs <= TIMING.maxQueueDelayMs) return { by: "queue", delayMs: Math.max(0, inMs) };
  return { by: "scheduler", at: new Date(Math.floor((retryAt.getTime() - holdLeadMs) / 1_000) * 1_000) };
}

/**
 * Decides how a task gets its wake-up calls. Media that still have to be uploaded, and a text that still has to be
 * written, get theirs first. A text takes as long as a photo.
 */
export function planArrangement(
  task: { readonly slotAt: Date; readonly notBeforeAt?: Date; readonly toWrite?: true },
  media: readonly Medium[],
  now: Date,
  { holdLeadMs, nearLimitMs, prepareLeads }: ArrangementLimits = ARRANGEMENT_LIMITS,
): Arrangement {
  const dueMs = Math.max(task.slotAt.getTime(), task.notBeforeAt?.getTime() ?? 0);
  const publishAt = new Date(dueMs - holdLeadMs);
  const publish = planWakeup(publishAt, now, nearLimitMs);
  if (media.length === 0 && !task.toWrite) return { publish, firstAt: later(publishAt, now) };
  const leadMs = Math.max(prepareLeadMs(media, prepareLeads), task.toWrite ? prepareLeads.photo : 0);
  const prepareAt = new Date(publishAt.getTime() - leadMs);
  return { prepare: planWakeup(prepareAt, now, nearLimitMs), publish, firstAt: later(prepareAt, now) };
}

const later = (a: Date, b: Date): Date => (a > b ? a : b);
