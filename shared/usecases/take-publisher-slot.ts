import type { AttemptId } from "#shared/domain/ids.ts";
import { type Parking, parking } from "#shared/domain/policy.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { PublisherSlots } from "#shared/ports/publisher-slots.ts";
import type { ServiceSettings } from "#shared/ports/service-settings.ts";

/** A holder needs about a second; whoever waits for many looks less and less often. */
const FIRST_WAIT_MS = 100;
const MAX_WAIT_MS = 2_000;
/** Nobody knows when one is free: those who waited for a whole invocation come again spread over this. */
const PARKED_MS = { least: 10_000, spread: 20_000 } as const;

export interface TakePublisherSlotDeps {
  readonly slots: PublisherSlots;
  readonly settings: ServiceSettings;
  readonly clock: Clock;
  readonly entropy: Pick<Entropy, "random">;
}

export interface PublisherSlot {
  /** Never throws: a slot that cannot be given back is free when its lease is over. */
  giveBack(): Promise<void>;
}

/**
 * One of the places between gate and settlement. Waits for it in small steps.
 *
 * @param until - the wait is over before this
 * @returns why there is none
 */
export async function takePublisherSlot(
  { slots, settings, clock, entropy }: TakePublisherSlotDeps,
  holder: AttemptId,
  until: Date,
): Promise<PublisherSlot | Parking> {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(MAX_WAIT_MS, 2 * waitMs)) {
    const { concurrentPublishers } = await settings.current();
    const slot = await slots.take(holder, concurrentPublishers);
    if (slot !== undefined)
      return {
        async giveBack() {
          try {
            await slots.giveBack(slot, holder);
          } catch {
            // What was posted is settled: nothing may make it look as if it were not.
          }
        },
      };
    const now = clock.now().getTime();
    const againAt = new Date(now + Math.ceil(waitMs * (0.5 + entropy.random() / 2)));
    if (againAt < until) await clock.sleepUntil(againAt);
    else
      return parking(
        "publishers-busy",
        new Date(now + PARKED_MS.least + Math.floor(entropy.random() * PARKED_MS.spread)),
        false,
        `${concurrentPublishers} posts are on their way to X, and no more may be at the same time.`,
      );
  }
}
