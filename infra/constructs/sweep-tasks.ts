import { Duration } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import type { Construct } from "constructs";
import type { ConfigEnvironment } from "#functions/sweep-tasks/config.ts";
import { metricsNamespace, ownMetric } from "#infra/constructs/alarms.ts";
import type { Arrangement } from "#infra/constructs/arrangement.ts";
import { CloudFunction, type FunctionCommons } from "#infra/constructs/cloud-function.ts";
import type { DeadLetterQueue } from "#infra/constructs/dead-letter-queue.ts";
import type { TaskTable } from "#infra/constructs/task-table.ts";
import type { WorkQueue } from "#infra/constructs/work-queue.ts";
import { TIMING } from "#shared/domain/timing.ts";

export interface SweepTasksProps {
  readonly commons: FunctionCommons;
  readonly table: TaskTable;
  readonly intake: WorkQueue;
  readonly arrangement: Arrangement;
  readonly deadLetters: DeadLetterQueue;
}

/** Moves, every minute, whatever should have moved by now. */
export class SweepTasks extends CloudFunction<ConfigEnvironment> {
  constructor(scope: Construct, id: string, props: SweepTasksProps) {
    const { commons, table, intake, arrangement, deadLetters } = props;
    super(scope, id, {
      name: "sweep-tasks",
      description: "moves whatever should have moved by now",
      memoryMb: TIMING.sweep.memoryMb,
      timeoutMs: TIMING.sweep.timeoutMs,
      commons,
      environment: {
        TABLE_NAME: table.name,
        INTAKE_QUEUE_URL: intake.url,
        METRICS_NAMESPACE: metricsNamespace(scope),
        ...arrangement.environment,
      },
    });
    table.allowItems(
      this,
      ["GetItem", "PutItem", "UpdateItem", "Query"],
      ["wake", "byProject", "byStatus", "byAccount"],
    );
    intake.allowSend(this);
    arrangement.allow(this, ["CreateSchedule", "DeleteSchedule"]);

    this.tryAsyncOnce(deadLetters, { maxEventAgeMs: TIMING.maxEventAgeMs });
    new Rule(this, "EveryMinute", {
      description: "Time to look for what should have moved",
      schedule: Schedule.rate(Duration.millis(TIMING.sweep.everyMs)),
      // A minute later there is another one: a late event is of no use.
      targets: [new LambdaFunction(this.lambda, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
    });
    commons.alarms.watch(this, "WithoutProgress", {
      description:
        "A task stands still for ten minutes, whoever the sweeper sends. Find it in the sweeper's log, then see its own log.",
      metric: ownMetric(this, "TasksWithoutProgress", "Maximum"),
      threshold: 1,
    });
  }
}
