import type { UploadForm } from "#shared/domain/stored-media.ts";

export interface FormWish {
  readonly key: string;
  /** MIME type, exactly as the form will send it. */
  readonly type: string;
  /** The bucket takes 1 to this many. */
  readonly maxBytes: number;
  /** How long the form is good for, in ms. */
  readonly validMs: number;
}

/** Makes forms that send one file into the bucket. */
export interface UploadForms {
  create(wish: FormWish): Promise<UploadForm>;
}
