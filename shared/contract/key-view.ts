import * as z from "zod";
import { type ApiKey, KEY_SCOPES, keyIdOf, MAX_OVERLAP_MS } from "#shared/domain/api-key.ts";
import { nameField } from "#shared/domain/post-fields.ts";
import { instantInWords } from "#shared/domain/words.ts";

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
const DEFAULT_OVERLAP_HOURS = 24;
const MAX_NAMES = 50;

export const keyPath = z.strictObject({ id: z.string().regex(/^[0-9a-f]{12}$/, "12 hexadecimal digits") });

/** Shown to people, so that no terminal may obey it. */
export const label = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^\P{Cc}+$/u, "no control characters");

const names = (what: string) =>
  z
    .array(nameField)
    .min(1)
    .max(MAX_NAMES)
    .meta({ description: `Names. Absent: all ${what}.` });

const scopes = z
  .array(z.enum(KEY_SCOPES))
  .min(1)
  .max(KEY_SCOPES.length)
  .meta({ description: "`admin` includes all others." });

export const createKeyBody = z.strictObject({
  name: label.meta({ description: "Where the key is used." }),
  scopes,
  expiresInDays: z
    .int()
    .min(1)
    .max(3_650)
    .optional()
    .meta({ description: "Absent: it works until it is revoked." }),
  projects: names("projects").optional(),
  accounts: names("accounts").optional(),
});

export const toKeyWish = ({
  expiresInDays,
  projects,
  accounts,
  ...wish
}: z.output<typeof createKeyBody>) => ({
  ...wish,
  ...(projects && { projects }),
  ...(accounts && { accounts }),
  ...(expiresInDays !== undefined && { lifetimeMs: expiresInDays * DAY_MS }),
});

export const rotateKeyBody = z.strictObject({
  overlapHours: z
    .int()
    .min(0)
    .max(MAX_OVERLAP_MS / HOUR_MS)
    .default(DEFAULT_OVERLAP_HOURS)
    .meta({ description: "How long both keys work." }),
});

export const toOverlapMs = (body: z.output<typeof rotateKeyBody> | undefined): number =>
  (body?.overlapHours ?? DEFAULT_OVERLAP_HOURS) * HOUR_MS;

/** A key that nobody can see any more. */
export const keyView = z.strictObject({
  id: z.string().meta({ description: "The start of the key's SHA-256." }),
  name: z.string(),
  scopes: z.array(z.enum(KEY_SCOPES)),
  projects: z.array(z.string()).optional().meta({ description: "The only ones that it reaches." }),
  accounts: z.array(z.string()).optional().meta({ description: "The only ones that it reaches." }),
  createdAt: z.iso.datetime(),
  createdBy: z.ulid().optional().meta({ description: "The user who made it, and with whom it ends." }),
  expiresAt: z.iso.datetime().optional().meta({ description: "Absent: it works until it is revoked." }),
  lastUsedAt: z.iso.datetime().optional().meta({ description: "To within five minutes." }),
  replacedBy: z.string().optional().meta({ description: "Id of the key that takes its place." }),
});

/** The only answer that ever has the key. */
export const madeKeyView = z.strictObject({
  ...keyView.shape,
  apiKey: z.string().meta({ format: "password", description: "The key. It is shown only now." }),
});

export const rotatedKeyView = z.strictObject({ ...madeKeyView.shape, replaces: keyView });

/** All keys of an owner, oldest first. */
export const keyList = z.strictObject({ items: z.array(keyView) });

export const toKeyView = (key: ApiKey): z.output<typeof keyView> => {
  const { name, scopes, projects, accounts, createdAt, createdBy, expiresAt, lastUsedAt, replacedBy } = key;
  return {
    id: keyIdOf(key),
    name,
    scopes: [...scopes],
    ...(projects && { projects: [...projects] }),
    ...(accounts && { accounts: [...accounts] }),
    createdAt: instantInWords(createdAt),
    ...(createdBy !== undefined && { createdBy }),
    ...(expiresAt && { expiresAt: instantInWords(expiresAt) }),
    ...(lastUsedAt && { lastUsedAt: instantInWords(lastUsedAt) }),
    ...(replacedBy !== undefined && { replacedBy }),
  };
};
