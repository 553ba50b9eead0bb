import { observe, type StoredChange } from "#shared/domain/measures.ts";
import type { Measures } from "#shared/ports/measures.ts";

export interface RecordMeasuresDeps {
  readonly measures: Measures;
}

/** @returns how many observations were made */
export type RecordMeasures = (changes: readonly StoredChange[]) => number;

/**
 * Measures what was written to the table. Every write is looked at by itself, so the order of changes does not matter;
 * one that is handed in twice is counted twice.
 */
export const createRecordMeasures =
  ({ measures }: RecordMeasuresDeps): RecordMeasures =>
  (changes) => {
    const observations = changes.flatMap((change) => observe(change) ?? []);
    if (observations.length > 0) measures.emit(observations);
    return observations.length;
  };
