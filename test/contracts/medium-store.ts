import { describe, expect, it } from "vitest";
import { asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import {
  asMediaId,
  deleted,
  inspected,
  inspecting,
  newStoredMedium,
  refused,
  type StoredMedium,
} from "#shared/domain/stored-media.ts";
import type { MediumStore } from "#shared/ports/medium-store.ts";
import { aMedium, freshTaskId } from "#test/support/builders.ts";
import type { ManualClock } from "#test/support/clock.ts";

export interface MediumStoreUnderTest {
  readonly media: MediumStore;
  readonly clock: ManualClock;
}

const STALE = { ok: false, error: { reason: "stale" } };
const SAVED = { ok: true, value: undefined };
const NOT_READY = { ok: false, error: { reason: "not-ready" } };
const HOUR_MS = 3_600_000;
let serial = 0;

/** What every `MediumStore` promises. Run it against each implementation. */
export function mediumStoreContract(name: string, open: () => MediumStoreUnderTest): void {
  const someone = () => asOwnerId(`uploader-${++serial}`);
  const announced = (clock: ManualClock, ownerId = someone(), project = `project-${serial}`) =>
    newStoredMedium(
      asMediaId(String(freshTaskId())),
      ownerId,
      { projectId: asProjectId(project), name: "kite.jpg", type: "image/jpeg", sizeBytes: 1_000 },
      clock.now(),
    );

  /** One that went the whole way. */
  async function ready({ media, clock }: MediumStoreUnderTest): Promise<StoredMedium> {
    const first = announced(clock);
    const second = inspecting(first, clock.now());
    const third = inspected(second, aMedium({ altText: "a kite" }), clock.now());
    for (const medium of [first, second, third]) expect(await media.save(medium)).toEqual(SAVED);
    return third;
  }

  describe(`MediumStore: ${name}`, () => {
    it("gives back what was saved, to its owner alone", async () => {
      const under = open();
      const { media, clock } = under;
      const medium = await ready(under);
      expect(await media.get(medium.ownerId, medium.id)).toEqual(medium);
      expect(await media.get(someone(), medium.id)).toBeUndefined();
      const first = announced(clock);
      await media.save(first);
      const why = { code: "media-invalid", message: "m", remedy: "r" };
      const no = refused(first, why, '"e"', clock.now());
      await media.save(no);
      expect(await media.get(no.ownerId, no.id)).toEqual(no);
    });

    it("replaces only the version before", async () => {
      const { media, clock } = open();
      const medium = announced(clock);
      expect(await media.save(inspecting(medium, clock.now()))).toEqual(STALE);
      await media.save(medium);
      expect(await media.save(medium)).toEqual(STALE);
      expect(await media.get(medium.ownerId, medium.id)).toEqual(medium);
    });

    it("notes a use of what is ready, with its last instant, and as a change", async () => {
      const under = open();
      const { media, clock } = under;
      const medium = await ready(under);
      const taskId = freshTaskId();
      const used = await media.use(medium.ownerId, medium.id, taskId, clock.now());
      const expected = { ...medium, uses: { [taskId]: clock.now() }, version: medium.version + 1 };
      expect(used).toEqual({ ok: true, value: expected });
      expect(await media.save(deleted(medium, clock.now()))).toEqual(STALE);
      const later = new Date(clock.now().getTime() + 1_000);
      await media.use(medium.ownerId, medium.id, taskId, later);
      const other = freshTaskId();
      await media.use(medium.ownerId, medium.id, other, clock.now());
      const stored = await media.get(medium.ownerId, medium.id);
      expect(stored?.uses).toEqual({ [taskId]: later, [other]: clock.now() });
      await media.forgetUses(medium.ownerId, medium.id, [taskId]);
      const left = await media.get(medium.ownerId, medium.id);
      expect(left?.uses).toEqual({ [other]: clock.now() });
      expect(left?.version).toBeGreaterThan(stored?.version ?? Infinity);
      await media.forgetUses(medium.ownerId, medium.id, []);
      await media.forgetUses(medium.ownerId, asMediaId("nothing"), [other]);
      expect(await media.get(medium.ownerId, asMediaId("nothing"))).toBeUndefined();
    });

    it("lets nobody use what is not ready, deleted, or not there", async () => {
      const under = open();
      const { media, clock } = under;
      const first = announced(clock);
      const use = ({ ownerId, id }: StoredMedium) => media.use(ownerId, id, freshTaskId(), clock.now());
      expect(await use(first)).toEqual(NOT_READY);
      await media.save(first);
      expect(await use(first)).toEqual(NOT_READY);
      const medium = await ready(under);
      expect(await use({ ...medium, ownerId: someone() })).toEqual(NOT_READY);
      await media.save(deleted(medium, clock.now()));
      expect(await use(medium)).toEqual(NOT_READY);
    });

    it("keeps a deleted one for a day, and an upload that never came for a day after it expired", async () => {
      const under = open();
      const { media, clock } = under;
      const medium = await ready(under);
      const gone = deleted(medium, clock.now());
      const never = announced(clock);
      await media.save(gone);
      await media.save(never);
      clock.advance(24 * HOUR_MS - 1_000);
      expect(await media.get(gone.ownerId, gone.id)).toEqual(gone);
      clock.advance(1_000);
      expect(await media.get(gone.ownerId, gone.id)).toBeUndefined();
      expect(await media.get(never.ownerId, never.id)).toEqual(never);
      clock.advance(HOUR_MS);
      expect(await media.get(never.ownerId, never.id)).toBeUndefined();
      expect(await media.list({ ownerId: never.ownerId, limit: 10 })).toEqual({ items: [] });
      const { ownerId, projectId } = never;
      expect(await media.list({ ownerId, projectId, limit: 10 })).toEqual({ items: [] });
    });

    it("lists an owner's media, newest first, in pages without gap or repetition", async () => {
      const { media, clock } = open();
      const ownerId = someone();
      const [here, there] = [`here-${serial}`, `there-${serial}`];
      const made: StoredMedium[] = [];
      for (let index = 0; index < 7; index++) {
        const medium = announced(clock, ownerId, index % 2 === 0 ? here : there);
        made.push(medium);
        await media.save(medium);
      }
      await media.save(announced(clock));
      const [gone] = made.splice(3, 1);
      if (gone) await media.save(deleted(gone, clock.now()));

      for (const project of [undefined, here, there]) {
        const projectId = project === undefined ? undefined : asProjectId(project);
        const expected = made.filter((one) => projectId === undefined || one.projectId === projectId);
        const found: StoredMedium[] = [];
        let before: StoredMedium["id"] | undefined;
        do {
          const page = await media.list({ ownerId, projectId, limit: 2, before });
          expect(page.items.length).toBeLessThanOrEqual(2);
          found.push(...page.items);
          before = page.next;
        } while (before !== undefined);
        expect(found).toEqual(expected.toReversed());
      }
    });
  });
}
