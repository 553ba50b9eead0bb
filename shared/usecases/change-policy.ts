import type { Project } from "#shared/domain/account.ts";
import type { PostingPolicy } from "#shared/domain/policy.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import { err, ok, type Result } from "#shared/result.ts";

type Wish = PostingPolicy & Pick<Project, "weight">;

export interface PolicyChange {
  /** Everything that is not set now goes: policy and weight. */
  readonly clear: boolean;
  /** `undefined` takes a rule away; what is left out stays as it is. */
  readonly set: { readonly [Key in keyof Wish]?: Wish[Key] | undefined };
}

export type ChangePolicy = (
  folder: string,
  change: PolicyChange,
) => Promise<
  Result<
    { readonly before: Project; readonly after: Project },
    { readonly reason: "unknown-project"; readonly known: readonly string[] }
  >
>;

/** Changes what a project allows itself. Posts that are under way keep what was decided for them. Safe to repeat. */
export function createChangePolicy({
  accounts,
}: {
  readonly accounts: Pick<AccountStore, "getProjectByFolder" | "listFolders" | "saveProject">;
}): ChangePolicy {
  return async (folder, { clear, set }) => {
    const before = await accounts.getProjectByFolder(folder);
    if (!before) return err({ reason: "unknown-project", known: await accounts.listFolders() });
    const { policy: oldPolicy, weight: oldWeight, ...kept } = before;
    const wished = {
      ...(!clear && oldPolicy),
      ...(!clear && oldWeight !== undefined && { weight: oldWeight }),
      ...set,
    };
    const { weight, ...rules } = Object.fromEntries(
      Object.entries(wished).filter(([, value]) => value !== undefined),
    ) as Wish;
    const after: Project = {
      ...kept,
      ...(Object.keys(rules).length > 0 && { policy: rules }),
      ...(weight !== undefined && { weight }),
    };
    if (clear || Object.keys(set).length > 0) await accounts.saveProject(after);
    return ok({ before, after });
  };
}
