import { HeadObjectCommand, PutObjectCommand, type S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { toOutcomeView } from "#shared/contract/task-view.ts";
import { formatVersion, isNewer, outcomeKey, parseVersion, versionOf } from "#shared/domain/outcome.ts";
import { ConfigurationFault, DependencyFault } from "#shared/errors.ts";
import type { OutcomeFolder } from "#shared/ports/outcome-folder.ts";

export interface S3OutcomeFolderOptions {
  readonly s3: Pick<S3Client, "send">;
  readonly bucket: string;
}

/** One writer per attempt wins, so this many at the same time all get through. */
const MAX_TRIES = 10;

/**
 * The folder `outcome/` of the bucket. Needs `s3:PutObject`, `s3:GetObject` and `s3:ListBucket` there: without the
 * last, S3 calls an object that is not there yet forbidden.
 *
 * The version stands in the object's metadata. Between reading and writing it another writer may come: the write is
 * conditional on what was read.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export function createS3OutcomeFolder({ s3, bucket }: S3OutcomeFolderOptions): OutcomeFolder {
  async function readVersion(key: string) {
    try {
      const { ETag, Metadata } = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
      return { etag: ETag, version: parseVersion(Metadata?.["version"]) };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw fault(error, "read");
    }
  }

  return {
    async put(outcome) {
      const { drop, post } = outcome;
      const key = outcomeKey(drop.project, drop.base);
      const version = versionOf(outcome);
      // The version stands in the body too: an ETag is a digest of it, and must not come back with older content.
      const body = `${JSON.stringify(toOutcomeView(outcome), null, 2)}\n`;
      for (let tries = 1; tries <= MAX_TRIES; tries++) {
        const stored = await readVersion(key);
        if (stored?.version && !isNewer(version, stored.version)) return "superseded";
        try {
          await s3.send(
            new PutObjectCommand({
              Bucket: bucket,
              Key: key,
              Body: body,
              ContentType: "application/json; charset=utf-8",
              Metadata: {
                version: formatVersion(version),
                ...(post && { "task-id": post.task.id }),
              },
              ...(stored?.etag ? { IfMatch: stored.etag } : { IfNoneMatch: "*" }),
            }),
          );
          return "written";
        } catch (error) {
          const status = statusOf(error);
          // 412: another writer was faster. 409: one is writing. 404: somebody deleted it meanwhile.
          if (status !== 412 && status !== 409 && status !== 404) throw fault(error, "written");
        }
      }
      throw new DependencyFault("other writers of the same outcome were faster every time", {
        details: { version: formatVersion(version), tries: MAX_TRIES },
      });
    },
  };
}

const statusOf = (error: unknown): number | undefined =>
  error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;

function fault(error: unknown, what: "read" | "written"): ConfigurationFault | DependencyFault {
  const status = statusOf(error);
  const message = `the outcome folder could not be ${what}`;
  if (status === 403) return new ConfigurationFault(message, { cause: error });
  return new DependencyFault(message, { cause: error, details: { status } });
}
