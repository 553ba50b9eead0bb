import * as z from "zod";
import type { EnvironmentOf } from "#shared/config/load-config.ts";
import { tableVariables } from "#shared/config/variables.ts";

/** Settings of the function that decides whether a request may pass. */
export const configSchema = z.object({
  ...tableVariables,
});

/** What the deployment must provide: every name, as text. */
export type ConfigEnvironment = EnvironmentOf<typeof configSchema>;
