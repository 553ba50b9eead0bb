import type { Invocation } from "../lambda/runtime.ts";

/**
 * Which records of a batch failed, as the poller reads the function's answer.
 *
 * An answer that AWS would not understand counts as a failure of the whole batch: an unknown or empty identifier must
 * not delete a message by mistake.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export function failedRecords(
  outcome: Invocation,
  ids: readonly string[],
  partialFailures: boolean,
): ReadonlySet<string> {
  if (!outcome.ok) return new Set(ids);
  if (!partialFailures || outcome.payload === null || outcome.payload === "") return new Set();
  if (typeof outcome.payload !== "object") return new Set(ids);
  const { batchItemFailures } = outcome.payload as { batchItemFailures?: unknown };
  if (batchItemFailures === undefined || batchItemFailures === null) return new Set();
  if (!Array.isArray(batchItemFailures)) return new Set(ids);
  const failed = batchItemFailures.map((one: { itemIdentifier?: unknown } | null) => one?.itemIdentifier);
  const known = failed.every((id): id is string => typeof id === "string" && ids.includes(id));
  return new Set(known ? failed : ids);
}
