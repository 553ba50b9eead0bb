import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import { toAuditEntryView } from "#shared/contract/audit-view.ts";
import type { ListAudit } from "#shared/usecases/list-audit.ts";
import type { VerifyAudit } from "#shared/usecases/verify-audit.ts";
import { badCursor } from "./bad-cursor.ts";

export interface AuditRouteDeps {
  readonly listAudit: ListAudit;
  readonly verifyAudit: VerifyAudit;
}

type AuditRoutes = Pick<RouteHandlers, "listAudit" | "verifyAudit">;

/** What was changed and denied: which answer each outcome is. */
export const createAuditRoutes = (usecases: AuditRouteDeps): AuditRoutes => ({
  async listAudit({ caller: { ownerId }, query }): Promise<RouteAnswer<"listAudit">> {
    const listed = await usecases.listAudit(ownerId, query);
    if (!listed.ok) return badCursor;
    const { items, next } = listed.value;
    return {
      status: 200,
      body: { items: items.map(toAuditEntryView), ...(next !== undefined && { next }) },
    };
  },

  async verifyAudit({ caller: { ownerId }, query }): Promise<RouteAnswer<"verifyAudit">> {
    const verified = await usecases.verifyAudit(ownerId, query);
    if (!verified.ok) return badCursor;
    const { bad, ends, ...rest } = verified.value;
    return {
      status: 200,
      body: {
        ok: bad === undefined,
        ...rest,
        ...(bad && { bad: { ...bad } }),
        ends: ends.map((end) => ({ ...end })),
      },
    };
  },
});
