import { Duration, Validations } from "aws-cdk-lib";
import { type IQueue, Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { ALARM_PERIOD, type Alarms } from "#infra/constructs/alarms.ts";
import type { Grantee } from "#infra/constructs/grantee.ts";

/** The longest that SQS keeps a message: whoever is told on a Friday evening has two weeks. */
const RETENTION = Duration.days(14);

export interface DeadLetterQueueProps {
  /** Whose failures end here, for the alarm's text. */
  readonly of: string;
  readonly alarms: Alarms;
}

/** Where a message ends that nobody could work on, with all that is needed to replay it. One message is an alarm. */
export class DeadLetterQueue extends Construct {
  readonly queue: IQueue;

  constructor(scope: Construct, id: string, { of, alarms }: DeadLetterQueueProps) {
    super(scope, id);
    this.queue = new Queue(this, "Queue", {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: RETENTION,
    });
    Validations.of(this.queue).acknowledge({
      id: "AwsSolutions-SQS3",
      reason:
        "Failures end here: of a queue, which the rule sees, or of an event or a stream, which it does not.",
    });
    alarms.watch(this, "Messages", {
      description: `${of} gave up on a message. Read it in the dead-letter queue, mend the cause, redrive it.`,
      metric: this.queue.metricApproximateNumberOfMessagesVisible({
        period: ALARM_PERIOD,
        statistic: "Maximum",
      }),
      threshold: 1,
    });
  }

  get arn(): string {
    return this.queue.queueArn;
  }

  get url(): string {
    return this.queue.queueUrl;
  }

  /** Lets it count what lies here. */
  allowLook(grantee: Grantee, sid: string): void {
    grantee.allow({ sid, actions: ["sqs:GetQueueAttributes"], resources: [this.arn] });
  }

  /** Lets it take messages away, to send them where they came from. */
  allowTake(grantee: Grantee, sid: string): void {
    grantee.allow({ sid, actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage"], resources: [this.arn] });
  }

  /** Lets it set a failure aside. */
  allowSend(grantee: Grantee): void {
    grantee.allow({ sid: "DeadLetters", actions: ["sqs:SendMessage"], resources: [this.arn] });
  }
}
