import { describe, expect, it } from "vitest";
import { asDraftId, type Draft, deletedDraft } from "#shared/domain/draft.ts";
import { asOwnerId, asProjectId, asTaskId } from "#shared/domain/ids.ts";
import { asMediaId } from "#shared/domain/stored-media.ts";
import type { DraftStore } from "#shared/ports/draft-store.ts";
import { freshTaskId } from "#test/support/builders.ts";

const NOW = new Date("2026-12-01T01:00:00Z");
const STALE = { ok: false, error: { reason: "stale" } };
const SAVED = { ok: true, value: undefined };
let serial = 0;

/** What every `DraftStore` promises. Run it against each implementation. */
export function draftStoreContract(name: string, open: () => DraftStore): void {
  const someone = () => asOwnerId(`drafter-${++serial}`);
  const aDraft = (over: Partial<Draft> = {}): Draft => ({
    id: asDraftId(String(freshTaskId())),
    ownerId: someone(),
    projectId: asProjectId(`project-${serial}`),
    text: "hello",
    media: [],
    language: "zh",
    createdAt: NOW,
    updatedAt: NOW,
    version: 1,
    ...over,
  });

  describe(`DraftStore: ${name}`, () => {
    it("gives back what was saved, to its owner alone", async () => {
      const drafts = open();
      const plain = aDraft();
      const { text: _, ...rest } = aDraft();
      const full: Draft = {
        ...rest,
        thread: ["one", "two"],
        media: [{ id: asMediaId("m1"), altText: "a kite" }, { id: asMediaId("m2") }],
        notes: "not yet",
        taskId: asTaskId("t"),
        nextTaskId: asTaskId("u"),
      };
      for (const draft of [plain, full]) {
        expect(await drafts.save(draft)).toEqual(SAVED);
        expect(await drafts.get(draft.ownerId, draft.id)).toEqual(draft);
        expect(await drafts.get(someone(), draft.id)).toBeUndefined();
      }
    });

    it("replaces only the version before", async () => {
      const drafts = open();
      const draft = aDraft();
      expect(await drafts.save({ ...draft, version: 2 })).toEqual(STALE);
      await drafts.save(draft);
      expect(await drafts.save({ ...draft, text: "other" })).toEqual(STALE);
      expect(await drafts.save({ ...draft, text: "other", version: 3 })).toEqual(STALE);
      expect(await drafts.get(draft.ownerId, draft.id)).toEqual(draft);
      expect(await drafts.save({ ...draft, text: "other", version: 2 })).toEqual(SAVED);
      expect((await drafts.get(draft.ownerId, draft.id))?.text).toBe("other");
    });

    it("has no deleted ones, and lets nobody bring one back", async () => {
      const drafts = open();
      const draft = aDraft();
      await drafts.save(draft);
      await drafts.save(deletedDraft(draft, NOW));
      expect(await drafts.get(draft.ownerId, draft.id)).toBeUndefined();
      expect(await drafts.save(draft)).toEqual(STALE);
      expect(await drafts.save({ ...draft, version: 2 })).toEqual(STALE);
      const { ownerId, projectId } = draft;
      expect(await drafts.list({ ownerId, limit: 10 })).toEqual({ items: [] });
      expect(await drafts.list({ ownerId, projectId, limit: 10 })).toEqual({ items: [] });
    });

    it("lists an owner's drafts, newest first, in pages without gap or repetition", async () => {
      const drafts = open();
      const ownerId = someone();
      const [here, there] = [asProjectId(`here-${serial}`), asProjectId(`there-${serial}`)];
      const made: Draft[] = [];
      for (let index = 0; index < 7; index++) {
        const draft = aDraft({ ownerId, projectId: index % 2 === 0 ? here : there });
        made.push(draft);
        await drafts.save(draft);
      }
      await drafts.save(aDraft());
      const [gone] = made.splice(3, 1);
      if (gone) await drafts.save(deletedDraft(gone, NOW));

      for (const projectId of [undefined, here, there]) {
        const expected = made.filter((draft) => projectId === undefined || draft.projectId === projectId);
        const found: Draft[] = [];
        let before: Draft["id"] | undefined;
        do {
          const page = await drafts.list({ ownerId, projectId, limit: 2, before });
          expect(page.items.length).toBeLessThanOrEqual(2);
          found.push(...page.items);
          before = page.next;
        } while (before !== undefined);
        expect(found).toEqual(expected.toReversed());
      }
    });
  });
}
