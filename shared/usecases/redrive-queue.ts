import type { OwnerId } from "#shared/domain/ids.ts";
import type { Redriven, WorkQueueName } from "#shared/domain/work-queue.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { WorkQueues } from "#shared/ports/work-queues.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { isOperator } from "./operator.ts";

/** Moved by one request. */
const MOST = 100;
/** A request has 25 s. */
const WITHIN_MS = 15_000;

export interface RedriveQueueDeps {
  readonly queues: Pick<WorkQueues, "redrive">;
  readonly clock: Pick<Clock, "now">;
}

/** Moves up to 100 dead letters back to their queue. A message that is not in force any more does nothing there. */
export type RedriveQueue = (
  ownerId: OwnerId,
  name: WorkQueueName,
) => Promise<Result<Redriven, { readonly reason: "operator-only" }>>;

export function createRedriveQueue({ queues, clock }: RedriveQueueDeps): RedriveQueue {
  return async (ownerId, name) =>
    isOperator(ownerId)
      ? ok(await queues.redrive(name, MOST, new Date(clock.now().getTime() + WITHIN_MS)))
      : err({ reason: "operator-only" });
}
