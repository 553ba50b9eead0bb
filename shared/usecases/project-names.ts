import type { ProjectId } from "#shared/domain/ids.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";

/** Names of projects, each read once. One that is gone is shown by its id. */
export function projectNames(accounts: Pick<AccountStore, "getProject">): (id: ProjectId) => Promise<string> {
  const names = new Map<ProjectId, Promise<string>>();
  const read = async (id: ProjectId) => (await accounts.getProject(id))?.name ?? id;
  return (id) => {
    const name = names.get(id) ?? read(id);
    names.set(id, name);
    return name;
  };
}
