import { webhookStoreContract } from "#test/contracts/webhook-store.ts";
import { webhookVaultContract } from "#test/contracts/webhook-vault.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryWebhooks, createInMemoryWebhookVault } from "#test/support/in-memory-webhooks.ts";

webhookStoreContract("in memory", () => {
  const clock = manualClock();
  return { clock, webhooks: createInMemoryWebhooks(clock) };
});
webhookVaultContract("in memory", () => {
  const vault = createInMemoryWebhookVault();
  return { vault, eraser: vault };
});
