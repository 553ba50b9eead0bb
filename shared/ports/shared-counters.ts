import type { OwnerId, ProjectId } from "#shared/domain/ids.ts";

/** What many accounts share. Periods are calendar days and months in UTC. */
export type SharedCounter =
  /** Posts of the whole deployment: X limits an app. */
  | { readonly kind: "app-day"; readonly day: string }
  /** What X charges for the posts of a project, in millionths of a US dollar. */
  | {
      readonly kind: "project-spend";
      readonly ownerId: OwnerId;
      readonly projectId: ProjectId;
      readonly month: string;
    };

/**
 * Counters beside the transactions: many writers, no conflicts. Something is taken before it is needed, and given back when
 * it was not; whoever dies in between leaves it taken, so a counter may say more than the facts, never less.
 * Passes `test/contracts/shared-counters.ts`.
 */
export interface SharedCounters {
  /** Adds `units`, unless that would pass `limit`: `false`. A repeat after a lost answer may count twice. */
  take(counter: SharedCounter, units: number, limit: number): Promise<boolean>;
  giveBack(counter: SharedCounter, units: number): Promise<void>;
  read(counter: SharedCounter): Promise<number>;
}
