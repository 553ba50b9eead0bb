import type { Failure } from "#shared/domain/failure.ts";
import type { AccountId } from "#shared/domain/ids.ts";
import type { MediaType } from "#shared/domain/media.ts";
import type { Result } from "#shared/result.ts";

/** What the platform is asked to take. */
export interface NewUpload {
  readonly type: MediaType;
  readonly sizeBytes: number;
}

/** `ready` can be attached to a post. `processing` should be asked again after `checkAfterMs`. */
export type ProcessingState =
  | { readonly kind: "ready" }
  | { readonly kind: "processing"; readonly checkAfterMs: number };

/** A definite no, or no answer at all: repeating any of these calls harms nothing. */
export type UploadRefusal =
  /** `transient` includes lost answers; nothing here is ever `unknown`. */
  | { readonly reason: "failed"; readonly failure: Failure }
  /** The platform's edge takes only smaller requests. */
  | { readonly reason: "segment-too-large" }
  /** It does not have every byte that it was told of. */
  | { readonly reason: "segments-do-not-add-up" }
  /** It knows no such medium: expired, or never uploaded by this account. */
  | { readonly reason: "gone" };

/** Uploads to the platform, one HTTP request per call, each under one total deadline. Never throws for what the platform did. */
export interface MediaUploads {
  initialize(
    accountId: AccountId,
    upload: NewUpload,
  ): Promise<Result<{ readonly mediaId: string; readonly expiresAt: Date }, UploadRefusal>>;

  /**
   * Sends one segment. `bytes` belongs to the call until it settles, and to the caller afterwards.
   *
   * @param segmentIndex - 0 to 999
   */
  append(
    accountId: AccountId,
    mediaId: string,
    segmentIndex: number,
    bytes: Uint8Array,
  ): Promise<Result<void, UploadRefusal>>;

  finalize(accountId: AccountId, mediaId: string): Promise<Result<ProcessingState, UploadRefusal>>;

  getStatus(accountId: AccountId, mediaId: string): Promise<Result<ProcessingState, UploadRefusal>>;

  setAltText(accountId: AccountId, mediaId: string, altText: string): Promise<Result<void, UploadRefusal>>;
}
