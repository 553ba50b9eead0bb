import {
  DeleteScheduleCommand,
  paginateListSchedules,
  ResourceNotFoundException,
  type SchedulerClient,
} from "@aws-sdk/client-scheduler";
import type { ListedSchedule } from "#shared/domain/consistency.ts";
import { asTaskId } from "#shared/domain/ids.ts";
import { TASK_STEPS, type TaskStep } from "#shared/domain/task.ts";
import type { ScheduleList } from "#shared/ports/schedule-list.ts";

export interface AwsScheduleListOptions {
  readonly scheduler: SchedulerClient;
  readonly groupName: string;
}

/** As `createAwsTaskDispatch` names them. */
const NAME = new RegExp(`^t-([^-]+)-(\\d+)-(${TASK_STEPS.join("|")})$`);

function parseName(name: string): ListedSchedule | undefined {
  const [, taskId, arm, step] = NAME.exec(name) ?? [];
  if (taskId === undefined) return undefined;
  return { name, taskId: asTaskId(taskId), arm: Number(arm), step: step as TaskStep };
}

/**
 * Lists one group. Needs `scheduler:ListSchedules`, which AWS grants for all groups or none, so no function has it.
 *
 * @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_ListSchedules.html
 */
export const createAwsScheduleList = ({ scheduler, groupName }: AwsScheduleListOptions): ScheduleList => ({
  async *list(taskId) {
    const pages = paginateListSchedules(
      { client: scheduler, pageSize: 100 },
      { GroupName: groupName, NamePrefix: taskId === undefined ? "t-" : `t-${taskId}-` },
    );
    for await (const { Schedules = [] } of pages)
      yield Schedules.flatMap(({ Name = "" }) => parseName(Name) ?? []);
  },

  async delete({ name }) {
    try {
      await scheduler.send(new DeleteScheduleCommand({ GroupName: groupName, Name: name }));
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error;
    }
  },
});
