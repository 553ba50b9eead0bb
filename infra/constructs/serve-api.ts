import { type CfnParameter, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { ConfigEnvironment } from "#functions/serve-api/config.ts";
import type { Arrangement } from "#infra/constructs/arrangement.ts";
import { CloudFunction, type FunctionCommons } from "#infra/constructs/cloud-function.ts";
import type { DeadLetterQueue } from "#infra/constructs/dead-letter-queue.ts";
import type { DropBucket } from "#infra/constructs/drop-bucket.ts";
import type { TaskTable } from "#infra/constructs/task-table.ts";
import type { WorkQueue } from "#infra/constructs/work-queue.ts";
import { RELEASE } from "#infra/release.ts";
import { TIMING } from "#shared/domain/timing.ts";

export interface ServeApiProps {
  readonly commons: FunctionCommons;
  readonly table: TaskTable;
  readonly bucket: DropBucket;
  readonly arrangement: Arrangement;
  readonly stage: string;
  /** Queues that it tells of, and moves dead letters back to. */
  readonly queues: Readonly<Record<"intake" | "prepare" | "publish", WorkQueue>>;
  /** Where it hands pings and replays. */
  readonly webhooks: WorkQueue;
  readonly parameters: Readonly<Record<"allowLoopbackWebhooks", CfnParameter>>;
  /** Dead letters that no queue has. */
  readonly background: DeadLetterQueue;
}

/** Answers the HTTP API. It never posts: a request that publishes would make a lost answer the caller's problem. */
export class ServeApi extends CloudFunction<ConfigEnvironment> {
  constructor(scope: Construct, id: string, props: ServeApiProps) {
    const { commons, table, bucket, arrangement, stage, queues, webhooks, parameters, background } = props;
    super(scope, id, {
      name: "serve-api",
      description: "answers the HTTP API",
      memoryMb: TIMING.api.memoryMb,
      timeoutMs: TIMING.api.timeoutMs,
      commons,
      environment: {
        TABLE_NAME: table.name,
        BUCKET_NAME: bucket.name,
        STAGE: stage,
        RELEASE,
        REGION: Stack.of(scope).region,
        INTAKE_QUEUE_URL: queues.intake.url,
        INTAKE_DEAD_LETTERS_URL: queues.intake.deadLetters.url,
        PREPARE_DEAD_LETTERS_URL: queues.prepare.deadLetters.url,
        PUBLISH_DEAD_LETTERS_URL: queues.publish.deadLetters.url,
        WEBHOOK_DEAD_LETTERS_URL: webhooks.deadLetters.url,
        BACKGROUND_DEAD_LETTERS_URL: background.url,
        WEBHOOK_QUEUE_URL: webhooks.url,
        ALLOW_LOOPBACK_WEBHOOKS: parameters.allowLoopbackWebhooks.valueAsString,
        ...arrangement.environment,
      },
    });
    table.allowItems(
      this,
      ["GetItem", "PutItem", "UpdateItem", "Query", "BatchGetItem", "BatchWriteItem"],
      ["byOwner", "byProject", "byAccount"],
    );
    arrangement.allow(this, ["CreateSchedule", "DeleteSchedule"]);
    for (const queue of [...Object.values(queues), webhooks]) {
      queue.allowLook(this);
      queue.deadLetters.allowTake(this, `Redrive${queue.name}`);
    }
    background.allowLook(this, "LookAtBackground");
    // To the others it sends tasks anyway.
    queues.intake.allowSend(this);
    webhooks.allowSend(this);
    // An upload is made with the right of whoever signed its form.
    bucket.allowWrite(this, "media");
    bucket.allowDelete(this, "media");
  }
}
