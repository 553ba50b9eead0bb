import * as z from "zod";
import type { EnvironmentOf } from "#shared/config/load-config.ts";
import { arrangeVariables, stageVariables, tableVariables } from "#shared/config/variables.ts";

/** Settings of the HTTP API. */
export const configSchema = z.object({
  ...tableVariables,
  ...arrangeVariables,
  ...stageVariables,
});

/** What the deployment must provide: every name, as text. */
export type ConfigEnvironment = EnvironmentOf<typeof configSchema>;
