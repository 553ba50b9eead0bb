import { Duration, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type CfnBucket,
  ObjectOwnership,
} from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { Grantee } from "#infra/constructs/grantee.ts";

export interface DropBucketProps {
  /**
   * Days after which a dropped file is deleted.
   *
   * @default - never
   */
  readonly dropRetentionDays?: number;
}

/**
 * Folders of the bucket: people write into the first, `relay-events` alone into the second, and clients of the API into
 * the third, by forms that `serve-api` signs.
 */
export type Folder = "drop" | "outcome" | "media";

/**
 * Files that people dropped or uploaded, and what became of them. Every new object is told to EventBridge.
 *
 * No lifecycle rule touches `media/`: none can know whether a task of next year needs an object. What was refused, came
 * too late or was deleted by its owner goes at once, by `accept-drop` and `serve-api`.
 */
export class DropBucket extends Construct {
  private readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { dropRetentionDays }: DropBucketProps = {}) {
    super(scope, id);
    this.bucket = new Bucket(this, "Bucket", {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [
        // Parts of an upload that somebody gave up are invisible, and charged for.
        { id: "abandoned-uploads", abortIncompleteMultipartUploadAfter: Duration.days(1) },
        ...(dropRetentionDays === undefined
          ? []
          : [{ id: "old-drops", prefix: "drop/", expiration: Duration.days(dropRetentionDays) }]),
      ],
    });
    const resource = this.bucket.node.defaultChild as CfnBucket;
    // Not `eventBridgeEnabled`: that adds a custom resource with a function of its own.
    resource.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
    // Independent of where the construct stands: a new logical id would be a new, empty bucket.
    resource.overrideLogicalId("DropBucket");

    Validations.of(this.bucket).acknowledge({
      id: "AwsSolutions-S1",
      reason:
        "Access logs would need a second bucket whose content grows for ever. Who may write here is the owner's IAM, and CloudTrail data events can be switched on where an audit asks for them.",
    });
  }

  get name(): string {
    return this.bucket.bucketName;
  }

  /** Lets it read objects of a folder. */
  allowRead(grantee: Grantee, folder: Folder): void {
    grantee.allow({
      sid: `Read${TITLE[folder]}`,
      actions: ["s3:GetObject"],
      resources: [`${this.bucket.bucketArn}/${folder}/*`],
      wildcard: {
        finding: this.finding(folder),
        reason: "The names of files that people drop or upload are not known before.",
      },
    });
  }

  /** Lets it write objects of a folder. */
  allowWrite(grantee: Grantee, folder: Folder): void {
    grantee.allow({
      sid: `Write${TITLE[folder]}`,
      actions: ["s3:PutObject"],
      resources: [`${this.bucket.bucketArn}/${folder}/*`],
      wildcard: {
        finding: this.finding(folder),
        reason: "An outcome is named like the file that was dropped, an upload by an id that is made for it.",
      },
    });
  }

  /** Lets it delete objects of a folder: those of the API's uploads only. What people dropped is theirs. */
  allowDelete(grantee: Grantee, folder: "media"): void {
    grantee.allow({
      sid: `Delete${TITLE[folder]}`,
      actions: ["s3:DeleteObject"],
      resources: [`${this.bucket.bucketArn}/${folder}/*`],
      wildcard: { finding: this.finding(folder), reason: "An upload is named by an id that is made for it." },
    });
  }

  /**
   * Lets it list a folder, and lets a read of an object that is not there answer 404.
   *
   * Without `s3:ListBucket`, S3 answers 403 for a missing object, and "not uploaded yet" looks like a broken role. That
   * check carries no prefix, hence `IfExists`: a prefix that is given must be the folder.
   *
   * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
   */
  allowList(grantee: Grantee, folder: Folder): void {
    grantee.allow({
      sid: `List${TITLE[folder]}`,
      actions: ["s3:ListBucket"],
      resources: [this.bucket.bucketArn],
      conditions: { StringLikeIfExists: { "s3:prefix": `${folder}/*` } },
    });
  }

  /** As cdk-nag names the objects of a folder when another stack grants them: by the export of the bucket's ARN. */
  private finding(folder: Folder): string {
    return `Resource::${Stack.of(this).stackName}:ExportsOutputFnGetAttDropBucketArn15F961EC/${folder}/*`;
  }
}

const TITLE = { drop: "Drops", outcome: "Outcomes", media: "Media" } as const satisfies Record<
  Folder,
  string
>;
