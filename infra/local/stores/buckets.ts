import { CreateBucketCommand, HeadBucketCommand, NotFound, S3Client } from "@aws-sdk/client-s3";
import type { Assembly } from "../template/assembly.ts";
import { direct } from "./clients.ts";

/** Creates the template's buckets that are not there yet; objects stay. */
export async function createBuckets(assembly: Assembly, endpoint: string): Promise<void> {
  const client = new S3Client({ ...direct(assembly, endpoint), forcePathStyle: true });
  try {
    for (const { physicalId: Bucket } of assembly.ofType("AWS::S3::Bucket")) {
      try {
        await client.send(new HeadBucketCommand({ Bucket }));
      } catch (error) {
        if (!(error instanceof NotFound)) {
          throw error;
        }
        await client.send(new CreateBucketCommand({ Bucket }));
      }
    }
  } finally {
    client.destroy();
  }
}
