import * as z from "zod";
import type { EnvironmentOf } from "#shared/config/load-config.ts";
import { bucketVariables, tableVariables } from "#shared/config/variables.ts";

/** Settings of the function that writes outcomes from the table's stream. */
export const configSchema = z.object({
  ...tableVariables,
  ...bucketVariables,
});

/** What the deployment must provide: every name, as text. */
export type ConfigEnvironment = EnvironmentOf<typeof configSchema>;
