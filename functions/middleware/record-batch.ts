import { Fault } from "#shared/errors.ts";
import type { FunctionLogger } from "./task-messages.ts";

export interface BatchOptions<Record> {
  /** What the event source mapping knows the record by. */
  readonly idOf: (record: Record) => string;
  /** Records of one group run one after the other, in the order of the batch. Different groups run side by side. */
  readonly groupOf: (record: Record) => string;
  /** Groups that run at the same time. */
  readonly concurrency: number;
  readonly logger: Pick<FunctionLogger, "error">;
}

/** @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting */
export interface BatchAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/**
 * Runs every record of a batch, and names those that failed: the others are not delivered again.
 *
 * Once a record has failed, the later ones of its group are not run and fail with it, so that their order is kept.
 */
export async function runBatch<Record>(
  records: readonly Record[],
  { idOf, groupOf, concurrency, logger }: BatchOptions<Record>,
  run: (record: Record) => Promise<void>,
): Promise<BatchAnswer> {
  const failed = new Set<string>();
  const groups = [...Map.groupBy(records, groupOf).values()];

  async function runGroup(group: readonly Record[]): Promise<void> {
    for (const [index, record] of group.entries()) {
      try {
        await run(record);
      } catch (error) {
        const known =
          error instanceof Fault ? { code: error.code, retry: error.retry, details: error.details } : {};
        logger.error("a record failed", { id: idOf(record), code: "internal", ...known, error });
        for (const left of group.slice(index)) failed.add(idOf(left));
        return;
      }
    }
  }

  async function worker(): Promise<void> {
    for (let group = groups.shift(); group; group = groups.shift()) await runGroup(group);
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, groups.length) }, worker));
  const inOrder = [...new Set(records.map(idOf))].filter((id) => failed.has(id));
  return { batchItemFailures: inOrder.map((itemIdentifier) => ({ itemIdentifier })) };
}
