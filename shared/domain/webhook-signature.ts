/** Standard Webhooks: symmetric signatures, so that ready-made libraries verify them. @see https://www.standardwebhooks.com */
import { createHmac } from "node:crypto";

const PREFIX = "whsec_";

/** The specification asks for 24 to 64. */
export const SECRET_BYTES = 32;

/**
 * A new secret as people keep it.
 *
 * @param randomBytes - exactly `SECRET_BYTES`, from a cryptographic source
 */
export function formatWebhookSecret(randomBytes: Uint8Array): string {
  if (randomBytes.length !== SECRET_BYTES)
    throw new RangeError(`a secret is made of ${SECRET_BYTES} random bytes, not ${randomBytes.length}`);
  return PREFIX + Buffer.from(randomBytes).toString("base64");
}

export interface SignedWebhook {
  readonly id: string;
  readonly sentAt: Date;
  /** Exactly what is sent. */
  readonly body: string;
}

const seconds = (at: Date): number => Math.floor(at.getTime() / 1_000);

/**
 * The headers that prove who sent it, and when: one signature for each secret in force, so that neither side has to
 * change a secret in the same second as the other.
 */
export function signWebhook({ id, sentAt, body }: SignedWebhook, secrets: readonly string[]) {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), "base64");
    return `v1,${createHmac("sha256", key)
      .update(`${id}.${seconds(sentAt)}.${body}`)
      .digest("base64")}`;
  });
  return {
    "webhook-id": id,
    "webhook-timestamp": String(seconds(sentAt)),
    "webhook-signature": signatures.join(" "),
  } as const;
}
