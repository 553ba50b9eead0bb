import { describe, expect, it } from "vitest";
import type { Drop } from "#shared/domain/drop.ts";
import { asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import type { DropStore } from "#shared/ports/drop-store.ts";
import { freshTaskId } from "#test/support/builders.ts";

const now = new Date("2026-12-01T01:00:00.000Z");
let serial = 0;

/** What every `DropStore` promises. Run it against each implementation. */
export function dropStoreContract(name: string, open: () => DropStore): void {
  const aDrop = (over: Partial<Drop> = {}): Drop => ({
    project: `project-${process.pid}-${++serial}`,
    base: "风筝 2026/kite",
    status: "waiting",
    firstSeenAt: now,
    lastSeenAt: now,
    version: 1,
    ...over,
  });

  describe(`DropStore: ${name}`, () => {
    it("gives back what was saved", async () => {
      const drops = open();
      const drop = aDrop({
        status: "failed",
        wakeAt: now,
        ownerId: asOwnerId("owner"),
        projectId: asProjectId("project"),
        taskId: freshTaskId(),
        file: "kite.md",
        identity: "ab",
        missing: ["kite.jpg"],
        reason: { code: "media-missing", message: "kite.jpg is not there", remedy: "drop it" },
      });
      await drops.save(drop);
      expect(await drops.get(drop.project, drop.base)).toEqual(drop);
      expect(await drops.get(drop.project, "other")).toBeUndefined();
    });

    it("replaces only the version that was read", async () => {
      const drops = open();
      const drop = aDrop();
      await drops.save(drop);
      expect(await drops.save(drop)).toEqual({ ok: false, error: { reason: "stale" } });
      const saved = await Promise.all(
        Array.from({ length: 4 }, (_, index) =>
          drops.save({ ...drop, version: 2, lastSeenAt: new Date(now.getTime() + index) }),
        ),
      );
      expect(saved.filter(({ ok }) => ok)).toHaveLength(1);
      expect(await drops.save({ ...drop, version: 4 })).toEqual({ ok: false, error: { reason: "stale" } });
    });

    it("remembers which sidecars list a file, once each", async () => {
      const drops = open();
      const { project } = aDrop();
      await drops.expect(project, "cover.jpg", "b", now);
      await drops.expect(project, "cover.jpg", "a", now);
      await drops.expect(project, "cover.jpg", "a", now);
      expect(await drops.expectedBy(project, "cover.jpg")).toEqual(["a", "b"]);
      expect(await drops.expectedBy(project, "cover.jpeg")).toEqual([]);
    });
  });
}
