import type { CfnParameter } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { ConfigEnvironment } from "#functions/connect-account/config.ts";
import { CloudFunction, type FunctionCommons } from "#infra/constructs/cloud-function.ts";
import type { CredentialsKey } from "#infra/constructs/credentials-key.ts";
import type { TaskTable } from "#infra/constructs/task-table.ts";
import { TIMING } from "#shared/domain/timing.ts";

export interface ConnectAccountProps {
  readonly commons: FunctionCommons;
  readonly table: TaskTable;
  readonly credentialsKey: CredentialsKey;
  readonly parameters: Readonly<Record<"xEndpoint" | "xWebsite" | "allowLoopbackWebhooks", CfnParameter>>;
}

/**
 * Answers the few routes that take, make or use credentials. It stands apart so that the function behind all others has
 * no right to the key: whoever breaks into that one cannot read a token.
 */
export class ConnectAccount extends CloudFunction<ConfigEnvironment> {
  constructor(scope: Construct, id: string, props: ConnectAccountProps) {
    const { commons, table, credentialsKey, parameters } = props;
    super(scope, id, {
      name: "connect-account",
      description: "connects accounts to X, and seals what they are posted with",
      memoryMb: TIMING.connect.memoryMb,
      timeoutMs: TIMING.connect.timeoutMs,
      commons,
      environment: {
        TABLE_NAME: table.name,
        CREDENTIALS_KEY_ID: credentialsKey.id,
        X_ENDPOINT: parameters.xEndpoint.valueAsString,
        X_WEBSITE: parameters.xWebsite.valueAsString,
        ALLOW_LOOPBACK_WEBHOOKS: parameters.allowLoopbackWebhooks.valueAsString,
      },
    });
    table.allowItems(this, ["GetItem", "PutItem", "UpdateItem", "Query"]);
    credentialsKey.allowUse(this);
  }
}
