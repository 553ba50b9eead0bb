import * as z from "zod";
import type { EnvironmentOf } from "#shared/config/load-config.ts";
import {
  bucketVariables,
  prepareQueueVariables,
  publishQueueVariables,
  scheduleVariables,
  tableVariables,
  uploadVariables,
  xVariables,
} from "#shared/config/variables.ts";

/** Settings of the function that uploads media ahead of the slot. It schedules only itself: no ARN of its own here. */
export const configSchema = z.object({
  ...tableVariables,
  ...bucketVariables,
  ...prepareQueueVariables,
  // A retry has a new arm, for which no publisher was arranged yet.
  ...publishQueueVariables,
  ...scheduleVariables,
  ...xVariables,
  ...uploadVariables,
});

/** What the deployment must provide: every name, as text. */
export type ConfigEnvironment = EnvironmentOf<typeof configSchema>;
