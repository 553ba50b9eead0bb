import * as z from "zod";
import type { EnvironmentOf } from "#shared/config/load-config.ts";
import {
  nearnessVariables,
  prepareQueueVariables,
  publishQueueVariables,
  scheduleVariables,
  tableVariables,
  xVariables,
} from "#shared/config/variables.ts";

/** Settings of the function that posts at the second. It schedules only itself: no ARN of its own here. */
export const configSchema = z.object({
  ...tableVariables,
  ...prepareQueueVariables,
  ...publishQueueVariables,
  ...scheduleVariables,
  ...nearnessVariables,
  ...xVariables,
});

/** What the deployment must provide: every name, as text. */
export type ConfigEnvironment = EnvironmentOf<typeof configSchema>;
