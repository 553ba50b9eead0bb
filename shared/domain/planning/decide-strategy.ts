import { err, ok, type Result } from "#shared/result.ts";
import type { Reason } from "../reason.ts";
import type { Strategy } from "./strategy.ts";

/** Nobody named an instant. */
export const isNow = (publishAt: string | undefined): boolean =>
  publishAt === undefined || publishAt.trim().toLowerCase() === "now";

/**
 * How the slot of a post is chosen. Nothing said: a post with a time keeps it, and one without goes out at once.
 *
 * Refusals (`code`): `strategy-and-time`.
 *
 * @param publishAt - as written
 */
export function decideStrategy(
  strategy: Strategy | undefined,
  publishAt: string | undefined,
): Result<Strategy, Reason & { readonly code: "strategy-and-time" }> {
  if (strategy === undefined) return ok(isNow(publishAt) ? "immediate" : "fixed");
  if (strategy === "fixed" && isNow(publishAt))
    return err({
      code: "strategy-and-time",
      message: "The strategy fixed needs a publishAt.",
      remedy: "Give a publishAt, or another strategy.",
    });
  if (strategy === "immediate" && !isNow(publishAt))
    return err({
      code: "strategy-and-time",
      message: "The strategy immediate takes no publishAt but now.",
      remedy: "Leave one of them out.",
    });
  return ok(strategy);
}
