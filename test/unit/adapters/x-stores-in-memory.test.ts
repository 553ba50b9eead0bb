import { accountStoreContract } from "#test/contracts/account-store.ts";
import { connectionStoreContract } from "#test/contracts/connection-store.ts";
import { credentialsVaultContract } from "#test/contracts/credentials-vault.ts";
import { keyStoreContract } from "#test/contracts/key-store.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryConnections } from "#test/support/in-memory-connections.ts";
import { createInMemoryKeys } from "#test/support/in-memory-keys.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";
import { createInMemoryVault } from "#test/support/in-memory-vault.ts";

const accounts = createInMemoryAccounts();
const { tasks } = createInMemoryStore(manualClock(), accounts.due);

accountStoreContract("in memory", () => ({ accounts, tasks }));
keyStoreContract("in memory", createInMemoryKeys);
credentialsVaultContract("in memory", createInMemoryVault);
const connections = createInMemoryConnections();
connectionStoreContract("in memory", () => connections);
