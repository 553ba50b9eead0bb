import { cursorSealKeyContract } from "#test/contracts/cursor-seal-key.ts";
import { idempotencyStoreContract } from "#test/contracts/idempotency-store.ts";
import { requestBudgetStoreContract } from "#test/contracts/request-budget-store.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryCursorSealKey } from "#test/support/in-memory-cursor-seal-key.ts";
import { createInMemoryIdempotency } from "#test/support/in-memory-idempotency.ts";
import { createInMemoryRequestBudgets } from "#test/support/in-memory-request-budgets.ts";

const clock = manualClock();
const idempotency = createInMemoryIdempotency(clock);
idempotencyStoreContract("in memory", () => ({ idempotency, clock }));

const requestBudgets = createInMemoryRequestBudgets();
requestBudgetStoreContract("in memory", () => requestBudgets);

cursorSealKeyContract("in memory", createInMemoryCursorSealKey);
