import {
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  type S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { DROP_PREFIX } from "#shared/domain/drop-key.ts";
import { ConfigurationFault, DependencyFault } from "#shared/errors.ts";
import type { DropFolder, StoredFile } from "#shared/ports/drop-folder.ts";
import { err, ok } from "#shared/result.ts";

export interface S3DropFolderOptions {
  readonly s3: Pick<S3Client, "send">;
  readonly bucket: string;
}

/** The folder `drop/` of the bucket. Needs `s3:ListBucket` and `s3:GetObject` there. */
export function createS3DropFolder({ s3, bucket }: S3DropFolderOptions): DropFolder {
  const folderOf = (project: string): string => `${DROP_PREFIX}${project}/`;

  async function* list(project: string, over: Pick<ListObjectsV2CommandInput, "Prefix" | "MaxKeys">) {
    let ContinuationToken: string | undefined;
    do {
      const page = await call("list", () =>
        s3.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            // A key may hold characters that XML cannot.
            EncodingType: "url",
            ...over,
            ...(ContinuationToken !== undefined && { ContinuationToken }),
          }),
        ),
      );
      yield (page.Contents ?? []).flatMap(({ Key, ETag, Size, LastModified }): StoredFile[] => {
        if (Key === undefined || ETag === undefined || Size === undefined || LastModified === undefined)
          return [];
        const key = page.EncodingType === "url" ? decodeURIComponent(Key.replaceAll("+", " ")) : Key;
        const name = key.slice(folderOf(project).length);
        return [{ name, key, etag: ETag, sizeBytes: Size, uploadedAt: LastModified }];
      });
      ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
  }

  return {
    async list(project, start) {
      const files: StoredFile[] = [];
      for await (const page of list(project, { Prefix: folderOf(project) + start })) files.push(...page);
      return files;
    },

    pages: (project) => list(project, { Prefix: folderOf(project) }),

    async find(project, name) {
      // Not HeadObject: a key that is itself the prefix comes first, and a missing one is an empty page.
      for await (const page of list(project, { Prefix: folderOf(project) + name, MaxKeys: 1 }))
        return page.find((file) => file.name === name);
      return undefined;
    },

    async read({ key, etag }) {
      try {
        return ok(
          await call("read", async () => {
            const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key, IfMatch: etag }));
            return (await Body?.transformToByteArray()) ?? new Uint8Array();
          }),
        );
      } catch (error) {
        const status = error instanceof DependencyFault ? statusOf(error.cause) : undefined;
        if (status === 404 || status === 412) return err({ reason: "changed" });
        throw error;
      }
    },
  };
}

const statusOf = (error: unknown): number | undefined =>
  error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;

async function call<Answer>(what: "list" | "read", run: () => Promise<Answer>): Promise<Answer> {
  try {
    return await run();
  } catch (error) {
    const status = statusOf(error);
    if (status === 403)
      throw new ConfigurationFault(`the function may not ${what} the drop folder`, { cause: error });
    throw new DependencyFault(`the drop folder could not be ${what === "list" ? "listed" : "read"}`, {
      cause: error,
      details: { status },
    });
  }
}
