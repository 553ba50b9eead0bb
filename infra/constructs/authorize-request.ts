import type { Construct } from "constructs";
import type { ConfigEnvironment } from "#functions/authorize-request/config.ts";
import { CloudFunction, type FunctionCommons } from "#infra/constructs/cloud-function.ts";
import type { TaskTable } from "#infra/constructs/task-table.ts";
import { TIMING } from "#shared/domain/timing.ts";

export interface AuthorizeRequestProps {
  readonly commons: FunctionCommons;
  readonly table: TaskTable;
}

/** Decides whether a request may pass, from the hash of its key or of its session; notes whom it does not let in. */
export class AuthorizeRequest extends CloudFunction<ConfigEnvironment> {
  constructor(scope: Construct, id: string, { commons, table }: AuthorizeRequestProps) {
    super(scope, id, {
      name: "authorize-request",
      description: "decides whether a request may pass",
      memoryMb: TIMING.authorize.memoryMb,
      timeoutMs: TIMING.authorize.timeoutMs,
      commons,
      environment: { TABLE_NAME: table.name },
    });
    table.allowItems(this, ["GetItem", "PutItem", "UpdateItem"]);
  }
}
