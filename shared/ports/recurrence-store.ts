import type { OwnerId, RecurrenceId } from "#shared/domain/ids.ts";
import type { Instance } from "#shared/domain/recurrence/instance.ts";
import type { LocalTime } from "#shared/domain/recurrence/local-time.ts";
import type { Recurrence, RecurrenceContent } from "#shared/domain/recurrence/recurrence.ts";
import type { Result } from "#shared/result.ts";
import type { Page } from "./task-store.ts";

/** Instances that are written at once, at most: DynamoDB takes 100 items in a transaction. */
export const MAX_NOTED = 90;

export interface StoredRecurrence {
  readonly recurrence: Recurrence;
  /** Of its `contentRev`. */
  readonly content: RecurrenceContent;
}

/**
 * Recurrences, what they say, and their instances: those of the past are kept for 90 days. Reads are consistent, except
 * those of `listByOwner` and `listDue`, which may lag. Passes `test/contracts/recurrence-store.ts`.
 */
export interface RecurrenceStore {
  get(id: RecurrenceId): Promise<StoredRecurrence | undefined>;
  /**
   * Replaces the recurrence whose version is one less (version 1: none), and with it its content and instances, all or
   * nothing.
   *
   * @param together.content - of `next.contentRev`; absent: it stays
   * @param together.instances - replaced as they are, at most `MAX_NOTED`
   */
  save(
    next: Recurrence,
    together?: { readonly content?: RecurrenceContent; readonly instances?: readonly Instance[] },
  ): Promise<Result<void, { readonly reason: "stale" }>>;
  getInstance(id: RecurrenceId, local: LocalTime): Promise<Instance | undefined>;
  /** All from a local time on, by local time. */
  listInstances(id: RecurrenceId, from: LocalTime): Promise<readonly Instance[]>;
  /** Without the deleted ones, oldest first. */
  listByOwner(
    ownerId: OwnerId,
    page: { readonly limit: number; readonly after?: string },
  ): Promise<Page<Recurrence>>;
  /** Whose `wakeAt` has come, longest overdue first. */
  listDue(now: Date, limit: number): Promise<readonly RecurrenceId[]>;
}
