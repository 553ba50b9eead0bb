import type { MediaRef } from "#shared/domain/draft.ts";
import type { OwnerId, TaskId } from "#shared/domain/ids.ts";
import type { Medium } from "#shared/domain/media.ts";
import { checkMediaSet } from "#shared/domain/media-rules.ts";
import { checkCharacters, tidyText } from "#shared/domain/post-text.ts";
import { MANY_USES, type MediaStatus, mediaStatus, usesOf } from "#shared/domain/stored-media.ts";
import { isFinal } from "#shared/domain/task.ts";
import { quote } from "#shared/domain/words.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { MediumStore } from "#shared/ports/medium-store.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { isVoidUse } from "./delete-medium.ts";

export interface TakeMediaDeps {
  readonly media: Pick<MediumStore, "get" | "use" | "forgetUses">;
  readonly tasks: Pick<TaskStore, "get">;
  readonly clock: Pick<Clock, "now">;
}

export interface BadMedia {
  readonly reason: "bad-media";
  readonly code:
    | "unknown-media"
    | "media-not-ready"
    | "media-unusable"
    | "mixed-media"
    | "too-many-photos"
    | "invalid-text";
  readonly message: string;
  /** Of the medium in the post, from 0; absent: all of them together. */
  readonly index?: number;
}

/** Uploaded media of a post: looked at before anything is decided, and taken just before the task comes into being. */
export interface PostMedia {
  /** What the post gets, in its order, if X takes it so. */
  find(ownerId: OwnerId, wanted: readonly MediaRef[]): Promise<Result<readonly Medium[], BadMedia>>;
  /** From here on nobody deletes them while the task may need them. */
  take(ownerId: OwnerId, wanted: readonly MediaRef[], taskId: TaskId): Promise<Result<void, BadMedia>>;
}

/** Uses that are looked at when there are many. */
const FORGOTTEN_AT_ONCE = 20;

export function createPostMedia({ media, tasks, clock }: TakeMediaDeps): PostMedia {
  async function findOne(
    ownerId: OwnerId,
    { id, altText }: MediaRef,
    index: number,
  ): Promise<Result<Medium, BadMedia>> {
    const stored = await media.get(ownerId, id);
    if (!stored || stored.deletedAt) return err(unknown(index));
    if (!stored.medium) return err(unusable(stored.name, mediaStatus(stored, clock.now()), index));
    const alternative = altText === undefined ? "" : tidyText(altText);
    const invalid = checkCharacters(alternative, "The alternative text");
    if (invalid) return err({ reason: "bad-media", code: "invalid-text", message: invalid.message, index });
    return ok({ ...stored.medium, ...(alternative !== "" && { altText: alternative }) });
  }

  /** What ended needs nothing any more; so a medium of a thousand posts stays a small item. */
  async function forgetEnded(
    ownerId: OwnerId,
    stored: Parameters<typeof usesOf>[0] & MediaRef,
    noted: TaskId,
  ): Promise<void> {
    // Clocks differ: what was noted just now need not be the newest, and its task is still to come.
    const uses = usesOf(stored).filter(({ taskId }) => taskId !== noted);
    if (uses.length < MANY_USES) return;
    const now = clock.now();
    const looked = await Promise.all(
      uses.slice(0, FORGOTTEN_AT_ONCE).map(async (use) => {
        const task = await tasks.get(use.taskId);
        return (task ? isFinal(task.status) : isVoidUse(use, now)) ? [use.taskId] : [];
      }),
    );
    await media.forgetUses(ownerId, stored.id, looked.flat());
  }

  return {
    async find(ownerId, wanted) {
      const found = await Promise.all(wanted.map((ref, index) => findOne(ownerId, ref, index)));
      const refusal = found.find((one) => !one.ok);
      if (refusal && !refusal.ok) return refusal;
      const all = found.flatMap((one) => (one.ok ? [one.value] : []));
      const why = checkMediaSet(all);
      if (!why) return ok(all);
      const code = why.code === "mixed-media" ? "mixed-media" : "too-many-photos";
      return err({ reason: "bad-media", code, message: `${why.message} ${why.remedy}` });
    },

    async take(ownerId, wanted, taskId) {
      for (const [index, { id }] of wanted.entries()) {
        const taken = await media.use(ownerId, id, taskId, clock.now());
        if (!taken.ok) return err(unknown(index));
        await forgetEnded(ownerId, taken.value, taskId);
      }
      return ok(undefined);
    },
  };
}

const unknown = (index: number): BadMedia => ({
  reason: "bad-media",
  code: "unknown-media",
  message: "No medium of this key's owner has this id.",
  index,
});

function unusable(name: string, status: MediaStatus, index: number): BadMedia {
  const is = (code: BadMedia["code"], message: string): BadMedia => ({
    reason: "bad-media",
    code,
    message,
    index,
  });
  switch (status) {
    case "awaiting-upload":
      return is("media-not-ready", `${quote(name)} is not uploaded yet.`);
    case "inspecting":
    case "ready":
      return is("media-not-ready", `${quote(name)} is being inspected: try again in a few seconds.`);
    case "refused":
      return is("media-unusable", `${quote(name)} was refused: its status says why. Upload another file.`);
    case "expired":
      return is("media-unusable", `${quote(name)} was never uploaded. Announce it again.`);
  }
}
