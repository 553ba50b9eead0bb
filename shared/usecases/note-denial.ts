import type { OwnerId } from "#shared/domain/ids.ts";
import type { Clock } from "#shared/ports/clock.ts";
import { FIRST_OWNER } from "./connect-account.ts";
import type { RecordAudit } from "./record-audit.ts";

/** Of strangers, by one sandbox of the authorizer in one minute: whoever knocks a thousand times fills no log. */
export const STRANGERS_A_MINUTE = 10;
const MINUTE_MS = 60_000;

export interface NoteDenialDeps {
  readonly recordAudit: RecordAudit;
  readonly clock: Pick<Clock, "now">;
}

/** Somebody who was not let in at all. */
export interface Denial {
  readonly reason: string;
  /** The tenant, if one is known. */
  readonly ownerId?: OwnerId;
  readonly keyId?: string;
  readonly sessionId?: string;
  readonly status: 401 | 403;
  readonly requestId: string;
  readonly sourceIp: string;
}

export type NoteDenial = (denial: Denial) => Promise<void>;

/** Notes a denial before any route. What nobody's key did is the first tenant's, which runs the deployment. */
export function createNoteDenial({ recordAudit, clock }: NoteDenialDeps): NoteDenial {
  let minute = 0;
  let strangers = 0;
  let skipped = 0;
  return async ({ reason, ownerId, keyId, sessionId, status, requestId, sourceIp }) => {
    const now = Math.floor(clock.now().getTime() / MINUTE_MS);
    if (now !== minute) [minute, strangers] = [now, 0];
    if (ownerId === undefined && ++strangers > STRANGERS_A_MINUTE) {
      skipped++;
      return;
    }
    // How many were passed over is told to whom it concerns: not to the tenant of a known key.
    const before = ownerId === undefined ? skipped : 0;
    skipped -= before;
    await recordAudit({
      ownerId: ownerId ?? FIRST_OWNER,
      actor: { ...(keyId !== undefined && { keyId }), ...(sessionId !== undefined && { sessionId }) },
      action: "authorize-request",
      target: before > 0 ? { notNoted: String(before) } : {},
      phase: "outcome",
      status,
      problem: reason,
      requestId,
      sourceIp,
    });
  };
}
