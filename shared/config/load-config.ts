import type * as z from "zod";
import { ConfigurationFault } from "#shared/errors.ts";

/**
 * What the deployment must provide for a function: every variable of its schema, as text.
 *
 * `infra/` types each function's environment with this, so a variable that it forgets does not compile.
 */
export type EnvironmentOf<Schema extends z.ZodType> = Readonly<
  Record<keyof z.input<Schema> & string, string>
>;

/**
 * Reads the settings of a function, once, at its cold start.
 *
 * @param schema - one field per variable; a refinement of a field says what is allowed
 * @param environment - only an `index.ts` passes `process.env`
 * @returns the parsed settings, frozen; variables that the schema does not know are left out
 * @throws ConfigurationFault that names every wrong or missing variable at once and shows no value: the wrong
 *   variable may well hold a secret
 */
export function loadConfig<Schema extends z.ZodType>(
  schema: Schema,
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<z.output<Schema>> {
  const parsed = schema.safeParse(environment);
  if (parsed.success) return Object.freeze(parsed.data);
  const variables = [...new Set(parsed.error.issues.map((issue) => issue.path.join(".")))].sort();
  throw new ConfigurationFault(`wrong or missing environment variables: ${variables.join(", ")}`, {
    details: { variables },
  });
}
