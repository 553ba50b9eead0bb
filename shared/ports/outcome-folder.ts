import type { Outcome } from "#shared/domain/outcome.ts";

/** What became of what was dropped, for people to read. */
export interface OutcomeFolder {
  /**
   * Writes the outcome unless one as new is there already, however many write at the same time.
   *
   * @throws DependencyFault when the bucket does not answer, or others keep being faster
   */
  put(outcome: Outcome): Promise<"written" | "superseded">;
}
