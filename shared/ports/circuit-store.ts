import type { Circuit } from "#shared/domain/circuit.ts";
import type { Result } from "#shared/result.ts";

/** The circuit of X as a whole. Reads may be some seconds old; a write is refused if somebody else wrote since. */
export interface StoredCircuit extends Circuit {
  /** 0: never written. */
  readonly version: number;
}

/** Passes `test/contracts/circuit-store.ts`. */
export interface CircuitStore {
  get(): Promise<StoredCircuit>;
  /** Replaces the one whose version is one less. */
  save(next: StoredCircuit): Promise<Result<void, { readonly reason: "stale" }>>;
}
