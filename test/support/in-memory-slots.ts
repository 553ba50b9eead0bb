import type { AttemptId } from "#shared/domain/ids.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { PublisherSlots } from "#shared/ports/publisher-slots.ts";

/** The same promises as the DynamoDB slots, kept honest by the contract that both run. */
export function createInMemorySlots(clock: Pick<Clock, "now">): PublisherSlots {
  const slots = new Map<number, { readonly holder: AttemptId; readonly untilMs: number }>();
  return {
    async take(holder, most) {
      const nowMs = clock.now().getTime();
      for (let slot = 0; slot < most; slot++) {
        if ((slots.get(slot)?.untilMs ?? 0) > nowMs) continue;
        slots.set(slot, { holder, untilMs: nowMs + TIMING.publish.leaseMs });
        return slot;
      }
      return undefined;
    },
    async giveBack(slot, holder) {
      if (slots.get(slot)?.holder === holder) slots.delete(slot);
    },
  };
}
