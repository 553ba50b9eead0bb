import type { AccountId, ProjectId, TaskId } from "./ids.ts";

/** Something that only one task may have: it is written in the task's transaction. */
export interface Claim {
  readonly key: string;
  /** Nobody minds after this. Absent: never. */
  readonly until?: Date;
  /** The task that had it and gave it up. */
  readonly replaces?: TaskId;
}

/** An account says the same only once. @param hash - of the normalised text, hex */
export const textClaimKey = (accountId: AccountId, hash: string): string => `text#${accountId}#${hash}`;

/** A project posts a medium only once. @param hash - SHA-256 of the file, hex */
export const mediaClaimKey = (projectId: ProjectId, hash: string): string => `media#${projectId}#${hash}`;
