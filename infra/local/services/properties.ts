import * as z from "zod";
import type { Resource } from "../template/assembly.ts";
import { TemplateFault } from "../template/fault.ts";

/** CloudFormation carries numbers and booleans as text where a parameter or `Fn::Sub` produced them. */
export const cfnNumber = z.union([z.number(), z.string().regex(/^-?\d+(\.\d+)?$/)]).transform(Number);
export const cfnBoolean = z
  .union([z.boolean(), z.enum(["true", "false"])])
  .transform((value) => value === true || value === "true");

/**
 * Parses the properties of a resource that this machine runs.
 *
 * Use strict objects: a property that is neither read nor named with `notRun` would otherwise be ignored in silence,
 * and the template would behave differently after a deploy.
 *
 * @throws TemplateFault naming the stack, the logical id and each wrong property.
 */
export function readProperties<Schema extends z.ZodType>(
  resource: Resource,
  schema: Schema,
): z.output<Schema> {
  const parsed = schema.safeParse(resource.properties);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `${issue.path.join(".") || "Properties"}: ${issue.message}`,
  );
  throw new TemplateFault(resource.stack, resource.logicalId, `cannot be run here: ${problems.join("; ")}`);
}

/** Properties that are accepted and have no effect on this machine. */
export const notRun = <Name extends string>(...names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, z.unknown().optional()])) as Record<
    Name,
    z.ZodOptional<z.ZodUnknown>
  >;
