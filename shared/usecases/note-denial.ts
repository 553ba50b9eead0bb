import type { OwnerId } from "#shared/domain/ids.ts";
import type { Clock } from "#shared/ports/clock.ts";
import { FIRST_OWNER } from "./connect-account.ts";
import type { RecordAudit } from "./record-audit.ts";

/**
 * Of strangers together, and of each known key or session, by one sandbox of the authorizer in one minute: whoever knocks a
 * thousand times fills no log.
 */
export const DENIALS_A_MINUTE = 10;
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
  /** By who knocks. */
  let noted = new Map<string, { readonly times: number; readonly skipped: number }>();
  return async ({ reason, ownerId, keyId, sessionId, status, requestId, sourceIp }) => {
    const now = Math.floor(clock.now().getTime() / MINUTE_MS);
    if (now !== minute) {
      minute = now;
      const open = [...noted].filter(([, { skipped }]) => skipped > 0);
      noted = new Map(open.map(([who, { skipped }]) => [who, { times: 0, skipped }]));
    }
    const who = ownerId === undefined ? "" : JSON.stringify([ownerId, keyId, sessionId]);
    const { times, skipped } = noted.get(who) ?? { times: 0, skipped: 0 };
    const isTooMany = times >= DENIALS_A_MINUTE;
    noted.set(who, { times: times + 1, skipped: isTooMany ? skipped + 1 : 0 });
    if (isTooMany) return;
    await recordAudit({
      ownerId: ownerId ?? FIRST_OWNER,
      actor: { ...(keyId !== undefined && { keyId }), ...(sessionId !== undefined && { sessionId }) },
      action: "authorize-request",
      target: skipped > 0 ? { notNoted: String(skipped) } : {},
      phase: "outcome",
      status,
      problem: reason,
      requestId,
      sourceIp,
    });
  };
}
