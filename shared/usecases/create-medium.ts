import type { OwnerId } from "#shared/domain/ids.ts";
import type { Reason } from "#shared/domain/reason.ts";
import {
  type AnnouncedFile,
  asMediaId,
  checkAnnounced,
  type MediaId,
  mediaKey,
  newStoredMedium,
  UPLOAD_FORM_MS,
  type UploadForm,
} from "#shared/domain/stored-media.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { MediumStore } from "#shared/ports/medium-store.ts";
import type { UploadForms } from "#shared/ports/upload-forms.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { findProject, type UnknownProject } from "./find-project.ts";
import type { ShownMedium } from "./read-medium.ts";

export interface CreateMediumDeps {
  readonly media: Pick<MediumStore, "get" | "save">;
  readonly accounts: AccountStore;
  readonly forms: UploadForms;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
}

export interface NewMedium extends Omit<AnnouncedFile, "projectId"> {
  readonly ownerId: OwnerId;
  /** Its name. */
  readonly project: string;
}

export type CreateMediumRefusal = UnknownProject | { readonly reason: "refused"; readonly why: Reason };

/**
 * Announces a file and gives out a form that uploads one of its type and at most of its size.
 *
 * @param newId - of the medium. Absent: any. The owner's medium that has it already is the one that was wished for
 */
export type CreateMedium = (
  wanted: NewMedium,
  newId?: MediaId,
) => Promise<Result<ShownMedium & { readonly upload: UploadForm }, CreateMediumRefusal>>;

export function createCreateMedium(deps: CreateMediumDeps): CreateMedium {
  const { media, accounts, forms, clock, entropy } = deps;
  return async ({ ownerId, project: name, ...file }, newId) => {
    const project = await findProject(accounts, ownerId, name);
    if (!project.ok) return project;
    const announced = { ...file, projectId: project.value.id };
    const why = checkAnnounced(announced);
    if (why) return err({ reason: "refused", why });
    const now = clock.now();
    const made = newId && (await media.get(ownerId, newId));
    const medium = made || newStoredMedium(newId ?? asMediaId(entropy.newId()), ownerId, announced, now);
    // Stored first: an upload that nobody has announced is deleted.
    if (!made && !(await media.save(medium)).ok) throw new RangeError(`the new id ${medium.id} was taken`);
    const upload = await forms.create({
      key: mediaKey(medium),
      type: medium.type,
      maxBytes: medium.sizeBytes,
      validMs: UPLOAD_FORM_MS,
    });
    return ok({ medium, project: project.value.name, now, upload });
  };
}
