import { localDays } from "#shared/domain/planning/hours.ts";
import type { PlanContext, PlanWish } from "#shared/domain/planning/plan.ts";
import { rulesOf } from "#shared/domain/planning/rules.ts";
import type { PlacedSlot } from "./check-slots.ts";

/** What a script would do: the first optimal hour, without a look at the calendar. */
export function planNaively(
  wishes: readonly PlanWish[],
  { policy, timeZone }: PlanContext,
): readonly PlacedSlot[] {
  const days = localDays(timeZone);
  const hours = rulesOf(policy).optimalHours.toSorted((a, b) => a - b);
  return wishes.flatMap(({ id, from, accountIds: [accountId], parts, priority }) => {
    const today = days.dayOf(from.getTime());
    const starts = [today, today + 1].flatMap((day) =>
      hours.map((hour) => days.hoursOn(day)[hour]?.startMs ?? 0),
    );
    const atMs = starts.find((startMs) => startMs >= from.getTime());
    return accountId && atMs ? [{ id, accountId, at: new Date(atMs), parts, priority }] : [];
  });
}
