import * as z from "zod";
import type { EnvironmentOf } from "#shared/config/load-config.ts";
import {
  credentialsKeyVariables,
  tableVariables,
  webhookQueueVariables,
  webhookUrlVariables,
} from "#shared/config/variables.ts";

/** Settings of the function that calls the endpoints of webhooks. */
export const configSchema = z.object({
  ...tableVariables,
  ...credentialsKeyVariables,
  ...webhookQueueVariables,
  ...webhookUrlVariables,
});

/** What the deployment must provide: every name, as text. */
export type ConfigEnvironment = EnvironmentOf<typeof configSchema>;
