import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import { PROMETHEUS_TYPE } from "#shared/domain/prometheus.ts";
import { instantInWords } from "#shared/domain/words.ts";
import type { QueueState } from "#shared/domain/work-queue.ts";
import type { CheckHealth, Health } from "#shared/usecases/check-health.ts";
import type { CheckReadiness } from "#shared/usecases/check-readiness.ts";
import type { ReadInfo } from "#shared/usecases/read-info.ts";
import type { ReadMetrics } from "#shared/usecases/read-metrics.ts";
import type { ReadQueueStatus } from "#shared/usecases/read-queue-status.ts";
import type { RedriveQueue } from "#shared/usecases/redrive-queue.ts";
import { OPERATOR_ONLY } from "./operator-only.ts";

export interface SystemRouteDeps {
  readonly checkHealth: CheckHealth;
  readonly checkReadiness: CheckReadiness;
  readonly readMetrics: ReadMetrics;
  readonly readInfo: ReadInfo;
  readonly readQueueStatus: ReadQueueStatus;
  readonly redriveQueue: RedriveQueue;
  /** Which deployment this is, for people. */
  readonly stage: string;
}

const QUEUE_NOTE =
  "Counts are SQS's own: approximate, and some seconds old. The age of the oldest message is a metric of CloudWatch (AWS/SQS, ApproximateAgeOfOldestMessage).";

const toQueueView = ({ name, work, deadLetters }: QueueState) => ({
  name,
  ...(work && { work: { ...work } }),
  deadLetters: { ...deadLetters },
  oldestAgeSeconds: null,
});

const toHealthView = ({ status, checkedAt, dependencies, accounts, queues, activity }: Health) => ({
  status,
  checkedAt: instantInWords(checkedAt),
  dependencies: dependencies.map((dependency) => ({ ...dependency })),
  ...(accounts && { accounts: { ...accounts, utilisation: accounts.utilisation ?? null } }),
  ...(queues && { queues: queues.map(toQueueView) }),
  ...(activity && {
    activity: {
      postsPerMinute: activity.postsPerMinute,
      requests: activity.requests,
      errorRate: activity.errorRate ?? null,
      meanResponseMs: activity.meanResponseMs ?? null,
      p90ResponseMs: activity.p90ResponseMs ?? null,
    },
  }),
});

type SystemRoutes = Pick<
  RouteHandlers,
  "checkHealth" | "checkReadiness" | "readMetrics" | "readInfo" | "readQueueStatus" | "redriveQueue"
>;

/** What the service says of itself. */
export const createSystemRoutes = ({ stage, ...usecases }: SystemRouteDeps): SystemRoutes => ({
  async checkHealth({ caller: { ownerId } }): Promise<RouteAnswer<"checkHealth">> {
    const health = await usecases.checkHealth(ownerId);
    return { status: health.status === "down" ? 503 : 200, body: { stage, ...toHealthView(health) } };
  },

  async checkReadiness(): Promise<RouteAnswer<"checkReadiness">> {
    const readiness = await usecases.checkReadiness();
    return { status: readiness.ready ? 200 : 503, body: { ...readiness } };
  },

  async readMetrics(): Promise<RouteAnswer<"readMetrics">> {
    return { status: 200, body: await usecases.readMetrics(), headers: { "content-type": PROMETHEUS_TYPE } };
  },

  async readInfo(): Promise<RouteAnswer<"readInfo">> {
    const { limits, since, ...about } = await usecases.readInfo();
    const body = { ...about, limits: { ...limits }, ...(since && { since: instantInWords(since) }) };
    return { status: 200, body };
  },

  async readQueueStatus(): Promise<RouteAnswer<"readQueueStatus">> {
    const states = await usecases.readQueueStatus();
    return { status: 200, body: { queues: states.map(toQueueView), note: QUEUE_NOTE } };
  },

  async redriveQueue({ caller: { ownerId }, body: { queue } }): Promise<RouteAnswer<"redriveQueue">> {
    const redriven = await usecases.redriveQueue(ownerId, queue);
    return redriven.ok ? { status: 200, body: { queue, ...redriven.value } } : OPERATOR_ONLY;
  },
});
