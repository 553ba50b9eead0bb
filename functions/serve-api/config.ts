import * as z from "zod";
import type { EnvironmentOf } from "#shared/config/load-config.ts";
import {
  arrangeVariables,
  bucketVariables,
  intakeVariables,
  queueUrl,
  stageVariables,
  tableVariables,
  webhookQueueVariables,
  webhookUrlVariables,
} from "#shared/config/variables.ts";

/** Settings of the HTTP API. */
export const configSchema = z.object({
  ...tableVariables,
  ...bucketVariables,
  ...arrangeVariables,
  ...stageVariables,
  ...intakeVariables,
  ...webhookQueueVariables,
  ...webhookUrlVariables,
  INTAKE_DEAD_LETTERS_URL: queueUrl,
  PREPARE_DEAD_LETTERS_URL: queueUrl,
  PUBLISH_DEAD_LETTERS_URL: queueUrl,
  WEBHOOK_DEAD_LETTERS_URL: queueUrl,
  BACKGROUND_DEAD_LETTERS_URL: queueUrl,
  /** Of the release. */
  RELEASE: z.string().min(1),
  /** Where the deployment is. */
  REGION: z.string().min(1),
});

/** What the deployment must provide: every name, as text. */
export type ConfigEnvironment = EnvironmentOf<typeof configSchema>;
