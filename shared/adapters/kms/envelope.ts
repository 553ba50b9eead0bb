import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import {
  DecryptCommand,
  GenerateDataKeyCommand,
  IncorrectKeyException,
  InvalidCiphertextException,
  type KMSClient,
} from "@aws-sdk/client-kms";
import { Fault } from "#shared/errors.ts";
import type { Envelope, EnvelopeContext } from "#shared/ports/envelope.ts";

const CIPHER = "aes-256-gcm";
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** What was sealed cannot be opened: changed, moved to another context, or sealed with another key. */
class UnreadableEnvelopeFault extends Fault {
  override readonly name = "UnreadableEnvelopeFault";
  readonly code = "unreadable-envelope";
  readonly retry = "never";
}

export interface KmsEnvelopeOptions {
  readonly kms: Pick<KMSClient, "send">;
  /** Id, ARN or alias of the customer key. */
  readonly keyId: string;
}

/** The context binds the content too, not only its key; the order of its entries means nothing. */
const associatedData = (context: EnvelopeContext): Buffer =>
  Buffer.from(JSON.stringify(Object.entries(context).toSorted(([a], [b]) => (a < b ? -1 : 1))));

/**
 * Envelopes of AES-256-GCM under data keys of AWS KMS. The data key leaves memory as soon as it was used.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
 */
export function createKmsEnvelope({ kms, keyId }: KmsEnvelopeOptions): Envelope {
  return {
    async seal(plaintext, context) {
      const { Plaintext: dataKey, CiphertextBlob: wrappedKey } = await kms.send(
        new GenerateDataKeyCommand({ KeyId: keyId, KeySpec: "AES_256", EncryptionContext: { ...context } }),
      );
      if (!dataKey || !wrappedKey) throw new RangeError("KMS answered without a data key");
      try {
        const iv = randomBytes(IV_BYTES);
        const cipher = createCipheriv(CIPHER, dataKey, iv).setAAD(associatedData(context));
        const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
        return { wrappedKey, iv, ciphertext, tag: cipher.getAuthTag() };
      } finally {
        dataKey.fill(0);
      }
    },

    async open({ wrappedKey, iv, ciphertext, tag }, context) {
      const dataKey = await unwrap(wrappedKey, context);
      try {
        const decipher = createDecipheriv(CIPHER, dataKey, iv, { authTagLength: TAG_BYTES });
        decipher.setAAD(associatedData(context)).setAuthTag(tag);
        return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
      } catch (cause) {
        throw new UnreadableEnvelopeFault("a sealed item was changed after it was written", { cause });
      } finally {
        dataKey.fill(0);
      }
    },
  };

  async function unwrap(wrappedKey: Uint8Array, context: EnvelopeContext): Promise<Uint8Array> {
    try {
      const { Plaintext } = await kms.send(
        new DecryptCommand({ KeyId: keyId, CiphertextBlob: wrappedKey, EncryptionContext: { ...context } }),
      );
      if (!Plaintext) throw new RangeError("KMS answered without a data key");
      return Plaintext;
    } catch (error) {
      if (error instanceof InvalidCiphertextException || error instanceof IncorrectKeyException)
        throw new UnreadableEnvelopeFault("a sealed item belongs to another context or key", {
          cause: error,
        });
      throw error;
    }
  }
}
