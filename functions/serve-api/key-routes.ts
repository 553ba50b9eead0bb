import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import { unknownProject } from "#functions/middleware/unknown-project.ts";
import { toKeyView, toKeyWish, toOverlapMs } from "#shared/contract/key-view.ts";
import type { GrantRefusal } from "#shared/domain/api-key.ts";
import { quote, quoteAll } from "#shared/domain/words.ts";
import type { KeyStore } from "#shared/ports/key-store.ts";
import type { CreateKey } from "#shared/usecases/create-key.ts";
import type { RevokeKey } from "#shared/usecases/revoke-key.ts";
import type { RotateKey } from "#shared/usecases/rotate-key.ts";
import { unknownAccount } from "./create-refusal.ts";

export interface KeyRouteDeps {
  readonly createKey: CreateKey;
  readonly revokeKey: RevokeKey;
  readonly rotateKey: RotateKey;
  readonly keys: Pick<KeyStore, "list">;
}

const NO_KEY = { problem: "key-not-found", detail: "No key of this key's owner has this id." } as const;

const exceedsOwn = ({ what, names }: GrantRefusal) => {
  const wanted = names.length === 0 ? `all ${what}` : `the ${what} ${quoteAll(names)}`;
  const detail = `You have less yourself than ${wanted}.`;
  return { problem: "missing-scope", detail, errors: [{ pointer: `/${what}`, detail }] } as const;
};

type KeyRoutes = Pick<RouteHandlers, "createKey" | "listKeys" | "revokeKey" | "rotateKey">;

/** API keys: which answer each outcome is. */
export const createKeyRoutes = (usecases: KeyRouteDeps): KeyRoutes => ({
  async createKey({ caller, body }): Promise<RouteAnswer<"createKey">> {
    const made = await usecases.createKey(caller, toKeyWish(body));
    if (made.ok) {
      const { key, record } = made.value;
      return { status: 201, body: { ...toKeyView(record), apiKey: key } };
    }
    const { error } = made;
    switch (error.reason) {
      case "exceeds-own":
        return exceedsOwn(error);
      case "unknown-project": {
        const index = body.projects?.indexOf(error.name) ?? 0;
        return unknownProject(error.name, error.known, { pointer: `/projects/${index}` });
      }
      case "unknown-account": {
        const index = body.accounts?.indexOf(error.name) ?? 0;
        return unknownAccount(`There is no account ${quote(error.name)}.`, { pointer: `/accounts/${index}` });
      }
    }
  },

  async listKeys({ caller: { ownerId } }) {
    return { status: 200, body: { items: (await usecases.keys.list(ownerId)).map(toKeyView) } };
  },

  async revokeKey({ caller: { ownerId }, params }): Promise<RouteAnswer<"revokeKey">> {
    const revoked = await usecases.revokeKey(ownerId, params.id);
    return revoked.ok ? { status: 200, body: toKeyView(revoked.value) } : NO_KEY;
  },

  async rotateKey({ caller, params, body }): Promise<RouteAnswer<"rotateKey">> {
    const rotated = await usecases.rotateKey(caller, params.id, toOverlapMs(body));
    if (rotated.ok) {
      const { key, record, retired } = rotated.value;
      return { status: 201, body: { ...toKeyView(record), apiKey: key, replaces: toKeyView(retired) } };
    }
    const { error } = rotated;
    switch (error.reason) {
      case "not-found":
        return NO_KEY;
      case "ended":
        return {
          problem: "key-ended",
          detail: "It was replaced already, or has expired. Make a new one.",
        };
      case "exceeds-own":
        return exceedsOwn(error);
    }
  },
});
