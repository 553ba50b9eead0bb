/** The key that texts are written with: one for a deployment. Whoever holds it can spend its owner's money. */
export interface WriterKeyVault {
  /** Undefined: none was ever stored. */
  load(): Promise<string | undefined>;
  /** Replaces what is there. */
  store(key: string): Promise<void>;
}
