import * as z from "zod";
import type { RouteShape } from "#shared/contract/routes/route-shape.ts";
import { ROUTES } from "#shared/contract/routes.ts";

/** As OpenAPI calls what is not to be shown. */
const SECRET_FORMAT = "password";

const isSecret = (schema: z.ZodType): boolean => schema.meta()?.["format"] === SECRET_FORMAT;

/** What a schema is made of. */
function innerOf(schema: z.ZodType): readonly z.ZodType[] {
  if (schema instanceof z.ZodArray) return [schema.element as z.ZodType];
  if (schema instanceof z.ZodUnion) return schema.options as readonly z.ZodType[];
  if (schema instanceof z.ZodPipe) return [schema.in as z.ZodType, schema.out as z.ZodType];
  if (schema instanceof z.ZodRecord) return [schema.valueType as z.ZodType];
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly
  )
    return [schema.unwrap() as z.ZodType];
  return [];
}

function collect(schema: z.ZodType, name: string, found: Set<string>): void {
  if (isSecret(schema)) found.add(name);
  if (schema instanceof z.ZodObject) {
    const fields: Readonly<Record<string, z.ZodType>> = schema.shape;
    for (const [field, inner] of Object.entries(fields)) collect(inner, field, found);
  } else for (const inner of innerOf(schema)) collect(inner, name, found);
}

let names: ReadonlySet<string> | undefined;

/** Fields that any route's schema calls a secret, by `format: "password"`. A name that is secret somewhere is so everywhere. */
export function secretNames(): ReadonlySet<string> {
  if (names) return names;
  const found = new Set<string>();
  for (const { body, answers } of Object.values<RouteShape>(ROUTES))
    for (const schema of [body, ...Object.values(answers)]) if (schema) collect(schema, "", found);
  names = found;
  return names;
}
