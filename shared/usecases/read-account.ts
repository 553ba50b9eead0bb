import type { Account } from "#shared/domain/account.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Result } from "#shared/result.ts";
import { findAccount, type UnknownAccount } from "./find-project.ts";

/** All accounts of an owner, by name. */
export type ListAccounts = (ownerId: OwnerId) => Promise<readonly Account[]>;

export const createListAccounts =
  ({ accounts }: { readonly accounts: Pick<AccountStore, "listAccounts"> }): ListAccounts =>
  (ownerId) =>
    accounts.listAccounts(ownerId);

/** Another owner's account is refused like one that does not exist. */
export type ReadAccount = (ownerId: OwnerId, name: string) => Promise<Result<Account, UnknownAccount>>;

export const createReadAccount =
  ({ accounts }: { readonly accounts: Pick<AccountStore, "getAccount"> }): ReadAccount =>
  (ownerId, name) =>
    findAccount(accounts, ownerId, name);
