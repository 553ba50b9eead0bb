import type { SandboxUser } from "./accounts.ts";
import type { MediaStore, SandboxMedia } from "./media-store.ts";
import type { PostRecord } from "./post-store.ts";

/** A post with everything that belongs to it, for tests, the demo and the timeline page. */
export interface SandboxPost extends PostRecord {
  readonly author: { readonly id: string; readonly username: string; readonly name: string };
  readonly media: readonly SandboxMedia[];
}

export function viewPublic(
  post: PostRecord,
  users: readonly SandboxUser[],
  media: Pick<MediaStore, "find">,
): SandboxPost {
  const author = users.find(({ id }) => id === post.userId);
  return {
    ...post,
    author: {
      id: post.userId,
      // Posts outlive a change of the configured accounts.
      username: author?.username ?? post.userId,
      name: author?.name ?? "Unknown account",
    },
    media: post.mediaIds.flatMap((id) => media.find(id) ?? []),
  };
}
