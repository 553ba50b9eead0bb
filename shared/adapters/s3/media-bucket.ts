import { DeleteObjectCommand, type S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { ConfigurationFault, DependencyFault } from "#shared/errors.ts";
import type { MediaBucket } from "#shared/ports/media-bucket.ts";

export interface S3MediaBucketOptions {
  readonly s3: Pick<S3Client, "send">;
  readonly bucket: string;
}

/** The folder `media/` of the bucket. Needs `s3:DeleteObject` there. */
export const createS3MediaBucket = ({ s3, bucket }: S3MediaBucketOptions): MediaBucket => ({
  async remove(key) {
    try {
      await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    } catch (error) {
      const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
      if (status === 404) return;
      if (status === 403)
        throw new ConfigurationFault("the function may not delete uploaded media", { cause: error });
      throw new DependencyFault("an uploaded medium could not be deleted", {
        cause: error,
        details: { status },
      });
    }
  },
});
