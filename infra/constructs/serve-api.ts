import type { Construct } from "constructs";
import type { ConfigEnvironment } from "#functions/serve-api/config.ts";
import type { Arrangement } from "#infra/constructs/arrangement.ts";
import { CloudFunction, type FunctionCommons } from "#infra/constructs/cloud-function.ts";
import type { TaskTable } from "#infra/constructs/task-table.ts";
import { TIMING } from "#shared/domain/timing.ts";

export interface ServeApiProps {
  readonly commons: FunctionCommons;
  readonly table: TaskTable;
  readonly arrangement: Arrangement;
  readonly stage: string;
}

/** Answers the HTTP API. It never posts: a request that publishes would make a lost answer the caller's problem. */
export class ServeApi extends CloudFunction<ConfigEnvironment> {
  constructor(scope: Construct, id: string, { commons, table, arrangement, stage }: ServeApiProps) {
    super(scope, id, {
      name: "serve-api",
      description: "answers the HTTP API",
      memoryMb: TIMING.api.memoryMb,
      timeoutMs: TIMING.api.timeoutMs,
      commons,
      environment: { TABLE_NAME: table.name, STAGE: stage, ...arrangement.environment },
    });
    table.allowItems(
      this,
      ["GetItem", "PutItem", "UpdateItem", "Query", "BatchGetItem", "BatchWriteItem"],
      ["byOwner", "byProject", "byAccount"],
    );
    arrangement.allow(this, ["CreateSchedule", "DeleteSchedule"]);
  }
}
