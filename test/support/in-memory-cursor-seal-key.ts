import type { CursorSealKey } from "#shared/ports/cursor-seal-key.ts";

export const createInMemoryCursorSealKey = (): CursorSealKey => {
  const key = new Uint8Array(32).fill(7);
  return { read: async () => key };
};
