/** Bytes that only the holder of a key can read again. Safe to store anywhere. */
export interface SealedEnvelope {
  /** The data key, itself encrypted by the key service. */
  readonly wrappedKey: Uint8Array;
  /** AES-256-GCM: 12 bytes, never used twice with one data key. */
  readonly iv: Uint8Array;
  readonly ciphertext: Uint8Array;
  /** 16 bytes that prove that neither the content nor its context was changed. */
  readonly tag: Uint8Array;
}

/** What the content belongs to. Not secret, but opening with any other context fails. */
export type EnvelopeContext = Readonly<Record<string, string>>;

/** Envelope encryption: a fresh data key for every seal. */
export interface Envelope {
  seal(plaintext: Uint8Array, context: EnvelopeContext): Promise<SealedEnvelope>;
  /** @throws UnreadableEnvelopeFault when the envelope was changed, or belongs to another context or key */
  open(sealed: SealedEnvelope, context: EnvelopeContext): Promise<Uint8Array>;
}
