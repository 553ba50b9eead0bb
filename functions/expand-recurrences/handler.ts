import type { FunctionLogger } from "#functions/middleware/task-messages.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { ExpandRecurrences, ExpansionReport } from "#shared/usecases/expand-recurrences.ts";

/** What is left of an invocation when the last occurrence is started. */
const RESERVE_MS = 15_000;

export interface ExpandRecurrencesHandlerDeps {
  readonly expandRecurrences: ExpandRecurrences;
  readonly clock: Pick<Clock, "now">;
  readonly logger: FunctionLogger;
}

/** Makes the occurrences of the next 14 days tasks. Fired every hour; a recurrence that fails does not stop the others. */
export const createHandler =
  ({ expandRecurrences, clock, logger }: ExpandRecurrencesHandlerDeps) =>
  async (_: unknown, context: { getRemainingTimeInMillis(): number }): Promise<ExpansionReport> => {
    const deadline = new Date(clock.now().getTime() + context.getRemainingTimeInMillis() - RESERVE_MS);
    const report = await expandRecurrences(deadline, (error) =>
      logger.error("one recurrence could not be expanded", { error }),
    );
    logger.info("expansion done", { ...report });
    return report;
  };
