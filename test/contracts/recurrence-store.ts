import { describe, expect, it } from "vitest";
import { asOwnerId, asRecurrenceId, asTaskId, type RecurrenceId } from "#shared/domain/ids.ts";
import type { Instance } from "#shared/domain/recurrence/instance.ts";
import type { RecurrenceContent } from "#shared/domain/recurrence/recurrence.ts";
import { MAX_NOTED, type RecurrenceStore } from "#shared/ports/recurrence-store.ts";
import { aMedium } from "#test/support/builders.ts";
import { aRecurrence, aRecurrenceContent, aSchedule, local } from "#test/support/recurrences.ts";

const STALE = { ok: false, error: { reason: "stale" } };
const SAVED = { ok: true, value: undefined };

const anInstance = (recurrenceId: RecurrenceId, time: string, over: Partial<Instance> = {}): Instance => ({
  recurrenceId,
  local: local(time),
  taskId: asTaskId("01KT0000000000000000000000"),
  generation: 0,
  wish: "post",
  state: "open",
  hash: "ab".repeat(32),
  publishAt: new Date("2026-12-01T09:00:00.000Z"),
  ...over,
});

/** What every `RecurrenceStore` promises. Run it against each implementation. */
export function recurrenceStoreContract(name: string, open: () => RecurrenceStore): void {
  describe(`RecurrenceStore: ${name}`, () => {
    it("gives back what was saved, every field of it", async () => {
      const store = open();
      const recurrence = aRecurrence({
        isAny: true,
        schedule: aSchedule({
          rule: "FREQ=MONTHLY;INTERVAL=2;UNTIL=20271231T090000Z;BYDAY=-1FR;BYHOUR=9,18;BYSETPOS=1;WKST=SU",
          timeZone: "Europe/Berlin",
          exDates: ["2026-12-24", "2026-12-25 09:00"],
          rDates: ["2026-12-26 12:00"],
        }),
        skips: [local("2026-12-31 09:00")],
        latePolicy: { then: "hold" },
        reconcile: "hold",
        expandedUntil: new Date("2026-12-14T10:00:00.000Z"),
      });
      const content: RecurrenceContent = aRecurrenceContent(recurrence, {
        variants: [[{ text: "one" }, { text: "and on" }], [{ text: "二" }]],
        media: [aMedium({ altText: "A kite" }), aMedium({ type: "video/mp4", durationMs: 1_200 })],
        overrides: {
          [local("2026-12-05 09:00")]: { parts: [{ text: "other" }], at: local("2026-12-05 10:30") },
          [local("2026-12-06 09:00")]: { at: local("2026-12-06 10:30") },
        },
      });
      expect(await store.save(recurrence, { content })).toEqual(SAVED);
      expect(await store.get(recurrence.id)).toEqual({ recurrence, content });
      expect(await store.get(asRecurrenceId("nobody"))).toBeUndefined();
    });

    it("gives back what has none of the optional fields", async () => {
      const store = open();
      const { wakeAt: _, ...recurrence } = aRecurrence();
      const content = aRecurrenceContent(recurrence);
      await store.save(recurrence, { content });
      expect(await store.get(recurrence.id)).toEqual({ recurrence, content });
    });

    it("refuses to replace any version but the one before, and writes nothing of it", async () => {
      const store = open();
      const recurrence = aRecurrence();
      const content = aRecurrenceContent(recurrence);
      await store.save(recurrence, { content });
      const other = aRecurrenceContent(recurrence, { variants: [[{ text: "lost" }]] });
      const instances = [anInstance(recurrence.id, "2026-12-01 09:00")];
      for (const version of [1, 3])
        expect(await store.save({ ...recurrence, version }, { content: other, instances })).toEqual(STALE);
      expect(await store.get(recurrence.id)).toEqual({ recurrence, content });
      expect(await store.listInstances(recurrence.id, local("2026-01-01 00:00"))).toEqual([]);
      const writes = await Promise.all(
        ["a", "b", "c"].map((text) => store.save({ ...recurrence, name: text, version: 2 }, {})),
      );
      expect(writes.filter(({ ok }) => ok)).toHaveLength(1);
    });

    it("keeps what it says when only the recurrence changes", async () => {
      const store = open();
      const recurrence = aRecurrence();
      const content = aRecurrenceContent(recurrence);
      await store.save(recurrence, { content });
      const next = { ...recurrence, version: 2, rev: 2, skips: [local("2026-12-03 09:00")] };
      expect(await store.save(next)).toEqual(SAVED);
      expect(await store.get(recurrence.id)).toEqual({ recurrence: next, content });
      const said = { ...content, rev: 3, variants: [[{ text: "new" }]] };
      const last = { ...next, version: 3, rev: 3, contentRev: 3 };
      await store.save(last, { content: said });
      expect(await store.get(recurrence.id)).toEqual({ recurrence: last, content: said });
    });

    it("notes as many instances as it says, replaces them, and lists them by local time", async () => {
      const store = open();
      const recurrence = aRecurrence();
      await store.save(recurrence, { content: aRecurrenceContent(recurrence) });
      const times = Array.from(
        { length: MAX_NOTED },
        (_, index) => `2026-12-${String(1 + (index % 30)).padStart(2, "0")} 1${Math.floor(index / 30)}:00`,
      );
      const instances = times.map((time) => anInstance(recurrence.id, time));
      expect(await store.save({ ...recurrence, version: 2 }, { instances })).toEqual(SAVED);
      const [first, second, ...others] = instances.toSorted((a, b) => (a.local < b.local ? -1 : 1));
      if (!first || !second) throw new Error("there are ninety");
      const settled: Instance = {
        ...first,
        wish: "cancel",
        state: "settled",
        generation: 2,
        hash: "cd",
        publishAt: new Date("2026-12-02T00:00:00.000Z"),
      };
      await store.save({ ...recurrence, version: 3 }, { instances: [settled] });
      expect(await store.listInstances(recurrence.id, local("2020-01-01 00:00"))).toEqual([
        settled,
        second,
        ...others,
      ]);
      expect(await store.listInstances(recurrence.id, second.local)).toEqual([second, ...others]);
      expect(await store.getInstance(recurrence.id, first.local)).toEqual(settled);
      expect(await store.getInstance(recurrence.id, local("2026-01-01 09:00"))).toBeUndefined();
      const tooMany = [...instances, anInstance(recurrence.id, "2027-01-01 09:00")];
      await expect(store.save({ ...recurrence, version: 4 }, { instances: tooMany })).rejects.toThrow(
        RangeError,
      );
    });

    it("lists an owner's, page by page, without the deleted ones", async () => {
      const store = open();
      const ownerId = asOwnerId(`owner-of-${aRecurrence().id}`);
      const mine = [aRecurrence({ ownerId }), aRecurrence({ ownerId }), aRecurrence({ ownerId })] as const;
      for (const one of [...mine, aRecurrence()]) await store.save(one, { content: aRecurrenceContent(one) });
      const first = await store.listByOwner(ownerId, { limit: 2 });
      expect(first.items).toEqual(mine.slice(0, 2));
      const second = await store.listByOwner(ownerId, { limit: 2, after: first.next ?? "" });
      expect(second).toEqual({ items: [mine[2]] });
      const { wakeAt: _, ...asleep } = mine[1];
      const deleted = { ...asleep, status: "deleted" as const, version: 2 };
      await store.save(deleted, { content: aRecurrenceContent(deleted) });
      expect((await store.listByOwner(ownerId, { limit: 10 })).items).toEqual([mine[0], mine[2]]);
      expect((await store.get(deleted.id))?.recurrence).toEqual(deleted);
    });

    it("lists as due from its wakeAt on, longest overdue first, and what has none never", async () => {
      const store = open();
      const at = (text: string) => new Date(`2025-0${text}-01T00:00:00.000Z`);
      const late = aRecurrence({ wakeAt: at("2") });
      const early = aRecurrence({ wakeAt: at("1") });
      const { wakeAt: _, ...never } = aRecurrence();
      for (const one of [late, early, never]) await store.save(one, { content: aRecurrenceContent(one) });
      const ours = async (now: Date) =>
        (await store.listDue(now, 1_000)).filter((id) => [late.id, early.id, never.id].includes(id));
      expect(await ours(new Date(at("1").getTime() - 1))).toEqual([]);
      expect(await ours(at("1"))).toEqual([early.id]);
      expect(await ours(at("3"))).toEqual([early.id, late.id]);
      expect(await store.listDue(at("3"), 1)).toHaveLength(1);
      const { wakeAt: __, ...asleep } = early;
      await store.save({ ...asleep, version: 2 });
      expect(await ours(at("3"))).toEqual([late.id]);
    });
  });
}
