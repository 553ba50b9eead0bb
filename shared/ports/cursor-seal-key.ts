/** The key that cursors are sealed with: one for a deployment, made by whoever needs it first. */
export interface CursorSealKey {
  /** 32 bytes, always the same. */
  read(): Promise<Uint8Array>;
}
