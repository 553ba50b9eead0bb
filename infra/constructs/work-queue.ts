import { Duration } from "aws-cdk-lib";
import type { Rule } from "aws-cdk-lib/aws-events";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { EventSourceMapping } from "aws-cdk-lib/aws-lambda";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { ALARM_PERIOD, type Alarms } from "#infra/constructs/alarms.ts";
import type { CloudFunction } from "#infra/constructs/cloud-function.ts";
import { DeadLetterQueue } from "#infra/constructs/dead-letter-queue.ts";
import type { Grantee } from "#infra/constructs/grantee.ts";

export interface WorkQueueProps {
  /** One word, such as `Publish`: the name of its rights, and of what it is in an alarm's text. */
  readonly name: string;

  /** At least six times the time-out of the function that empties it. */
  readonly visibilityMs: number;

  /** Tries before a message is set aside. */
  readonly maxReceives: number;

  readonly alarms: Alarms;

  /**
   * An alarm when a message waits longer than this.
   *
   * @default - none
   */
  readonly maxAgeMs?: number;
}

export interface FeedOptions {
  readonly batchSize: number;

  /**
   * Invocations at once, 2 to 1,000.
   *
   * @default - Lambda scales on its own
   */
  readonly maxConcurrency?: number;
}

/**
 * A queue with its dead letters. Nothing reaches it except over TLS.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
 */
export class WorkQueue extends Construct {
  readonly deadLetters: DeadLetterQueue;
  private readonly queue: Queue;
  readonly name: string;

  constructor(scope: Construct, id: string, props: WorkQueueProps) {
    super(scope, id);
    const { name, visibilityMs, maxReceives, alarms, maxAgeMs } = props;
    this.name = name;
    this.deadLetters = new DeadLetterQueue(this, "DeadLetters", {
      of: `The queue ${name.toLowerCase()}`,
      alarms,
    });
    this.queue = new Queue(this, "Queue", {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: Duration.millis(visibilityMs),
      deadLetterQueue: { queue: this.deadLetters.queue, maxReceiveCount: maxReceives },
    });
    if (maxAgeMs !== undefined) {
      alarms.watch(this, "Age", {
        level: "detailed",
        description: `Messages wait too long in the queue ${name.toLowerCase()}: its function is throttled or stuck.`,
        metric: this.queue.metricApproximateAgeOfOldestMessage({
          period: ALARM_PERIOD,
          statistic: "Maximum",
        }),
        threshold: maxAgeMs / 1_000,
      });
    }
  }

  get url(): string {
    return this.queue.queueUrl;
  }

  /** Lets it send messages here. */
  allowSend(grantee: Grantee): void {
    grantee.allow({
      sid: `SendTo${this.name}`,
      actions: ["sqs:SendMessage"],
      resources: [this.queue.queueArn],
    });
  }

  /** Lets it count messages, here and among the dead letters. */
  allowLook(grantee: Grantee): void {
    grantee.allow({
      sid: `LookAt${this.name}`,
      actions: ["sqs:GetQueueAttributes"],
      resources: [this.queue.queueArn, this.deadLetters.arn],
    });
  }

  /** Lets EventBridge send what this rule matches, and no other rule of anybody. */
  receive(rule: Rule): void {
    this.queue.addToResourcePolicy(
      new PolicyStatement({
        sid: "EventsOfOneRule",
        principals: [new ServicePrincipal("events.amazonaws.com")],
        actions: ["sqs:SendMessage"],
        resources: [this.queue.queueArn],
        conditions: { ArnEquals: { "aws:SourceArn": rule.ruleArn } },
      }),
    );
    rule.addTarget({ bind: () => ({ arn: this.queue.queueArn }) });
  }

  /**
   * Has Lambda poll this queue for the function. It reports failures message by message, so that one that fails does
   * not send its neighbours round again.
   */
  feed(worker: CloudFunction, { batchSize, maxConcurrency }: FeedOptions): void {
    // Exactly what Lambda's poller calls, with the function's role.
    worker.allow({
      sid: `ReceiveFrom${this.name}`,
      actions: [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:GetQueueAttributes",
      ],
      resources: [this.queue.queueArn],
    });
    new EventSourceMapping(this, "Mapping", {
      target: worker.lambda,
      eventSourceArn: this.queue.queueArn,
      batchSize,
      reportBatchItemFailures: true,
      ...(maxConcurrency !== undefined && { maxConcurrency }),
    });
  }
}
