import * as z from "zod";
import type { EnvironmentOf } from "#shared/config/load-config.ts";
import {
  arrangeVariables,
  intakeVariables,
  metricsVariables,
  tableVariables,
} from "#shared/config/variables.ts";

/** Settings of the function that moves whatever should have moved by now. */
export const configSchema = z.object({
  ...tableVariables,
  ...intakeVariables,
  ...arrangeVariables,
  ...metricsVariables,
});

/** What the deployment must provide: every name, as text. */
export type ConfigEnvironment = EnvironmentOf<typeof configSchema>;
