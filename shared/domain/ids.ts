declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** ULID: sorts by creation. */
export type TaskId = Branded<"TaskId">;
export type OwnerId = Branded<"OwnerId">;
/** Unique for an owner; the name of a folder under `drop/`. */
export type ProjectId = Branded<"ProjectId">;
export type AccountId = Branded<"AccountId">;
/** One claim of a task by one invocation. */
export type AttemptId = Branded<"AttemptId">;

/** Parent of many tasks. */
export type BatchId = Branded<"BatchId">;
export type RecurrenceId = Branded<"RecurrenceId">;
/** ULID. */
export type JobId = Branded<"JobId">;
/** ULID. */
export type UserId = Branded<"UserId">;

export const asTaskId = (id: string): TaskId => id as TaskId;
export const asOwnerId = (id: string): OwnerId => id as OwnerId;
export const asProjectId = (id: string): ProjectId => id as ProjectId;
export const asAccountId = (id: string): AccountId => id as AccountId;
export const asAttemptId = (id: string): AttemptId => id as AttemptId;
export const asBatchId = (id: string): BatchId => id as BatchId;
export const asRecurrenceId = (id: string): RecurrenceId => id as RecurrenceId;
export const asJobId = (id: string): JobId => id as JobId;
export const asUserId = (id: string): UserId => id as UserId;
