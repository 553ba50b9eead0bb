import type { RecurrenceId } from "#shared/domain/ids.ts";
import type { Instance } from "#shared/domain/recurrence/instance.ts";
import type { Recurrence, RecurrenceContent } from "#shared/domain/recurrence/recurrence.ts";
import { MAX_NOTED, type RecurrenceStore } from "#shared/ports/recurrence-store.ts";
import { err, ok } from "#shared/result.ts";

/** The same promises as the DynamoDB store, kept honest by the contract that both run. */
export function createInMemoryRecurrences(): RecurrenceStore {
  const recurrences = new Map<RecurrenceId, Recurrence>();
  const contents = new Map<RecurrenceId, RecurrenceContent>();
  const instances = new Map<string, Instance>();
  const keyOf = (id: RecurrenceId, local: string) => `${id}#${local}`;
  return {
    async get(id) {
      const recurrence = recurrences.get(id);
      const content = contents.get(id);
      return recurrence && content && { recurrence, content };
    },
    async save(next, together = {}) {
      const noted = together.instances ?? [];
      if (noted.length > MAX_NOTED) throw new RangeError(`${noted.length} instances at once`);
      if ((recurrences.get(next.id)?.version ?? 0) !== next.version - 1) return err({ reason: "stale" });
      recurrences.set(next.id, next);
      if (together.content) contents.set(next.id, together.content);
      for (const instance of noted) instances.set(keyOf(instance.recurrenceId, instance.local), instance);
      return ok(undefined);
    },
    async getInstance(id, local) {
      return instances.get(keyOf(id, local));
    },
    async listInstances(id, from) {
      return [...instances.values()]
        .filter(({ recurrenceId, local }) => recurrenceId === id && local >= from)
        .toSorted((a, b) => (a.local < b.local ? -1 : 1));
    },
    async listByOwner(ownerId, { limit, after }) {
      const ordered = [...recurrences.values()]
        .filter((one) => one.ownerId === ownerId && one.status !== "deleted")
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .filter(({ id }) => after === undefined || id > after);
      const items = ordered.slice(0, limit);
      const last = items.at(-1);
      return { items, ...(last && ordered.length > limit && { next: last.id }) };
    },
    async listDue(now, limit) {
      return [...recurrences.values()]
        .flatMap(({ id, wakeAt }) => (wakeAt && wakeAt <= now ? [{ id, wakeAt }] : []))
        .toSorted((a, b) => a.wakeAt.getTime() - b.wakeAt.getTime() || (a.id < b.id ? -1 : 1))
        .slice(0, limit)
        .map(({ id }) => id);
    },
  };
}
