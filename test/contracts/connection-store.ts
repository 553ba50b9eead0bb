import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { hashState, type PendingConnection } from "#shared/domain/connection.ts";
import { Hidden } from "#shared/domain/hidden.ts";
import { asAccountId, asOwnerId } from "#shared/domain/ids.ts";
import type { ConnectionStore } from "#shared/ports/connection-store.ts";

const start = new Date("2026-12-01T01:00:00.000Z");
const later = (ms: number): Date => new Date(start.getTime() + ms);
const secrets = { verifier: "verifier-风筝", clientSecret: "client-secret" };

const aConnection = (over: Partial<PendingConnection> = {}): PendingConnection => ({
  ownerId: asOwnerId("anne"),
  accountId: asAccountId("anne.main"),
  account: "main",
  project: "default",
  startedBy: { sessionId: "0123", userId: "01K" },
  clientId: "client",
  callbackUrl: "https://api.example/api/v1/oauth/x/callback",
  secrets: new Hidden(secrets),
  expiresAt: later(600_000),
  ...over,
});

let serial = 0;
const freshState = () => hashState(`state-${process.pid}-${++serial}`);

/** What every `ConnectionStore` promises. Run it against each implementation. */
export function connectionStoreContract(name: string, open: () => ConnectionStore): void {
  describe(`ConnectionStore: ${name}`, () => {
    it("gives back what was added, and shows none of its secrets", async () => {
      const store = open();
      const state = freshState();
      await store.add(state, aConnection());
      const taken = await store.take(state, start, "me");
      expect(taken).toEqual(aConnection());
      expect(taken?.secrets.reveal()).toEqual(secrets);
      expect(inspect(taken, { depth: 9 }) + JSON.stringify(taken)).not.toMatch(/verifier-|client-secret/);
    });

    it("keeps what is not there apart from what is empty", async () => {
      const store = open();
      const state = freshState();
      const { project: _project, ...without } = aConnection({ secrets: new Hidden({ verifier: "v" }) });
      await store.add(state, without);
      const taken = await store.take(state, start, "me");
      expect(taken).toEqual(without);
      expect(taken?.secrets.reveal()).toEqual({ verifier: "v" });
    });

    it("gives it to one of many, and to nobody after that", async () => {
      const store = open();
      const state = freshState();
      await store.add(state, aConnection());
      const holders = ["a", "b", "c", "d"];
      const taken = await Promise.all(holders.map((holder) => store.take(state, start, holder)));
      expect(taken.filter(Boolean)).toHaveLength(1);
      const winner = holders[taken.findIndex(Boolean)] ?? "";
      expect(await store.take(state, start, "late")).toBeUndefined();
      expect(await store.take(state, start, winner)).toEqual(aConnection());
    });

    it("gives nothing for another state, nor from the end on", async () => {
      const store = open();
      const state = freshState();
      await store.add(state, aConnection());
      expect(await store.take(freshState(), start, "me")).toBeUndefined();
      expect(await store.take(state, later(600_000), "me")).toBeUndefined();
      expect(await store.take(state, later(599_999), "me")).toBeDefined();
    });
  });
}
