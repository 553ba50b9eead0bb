import { auditStoreContract } from "#test/contracts/audit-store.ts";
import { sessionStoreContract } from "#test/contracts/session-store.ts";
import { userStoreContract } from "#test/contracts/user-store.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAudit } from "#test/support/in-memory-audit.ts";
import { createInMemorySessions } from "#test/support/in-memory-sessions.ts";
import { createInMemoryUsers } from "#test/support/in-memory-users.ts";

userStoreContract("in memory", createInMemoryUsers);
auditStoreContract("in memory", createInMemoryAudit);
sessionStoreContract("in memory", () => {
  const clock = manualClock();
  return { store: createInMemorySessions(clock), clock };
});
