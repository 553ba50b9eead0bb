import type { OwnerId } from "#shared/domain/ids.ts";
import type { SourceDefaults } from "#shared/domain/source.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { StaleVersion } from "./change-own-account.ts";
import { checkDefaults } from "./create-source.ts";
import type { UnknownAccount } from "./find-project.ts";
import { findSource, type ShownSource, type UnknownSource } from "./read-source.ts";

/** Somebody else's write in between is no reason to give up. */
const MAX_RACES = 5;

export interface ChangeSourceDeps {
  readonly accounts: Pick<AccountStore, "getAccount" | "getProject" | "getSource" | "saveSource">;
}

export interface SourceChange {
  /** All of them: what is not named has no default any more. Absent: they stay. */
  readonly defaults?: SourceDefaults | undefined;
  readonly enabled?: boolean | undefined;
  readonly ifVersion?: number | undefined;
}

export type ChangeSource = (
  ownerId: OwnerId,
  folder: string,
  change: SourceChange,
) => Promise<Result<ShownSource, UnknownSource | UnknownAccount | StaleVersion>>;

/** Changes what files of a folder do not have to say, from the next file on, or switches the folder off and on. */
export function createChangeSource({ accounts }: ChangeSourceDeps): ChangeSource {
  return async (ownerId, folder, { defaults, enabled, ifVersion }) => {
    for (let race = 0; race < MAX_RACES; race++) {
      const found = await findSource(accounts, ownerId, folder);
      if (!found.ok) return found;
      const { source, project } = found.value;
      if (ifVersion !== undefined && ifVersion !== source.version)
        return err({ reason: "stale", version: source.version });
      const checked = await checkDefaults(accounts, project, defaults ?? {});
      if (!checked.ok) return checked;
      const next = {
        ...source,
        ...(defaults && { defaults }),
        ...(enabled !== undefined && { enabled }),
        version: source.version + 1,
      };
      if ((await accounts.saveSource(next)).ok) return ok({ source: next, project });
    }
    throw new DependencyFault(`the source ${folder} is written by somebody else without end`);
  };
}

export interface DeleteSourceDeps {
  readonly accounts: Pick<AccountStore, "getProject" | "getSource" | "removeSource">;
}

export type DeleteSource = (
  ownerId: OwnerId,
  folder: string,
  ifVersion: number | undefined,
) => Promise<Result<ShownSource, UnknownSource | StaleVersion>>;

/** Lets go of a folder. What was dropped into it and accepted goes on; what comes later is refused. */
export function createDeleteSource({ accounts }: DeleteSourceDeps): DeleteSource {
  return async (ownerId, folder, ifVersion) => {
    const found = await findSource(accounts, ownerId, folder);
    if (!found.ok) return found;
    const { source, project } = found.value;
    if (ifVersion !== undefined && ifVersion !== source.version)
      return err({ reason: "stale", version: source.version });
    const removed = await accounts.removeSource(source, project);
    return removed.ok ? ok(found.value) : err({ reason: "stale", version: source.version + 1 });
  };
}
