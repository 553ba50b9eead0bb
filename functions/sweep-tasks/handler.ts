import type { FunctionLogger } from "#functions/middleware/task-messages.ts";
import { observeStandstill } from "#shared/domain/measures.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Measures } from "#shared/ports/measures.ts";
import type { SweepReport, SweepTasks } from "#shared/usecases/sweep-tasks.ts";

/** What is left of an invocation when the last page is started. */
const RESERVE_MS = 10_000;

export interface SweepTasksHandlerDeps {
  readonly sweepTasks: SweepTasks;
  readonly clock: Pick<Clock, "now">;
  readonly measures: Measures;
  readonly logger: FunctionLogger;
}

/** Moves whatever should have moved by now. Fired every minute; an item that fails does not stop the others. */
export const createHandler =
  ({ sweepTasks, clock, measures, logger }: SweepTasksHandlerDeps) =>
  async (_: unknown, context: { getRemainingTimeInMillis(): number }): Promise<SweepReport> => {
    const deadline = new Date(clock.now().getTime() + context.getRemainingTimeInMillis() - RESERVE_MS);
    const report = await sweepTasks(deadline, (error) =>
      logger.error("one item could not be swept", { error }),
    );
    const standstill = observeStandstill(report.withoutProgress, clock.now());
    if (standstill) measures.emit([standstill]);
    logger.info("sweep done", { ...report, withoutProgress: report.withoutProgress.length });
    return report;
  };
