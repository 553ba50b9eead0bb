import { createPrintIndex, type PrintIndexOptions } from "#shared/domain/duplicates/print-index.ts";
import type { TaskId } from "#shared/domain/ids.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { FingerprintStore } from "#shared/ports/fingerprint-store.ts";

/** The same promises as the DynamoDB store, kept honest by the contract that both run. */
export function createInMemoryFingerprints(
  clock: Pick<Clock, "now">,
  options: PrintIndexOptions = {},
): FingerprintStore {
  const index = createPrintIndex(options);
  const expiries = new Map<TaskId, Date>();
  const forget = (id: TaskId): void => {
    index.remove(id);
    expiries.delete(id);
  };
  return {
    async put(print, keptUntil) {
      index.add(print);
      expiries.set(print.taskId, keptUntil);
    },
    async remove(id) {
      forget(id);
    },
    async findNear(wish) {
      for (const [id, at] of expiries) if (at <= clock.now()) forget(id);
      return index.find(wish);
    },
  };
}
