/**
 * Event patterns, as EventBridge rules and event-source filters write them.
 *
 * Compiled once at the start, so that an operator which is not run here stops the cloud instead of never matching.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
export type Matcher = (event: unknown) => boolean;

/** An operator or a shape that is not known here. The caller adds which resource it stands in. */
export class PatternFault extends Error {
  override readonly name = "PatternFault";
  readonly code = "pattern";
  readonly retry = "never";
}

type Scalar = string | number | boolean | null;
/** Decides on one value of the event; `undefined` is an absent field. */
type Test = (value: unknown) => boolean;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isScalar = (value: unknown): value is Scalar =>
  value === null || ["string", "number", "boolean"].includes(typeof value);

const overText =
  (test: (text: string) => boolean): Test =>
  (value) =>
    typeof value === "string" && test(value);

const texts = (operator: string, operand: unknown): readonly string[] => {
  const list = Array.isArray(operand) ? operand : [operand];
  if (list.length > 0 && list.every((one) => typeof one === "string")) return list;
  throw new PatternFault(`${operator} wants text, not ${JSON.stringify(operand)}`);
};

/** `*` stands for any run of characters; `\*` for itself. */
function wildcard(pattern: string): Test {
  const source = pattern.replace(/\\([*\\])|([*])|([.+?^${}()|[\]/\\])/g, (_, escaped, star, special) =>
    star ? "[\\s\\S]*" : `\\${escaped ?? special}`,
  );
  const expression = new RegExp(`^${source}$`, "u");
  return overText((text) => expression.test(text));
}

const TEXT_OPERATORS: Readonly<Record<string, (operand: string) => Test>> = {
  prefix: (start) => overText((text) => text.startsWith(start)),
  suffix: (end) => overText((text) => text.endsWith(end)),
  "equals-ignore-case": (other) => overText((text) => text.toLowerCase() === other.toLowerCase()),
  wildcard,
};

function textTest(operator: string, operand: unknown): Test {
  if ((operator === "prefix" || operator === "suffix") && isObject(operand)) {
    const folded = texts(operator, operand["equals-ignore-case"])[0]?.toLowerCase() ?? "";
    if (Object.keys(operand).length !== 1) throw new PatternFault(`${operator}: ${JSON.stringify(operand)}`);
    return overText((text) =>
      operator === "prefix" ? text.toLowerCase().startsWith(folded) : text.toLowerCase().endsWith(folded),
    );
  }
  const create = TEXT_OPERATORS[operator] as (operand: string) => Test;
  const tests = texts(operator, operand).map(create);
  return (value) => tests.some((test) => test(value));
}

const COMPARISONS: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  "=": (value, limit) => value === limit,
  "<": (value, limit) => value < limit,
  "<=": (value, limit) => value <= limit,
  ">": (value, limit) => value > limit,
  ">=": (value, limit) => value >= limit,
};

function numeric(operand: unknown): Test {
  const list = Array.isArray(operand) ? operand : [];
  if (list.length !== 2 && list.length !== 4) throw new PatternFault(`numeric: ${JSON.stringify(operand)}`);
  const tests: ((value: number) => boolean)[] = [];
  for (let index = 0; index < list.length; index += 2) {
    const compare = COMPARISONS[String(list[index])];
    const limit: unknown = list[index + 1];
    if (!compare || typeof limit !== "number") throw new PatternFault(`numeric: ${JSON.stringify(operand)}`);
    tests.push((value) => compare(value, limit));
  }
  return (value) => typeof value === "number" && tests.every((test) => test(value));
}

function anythingBut(operand: unknown): Test {
  let excluded: Test;
  if (isObject(operand)) {
    const [operator, ...others] = Object.keys(operand);
    if (operator === undefined || others.length > 0 || !(operator in TEXT_OPERATORS)) {
      throw new PatternFault(`anything-but: ${JSON.stringify(operand)}`);
    }
    excluded = textTest(operator, operand[operator]);
  } else {
    const list = Array.isArray(operand) ? operand : [operand];
    if (!list.every(isScalar)) throw new PatternFault(`anything-but: ${JSON.stringify(operand)}`);
    excluded = (value) => list.includes(value as Scalar);
  }
  return (value) => value !== undefined && !excluded(value);
}

function condition(one: unknown): Test {
  if (isScalar(one)) return (value) => value === one;
  const [operator, ...others] = isObject(one) ? Object.keys(one) : [];
  if (operator === undefined || others.length > 0) {
    throw new PatternFault(`a condition has exactly one operator: ${JSON.stringify(one)}`);
  }
  const operand = (one as Record<string, unknown>)[operator];
  if (operator in TEXT_OPERATORS) return textTest(operator, operand);
  switch (operator) {
    case "anything-but":
      return anythingBut(operand);
    case "exists":
      if (typeof operand !== "boolean") throw new PatternFault(`exists: ${JSON.stringify(operand)}`);
      return (value) => (value !== undefined && !isObject(value)) === operand;
    case "numeric":
      return numeric(operand);
    default:
      throw new PatternFault(`the operator ${operator} is not known here`);
  }
}

/** A list of conditions holds for an absent field, for a value, or for any value of an array. */
function anyOf(conditions: readonly unknown[]): Test {
  if (conditions.length === 0) throw new PatternFault("an empty list matches nothing");
  const tests = conditions.map(condition);
  return (value) => {
    const values = Array.isArray(value) && value.length > 0 ? value : [value];
    return values.some((one) => tests.some((test) => test(one)));
  };
}

/**
 * Compiles a pattern: every field must match, a list is "any of".
 *
 * @throws PatternFault for an operator or shape that is not known here.
 */
export function compilePattern(pattern: unknown): Matcher {
  if (!isObject(pattern) || Object.keys(pattern).length === 0) {
    throw new PatternFault(`a pattern is an object with fields: ${JSON.stringify(pattern)}`);
  }
  const matchers = Object.entries(pattern).map(([field, wanted]): Matcher => {
    if (field === "$or") {
      if (!Array.isArray(wanted)) throw new PatternFault("$or wants a list of patterns");
      const choices = wanted.map(compilePattern);
      return (event) => choices.some((matches) => matches(event));
    }
    const test = Array.isArray(wanted) ? anyOf(wanted) : compilePattern(wanted);
    return (event) => {
      const value = isObject(event) ? event[field] : undefined;
      return !Array.isArray(wanted) && Array.isArray(value) ? value.some(test) : test(value);
    };
  });
  return (event) => matchers.every((matches) => matches(event));
}
