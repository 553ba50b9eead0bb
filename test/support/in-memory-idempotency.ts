import type { IdempotencyRecord } from "#shared/domain/idempotency.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { IdempotencyStore } from "#shared/ports/idempotency-store.ts";
import { err, ok } from "#shared/result.ts";

export function createInMemoryIdempotency(clock: Pick<Clock, "now">): IdempotencyStore {
  const records = new Map<string, IdempotencyRecord>();
  const known = (ownerId: OwnerId, key: string) => {
    const record = records.get(`${ownerId}#${key}`);
    return record && record.forgottenAt > clock.now() ? record : undefined;
  };
  return {
    get: async (ownerId, key) => structuredClone(known(ownerId, key)),
    async save(next) {
      const id = `${next.ownerId}#${next.key}`;
      // Like the table, which knows what is forgotten until it is replaced.
      const seen = next.version === 1 ? known(next.ownerId, next.key) : records.get(id);
      if ((seen?.version ?? 0) !== next.version - 1) return err({ reason: "stale" });
      records.set(id, structuredClone(next));
      return ok(undefined);
    },
  };
}
