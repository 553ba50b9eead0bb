import type { AttemptId } from "#shared/domain/ids.ts";

/**
 * Who may be between gate and settlement. A slot whose holder died is free again when its lease is over, and no invocation
 * lives as long. Passes `test/contracts/publisher-slots.ts`.
 */
export interface PublisherSlots {
  /**
   * Takes one of the first `most` slots. A repeat after a lost answer may take a second one, until its lease is over.
   *
   * @returns which one; `undefined`: all are taken
   */
  take(holder: AttemptId, most: number): Promise<number | undefined>;
  /** Without effect when somebody else has it by now. */
  giveBack(slot: number, holder: AttemptId): Promise<void>;
}
