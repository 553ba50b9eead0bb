import type { OwnerId, ProjectId, RecurrenceId, TaskId } from "./ids.ts";
import type { Reason } from "./reason.ts";

/** Everything dropped under one base name of one project, and what became of it. */
export interface Drop {
  /** Folder under `drop/`. */
  readonly project: string;
  /** File name without its endings: `photo` of `photo.md` and `photo.1.jpg`. */
  readonly base: string;
  readonly status: "waiting" | "accepted" | "failed";
  readonly firstSeenAt: Date;
  /** Instant of the newest event; undeclared media are waited for until some seconds after it. */
  readonly lastSeenAt: Date;
  /** When the sweeper should look: files that are waited for may never come. */
  readonly wakeAt?: Date;
  readonly ownerId?: OwnerId;
  readonly projectId?: ProjectId;
  readonly taskId?: TaskId;
  /** It recurs: its tasks are those of the recurrence. */
  readonly recurrenceId?: RecurrenceId;
  /** Sidecar, as the person sees it. */
  readonly file?: string;
  /** SHA-256 over project, base, sidecar and media: dropping the same again does nothing. */
  readonly identity?: string;
  /** Names of listed files that have not come yet. */
  readonly missing?: readonly string[];
  /** Why it failed or waits, or what came too late to matter. */
  readonly reason?: Reason;
  /** Grows by one with every write. */
  readonly version: number;
}
