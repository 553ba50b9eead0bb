import { Duration } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import type { Construct } from "constructs";
import type { ConfigEnvironment } from "#functions/sweep-tasks/config.ts";
import type { Arrangement } from "#infra/constructs/arrangement.ts";
import { CloudFunction, type FunctionCommons } from "#infra/constructs/cloud-function.ts";
import { DeadLetterQueue } from "#infra/constructs/dead-letter-queue.ts";
import type { TaskTable } from "#infra/constructs/task-table.ts";
import type { WorkQueue } from "#infra/constructs/work-queue.ts";
import { TIMING } from "#shared/domain/timing.ts";

export interface SweepTasksProps {
  readonly commons: FunctionCommons;
  readonly table: TaskTable;
  readonly intake: WorkQueue;
  readonly arrangement: Arrangement;
}

/** Moves, every minute, whatever should have moved by now. */
export class SweepTasks extends CloudFunction<ConfigEnvironment> {
  readonly deadLetters: DeadLetterQueue;

  constructor(scope: Construct, id: string, { commons, table, intake, arrangement }: SweepTasksProps) {
    super(scope, id, {
      name: "sweep-tasks",
      description: "moves whatever should have moved by now",
      memoryMb: TIMING.sweep.memoryMb,
      timeoutMs: TIMING.sweep.timeoutMs,
      commons,
      environment: { TABLE_NAME: table.name, INTAKE_QUEUE_URL: intake.url, ...arrangement.environment },
    });
    table.allowItems(this, ["GetItem", "PutItem", "UpdateItem", "Query"], ["wake"]);
    intake.allowSend(this);
    arrangement.allow(this, ["CreateSchedule"]);

    this.deadLetters = new DeadLetterQueue(this, "DeadLetters", {
      of: "The sweeper",
      alarms: commons.alarms,
    });
    this.tryAsyncOnce(this.deadLetters, { maxEventAgeMs: TIMING.maxEventAgeMs });
    new Rule(this, "EveryMinute", {
      description: "Time to look for what should have moved",
      schedule: Schedule.rate(Duration.millis(TIMING.sweep.everyMs)),
      // A minute later there is another one: a late event is of no use.
      targets: [new LambdaFunction(this.lambda, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
    });
  }
}
