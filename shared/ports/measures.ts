import type { Observation } from "#shared/domain/measures.ts";

/** Where observations go. Telling never fails, and nothing waits for it. */
export interface Measures {
  emit(observations: readonly Observation[]): void;
}
