import { Duration } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import type { Construct } from "constructs";
import type { ConfigEnvironment } from "#functions/expand-recurrences/config.ts";
import type { Arrangement } from "#infra/constructs/arrangement.ts";
import { CloudFunction, type FunctionCommons } from "#infra/constructs/cloud-function.ts";
import type { DeadLetterQueue } from "#infra/constructs/dead-letter-queue.ts";
import type { TaskTable } from "#infra/constructs/task-table.ts";
import { TIMING } from "#shared/domain/timing.ts";

export interface ExpandRecurrencesProps {
  readonly commons: FunctionCommons;
  readonly table: TaskTable;
  readonly arrangement: Arrangement;
  readonly deadLetters: DeadLetterQueue;
}

/** Makes, every hour, the coming occurrences of recurrences tasks, and carries out what a request had no time for. */
export class ExpandRecurrences extends CloudFunction<ConfigEnvironment> {
  constructor(scope: Construct, id: string, props: ExpandRecurrencesProps) {
    const { commons, table, arrangement, deadLetters } = props;
    super(scope, id, {
      name: "expand-recurrences",
      description: "makes coming occurrences of recurrences tasks",
      memoryMb: TIMING.expand.memoryMb,
      timeoutMs: TIMING.expand.timeoutMs,
      commons,
      environment: { TABLE_NAME: table.name, ...arrangement.environment },
    });
    table.allowItems(this, ["GetItem", "PutItem", "Query"], ["wake"]);
    arrangement.allow(this, ["CreateSchedule", "DeleteSchedule"]);

    this.tryAsyncOnce(deadLetters, { maxEventAgeMs: TIMING.maxEventAgeMs });
    new Rule(this, "EveryHour", {
      description: "Time to make coming occurrences tasks",
      schedule: Schedule.rate(Duration.millis(TIMING.expand.everyMs)),
      // The next one comes in an hour, and the horizon is two weeks.
      targets: [
        new LambdaFunction(this.lambda, {
          retryAttempts: 0,
          maxEventAge: Duration.millis(TIMING.maxEventAgeMs),
        }),
      ],
    });
  }
}
