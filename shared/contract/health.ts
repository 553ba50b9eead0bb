import * as z from "zod";

/** What the API depends on, each with why it counts as it does. */
export const healthView = z.strictObject({
  /** `degraded`: requests are answered, but something is late or missing. `down`: they cannot be. */
  status: z.enum(["ok", "degraded", "down"]),
  stage: z.string(),
  checkedAt: z.iso.datetime(),
  dependencies: z.array(
    z.strictObject({
      name: z.enum(["table", "scheduler", "queues"]),
      status: z.enum(["ok", "down", "not-checked"]),
      why: z.string(),
      latencyMs: z.number().nonnegative().optional(),
    }),
  ),
  /** Of the key’s owner. Absent while they cannot be read, or are too many to be counted for this. */
  accounts: z.strictObject({ total: z.int().nonnegative(), active: z.int().nonnegative() }).optional(),
});
