import type { OwnerId } from "#shared/domain/ids.ts";
import type { Job } from "#shared/domain/job.ts";
import type { JobStore } from "#shared/ports/job-store.ts";

export interface ListJobsDeps {
  readonly jobs: Pick<JobStore, "get" | "getRegister">;
}

/** All jobs of an owner, by name. What was just changed is shown as it is: no index lags. */
export type ListJobs = (ownerId: OwnerId) => Promise<readonly Job[]>;

export function createListJobs({ jobs }: ListJobsDeps): ListJobs {
  return async (ownerId) => {
    const { entries } = await jobs.getRegister(ownerId);
    const found = await Promise.all(entries.map(({ id }) => jobs.get(id)));
    return found
      .flatMap((job) => (job && !job.deletedAt ? [job] : []))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  };
}
