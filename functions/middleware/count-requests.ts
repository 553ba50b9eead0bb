import type { Context } from "aws-lambda";
import type { Clock } from "#shared/ports/clock.ts";
import type { CountRequest } from "#shared/usecases/count-totals.ts";
import type { HttpEvent, HttpResult } from "./http.ts";
import { routeNameOf } from "./router.ts";

export interface CountedDeps {
  readonly countRequest: CountRequest;
  readonly clock: Pick<Clock, "now">;
}

type HttpHandler = (event: HttpEvent, context: Context) => Promise<HttpResult>;

/** Counts every request that this function answers, whatever the answer is, and how long it took. */
export const countRequests =
  (handler: HttpHandler, { countRequest, clock }: CountedDeps): HttpHandler =>
  async (event, context) => {
    const startedAt = clock.now().getTime();
    const result = await handler(event, context);
    await countRequest({
      route: routeNameOf(event) ?? "none",
      status: result.statusCode ?? 200,
      durationMs: clock.now().getTime() - startedAt,
    });
    return result;
  };
