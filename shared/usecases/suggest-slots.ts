import type { Project } from "#shared/domain/account.ts";
import { ANY_ACCOUNT } from "#shared/domain/account-pool.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { Plan, PlanRefusal } from "#shared/domain/planning/plan.ts";
import type { Strategy } from "#shared/domain/planning/strategy.ts";
import { decidePublishTime } from "#shared/domain/publish-time.ts";
import type { Reason } from "#shared/domain/reason.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { findAccount, findProject, type UnknownAccount, type UnknownProject } from "./find-project.ts";
import type { PlanSlot } from "./plan-slot.ts";

export interface SuggestSlotsDeps {
  readonly accounts: Pick<AccountStore, "getProjectByFolder" | "listProjects" | "getAccount">;
  readonly planSlot: PlanSlot;
  readonly clock: Pick<Clock, "now">;
}

export interface SlotWish {
  readonly ownerId: OwnerId;
  /** Names, as people know them. */
  readonly project: string;
  /** `any`: the accounts of the project are compared. Absent: its default. */
  readonly account?: string | undefined;
  readonly strategy: Exclude<Strategy, "immediate" | "fixed">;
  /** As written: `now`, an instant, or a local time of the project's zone. Nothing is suggested before it. */
  readonly from: string;
  readonly parts: number;
  readonly priority: number;
}

export interface SuggestedSlots {
  readonly project: Project;
  /** The best slot, and up to three that are nearly as good. */
  readonly plan: Plan;
}

export type SuggestRefusal =
  | UnknownProject
  | UnknownAccount
  | { readonly reason: "bad-time"; readonly code: "bad-time" | "too-far-ahead"; readonly why: Reason }
  | { readonly reason: "no-free-slot"; readonly why: PlanRefusal };

/** The best free slots for a post that is not there yet. Writes nothing, so that nothing is kept free either. */
export type SuggestSlots = (wish: SlotWish) => Promise<Result<SuggestedSlots, SuggestRefusal>>;

export function createSuggestSlots({ accounts, planSlot, clock }: SuggestSlotsDeps): SuggestSlots {
  return async ({ ownerId, project: name, account: accountName, strategy, from, parts, priority }) => {
    const found = await findProject(accounts, ownerId, name);
    if (!found.ok) return found;
    const project = found.value;
    const { accountIds, defaultAccountId, timeZone } = project;
    const isNamed = accountName !== undefined && accountName !== ANY_ACCOUNT;
    const named = isNamed ? await findAccount(accounts, ownerId, accountName, project) : undefined;
    if (named && !named.ok) return named;
    const chosen = named ? [named.value.id] : accountName === ANY_ACCOUNT ? accountIds : [defaultAccountId];

    // Something that is over is no refusal: then it is from now on.
    const latePolicy = { then: "missed" } as const;
    const time = decidePublishTime(from, { now: clock.now(), timeZone, latePolicy });
    if (!time.ok)
      return err({
        reason: "bad-time",
        code: time.error.code === "too-far-ahead" ? "too-far-ahead" : "bad-time",
        why: time.error,
      });
    const planned = await planSlot(project, {
      id: "suggestion",
      strategy,
      from: time.value.slotAt,
      accountIds: chosen,
      parts,
      priority,
    });
    if (!planned.ok) return err({ reason: "no-free-slot", why: planned.error });
    return ok({ project, plan: planned.value.plan });
  };
}
