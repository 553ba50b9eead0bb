import { TemplateFault } from "../template/fault.ts";
import { isRecord } from "../template/intrinsics.ts";

/** A policy document and the resource of the template that holds it. */
export interface Policy {
  readonly name: string;
  readonly stack: string;
  readonly logicalId: string;
  readonly document: Readonly<Record<string, unknown>>;
}

/** Condition keys that the gateway and the event sources supply; lower case, since IAM ignores the case of keys. */
const suppliedKeys = new Set([
  "aws:principalaccount",
  "aws:principalarn",
  "aws:principalisawsservice",
  "aws:securetransport",
  "aws:sourceaccount",
  "aws:sourcearn",
  "iam:passedtoservice",
  "kms:encryptioncontextkeys",
  "s3:delimiter",
  "s3:max-keys",
  "s3:prefix",
  "s3:tlsversion",
]);

const encryptionContext = "kms:encryptioncontext:";

/**
 * The simulator drops `kms:EncryptionContext:<name>` (it looks for the documented placeholder instead of the name), so
 * these keys travel as a request tag, which it passes through.
 */
export function simulatorKey(key: string): string {
  return key.toLowerCase().startsWith(encryptionContext)
    ? `aws:RequestTag/kms-${key.slice(encryptionContext.length)}`
    : key;
}

/** Takes a document from the template; null when the template holds none. */
export function toPolicy(
  holder: { readonly stack: string; readonly logicalId: string },
  name: string,
  document: unknown,
): Policy {
  if (!isRecord(document)) {
    throw new TemplateFault(holder.stack, holder.logicalId, `its policy ${name} is not a policy document`);
  }
  return { name, stack: holder.stack, logicalId: holder.logicalId, document };
}

/** The statements of a document as a list; IAM allows a lone statement in place of a list. */
export function statementsOf(
  document: Readonly<Record<string, unknown>>,
): readonly Record<string, unknown>[] {
  return [document["Statement"]].flat().filter(isRecord);
}

/**
 * A condition on a key that nothing here supplies would be judged as if AWS left it out, and that may even allow
 * (`…IfExists`, `Null`). So the start stops instead.
 * @throws TemplateFault
 */
export function refuseUnknownConditions(policies: readonly Policy[]): void {
  for (const { stack, logicalId, document } of policies) {
    for (const key of statementsOf(document).flatMap(conditionKeys)) {
      const lower = key.toLowerCase();
      if (!suppliedKeys.has(lower) && !lower.startsWith(encryptionContext)) {
        throw new TemplateFault(
          stack,
          logicalId,
          `a policy uses the condition key ${key}, which is not known here`,
        );
      }
    }
  }
}

function conditionKeys(statement: Record<string, unknown>): string[] {
  const { Condition } = statement as { Condition?: unknown };
  return isRecord(Condition) ? Object.values(Condition).filter(isRecord).flatMap(Object.keys) : [];
}

/** Rewrites the condition keys of a document as the simulator needs them. */
export function forSimulator(document: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const statements = statementsOf(document).map((statement) => {
    const { Condition } = statement as { Condition?: unknown };
    if (!isRecord(Condition)) {
      return statement;
    }
    const renamed = Object.entries(Condition).map(([operator, keys]) => [
      operator,
      isRecord(keys)
        ? Object.fromEntries(Object.entries(keys).map(([key, value]) => [simulatorKey(key), value]))
        : keys,
    ]);
    return { ...statement, Condition: Object.fromEntries(renamed) };
  });
  return { ...document, Statement: statements };
}
