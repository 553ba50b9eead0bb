import * as z from "zod";
import type { EnvironmentOf } from "#shared/config/load-config.ts";
import {
  arrangeVariables,
  bucketVariables,
  intakeVariables,
  settleVariables,
  tableVariables,
} from "#shared/config/variables.ts";

/** Settings of the function that turns dropped files into tasks. */
export const configSchema = z.object({
  ...tableVariables,
  ...bucketVariables,
  ...intakeVariables,
  ...settleVariables,
  ...arrangeVariables,
});

/** What the deployment must provide: every name, as text. */
export type ConfigEnvironment = EnvironmentOf<typeof configSchema>;
