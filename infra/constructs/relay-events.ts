import { Duration } from "aws-cdk-lib";
import { EventSourceMapping, FilterCriteria, StartingPosition } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import type { ConfigEnvironment } from "#functions/relay-events/config.ts";
import { ALARM_PERIOD, metricsNamespace } from "#infra/constructs/alarms.ts";
import { CloudFunction, type FunctionCommons } from "#infra/constructs/cloud-function.ts";
import type { DeadLetterQueue } from "#infra/constructs/dead-letter-queue.ts";
import type { DropBucket } from "#infra/constructs/drop-bucket.ts";
import type { TaskTable } from "#infra/constructs/task-table.ts";
import type { WorkQueue } from "#infra/constructs/work-queue.ts";
import { TIMING } from "#shared/domain/timing.ts";

export interface RelayEventsProps {
  readonly commons: FunctionCommons;
  readonly table: TaskTable;
  readonly bucket: DropBucket;
  /** Where it hands what webhooks are told of. */
  readonly webhooks: WorkQueue;
  readonly deadLetters: DeadLetterQueue;
}

const BATCH_SIZE = 100;

/** About two minutes with Lambda's own backoff: long enough for a throttle, short enough not to hold the shard up. */
const RETRIES = 8;

/** An outcome that could not be told within the hour is for a person; the stream itself forgets after a day. */
const MAX_RECORD_AGE = Duration.hours(1);

/** Only these items are told to anyone or measured; contents, progress and counters would be most of the stream. */
const RELAYED = [
  { pk: "TASK#", sk: "TASK" },
  { pk: "DROP#", sk: "DROP" },
  { pk: "TASK#", sk: { prefix: "LOG#" } },
  { pk: "ACCOUNT#", sk: ["GATE", "ACCOUNT"] },
];

/** Tells the outside what became of tasks, and CloudWatch how long it took, from the table's stream. */
export class RelayEvents extends CloudFunction<ConfigEnvironment> {
  constructor(
    scope: Construct,
    id: string,
    { commons, table, bucket, webhooks, deadLetters }: RelayEventsProps,
  ) {
    super(scope, id, {
      name: "relay-events",
      description: "tells and measures what the table's stream says",
      memoryMb: TIMING.relay.memoryMb,
      timeoutMs: TIMING.relay.timeoutMs,
      commons,
      environment: {
        TABLE_NAME: table.name,
        BUCKET_NAME: bucket.name,
        METRICS_NAMESPACE: metricsNamespace(scope),
        WEBHOOK_QUEUE_URL: webhooks.url,
      },
    });
    table.allowItems(this, ["GetItem", "PutItem", "UpdateItem"]);
    bucket.allowRead(this, "outcome");
    bucket.allowWrite(this, "outcome");
    bucket.allowList(this, "outcome");

    webhooks.allowSend(this);
    deadLetters.allowSend(this);
    table.allowStream(this);
    new EventSourceMapping(this, "Mapping", {
      target: this.lambda,
      eventSourceArn: table.streamArn,
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: BATCH_SIZE,
      bisectBatchOnError: true,
      reportBatchItemFailures: true,
      retryAttempts: RETRIES,
      maxRecordAge: MAX_RECORD_AGE,
      // Not `SqsDlq`: it grants more than sending.
      onFailure: { bind: () => ({ destination: deadLetters.arn }) },
      filters: RELAYED.map(({ pk, sk }) =>
        FilterCriteria.filter({
          dynamodb: { Keys: { pk: { S: [{ prefix: pk }] }, sk: { S: [sk].flat() } } },
        }),
      ),
    });
    commons.alarms.watch(this, "IteratorAge", {
      level: "detailed",
      description: "Outcomes are told late: the relay fails or cannot keep up with the table.",
      metric: this.lambda.metric("IteratorAge", { period: ALARM_PERIOD, statistic: "Maximum" }),
      threshold: Duration.minutes(15).toMilliseconds(),
    });
  }
}
