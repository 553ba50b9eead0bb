import { describe, expect, it } from "vitest";
import { asProjectId } from "#shared/domain/ids.ts";
import type { PoolCounts } from "#shared/ports/pool-counts.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { aContent, aTask } from "#test/support/builders.ts";

export interface PoolCountsUnderTest {
  readonly counts: PoolCounts;
  /** Counts that stop at six tasks. */
  readonly bounded: PoolCounts;
  readonly tasks: Pick<TaskStore, "create">;
}

let serial = 0;

/** What every `PoolCounts` promises. Run it against each implementation. */
export function poolCountsContract(name: string, open: () => PoolCountsUnderTest): void {
  async function fill(tasks: Pick<TaskStore, "create">, pending: number) {
    const projectId = asProjectId(`counted-${++serial}`);
    for (let index = 0; index < pending + 2; index++) {
      const status = index < pending ? "pending" : "held";
      const task = aTask({ projectId, status });
      await tasks.create(task, aContent(task));
    }
    return projectId;
  }

  describe(`PoolCounts: ${name}`, () => {
    it("counts a project's tasks in one status, and no others", async () => {
      const { counts, tasks } = open();
      const projectId = await fill(tasks, 3);
      await fill(tasks, 1);
      const count = (status: "pending" | "held" | "published") => counts.count(projectId, status);
      expect(await count("pending")).toEqual({ status: "pending", count: 3, complete: true });
      expect(await count("held")).toEqual({ status: "held", count: 2, complete: true });
      expect(await count("published")).toEqual({ status: "published", count: 0, complete: true });
    });

    it("says when there are more than it counted", async () => {
      const { bounded, tasks } = open();
      const few = await fill(tasks, 5);
      expect(await bounded.count(few, "pending")).toEqual({ status: "pending", count: 5, complete: true });
      const many = await fill(tasks, 7);
      expect(await bounded.count(many, "pending")).toEqual({ status: "pending", count: 6, complete: false });
    });
  });
}
