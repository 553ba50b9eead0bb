import type { AccountId, TaskId } from "./ids.ts";

/** How far the upload of one medium is: enough to go on without sending anything twice. */
export interface MediaProgress {
  readonly taskId: TaskId;
  /** Place of the medium in the post, from 0. */
  readonly index: number;
  /** What is being uploaded; another file at the same place starts anew. */
  readonly sha256: string;
  /** Media ids belong to the account that uploaded them. */
  readonly accountId: AccountId;
  readonly state: "uploading" | "processing" | "ready";
  readonly mediaId: string;
  /** After this instant the platform forgets the medium. */
  readonly expiresAt: Date;
  readonly segmentBytes: number;
  /** Segments that the platform has acknowledged. */
  readonly segmentsDone: readonly number[];
}
