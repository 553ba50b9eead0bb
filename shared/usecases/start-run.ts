import type { OwnerId } from "#shared/domain/ids.ts";
import { asRunId, newRun, type Run } from "#shared/domain/run.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { RunStore } from "#shared/ports/run-store.ts";

export interface StartRunDeps {
  readonly runs: Pick<RunStore, "save">;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
}

/**
 * Notes the wish to publish everything of an owner that is due. The next sweep begins with it: nothing is published
 * inside a request, and what is noted survives whoever noted it.
 */
export type StartRun = (ownerId: OwnerId) => Promise<Run>;

export function createStartRun({ runs, clock, entropy }: StartRunDeps): StartRun {
  return async (ownerId) => {
    const run = newRun(asRunId(entropy.newId()), ownerId, clock.now());
    const saved = await runs.save(run);
    if (!saved.ok) throw new RangeError(`the new run id ${run.id} was taken`);
    return run;
  };
}
