import type { CfnParameter } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { ConfigEnvironment } from "#functions/accept-drop/config.ts";
import type { Arrangement } from "#infra/constructs/arrangement.ts";
import { CloudFunction, type FunctionCommons } from "#infra/constructs/cloud-function.ts";
import type { DropBucket } from "#infra/constructs/drop-bucket.ts";
import type { TaskTable } from "#infra/constructs/task-table.ts";
import type { WorkQueue } from "#infra/constructs/work-queue.ts";
import { TIMING } from "#shared/domain/timing.ts";

export interface AcceptDropProps {
  readonly commons: FunctionCommons;
  readonly table: TaskTable;
  readonly bucket: DropBucket;
  readonly intake: WorkQueue;
  readonly arrangement: Arrangement;
  readonly settleSeconds: CfnParameter;
}

/** Files of the same name arrive in any order and close together: ten to a batch. */
const BATCH_SIZE = 10;

/** Turns dropped files into tasks, and inspects uploaded media. */
export class AcceptDrop extends CloudFunction<ConfigEnvironment> {
  constructor(scope: Construct, id: string, props: AcceptDropProps) {
    const { commons, table, bucket, intake, arrangement, settleSeconds } = props;
    super(scope, id, {
      name: "accept-drop",
      description: "turns dropped files into tasks, and inspects uploaded media",
      memoryMb: TIMING.accept.memoryMb,
      timeoutMs: TIMING.accept.timeoutMs,
      commons,
      environment: {
        TABLE_NAME: table.name,
        BUCKET_NAME: bucket.name,
        INTAKE_QUEUE_URL: intake.url,
        SETTLE_SECONDS: settleSeconds.valueAsString,
        ...arrangement.environment,
      },
    });
    table.allowItems(this, ["GetItem", "PutItem", "Query", "BatchGetItem", "BatchWriteItem"], ["byAccount"]);
    for (const folder of ["drop", "media"] as const) {
      bucket.allowRead(this, folder);
      bucket.allowList(this, folder);
    }
    // What was refused, or came too late, is of no use to anybody.
    bucket.allowDelete(this, "media");
    intake.allowSend(this);
    arrangement.allow(this, ["CreateSchedule", "DeleteSchedule"]);
    intake.feed(this, { batchSize: BATCH_SIZE, maxConcurrency: TIMING.accept.maxConcurrency });
  }
}
