import { AUDIT_CHAINS, type AuditEntry, chainOf, sealEntry } from "#shared/domain/audit.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { AuditStore } from "#shared/ports/audit-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";

export interface RecordAuditDeps {
  readonly audit: Pick<AuditStore, "getHead" | "append">;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

export type NewAuditEntry = Omit<AuditEntry, "id" | "at">;

/** @throws DependencyFault when there was no place for it: nothing was written */
export type RecordAudit = (entry: NewAuditEntry) => Promise<void>;

/** Three rounds of all chains: fifty changes at once lose far fewer races. */
const MAX_RACES = 3 * AUDIT_CHAINS;
const PAUSE_MS = 40;

/** Adds an entry to one of the owner's chains; whoever loses the race for an end goes to another chain. */
export function createRecordAudit({ audit, clock, entropy }: RecordAuditDeps): RecordAudit {
  return async (entry) => {
    const { ownerId, requestId } = entry;
    const whole: AuditEntry = { ...entry, id: entropy.newId(), at: clock.now() };
    const first = chainOf(requestId);
    for (let race = 0; race < MAX_RACES; race++) {
      // Whoever lost a race goes anywhere else: those who lost it together must not meet again.
      const away = race === 0 ? 0 : Math.floor(entropy.random() * AUDIT_CHAINS);
      const head = await audit.getHead(ownerId, (first + away) % AUDIT_CHAINS);
      if ((await audit.append(ownerId, sealEntry(head, whole))).ok) return;
      // Another chain is more likely to be free than this one in a moment; only who has lost many waits.
      if (race % AUDIT_CHAINS !== AUDIT_CHAINS - 1) continue;
      await clock.sleepUntil(new Date(clock.now().getTime() + Math.ceil(entropy.random() * PAUSE_MS)));
    }
    throw new DependencyFault("the audit log is written by somebody else without end", {
      details: { races: MAX_RACES },
    });
  };
}
