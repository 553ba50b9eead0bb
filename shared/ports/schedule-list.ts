import type { ListedSchedule } from "#shared/domain/consistency.ts";
import type { TaskId } from "#shared/domain/ids.ts";

/** The schedules that exist, as Scheduler lists them: it may be some seconds behind. */
export interface ScheduleList {
  /** Those of tasks, page by page; of one task when it is named. Others in the group are left out. */
  list(taskId?: TaskId): AsyncIterable<readonly ListedSchedule[]>;
  /** Without effect when it is gone. */
  delete(schedule: Pick<ListedSchedule, "name">): Promise<void>;
}
