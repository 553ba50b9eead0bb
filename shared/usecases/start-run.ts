import type { OwnerId } from "#shared/domain/ids.ts";
import { asRunId, newRun, type Run, type RunId } from "#shared/domain/run.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { RunStore } from "#shared/ports/run-store.ts";

export interface StartRunDeps {
  readonly runs: Pick<RunStore, "save" | "get">;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
}

/**
 * Notes the wish to publish everything of an owner that is due. The next sweep begins with it: nothing is published
 * inside a request, and what is noted survives whoever noted it.
 *
 * @param id - of the run. Absent: any. The owner's run that has it already is the one that was wished for
 */
export type StartRun = (ownerId: OwnerId, id?: RunId) => Promise<Run>;

export function createStartRun({ runs, clock, entropy }: StartRunDeps): StartRun {
  return async (ownerId, id = asRunId(entropy.newId())) => {
    const run = newRun(id, ownerId, clock.now());
    if ((await runs.save(run)).ok) return run;
    const made = await runs.get(id);
    if (made?.ownerId !== ownerId) throw new RangeError(`the new run id ${id} was taken`);
    return made;
  };
}
