import type { CircuitStore, StoredCircuit } from "#shared/ports/circuit-store.ts";
import type { SharedCounter, SharedCounters } from "#shared/ports/shared-counters.ts";
import { err, ok } from "#shared/result.ts";

const nameOf = (counter: SharedCounter): string =>
  counter.kind === "app-day" ? `app ${counter.day}` : `${counter.projectId} ${counter.month}`;

export interface InMemoryCounters extends SharedCounters {
  snapshot(): Readonly<Record<string, number>>;
}

/** The same promises as the DynamoDB counters, kept honest by the contract that both run. */
export function createInMemoryCounters(): InMemoryCounters {
  const counters = new Map<string, number>();
  const used = (counter: SharedCounter): number => counters.get(nameOf(counter)) ?? 0;
  return {
    async take(counter, units, limit) {
      if (used(counter) + units > limit) return false;
      counters.set(nameOf(counter), used(counter) + units);
      return true;
    },
    async giveBack(counter, units) {
      counters.set(nameOf(counter), used(counter) - units);
    },
    async read(counter) {
      return used(counter);
    },
    snapshot: () => Object.fromEntries(counters),
  };
}

export function createInMemoryCircuits(): CircuitStore {
  let circuit: StoredCircuit = { failures: 0, version: 0 };
  return {
    async get() {
      return circuit;
    },
    async save(next) {
      if (circuit.version !== next.version - 1) return err({ reason: "stale" });
      circuit = next;
      return ok(undefined);
    },
  };
}
