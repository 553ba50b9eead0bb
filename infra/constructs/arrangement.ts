import type { CfnParameter } from "aws-cdk-lib";
import type { ConfigEnvironment as ExpandEnvironment } from "#functions/expand-recurrences/config.ts";
import type { CloudFunction } from "#infra/constructs/cloud-function.ts";
import type { Grantee } from "#infra/constructs/grantee.ts";
import type { ScheduleAction, TaskSchedules } from "#infra/constructs/task-schedules.ts";
import type { WorkQueue } from "#infra/constructs/work-queue.ts";

/** The variables of whoever arranges tasks: all that one function has beside the table. */
type ArrangeEnvironment = Omit<ExpandEnvironment, "TABLE_NAME">;

export interface ArrangementProps {
  readonly schedules: TaskSchedules;
  readonly prepareQueue: WorkQueue;
  readonly publishQueue: WorkQueue;
  readonly preparePost: CloudFunction;
  readonly publishPost: CloudFunction;
  readonly parameters: Readonly<
    Record<"holdLeadSeconds" | "nearLimitSeconds" | "prepareLeads", CfnParameter>
  >;
}

/** All that it takes to arrange a task: both functions by schedule, or by queue when the slot is near. */
export class Arrangement {
  readonly environment: ArrangeEnvironment;
  private readonly props: ArrangementProps;

  constructor(props: ArrangementProps) {
    const { schedules, prepareQueue, publishQueue, preparePost, publishPost, parameters } = props;
    this.props = props;
    this.environment = {
      PREPARE_QUEUE_URL: prepareQueue.url,
      PUBLISH_QUEUE_URL: publishQueue.url,
      SCHEDULE_GROUP: schedules.groupName,
      SCHEDULER_ROLE_ARN: schedules.roleArn,
      PREPARE_FUNCTION_ARN: preparePost.arn,
      PUBLISH_FUNCTION_ARN: publishPost.arn,
      HOLD_LEAD_SECONDS: parameters.holdLeadSeconds.valueAsString,
      NEAR_LIMIT_SECONDS: parameters.nearLimitSeconds.valueAsString,
      PREPARE_LEADS: parameters.prepareLeads.valueAsString,
    };
  }

  /** Lets it arrange tasks; `actions` are what it does with their schedules. */
  allow(grantee: Grantee, actions: readonly ScheduleAction[]): void {
    const { schedules, prepareQueue, publishQueue } = this.props;
    schedules.allow(grantee, actions);
    prepareQueue.allowSend(grantee);
    publishQueue.allowSend(grantee);
  }
}
