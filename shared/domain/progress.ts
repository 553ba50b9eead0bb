import { isActive, type Task } from "./task.ts";

/** A task that should have moved this long ago, and did not, is for a person. */
export const WITHOUT_PROGRESS_MS = 10 * 60_000;

/**
 * Whether the sweeper meets a task that stands still: it should have moved ten minutes ago, and everybody that was
 * sent since then came to nothing. What only waits for its second, its account's reset or a reading does not stand
 * still, since its `wakeAt` lies ahead; nor does one whose account is only to be looked at ahead of its time.
 *
 * `stalledSince` is the first `wakeAt` that passed unheeded since the last progress: the sweeper sets `wakeAt` anew
 * each time it sends somebody, so `wakeAt` alone would never be old.
 */
export function isWithoutProgress(
  {
    status,
    wakeAt,
    arrangedFor,
    stalledSince,
  }: Pick<Task, "status" | "wakeAt" | "arrangedFor" | "stalledSince">,
  now: Date,
): boolean {
  if (!isActive(status) || !wakeAt || wakeAt > now) return false;
  if (arrangedFor && arrangedFor > now) return false;
  return now.getTime() - (stalledSince ?? wakeAt).getTime() >= WITHOUT_PROGRESS_MS;
}
