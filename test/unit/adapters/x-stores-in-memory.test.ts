import { accountStoreContract } from "#test/contracts/account-store.ts";
import { credentialsVaultContract } from "#test/contracts/credentials-vault.ts";
import { keyStoreContract } from "#test/contracts/key-store.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryKeys } from "#test/support/in-memory-keys.ts";
import { createInMemoryVault } from "#test/support/in-memory-vault.ts";

accountStoreContract("in memory", createInMemoryAccounts);
keyStoreContract("in memory", createInMemoryKeys);
credentialsVaultContract("in memory", createInMemoryVault);
