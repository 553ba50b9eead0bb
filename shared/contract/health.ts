import * as z from "zod";
import { queueView } from "./system-view.ts";

const count = z.int().nonnegative();
const share = z.number().min(0);

/** What the API depends on, each with why it counts as it does, and how the deployment is doing. */
export const healthView = z.strictObject({
  /** `degraded`: requests are answered, but something is late or missing. `down`: they cannot be. */
  status: z.enum(["ok", "degraded", "down"]),
  stage: z.string(),
  checkedAt: z.iso.datetime(),
  dependencies: z.array(
    z.strictObject({
      name: z.enum(["table", "scheduler", "queues", "bucket"]),
      status: z.enum(["ok", "down", "not-checked"]),
      why: z.string(),
      latencyMs: z.number().nonnegative().optional(),
    }),
  ),
  accounts: z
    .strictObject({
      total: count,
      active: count.meta({ description: "Neither paused nor to be connected again." }),
      available: count.meta({ description: "Active, and interval and X's limits let them post now." }),
      utilisation: share.nullable().meta({
        description: "Share of X's quota of the current 15 minutes that is used; null: none is active.",
      }),
    })
    .optional()
    .meta({
      description:
        "Of the key's owner. Absent while they cannot be read, or are too many to be counted for this.",
    }),
  queues: z.array(queueView).optional().meta({ description: "Absent while they cannot be read." }),
  activity: z
    .strictObject({
      postsPerMinute: share,
      requests: count,
      errorRate: share
        .nullable()
        .meta({ description: "Share of the requests answered with 5xx; null: there was none." }),
      meanResponseMs: share.nullable(),
      p90ResponseMs: share
        .nullable()
        .meta({ description: "Nine of ten were answered within this; null: not known, or above 10 s." }),
    })
    .optional()
    .meta({ description: "Of the whole deployment in the last hour. Absent while it cannot be read." }),
});
