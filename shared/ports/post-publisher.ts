import type { Failure } from "#shared/domain/failure.ts";
import type { AccountId } from "#shared/domain/ids.ts";
import type { SeenPost } from "#shared/domain/reconcile.ts";

export interface PostRequest {
  readonly text: string;
  readonly mediaIds: readonly string[];
  /** The part before it in a thread. */
  readonly inReplyTo?: string;
}

/** `unknown`: the request may have reached the platform. It must not be repeated without looking. */
export type PostOutcome =
  | { readonly kind: "posted"; readonly postId: string }
  | { readonly kind: "refused"; readonly failure: Failure }
  | { readonly kind: "unknown"; readonly cause: string };

/** A post of an account's own timeline, as the platform shows it after its rewriting. */
export interface TimelinePost extends SeenPost {
  readonly text: string;
}

/** Posts that one reading of a timeline holds at most. */
export const TIMELINE_SIZE = 10;

/** Posts to the platform. Never throws for anything that the platform or the network did. */
export interface PostPublisher {
  /** Loads what `create` needs (credentials, a fresh token), so that nothing but the post is left for the due second. */
  warmUp(
    accountId: AccountId,
  ): Promise<{ readonly ok: true } | { readonly ok: false; readonly failure: Failure }>;

  /**
   * Exactly one HTTP request, never repeated, under one total deadline.
   *
   * @param deadlineMs - from the call to the last byte of the answer
   */
  create(accountId: AccountId, post: PostRequest, deadlineMs: number): Promise<PostOutcome>;

  /** The account's own newest posts, newest first, at most `TIMELINE_SIZE`, only those after `sinceId`. */
  readTimeline(
    accountId: AccountId,
    sinceId?: string,
  ): Promise<
    | { readonly ok: true; readonly posts: readonly TimelinePost[] }
    | { readonly ok: false; readonly failure: Failure }
  >;
}
