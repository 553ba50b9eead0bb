import type { OwnerId, TaskId } from "#shared/domain/ids.ts";
import {
  deleted,
  type MediaId,
  mediaKey,
  type StoredMedium,
  USE_GRACE_MS,
  usesOf,
} from "#shared/domain/stored-media.ts";
import { isFinal } from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { MediaBucket } from "#shared/ports/media-bucket.ts";
import type { MediumStore } from "#shared/ports/medium-store.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { projectNames } from "./project-names.ts";
import type { ShownMedium } from "./read-medium.ts";

export interface DeleteMediumDeps {
  readonly media: Pick<MediumStore, "get" | "save">;
  readonly tasks: Pick<TaskStore, "get">;
  readonly accounts: Pick<AccountStore, "getProject">;
  readonly bucket: Pick<MediaBucket, "remove">;
  readonly clock: Pick<Clock, "now">;
}

export type DeleteMediumRefusal =
  | { readonly reason: "not-found" }
  /** A task that has not ended needs it, or one that is just being made. */
  | { readonly reason: "in-use"; readonly by: TaskId }
  /** Somebody else was faster every time. */
  | { readonly reason: "conflict" };

/** Another owner's medium is refused like one that does not exist. */
export type DeleteMedium = (
  ownerId: OwnerId,
  id: MediaId,
) => Promise<Result<ShownMedium, DeleteMediumRefusal>>;

/** Tasks that take the medium meanwhile change it, so each of them is seen. */
const MAX_RACES = 10;
/** Tasks looked at side by side. */
const AT_ONCE = 20;

/** A use whose task never came into being. */
export const isVoidUse = ({ usedAt }: { readonly usedAt: Date }, now: Date): boolean =>
  now.getTime() - usedAt.getTime() > USE_GRACE_MS;

/**
 * Deletes a medium: first its record, then its file. Once more deletes a file that was left by whoever died in between.
 *
 * @throws DependencyFault when the bucket does not answer: the medium is gone, and its file goes with the next call
 */
export function createDeleteMedium(deps: DeleteMediumDeps): DeleteMedium {
  const { media, tasks, accounts, bucket, clock } = deps;

  async function findUser(medium: StoredMedium): Promise<TaskId | undefined> {
    const uses = usesOf(medium).toReversed();
    for (let start = 0; start < uses.length; start += AT_ONCE) {
      const found = await Promise.all(
        uses.slice(start, start + AT_ONCE).map(async (use) => {
          const task = await tasks.get(use.taskId);
          return (task ? isFinal(task.status) : isVoidUse(use, clock.now())) ? undefined : use.taskId;
        }),
      );
      const by = found.find((taskId) => taskId !== undefined);
      if (by !== undefined) return by;
    }
    return undefined;
  }

  return async (ownerId, id) => {
    for (let race = 0; race < MAX_RACES; race++) {
      const medium = await media.get(ownerId, id);
      if (!medium) return err({ reason: "not-found" });
      if (!medium.deletedAt) {
        const by = await findUser(medium);
        if (by !== undefined) return err({ reason: "in-use", by });
        const saved = await media.save(deleted(medium, clock.now()));
        if (!saved.ok) continue;
      }
      await bucket.remove(mediaKey(medium));
      return ok({ medium, project: await projectNames(accounts)(medium.projectId), now: clock.now() });
    }
    return err({ reason: "conflict" });
  };
}
