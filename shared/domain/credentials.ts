import { createHash } from "node:crypto";
import * as z from "zod";

const secret = z.string().min(1);

/**
 * What an account of X is posted with. OAuth 1.0a tokens do not expire; of OAuth 2 the access token lives about two
 * hours and the refresh token can be used once.
 *
 * @see https://docs.x.com/resources/fundamentals/authentication/overview
 */
const credentialsSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("oauth1"),
    apiKey: secret,
    apiSecret: secret,
    accessToken: secret,
    accessSecret: secret,
  }),
  z.strictObject({
    kind: z.literal("oauth2"),
    clientId: secret,
    /** Confidential clients only. */
    clientSecret: secret.optional(),
    refreshToken: secret,
    accessToken: secret.optional(),
    /** When the access token stops working. */
    expiresAt: z.iso
      .datetime()
      .transform((iso) => new Date(iso))
      .optional(),
  }),
]);

type Present<Type> = { [Key in keyof Type]: Exclude<Type[Key], undefined> };

export type OAuth1Secrets = Readonly<Extract<z.output<typeof credentialsSchema>, { kind: "oauth1" }>>;
type ParsedOAuth2 = Extract<z.output<typeof credentialsSchema>, { kind: "oauth2" }>;
export type OAuth2Secrets = Readonly<
  Pick<ParsedOAuth2, "kind" | "clientId" | "refreshToken"> &
    Partial<Present<Pick<ParsedOAuth2, "clientSecret" | "accessToken" | "expiresAt">>>
>;
export type CredentialSecrets = OAuth1Secrets | OAuth2Secrets;

const REDACTED = "[credentials]";

/**
 * Secrets that do not show: printed, logged, put into JSON or cloned, they stay out of sight. Only `reveal` gives
 * them, and only to the code that signs, refreshes or seals.
 */
export class Credentials {
  readonly kind: CredentialSecrets["kind"];
  readonly #secrets: CredentialSecrets;

  constructor(secrets: CredentialSecrets) {
    this.kind = secrets.kind;
    this.#secrets = Object.freeze({ ...secrets });
  }

  reveal(): CredentialSecrets {
    return this.#secrets;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return REDACTED;
  }
}

/** The text that is sealed. Whoever holds it holds the account. */
export const serializeCredentials = (credentials: Credentials): string =>
  JSON.stringify(credentials.reveal());

/** @throws RangeError when it is not what `serializeCredentials` writes; the message shows nothing of it. */
export function parseCredentials(text: string): Credentials {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RangeError("the stored credentials are no JSON");
  }
  const parsed = credentialsSchema.safeParse(value);
  if (!parsed.success) {
    const fields = parsed.error.issues.map(({ path }) => path.join(".") || "kind");
    throw new RangeError(`the stored credentials are wrong in ${fields.join(", ")}`);
  }
  const secrets = Object.fromEntries(Object.entries(parsed.data).filter(([, field]) => field !== undefined));
  return new Credentials(secrets as unknown as CredentialSecrets);
}

/**
 * Whether the access token can be used from `now` for at least `marginMs`. One whose end is not known is tried: a
 * refusal of X is definite and renews it.
 */
export function isUsable(credentials: Credentials, now: Date, marginMs: number): boolean {
  const secrets = credentials.reveal();
  if (secrets.kind === "oauth1") return true;
  if (!secrets.accessToken) return false;
  return !secrets.expiresAt || secrets.expiresAt.getTime() - now.getTime() >= marginMs;
}

/** Tells whether two sets of credentials are the same without keeping either. SHA-256, hex. */
export const fingerprintOf = (credentials: Credentials): string =>
  createHash("sha256").update(serializeCredentials(credentials)).digest("hex");
