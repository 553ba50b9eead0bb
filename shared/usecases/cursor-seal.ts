import { type CursorBinding, openCursor, sealCursor } from "#shared/domain/cursor-seal.ts";
import type { CursorSealKey } from "#shared/ports/cursor-seal-key.ts";

export interface CursorSeal {
  seal(binding: CursorBinding, position: string): Promise<string>;
  /** Undefined: it is no cursor of this list. */
  open(binding: CursorBinding, cursor: string): Promise<string | undefined>;
}

/** Seals and opens cursors. The key is read once, when the first cursor is met. */
export function createCursorSeal({ sealKey }: { readonly sealKey: CursorSealKey }): CursorSeal {
  let remembered: Promise<Uint8Array> | undefined;
  const readKey = (): Promise<Uint8Array> => {
    remembered ??= sealKey.read().catch((error: unknown) => {
      remembered = undefined;
      throw error;
    });
    return remembered;
  };
  return {
    seal: async (binding, position) => sealCursor(await readKey(), binding, position),
    open: async (binding, cursor) => openCursor(await readKey(), binding, cursor),
  };
}
