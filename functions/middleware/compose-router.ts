/** What the router of any function needs, made of ports. */
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { AuditStore } from "#shared/ports/audit-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { CursorSealKey } from "#shared/ports/cursor-seal-key.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { IdempotencyStore } from "#shared/ports/idempotency-store.ts";
import type { MediumStore } from "#shared/ports/medium-store.ts";
import type { RequestBudgetStore } from "#shared/ports/request-budget-store.ts";
import type { ServiceSettings } from "#shared/ports/service-settings.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import type { TotalsStore } from "#shared/ports/totals-store.ts";
import { createCountRequest } from "#shared/usecases/count-totals.ts";
import { createCursorSeal } from "#shared/usecases/cursor-seal.ts";
import { createFindMediumProject } from "#shared/usecases/find-medium-project.ts";
import { createFindTaskPlace } from "#shared/usecases/find-task-place.ts";
import { createRunOnce } from "#shared/usecases/idempotency.ts";
import { createRecordAudit, type RecordAudit } from "#shared/usecases/record-audit.ts";
import { createSpendRequest } from "#shared/usecases/request-budget.ts";
import type { CountedDeps } from "./count-requests.ts";
import type { HttpLogger } from "./http.ts";
import { createHttpAudit } from "./http-audit.ts";
import { createCheckReach } from "./http-reach.ts";
import type { RouterDeps } from "./router.ts";

export interface RouterPorts {
  readonly tasks: TaskStore;
  readonly accounts: AccountStore;
  readonly media: Pick<MediumStore, "get">;
  readonly totals: TotalsStore;
  readonly requestBudgets: RequestBudgetStore;
  readonly settings: ServiceSettings;
  readonly idempotency: IdempotencyStore;
  readonly sealKey: CursorSealKey;
  readonly audit: AuditStore;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: HttpLogger;
  /** Of what a request was answered without. */
  readonly reportAside: (error: unknown) => void;
}

export interface ComposedRouter extends RouterDeps, CountedDeps {
  readonly recordAudit: RecordAudit;
}

export function composeRouter(ports: RouterPorts): ComposedRouter {
  const { clock, logger, reportAside: report } = ports;
  const recordAudit = createRecordAudit(ports);
  return {
    countRequest: createCountRequest({ ...ports, report }),
    spendRequest: createSpendRequest({ ...ports, report }),
    runOnce: createRunOnce({ ...ports, report }),
    cursorSeal: createCursorSeal(ports),
    checkReach: createCheckReach(createFindTaskPlace(ports), createFindMediumProject(ports)),
    audit: createHttpAudit({ recordAudit, logger }),
    recordAudit,
    clock,
    logger,
  };
}
