import type { OwnerId } from "#shared/domain/ids.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { IntakeQueue } from "#shared/ports/intake-queue.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { findSource, type ShownSource, type UnknownSource } from "./read-source.ts";

export interface ScanSourceDeps {
  readonly accounts: Pick<AccountStore, "getProject" | "getSource" | "claimScan">;
  readonly intake: Pick<IntakeQueue, "scan">;
  readonly clock: Pick<Clock, "now">;
}

export type ScanSource = (
  ownerId: OwnerId,
  folder: string,
) => Promise<Result<ShownSource, UnknownSource | { readonly reason: "disabled" }>>;

/** Looks through a folder for files whose event was lost, now and not within the hour. */
export function createScanSource({ accounts, intake, clock }: ScanSourceDeps): ScanSource {
  return async (ownerId, folder) => {
    const found = await findSource(accounts, ownerId, folder);
    if (!found.ok) return found;
    const { source, project } = found.value;
    if (!source.enabled) return err({ reason: "disabled" });
    await intake.scan(folder);
    const at = clock.now();
    // Somebody else noted one a moment ago: theirs will do.
    const isNoted = await accounts.claimScan(source, at);
    return ok({
      source: isNoted ? { ...source, lastScanAt: at, version: source.version + 1 } : source,
      project,
    });
  };
}
