import * as z from "zod";
import { TemplateFault } from "./fault.ts";

const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const count = z.union([z.string(), z.number()]).transform(Number);

export const parameterSchema = z.object({
  Type: z.string(),
  Default: text.optional(),
  Description: z.string().optional(),
  NoEcho: z.union([z.boolean(), z.string()]).optional(),
  AllowedPattern: z.string().optional(),
  AllowedValues: z.array(text).optional(),
  ConstraintDescription: z.string().optional(),
  MinLength: count.optional(),
  MaxLength: count.optional(),
  MinValue: count.optional(),
  MaxValue: count.optional(),
});

export type ParameterDeclaration = z.infer<typeof parameterSchema>;

/** A parameter's value; undefined for the types that only AWS itself can look up (`AWS::SSM::…`). */
export type ParameterValue = string | readonly string[] | undefined;

const plainTypes = new Set(["String", "Number", "CommaDelimitedList", "List<Number>"]);

/**
 * Gives a parameter the passed value or its default, held to the declaration's own constraints.
 * @throws TemplateFault when there is no value, or the value breaks a constraint.
 */
export function readParameter(
  stack: string,
  name: string,
  declaration: ParameterDeclaration,
  passed: string | undefined,
): ParameterValue {
  const refuse = (problem: string): never => {
    const note =
      declaration.ConstraintDescription === undefined ? "" : ` (${declaration.ConstraintDescription})`;
    throw new TemplateFault(stack, name, `parameter ${problem}${note}`);
  };
  if (declaration.Type.startsWith("AWS::SSM::Parameter::Value<")) {
    return undefined;
  }
  if (!plainTypes.has(declaration.Type)) {
    return refuse(`has the type ${declaration.Type}, which is not known here`);
  }
  const value = passed ?? declaration.Default;
  if (value === undefined) {
    return refuse("has no default and no value was given");
  }
  const isList = declaration.Type !== "String" && declaration.Type !== "Number";
  const values = isList ? value.split(",").map((part) => part.trim()) : [value];
  for (const one of values) {
    checkValue(declaration, one, refuse);
  }
  return isList ? values : value;
}

function checkValue(
  declaration: ParameterDeclaration,
  value: string,
  refuse: (problem: string) => never,
): void {
  const shown = declaration.NoEcho === undefined ? `"${value}"` : "the given value";
  const { AllowedPattern, AllowedValues, MinLength, MaxLength, MinValue, MaxValue } = declaration;
  if (AllowedValues !== undefined && !AllowedValues.includes(value)) {
    refuse(`allows ${AllowedValues.join(", ")} and not ${shown}`);
  }
  if (AllowedPattern !== undefined && !new RegExp(`^(?:${AllowedPattern})$`, "u").test(value)) {
    refuse(`must match ${AllowedPattern}, and ${shown} does not`);
  }
  if (value.length < (MinLength ?? 0) || value.length > (MaxLength ?? Number.POSITIVE_INFINITY)) {
    refuse(
      `must have ${MinLength ?? 0} to ${MaxLength ?? "any number of"} characters, and ${shown} does not`,
    );
  }
  if (declaration.Type === "Number" || declaration.Type === "List<Number>") {
    const number = value.trim() === "" ? Number.NaN : Number(value);
    if (
      !(number >= (MinValue ?? Number.NEGATIVE_INFINITY) && number <= (MaxValue ?? Number.POSITIVE_INFINITY))
    ) {
      refuse(`must be a number from ${MinValue ?? "any"} to ${MaxValue ?? "any"}, and ${shown} is not`);
    }
  }
}
