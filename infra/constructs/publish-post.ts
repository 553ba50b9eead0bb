import type { CfnParameter } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { ConfigEnvironment } from "#functions/publish-post/config.ts";
import { CloudFunction, type FunctionCommons } from "#infra/constructs/cloud-function.ts";
import type { CredentialsKey } from "#infra/constructs/credentials-key.ts";
import type { TaskSchedules } from "#infra/constructs/task-schedules.ts";
import type { TaskTable } from "#infra/constructs/task-table.ts";
import type { WorkQueue } from "#infra/constructs/work-queue.ts";
import { TIMING } from "#shared/domain/timing.ts";

export interface PublishPostProps {
  readonly commons: FunctionCommons;
  readonly table: TaskTable;
  readonly queue: WorkQueue;
  /** Where it sends a task whose media have expired. */
  readonly prepareQueue: WorkQueue;
  readonly schedules: TaskSchedules;
  readonly credentialsKey: CredentialsKey;
  readonly parameters: Readonly<Record<"xEndpoint" | "holdLeadSeconds" | "nearLimitSeconds", CfnParameter>>;
}

/** Holds to the second and posts, once. It never reads a file: the smaller it is, the sooner it is awake. */
export class PublishPost extends CloudFunction<ConfigEnvironment> {
  constructor(scope: Construct, id: string, props: PublishPostProps) {
    const { commons, table, queue, prepareQueue, schedules, credentialsKey, parameters } = props;
    super(scope, id, {
      name: "publish-post",
      description: "holds to the second and posts",
      memoryMb: TIMING.publish.memoryMb,
      timeoutMs: TIMING.publish.timeoutMs,
      commons,
      environment: {
        TABLE_NAME: table.name,
        PREPARE_QUEUE_URL: prepareQueue.url,
        PUBLISH_QUEUE_URL: queue.url,
        SCHEDULE_GROUP: schedules.groupName,
        SCHEDULER_ROLE_ARN: schedules.roleArn,
        CREDENTIALS_KEY_ID: credentialsKey.id,
        X_ENDPOINT: parameters.xEndpoint.valueAsString,
        HOLD_LEAD_SECONDS: parameters.holdLeadSeconds.valueAsString,
        NEAR_LIMIT_SECONDS: parameters.nearLimitSeconds.valueAsString,
      },
    });
    table.allowItems(this, ["GetItem", "PutItem", "UpdateItem", "Query"], ["byOwner"]);
    credentialsKey.allowUse(this);
    queue.allowSend(this);
    prepareQueue.allowSend(this);
    schedules.allow(this, ["CreateSchedule"]);
    schedules.start(this);
    this.tryAsyncOnce(queue.deadLetters, { maxEventAgeMs: TIMING.maxEventAgeMs });
    // No limit of its own: a retry that waits for a free worker would be late.
    queue.feed(this, { batchSize: 1 });
  }
}
