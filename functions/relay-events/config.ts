import * as z from "zod";
import type { EnvironmentOf } from "#shared/config/load-config.ts";
import {
  bucketVariables,
  metricsVariables,
  tableVariables,
  webhookQueueVariables,
} from "#shared/config/variables.ts";

/** Settings of the function that tells and measures what the table's stream says. */
export const configSchema = z.object({
  ...tableVariables,
  ...bucketVariables,
  ...metricsVariables,
  ...webhookQueueVariables,
});

/** What the deployment must provide: every name, as text. */
export type ConfigEnvironment = EnvironmentOf<typeof configSchema>;
