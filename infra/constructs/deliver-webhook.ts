import type { CfnParameter } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { ConfigEnvironment } from "#functions/deliver-webhook/config.ts";
import { CloudFunction, type FunctionCommons } from "#infra/constructs/cloud-function.ts";
import type { CredentialsKey } from "#infra/constructs/credentials-key.ts";
import type { TaskTable } from "#infra/constructs/task-table.ts";
import type { WorkQueue } from "#infra/constructs/work-queue.ts";
import { TIMING } from "#shared/domain/timing.ts";

export interface DeliverWebhookProps {
  readonly commons: FunctionCommons;
  readonly table: TaskTable;
  readonly queue: WorkQueue;
  readonly credentialsKey: CredentialsKey;
  readonly parameters: Readonly<Record<"allowLoopbackWebhooks", CfnParameter>>;
}

/**
 * Calls the endpoints of webhooks: the one function that goes where somebody else says. So it stands apart, with rights to
 * tell what happened and to note how that went, and none to post.
 */
export class DeliverWebhook extends CloudFunction<ConfigEnvironment> {
  constructor(scope: Construct, id: string, props: DeliverWebhookProps) {
    const { commons, table, queue, credentialsKey, parameters } = props;
    super(scope, id, {
      name: "deliver-webhook",
      description: "calls the endpoints of webhooks",
      memoryMb: TIMING.deliver.memoryMb,
      timeoutMs: TIMING.deliver.timeoutMs,
      commons,
      environment: {
        TABLE_NAME: table.name,
        CREDENTIALS_KEY_ID: credentialsKey.id,
        WEBHOOK_QUEUE_URL: queue.url,
        ALLOW_LOOPBACK_WEBHOOKS: parameters.allowLoopbackWebhooks.valueAsString,
      },
    });
    table.allowItems(this, ["GetItem", "PutItem", "UpdateItem"]);
    credentialsKey.allowOpenWebhooks(this);
    // Retries, and what waits longer than a queue can delay.
    queue.allowSend(this);
    const { batchSize, maxConcurrency } = TIMING.deliver;
    queue.feed(this, { batchSize, maxConcurrency });
  }
}
