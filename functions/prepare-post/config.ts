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
import { modelName } from "#shared/domain/content/writing.ts";

/** Where texts are written, and by which model unless a post names another. The key is no variable: it is stored sealed. */
const writingVariables = { GEMINI_ENDPOINT: z.url({ protocol: /^https?$/ }), GEMINI_MODEL: modelName };

/** Settings of the function that uploads media and has texts written ahead of the slot. It schedules only itself: no ARN of its own here. */
export const configSchema = z.object({
  ...tableVariables,
  ...bucketVariables,
  ...prepareQueueVariables,
  // A retry has a new arm, for which no publisher was arranged yet.
  ...publishQueueVariables,
  ...scheduleVariables,
  ...xVariables,
  ...uploadVariables,
  ...writingVariables,
});

/** What the deployment must provide: every name, as text. */
export type ConfigEnvironment = EnvironmentOf<typeof configSchema>;
