import { type Command, InvalidArgumentError } from "commander";
import * as z from "zod";
import { type ApiKey, isKeyExpired, KEY_SCOPES, type KeyScope, keyIdOf } from "#shared/domain/api-key.ts";
import { asOwnerId, type OwnerId } from "#shared/domain/ids.ts";
import { createIssueKey } from "#shared/usecases/initialize-service.ts";
import type { CommandContext } from "./command.ts";
import { AdminError, type Service } from "./service.ts";
import { ownerOption } from "./users.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

async function findKey({ keys }: Service, owner: OwnerId, id: string): Promise<ApiKey> {
  const matching = (await keys.list(owner)).filter(({ hash }) => hash.startsWith(id));
  const [key, second] = matching;
  if (!key) throw new AdminError(`There is no key ${id}. Remedy: see \`npm run admin -- keys list\`.`);
  if (second) throw new AdminError(`More than one key begins with ${id}. Remedy: give more of it.`);
  return key;
}

const describeKey = (key: ApiKey) => ({
  id: keyIdOf(key),
  name: key.name,
  scopes: key.scopes,
  createdAt: key.createdAt,
  ...(key.expiresAt && { expiresAt: key.expiresAt }),
  ...(key.lastUsedAt && { lastUsedAt: key.lastUsedAt }),
});

const toScopes = (text: string): readonly KeyScope[] => {
  const parsed = z.array(z.enum(KEY_SCOPES)).min(1).safeParse(text.split(","));
  if (!parsed.success) throw new InvalidArgumentError(`Known scopes: ${KEY_SCOPES.join(", ")}.`);
  return [...new Set(parsed.data)];
};

const toDays = (text: string): number => {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError("Give whole days, 1 to 9999.");
  return Number(text);
};

interface OwnerOption {
  readonly owner: string;
}

interface KeyOptions extends OwnerOption {
  readonly scopes: readonly KeyScope[];
  readonly expiresInDays?: number;
}
export function addKeyCommands(program: Command, { act }: CommandContext): void {
  const keys = program.command("keys").description("API keys");
  keys
    .command("create <name>")
    .description("makes a key and shows it once")
    .option("--scopes <list>", `some of ${KEY_SCOPES.join(",")}`, toScopes, ["read"])
    .option("--expires-in-days <days>", "how long it works (default: until it is revoked)", toDays)
    .addOption(ownerOption())
    .action(
      act<KeyOptions, [string]>(async (service, { scopes, expiresInDays, owner }, [name]) => {
        const { key, record } = await createIssueKey(service)({
          ownerId: asOwnerId(owner),
          name,
          scopes,
          ...(expiresInDays !== undefined && {
            expiresAt: new Date(service.clock.now().getTime() + expiresInDays * DAY_MS),
          }),
        });
        return {
          json: { ...describeKey(record), apiKey: key },
          text: [key, `Shown only now: keep it in a safe place. Its id is ${keyIdOf(record)}.`],
        };
      }),
    );
  keys
    .command("list", { isDefault: true })
    .description("all keys, by the start of their hash; the keys themselves are stored nowhere")
    .addOption(ownerOption())
    .action(
      act<OwnerOption, []>(async (service, { owner }) => {
        const found = await service.keys.list(asOwnerId(owner));
        const now = service.clock.now();
        return {
          json: found.map(describeKey),
          text:
            found.length === 0
              ? ["There are no keys yet: `npm run admin -- keys create <name>` makes one."]
              : found.map((key) =>
                  [
                    keyIdOf(key),
                    key.name,
                    key.scopes.join(","),
                    isKeyExpired(key, now) ? "expired" : "valid",
                    key.lastUsedAt ? `last used ${key.lastUsedAt.toISOString()}` : "never used",
                  ].join("  "),
                ),
        };
      }),
    );
  keys
    .command("revoke <id>")
    .description("ends a key for good, at the latest when the API's cache of it ends (1 min)")
    .addOption(ownerOption())
    .action(
      act<OwnerOption, [string]>(async (service, { owner }, [id]) => {
        const key = await findKey(service, asOwnerId(owner), id);
        await service.keys.revoke(key);
        return { json: { revoked: keyIdOf(key) }, text: [`${key.name} (${keyIdOf(key)}) no longer works.`] };
      }),
    );
}
