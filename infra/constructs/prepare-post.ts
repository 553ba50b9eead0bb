import type { CfnParameter } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { ConfigEnvironment } from "#functions/prepare-post/config.ts";
import { CloudFunction, type FunctionCommons } from "#infra/constructs/cloud-function.ts";
import type { CredentialsKey } from "#infra/constructs/credentials-key.ts";
import type { DropBucket } from "#infra/constructs/drop-bucket.ts";
import type { TaskSchedules } from "#infra/constructs/task-schedules.ts";
import type { TaskTable } from "#infra/constructs/task-table.ts";
import type { WorkQueue } from "#infra/constructs/work-queue.ts";
import { TIMING } from "#shared/domain/timing.ts";

export interface PreparePostProps {
  readonly commons: FunctionCommons;
  readonly table: TaskTable;
  readonly bucket: DropBucket;
  readonly queue: WorkQueue;
  /** Where it sends a post whose slot came while it was still being prepared. */
  readonly publishQueue: WorkQueue;
  readonly schedules: TaskSchedules;
  readonly credentialsKey: CredentialsKey;
  readonly parameters: Readonly<
    Record<"xEndpoint" | "uploadConcurrency" | "geminiEndpoint" | "geminiModel", CfnParameter>
  >;
}

/** Measured: they keep the process flat while it copies gigabytes, as V8 would rather grow than collect. */
export const FLAT_MEMORY = ["--max-semi-space-size=1"];

/** Uploads media, and has texts written, ahead of the slot. It starts on a schedule, and continues by messages to itself. */
export class PreparePost extends CloudFunction<ConfigEnvironment> {
  constructor(scope: Construct, id: string, props: PreparePostProps) {
    const { commons, table, bucket, queue, publishQueue, schedules, credentialsKey, parameters } = props;
    super(scope, id, {
      name: "prepare-post",
      description: "uploads the media of a post, and has its text written, ahead of its slot",
      memoryMb: TIMING.prepare.memoryMb,
      timeoutMs: TIMING.prepare.timeoutMs,
      nodeOptions: FLAT_MEMORY,
      commons,
      environment: {
        TABLE_NAME: table.name,
        BUCKET_NAME: bucket.name,
        PREPARE_QUEUE_URL: queue.url,
        PUBLISH_QUEUE_URL: publishQueue.url,
        SCHEDULE_GROUP: schedules.groupName,
        SCHEDULER_ROLE_ARN: schedules.roleArn,
        CREDENTIALS_KEY_ID: credentialsKey.id,
        X_ENDPOINT: parameters.xEndpoint.valueAsString,
        UPLOAD_CONCURRENCY: parameters.uploadConcurrency.valueAsString,
        GEMINI_ENDPOINT: parameters.geminiEndpoint.valueAsString,
        GEMINI_MODEL: parameters.geminiModel.valueAsString,
      },
    });
    table.allowItems(this, ["GetItem", "PutItem", "UpdateItem", "Query"], ["byOwner"]);
    for (const folder of ["drop", "media"] as const) {
      bucket.allowRead(this, folder);
      bucket.allowList(this, folder);
    }
    credentialsKey.allowUse(this);
    queue.allowSend(this);
    publishQueue.allowSend(this);
    schedules.allow(this, ["CreateSchedule"]);
    schedules.start(this);
    this.tryAsyncOnce(queue.deadLetters, { maxEventAgeMs: TIMING.maxEventAgeMs });
    queue.feed(this, { batchSize: 1, maxConcurrency: TIMING.prepare.maxConcurrency });
  }
}
