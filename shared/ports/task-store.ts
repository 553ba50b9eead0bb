import type { Claim } from "#shared/domain/claim.ts";
import type { Drop } from "#shared/domain/drop.ts";
import type { PostFeatures } from "#shared/domain/features.ts";
import type { Gate } from "#shared/domain/gate.ts";
import type { AccountId, JobId, OwnerId, ProjectId, TaskId } from "#shared/domain/ids.ts";
import type { LogEntry } from "#shared/domain/log-entry.ts";
import type { Board } from "#shared/domain/planning/board.ts";
import type { Content, ContentRef, Task, TaskStatus } from "#shared/domain/task.ts";
import type { Result } from "#shared/result.ts";

/** Written in the same transaction as the task, or not at all. */
export interface Together {
  readonly content?: Content;
  readonly log?: LogEntry;
  /** Replaces the gate whose version is one less. */
  readonly gate?: Gate;
  /** Marks a post of the platform as this task's: two tasks can never adopt one post. */
  readonly adopt?: { readonly accountId: AccountId; readonly postId: string };
  /** Replaces the drop whose version is one less. Version 1 must not exist yet. */
  readonly drop?: Drop;
  /** Replaces the board whose version is one less. Version 1 must not exist yet. */
  readonly board?: Board;
  /** What the post was like when it went out. */
  readonly features?: PostFeatures;
  /** What from now on is this task's and no other's. At most 10. */
  readonly claims?: readonly Claim[];
}

export type WriteRefusal =
  /** Somebody else wrote the task or the drop since it was read. */
  | { readonly reason: "stale" }
  /** Somebody else wrote the gate since it was read: nothing is decided yet. */
  | { readonly reason: "gate-stale" }
  | { readonly reason: "post-taken" }
  /** Somebody else planned for the account since its board was read. */
  | { readonly reason: "board-stale" }
  /** Another task has what this one claims. */
  | { readonly reason: "claimed"; readonly key: string; readonly by: TaskId };

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Where the next page starts; absent on the last one. */
  readonly next?: string;
}

export type TaskQuery = { readonly limit: number; readonly after?: string } & (
  | { readonly by: "owner"; readonly ownerId: OwnerId }
  | { readonly by: "project"; readonly projectId: ProjectId; readonly status: TaskStatus }
  /** @param from, until - of the slots; `until` itself is not included */
  | { readonly by: "account"; readonly accountId: AccountId; readonly from?: Date; readonly until?: Date }
  /** Only states in which something may still be sent; see `isActive`. */
  | { readonly by: "status"; readonly status: TaskStatus }
);

export type DueRef =
  | { readonly kind: "task"; readonly id: TaskId; readonly wakeAt: Date }
  | { readonly kind: "account"; readonly id: AccountId; readonly wakeAt: Date }
  | { readonly kind: "run"; readonly id: string; readonly wakeAt: Date }
  | { readonly kind: "job"; readonly id: JobId; readonly wakeAt: Date }
  | { readonly kind: "drop"; readonly project: string; readonly base: string; readonly wakeAt: Date };

/**
 * Where tasks live. Reads are consistent, except those of `list` and `listDue`, which may lag: decide nothing by them.
 * Every implementation passes `test/contracts/task-store.ts`.
 */
export interface TaskStore {
  get(id: TaskId): Promise<Task | undefined>;
  /** What is in force. The original of a written one is in it. */
  getContent(ref: ContentRef): Promise<Content | undefined>;
  /** What is in force of many tasks, read together; what is not there is left out. */
  getContents(refs: readonly ContentRef[]): Promise<ReadonlyMap<TaskId, Content>>;
  /** Absent until it is posted. */
  getFeatures(id: TaskId): Promise<PostFeatures | undefined>;
  /** Newest last; expired entries are left out, even those that the database has not deleted yet. */
  getLog(id: TaskId): Promise<readonly LogEntry[]>;
  getGate(accountId: AccountId): Promise<Gate>;
  /** Many, read together, in the order of the ids. */
  getGates(accountIds: readonly AccountId[]): Promise<readonly Gate[]>;
  getBoard(accountId: AccountId): Promise<Board>;
  /** The task that has it; undefined: nobody, or not any more. */
  getClaim(key: string): Promise<TaskId | undefined>;
  /** Accounts of an owner whose gates let them post by `now`, longest idle first. May lag: re-read their gates. */
  listAvailable(ownerId: OwnerId, now: Date, limit: number): Promise<readonly AccountId[]>;

  /** Stores a new task (version 1). `stale`: the id is taken. */
  create(
    task: Task,
    content: Content,
    together?: Omit<Together, "content">,
  ): Promise<Result<void, WriteRefusal>>;

  /**
   * Replaces the task whose version is `next.version - 1`, with everything else in the same transaction.
   * A write that took effect although its answer was lost counts as ours when it is repeated.
   */
  save(next: Task, together?: Together): Promise<Result<void, WriteRefusal>>;

  /** One entry by itself. Repeating it writes nothing new. */
  addLog(id: TaskId, entry: LogEntry): Promise<void>;

  /** By slot, earliest first. */
  list(query: TaskQuery): Promise<Page<Task>>;

  /** Everything of one shard that should have moved by `now`, longest overdue first. */
  listDue(shard: number, now: Date, limit: number): Promise<readonly DueRef[]>;
}

/** How many shards `listDue` has. */
export const WAKE_SHARDS = 4;
