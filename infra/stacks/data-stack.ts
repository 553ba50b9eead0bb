import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { CredentialsKey } from "#infra/constructs/credentials-key.ts";
import { DropBucket } from "#infra/constructs/drop-bucket.ts";
import { TaskTable } from "#infra/constructs/task-table.ts";
import type { Settings } from "#infra/settings.ts";

export interface DataStackProps extends StackProps {
  readonly settings: Settings;
}

/** What must outlive every deploy: tasks, files, and the key that opens the credentials. */
export class DataStack extends Stack {
  readonly table: TaskTable;
  readonly bucket: DropBucket;
  readonly credentialsKey: CredentialsKey;

  constructor(scope: Construct, id: string, { settings, ...props }: DataStackProps) {
    super(scope, id, {
      description: "Punctual: tasks, files and the key of the credentials",
      terminationProtection: true,
      ...props,
    });

    this.table = new TaskTable(this, "Tasks");
    this.bucket = new DropBucket(this, "Drops", {
      ...(settings.dropRetentionDays !== undefined && { dropRetentionDays: settings.dropRetentionDays }),
    });
    this.credentialsKey = new CredentialsKey(this, "Credentials");

    new CfnOutput(this, "TableName", { value: this.table.name });
    new CfnOutput(this, "BucketName", { value: this.bucket.name });
    new CfnOutput(this, "CredentialsKeyId", { value: this.credentialsKey.id });
  }
}
