import { createHash } from "node:crypto";
import type { AccountId, ProjectId, TaskId } from "./ids.ts";

/** Something that only one task may have: it is written in the task's transaction. */
export interface Claim {
  readonly key: string;
  /** Nobody minds after this. Absent: never. */
  readonly until?: Date;
  /** The task that had it and gave it up. */
  readonly replaces?: TaskId;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** One account says the same only once. @param hash - of the normalised text, hex */
export const textClaimKey = (accountId: AccountId, hash: string): string => `text#${accountId}#${hash}`;

/** A project posts a medium only once. @param hashes - SHA-256 of each medium of a post, hex */
export const mediaClaimKey = (projectId: ProjectId, hashes: readonly string[]): string =>
  `media#${projectId}#${hashes.length === 1 ? hashes[0] : sha256(hashes.join())}`;
