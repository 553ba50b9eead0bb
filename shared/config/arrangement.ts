import * as z from "zod";
import type { ArrangementLimits } from "#shared/domain/arrangement.ts";
import { arrangeVariables } from "./variables.ts";

const schema = z.object(arrangeVariables);
type ArrangeConfig = z.output<typeof schema>;

/** Where wake-up calls go. */
export const dispatchTargets = (config: ArrangeConfig) => ({
  groupName: config.SCHEDULE_GROUP,
  schedulerRoleArn: config.SCHEDULER_ROLE_ARN,
  functionArns: { prepare: config.PREPARE_FUNCTION_ARN, publish: config.PUBLISH_FUNCTION_ARN },
  queueUrls: { prepare: config.PREPARE_QUEUE_URL, publish: config.PUBLISH_QUEUE_URL },
});

/** How early a task is woken, and how near is too near for Scheduler. */
export const arrangementLimits = (config: ArrangeConfig): ArrangementLimits => ({
  holdLeadMs: config.HOLD_LEAD_SECONDS * 1_000,
  nearLimitMs: config.NEAR_LIMIT_SECONDS * 1_000,
  prepareLeads: config.PREPARE_LEADS,
});
