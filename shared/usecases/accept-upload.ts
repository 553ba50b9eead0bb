import type { Medium } from "#shared/domain/media.ts";
import type { Reason } from "#shared/domain/reason.ts";
import {
  checkKind,
  decideUpload,
  forUpload,
  inspected,
  inspecting,
  parseMediaKey,
  refused,
  type StoredMedium,
} from "#shared/domain/stored-media.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { MediaBucket } from "#shared/ports/media-bucket.ts";
import type { MediumStore } from "#shared/ports/medium-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { InspectMedia } from "./inspect-media.ts";

export interface AcceptUploadDeps {
  readonly media: Pick<MediumStore, "get" | "save">;
  readonly inspect: InspectMedia;
  readonly bucket: Pick<MediaBucket, "remove">;
  readonly clock: Pick<Clock, "now">;
}

/** An object that came into being below `media/`. */
export interface UploadedObject {
  readonly key: string;
  /** As a read pins it, quotes included. */
  readonly etag: string;
  readonly sizeBytes: number;
}

/** What was decided, for the log. */
export type UploadReport =
  | { readonly kind: "ready" }
  | { readonly kind: "refused"; readonly code: string }
  /** No medium's: somebody with rights on the bucket put it there. */
  | { readonly kind: "ignored" }
  /** Nobody waits for it, or it was refused before: deleted. */
  | { readonly kind: "unwanted" }
  | { readonly kind: "decided" }
  /** It was replaced: the event of the other object decides. */
  | { readonly kind: "replaced" };

export type AcceptUpload = (object: UploadedObject) => Promise<UploadReport>;

/** Somebody else wrote the medium meanwhile: so often it is read anew. */
const MAX_RACES = 10;

/**
 * Inspects what was uploaded. Events come more than once and in any order: each is about one version of the object, and
 * only that version is read, so the last one that is there decides.
 *
 * @throws DependencyFault when the table or the bucket does not answer: the message is to be delivered again
 */
export function createAcceptUpload({ media, inspect, bucket, clock }: AcceptUploadDeps): AcceptUpload {
  async function look(
    stored: StoredMedium,
    { key, etag, sizeBytes }: UploadedObject,
  ): Promise<Result<Medium, Reason> | "replaced"> {
    const looked = await inspect({ name: stored.name, key, etag, sizeBytes });
    if (!looked.ok) return looked.error.reason === "changed" ? "replaced" : err(forUpload(looked.error.why));
    const other = checkKind(stored, looked.value);
    return other ? err(other) : ok(looked.value);
  }

  async function remove({ key }: UploadedObject): Promise<UploadReport> {
    await bucket.remove(key);
    return { kind: "unwanted" };
  }

  return async (object) => {
    const whose = parseMediaKey(object.key);
    if (!whose) return { kind: "ignored" };
    for (let race = 0; race < MAX_RACES; race++) {
      const stored = await media.get(whose.ownerId, whose.id);
      const decision = decideUpload(stored, object.etag, clock.now());
      if (!stored || decision === "unwanted") return remove(object);
      if (decision === "decided") return { kind: "decided" };

      // Only the first look is told: a late event must not undo what the newer object's said.
      const isFirst = stored.status === "awaiting-upload";
      const begun = isFirst ? inspecting(stored, clock.now()) : stored;
      if (isFirst && !(await media.save(begun)).ok) continue;
      const found = await look(begun, object);
      if (found === "replaced") return { kind: "replaced" };
      const next = found.ok
        ? inspected(begun, found.value, clock.now())
        : refused(begun, found.error, object.etag, clock.now());
      if (!(await media.save(next)).ok) continue;
      if (found.ok) return { kind: "ready" };
      await bucket.remove(object.key);
      return { kind: "refused", code: found.error.code };
    }
    throw new DependencyFault("an uploaded medium kept changing while it was inspected", {
      details: { races: MAX_RACES },
    });
  };
}
