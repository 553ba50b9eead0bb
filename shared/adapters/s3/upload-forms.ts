import type { S3Client } from "@aws-sdk/client-s3";
import { createPresignedPost } from "@aws-sdk/s3-presigned-post";
import type { Clock } from "#shared/ports/clock.ts";
import type { UploadForms } from "#shared/ports/upload-forms.ts";

export interface S3UploadFormsOptions {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly clock: Pick<Clock, "now">;
}

/**
 * Forms by presigned POST. Each carries a right of whoever signed it, `s3:PutObject`, and ends with the signer's session,
 * if that is sooner.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 */
export const createS3UploadForms = ({ s3, bucket, clock }: S3UploadFormsOptions): UploadForms => ({
  async create({ key, type, maxBytes, validMs }) {
    const expiresAt = new Date(clock.now().getTime() + validMs);
    const { url, fields } = await createPresignedPost(s3, {
      Bucket: bucket,
      Key: key,
      // What is a field must be sent exactly so: key, bucket and content type. Other fields are refused.
      Fields: { "Content-Type": type },
      Conditions: [["content-length-range", 1, maxBytes]],
      Expires: Math.floor(validMs / 1_000),
    });
    return { url, fields, expiresAt };
  },
});
