import * as z from "zod";
import type { EnvironmentOf } from "#shared/config/load-config.ts";
import { arrangeVariables, tableVariables } from "#shared/config/variables.ts";

/** Settings of the function that makes coming occurrences tasks. */
export const configSchema = z.object({ ...tableVariables, ...arrangeVariables });

/** What the deployment must provide: every name, as text. */
export type ConfigEnvironment = EnvironmentOf<typeof configSchema>;
