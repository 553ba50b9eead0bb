import { createHash } from "node:crypto";
import type { Content, Task } from "#shared/domain/task.ts";
import type { MediaProgressStore } from "#shared/ports/media-progress-store.ts";
import type { PostRequest } from "#shared/ports/post-publisher.ts";

/** Ids of the media that are uploaded for the account of the task, in their order, as far as the platform still knows them then. */
async function mediaIdsFor(
  media: MediaProgressStore,
  task: Task,
  content: Content,
  usableUntil: Date,
): Promise<readonly string[]> {
  if (content.media.length === 0) return [];
  const uploaded = await media.list(task.id);
  return content.media.flatMap(({ sha256 }, index) =>
    uploaded
      .filter(
        (progress) =>
          progress.index === index &&
          progress.sha256 === sha256 &&
          progress.state === "ready" &&
          progress.accountId === task.accountId &&
          progress.expiresAt > usableUntil,
      )
      .map(({ mediaId }) => mediaId),
  );
}

/** What is sent for the next part; the first one has the media. `undefined`: they are not, or no longer, uploaded. */
export async function buildRequest(
  media: MediaProgressStore,
  task: Task,
  content: Content,
  usableUntil: Date,
): Promise<PostRequest | undefined> {
  const text = content.parts[task.posted.length]?.text ?? "";
  const before = task.posted.at(-1);
  if (before) return { text, mediaIds: [], inReplyTo: before.postId };
  const mediaIds = await mediaIdsFor(media, task, content, usableUntil);
  return mediaIds.length === content.media.length ? { text, mediaIds } : undefined;
}

/** Tells whether two requests are the same. */
export const hashRequest = (request: PostRequest): string =>
  createHash("sha256").update(JSON.stringify(request)).digest("hex");
