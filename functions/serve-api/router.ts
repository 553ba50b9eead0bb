/** What the routes of this function are made of; `functions/middleware/router.ts` follows the table. */
export type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
