import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { AcceptDrop } from "#infra/constructs/accept-drop.ts";
import { ALARM_PERIOD, Alarms } from "#infra/constructs/alarms.ts";
import { Arrangement } from "#infra/constructs/arrangement.ts";
import { AuthorizeRequest } from "#infra/constructs/authorize-request.ts";
import { ConnectAccount } from "#infra/constructs/connect-account.ts";
import { DeadLetterQueue } from "#infra/constructs/dead-letter-queue.ts";
import { DeliverWebhook } from "#infra/constructs/deliver-webhook.ts";
import { DropEvents } from "#infra/constructs/drop-events.ts";
import { ExpandRecurrences } from "#infra/constructs/expand-recurrences.ts";
import { Api } from "#infra/constructs/http-api.ts";
import { PreparePost } from "#infra/constructs/prepare-post.ts";
import { PublishPost } from "#infra/constructs/publish-post.ts";
import { RelayEvents } from "#infra/constructs/relay-events.ts";
import { ServeApi } from "#infra/constructs/serve-api.ts";
import { ServiceParameters } from "#infra/constructs/service-parameters.ts";
import { SweepTasks } from "#infra/constructs/sweep-tasks.ts";
import { TaskSchedules } from "#infra/constructs/task-schedules.ts";
import { WorkQueue } from "#infra/constructs/work-queue.ts";
import type { Settings } from "#infra/settings.ts";
import type { DataStack } from "#infra/stacks/data-stack.ts";
import { TIMING } from "#shared/domain/timing.ts";

/** Delays count as age, so only what is older than the longest delay and a few tries is late. */
const PUBLISH_QUEUE_MAX_AGE_MS = TIMING.maxQueueDelayMs + TIMING.maxEventAgeMs;

export interface ServiceStackProps extends StackProps {
  readonly settings: Settings;
  readonly data: DataStack;

  /**
   * Folder with one bundle per function.
   *
   * @default - the output of `npm run build`
   */
  readonly bundleDirectory?: string;
}

/** Everything that works on the data. It can be deleted and deployed again: the sweeper finds what was under way. */
export class ServiceStack extends Stack {
  constructor(scope: Construct, id: string, props: ServiceStackProps) {
    const { settings, data, bundleDirectory, ...stackProps } = props;
    super(scope, id, {
      description: "Punctual: functions, queues, schedules and the API",
      ...stackProps,
    });
    const { table, bucket, credentialsKey } = data;

    const parameters = new ServiceParameters(this, "Parameters");
    const alarms = new Alarms(this, "Alarms", {
      level: settings.alarms,
      ...(settings.alarmEmail !== undefined && { email: settings.alarmEmail }),
    });
    const logRetention = settings.logRetentionDays;
    const commons = { alarms, logRetention, ...(bundleDirectory !== undefined && { bundleDirectory }) };

    const schedules = new TaskSchedules(this, "Schedules");
    const intake = new WorkQueue(this, "Intake", { name: "Intake", alarms, ...TIMING.accept });
    const prepareQueue = new WorkQueue(this, "Prepare", { name: "Prepare", alarms, ...TIMING.prepare });
    const publishQueue = new WorkQueue(this, "Publish", {
      name: "Publish",
      alarms,
      maxAgeMs: PUBLISH_QUEUE_MAX_AGE_MS,
      ...TIMING.publish,
    });

    const webhooks = new WorkQueue(this, "Webhooks", { name: "Webhooks", alarms, ...TIMING.deliver });

    const preparePost = new PreparePost(this, "PreparePost", {
      commons,
      table,
      bucket,
      queue: prepareQueue,
      publishQueue,
      schedules,
      credentialsKey,
      parameters,
    });
    const publishPost = new PublishPost(this, "PublishPost", {
      commons,
      table,
      queue: publishQueue,
      prepareQueue,
      schedules,
      credentialsKey,
      parameters,
    });
    const arrangement = new Arrangement({
      schedules,
      prepareQueue,
      publishQueue,
      preparePost,
      publishPost,
      parameters,
    });

    new AcceptDrop(this, "AcceptDrop", {
      commons,
      table,
      bucket,
      intake,
      arrangement,
      settleSeconds: parameters.settleSeconds,
    });
    new DropEvents(this, "DropEvents", { bucket, intake });
    // Nobody replays what ends here, so one queue, and one alarm, serves them all.
    const deadLetters = new DeadLetterQueue(this, "BackgroundDeadLetters", {
      of: "The sweeper, the expansion of recurrences or the relay",
      alarms,
    });
    new SweepTasks(this, "SweepTasks", { commons, table, intake, arrangement, deadLetters });
    new ExpandRecurrences(this, "ExpandRecurrences", { commons, table, arrangement, deadLetters });
    new RelayEvents(this, "RelayEvents", { commons, table, bucket, webhooks, deadLetters });
    new DeliverWebhook(this, "DeliverWebhook", {
      commons,
      table,
      queue: webhooks,
      credentialsKey,
      parameters,
    });

    const serveApi = new ServeApi(this, "ServeApi", {
      commons,
      table,
      bucket,
      arrangement,
      stage: settings.stage,
      queues: { intake, prepare: prepareQueue, publish: publishQueue },
      webhooks,
      parameters,
      background: deadLetters,
    });
    const authorizeRequest = new AuthorizeRequest(this, "AuthorizeRequest", { commons, table });
    const connectAccount = new ConnectAccount(this, "ConnectAccount", {
      commons,
      table,
      credentialsKey,
      parameters,
    });
    const api = new Api(this, "Api", {
      serveApi,
      connectAccount,
      authorizeRequest,
      alarms,
      logRetention,
      corsOrigins: settings.corsOrigins,
    });

    // Concurrency belongs to the account: whoever takes the last of it, all functions wait.
    alarms.watch(this, "Throttles", {
      level: "detailed",
      description:
        "The AWS account has no concurrency left: functions wait, and posts may be late. Ask AWS for more.",
      metric: LambdaFunction.metricAllThrottles({ period: ALARM_PERIOD, statistic: "Sum" }),
      threshold: 1,
    });

    const outputs = {
      ApiUrl: api.url,
      ScheduleGroup: schedules.groupName,
      IntakeDeadLettersUrl: intake.deadLetters.url,
      PrepareDeadLettersUrl: prepareQueue.deadLetters.url,
      PublishDeadLettersUrl: publishQueue.deadLetters.url,
      WebhooksDeadLettersUrl: webhooks.deadLetters.url,
      BackgroundDeadLettersUrl: deadLetters.url,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
