import { describe, expect, it } from "vitest";
import { DEFAULT_SETTINGS, type SettingsVersion } from "#shared/domain/settings.ts";
import type { SettingsStore } from "#shared/ports/settings-store.ts";

const STALE = { ok: false, error: { reason: "stale" } };
const SAVED = { ok: true, value: undefined };

const aVersion = (version: number, over: Partial<SettingsVersion> = {}): SettingsVersion => ({
  version,
  values: { ...DEFAULT_SETTINGS, batchSize: 100 + version },
  savedAt: new Date(`2026-12-01T01:00:00.${String(version).padStart(3, "0")}Z`),
  savedBy: `key ${version}`,
  changed: [{ name: "batchSize", from: 99 + version, to: 100 + version }],
  ...over,
});

/**
 * What every `SettingsStore` promises.
 *
 * @param open - a store in which nothing was written yet: a deployment has one set of settings
 */
export function settingsStoreContract(name: string, open: () => Promise<SettingsStore>): void {
  describe(`SettingsStore: ${name}`, () => {
    it("has nothing until somebody saves", async () => {
      const store = await open();
      expect([await store.get(), await store.getVersion(1), await store.listVersions(10)]).toEqual([
        undefined,
        undefined,
        [],
      ]);
    });

    it("gives back what was saved, and what was before it", async () => {
      const store = await open();
      const [first, second] = [aVersion(1), aVersion(2, { restores: 0, changed: [] })];
      expect(await store.save(first)).toEqual(SAVED);
      expect(await store.get()).toEqual(first);
      expect(await store.save(second)).toEqual(SAVED);
      expect(await store.get()).toEqual(second);
      expect([await store.getVersion(1), await store.getVersion(2)]).toEqual([first, second]);
      expect(await store.getVersion(3)).toBeUndefined();
    });

    it("replaces exactly the version before", async () => {
      const store = await open();
      expect(await store.save(aVersion(2))).toEqual(STALE);
      await store.save(aVersion(1));
      for (const version of [1, 3]) expect(await store.save(aVersion(version))).toEqual(STALE);
      expect(await store.get()).toEqual(aVersion(1));
    });

    it("lets one of several writers win, and keeps nothing of the others", async () => {
      const store = await open();
      const writes = ["a", "b", "c", "d"].map((savedBy) => store.save(aVersion(1, { savedBy })));
      const won = (await Promise.all(writes)).map(({ ok }) => ok);
      expect(won.filter(Boolean)).toHaveLength(1);
      const savedBy = ["a", "b", "c", "d"][won.indexOf(true)];
      expect([await store.get(), await store.getVersion(1)]).toMatchObject([{ savedBy }, { savedBy }]);
    });

    it("lists versions in pages, newest first", async () => {
      const store = await open();
      for (let version = 1; version <= 11; version++) await store.save(aVersion(version));
      const numbers = (list: readonly SettingsVersion[]) => list.map(({ version }) => version);
      expect(numbers(await store.listVersions(3))).toEqual([11, 10, 9]);
      expect(numbers(await store.listVersions(3, 9))).toEqual([8, 7, 6]);
      expect(numbers(await store.listVersions(100, 3))).toEqual([2, 1]);
      expect(numbers(await store.listVersions(100, 1))).toEqual([]);
      expect((await store.listVersions(1))[0]).toEqual(aVersion(11));
    });
  });
}
