/** What the intrinsics of one stack refer to. Every method throws a fault that names stack and logical id. */
export interface References {
  ref(name: string): unknown;
  attribute(logicalId: string, name: string): string;
  condition(name: string): boolean;
  mapping(map: string, first: string, second: string): unknown;
  importValue(exportName: string): string;
  stackOutput(stackName: string, outputName: string): string;
  fault(problem: string): Error;
}

/** Stands for `AWS::NoValue`: the property or list entry that holds it is left out. */
export const noValue: unique symbol = Symbol("AWS::NoValue");

type Evaluate = (argument: unknown, references: References) => unknown;

/** Resolves every intrinsic inside a template value; leaves out what resolves to `AWS::NoValue`. */
export function resolve(value: unknown, references: References): unknown {
  if (typeof value === "string") {
    if (value.includes("{{resolve:")) {
      throw references.fault("holds a dynamic reference ({{resolve:…}}), which only AWS can look up");
    }
    return value;
  }
  if (Array.isArray(value)) {
    return value.map((entry) => resolve(entry, references)).filter((entry) => entry !== noValue);
  }
  if (!isRecord(value)) {
    return value;
  }
  const keys = Object.keys(value);
  const [only] = keys;
  if (only !== undefined && keys.length === 1) {
    if (only === "Ref" || only === "Condition" || only.startsWith("Fn::")) {
      const evaluate = intrinsics.get(only);
      // `Condition` is an intrinsic beside a condition name and a plain key of policy statements elsewhere.
      if (evaluate !== undefined && !(only === "Condition" && typeof value["Condition"] !== "string")) {
        return evaluate(value[only], references);
      }
      if (only !== "Condition") {
        throw references.fault(`uses the intrinsic ${only}, which is not known here`);
      }
    }
  }
  const resolved: Record<string, unknown> = {};
  for (const key of keys) {
    if (key.startsWith("Fn::")) {
      throw references.fault(`mixes the intrinsic ${key} with other keys`);
    }
    const entry = resolve(value[key], references);
    if (entry !== noValue) {
      resolved[key] = entry;
    }
  }
  return resolved;
}

const intrinsics: ReadonlyMap<string, Evaluate> = new Map<string, Evaluate>([
  ["Ref", (argument, references) => references.ref(asText(argument, "Ref", references))],
  ["Condition", (argument, references) => references.condition(asText(argument, "Condition", references))],
  [
    "Fn::GetAtt",
    (argument, references) => {
      const path = Array.isArray(argument) ? argument : String(argument).split(".");
      const [logicalId, ...attribute] = path.map((part) =>
        asText(resolve(part, references), "Fn::GetAtt", references),
      );
      return references.attribute(logicalId ?? "", attribute.join("."));
    },
  ],
  [
    "Fn::Join",
    (argument, references) => {
      const [delimiter, list] = asList(argument, "Fn::Join", references);
      return asTexts(list, "Fn::Join", references).join(asText(delimiter, "Fn::Join", references));
    },
  ],
  [
    "Fn::Split",
    (argument, references) => {
      const [delimiter, source] = asList(argument, "Fn::Split", references);
      return asText(source, "Fn::Split", references).split(asText(delimiter, "Fn::Split", references));
    },
  ],
  [
    "Fn::Select",
    (argument, references) => {
      const [index, list] = asList(argument, "Fn::Select", references);
      const entries = Array.isArray(list) ? list : [];
      const chosen: unknown = entries[Number(index)];
      if (chosen === undefined) {
        throw references.fault(`Fn::Select asks for entry ${String(index)} of ${entries.length}`);
      }
      return chosen;
    },
  ],
  ["Fn::Sub", substitute],
  [
    "Fn::If",
    (argument, references) => {
      if (!Array.isArray(argument) || argument.length !== 3) {
        throw references.fault("Fn::If needs a condition and two values");
      }
      const [condition, yes, no]: unknown[] = argument;
      return resolve(references.condition(asText(condition, "Fn::If", references)) ? yes : no, references);
    },
  ],
  [
    "Fn::Equals",
    (argument, references) => {
      const [left, right] = asList(argument, "Fn::Equals", references);
      return String(left) === String(right);
    },
  ],
  ["Fn::And", (argument, references) => asList(argument, "Fn::And", references).every(isTrue)],
  ["Fn::Or", (argument, references) => asList(argument, "Fn::Or", references).some(isTrue)],
  ["Fn::Not", (argument, references) => !isTrue(asList(argument, "Fn::Not", references)[0])],
  [
    "Fn::FindInMap",
    (argument, references) => {
      const [map, first, second] = asTexts(resolve(argument, references), "Fn::FindInMap", references);
      return references.mapping(map ?? "", first ?? "", second ?? "");
    },
  ],
  [
    "Fn::Base64",
    (argument, references) =>
      Buffer.from(asText(resolve(argument, references), "Fn::Base64", references)).toString("base64"),
  ],
  [
    "Fn::ImportValue",
    (argument, references) =>
      references.importValue(asText(resolve(argument, references), "Fn::ImportValue", references)),
  ],
  [
    "Fn::GetStackOutput",
    (argument, references) => {
      const named = resolve(argument, references);
      if (!isRecord(named) || named["RoleArn"] !== undefined) {
        throw references.fault("Fn::GetStackOutput through a role of another account is not known here");
      }
      return references.stackOutput(
        asText(named["StackName"], "Fn::GetStackOutput", references),
        asText(named["OutputName"], "Fn::GetStackOutput", references),
      );
    },
  ],
]);

function substitute(argument: unknown, references: References): string {
  const [body, given] = Array.isArray(argument) ? argument : [argument, {}];
  const variables = resolve(given ?? {}, references);
  return asText(body, "Fn::Sub", references).replaceAll(/\$\{([^}]+)\}/g, (_match, name: string) => {
    if (name.startsWith("!")) {
      return `\${${name.slice(1)}}`;
    }
    const trimmed = name.trim();
    if (isRecord(variables) && trimmed in variables) {
      return asText(variables[trimmed], "Fn::Sub", references);
    }
    const dot = trimmed.indexOf(".");
    const value =
      dot < 0 ? references.ref(trimmed) : references.attribute(trimmed.slice(0, dot), trimmed.slice(dot + 1));
    return asText(value, "Fn::Sub", references);
  });
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isTrue = (value: unknown): boolean => value === true || value === "true";

function asText(value: unknown, intrinsic: string, references: References): string {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return String(value);
  }
  throw references.fault(`${intrinsic} needs text and got ${JSON.stringify(value) ?? "nothing"}`);
}

function asList(argument: unknown, intrinsic: string, references: References): unknown[] {
  const list = resolve(argument, references);
  if (!Array.isArray(list)) {
    throw references.fault(`${intrinsic} needs a list`);
  }
  return list;
}

function asTexts(value: unknown, intrinsic: string, references: References): string[] {
  if (!Array.isArray(value)) {
    throw references.fault(`${intrinsic} needs a list`);
  }
  return value.map((entry) => asText(entry, intrinsic, references));
}
