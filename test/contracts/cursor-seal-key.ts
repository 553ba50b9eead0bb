import { describe, expect, it } from "vitest";
import { SEAL_KEY_BYTES } from "#shared/domain/cursor-seal.ts";
import type { CursorSealKey } from "#shared/ports/cursor-seal-key.ts";

/** What every `CursorSealKey` promises. Run it against each implementation; each `open` is another sandbox. */
export function cursorSealKeyContract(name: string, open: () => CursorSealKey): void {
  describe(`CursorSealKey: ${name}`, () => {
    it("is one key for all, also for those who need it first at the same time", async () => {
      const keys = await Promise.all(Array.from({ length: 5 }, () => open().read()));
      const later = await open().read();
      expect(later).toHaveLength(SEAL_KEY_BYTES);
      for (const key of keys) expect(Buffer.from(key).equals(Buffer.from(later))).toBe(true);
    });
  });
}
