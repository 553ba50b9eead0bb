import * as z from "zod";

/** Body of `POST …/publish-now`; none is needed. */
export const publishNowBody = z.strictObject({
  /** It goes out in a blackout too. Needs the scope `manage` besides. */
  override: z.boolean().default(false),
});
