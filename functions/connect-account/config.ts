import * as z from "zod";
import type { EnvironmentOf } from "#shared/config/load-config.ts";
import {
  consentVariables,
  tableVariables,
  webhookUrlVariables,
  xVariables,
} from "#shared/config/variables.ts";

/** Settings of the function that may seal credentials, and asks X whose they are. */
export const configSchema = z.object({
  ...tableVariables,
  ...xVariables,
  ...consentVariables,
  ...webhookUrlVariables,
});

/** What the deployment must provide: every name, as text. */
export type ConfigEnvironment = EnvironmentOf<typeof configSchema>;
