import { describe, expect, it } from "vitest";
import { asWebhookId, newSecrets, rotateSecret } from "#shared/domain/webhook.ts";
import type { WebhookSecretEraser, WebhookVault } from "#shared/ports/webhook-vault.ts";
import { freshTaskId } from "#test/support/builders.ts";

const STALE = { ok: false, error: { reason: "stale" } };
const NOW = new Date("2026-12-01T01:00:00.000Z");

/** What every `WebhookVault` promises, with whoever erases. Run it against each implementation. */
export function webhookVaultContract(
  name: string,
  open: () => { readonly vault: WebhookVault; readonly eraser: WebhookSecretEraser },
): void {
  describe(`WebhookVault: ${name}`, () => {
    const newId = () => asWebhookId(String(freshTaskId()));

    it("gives back the secrets of a webhook, and those of no other", async () => {
      const { vault } = open();
      const [id, other] = [newId(), newId()];
      await vault.save(id, newSecrets("whsec_b25l"));
      expect(await vault.load(id)).toEqual({ current: "whsec_b25l", version: 1 });
      expect(await vault.load(other)).toBeUndefined();
    });

    it("replaces the version before only", async () => {
      const { vault } = open();
      const id = newId();
      const first = newSecrets("whsec_b25l");
      await vault.save(id, first);
      expect(await vault.save(id, first)).toEqual(STALE);
      const second = rotateSecret(first, "whsec_dHdv", NOW, 60_000);
      const writes = await Promise.all([vault.save(id, second), vault.save(id, second)]);
      expect(writes.filter(({ ok }) => ok)).toHaveLength(1);
      expect(await vault.load(id)).toEqual({
        current: "whsec_dHdv",
        previous: { secret: "whsec_b25l", until: new Date(NOW.getTime() + 60_000) },
        version: 2,
      });
    });

    it("has nothing left after it was erased, also what never was", async () => {
      const { vault, eraser } = open();
      const id = newId();
      await eraser.erase(id);
      await vault.save(id, newSecrets("whsec_b25l"));
      await vault.load(id);
      await eraser.erase(id);
      expect(await vault.load(id)).toBeUndefined();
    });
  });
}
