import { writeItems } from "#shared/adapters/dynamodb/batch-items.ts";
import { fromContent, fromTask } from "#shared/adapters/dynamodb/items.ts";
import { accountIdFor } from "#shared/domain/account.ts";
import { asTaskId, type ProjectId } from "#shared/domain/ids.ts";
import { FIRST_OWNER } from "#shared/usecases/initialize-service.ts";
import type { BenchCloud } from "#test/bench/cloud/start.ts";
import { aContent, aTask } from "#test/support/builders.ts";

/** Items: four requests. A task is two. */
const AT_ONCE = 100;
const WRITING = 8;
const HOUR_MS = 3_600_000;

export interface Filling {
  readonly projectId: ProjectId;
  readonly account: string;
  /** The table has this many tasks already. */
  readonly from: number;
  readonly to: number;
}

/** Writes published tasks with their texts, an hour apart in the past, as the production's adapter writes them. */
export async function fillTable(
  { table }: Pick<BenchCloud, "table">,
  { projectId, account, from, to }: Filling,
): Promise<void> {
  const { clock, entropy } = table;
  const now = clock.now().getTime();
  let next = from;
  async function write() {
    for (;;) {
      const items: Record<string, unknown>[] = [];
      for (; next < to && items.length < AT_ONCE; next++) {
        const number = next;
        const at = new Date(now - number * HOUR_MS);
        const task = aTask({
          id: asTaskId(entropy.newId()),
          ownerId: FIRST_OWNER,
          projectId,
          accountId: accountIdFor(FIRST_OWNER, account),
          status: "published",
          createdAt: at,
          updatedAt: at,
          publishAt: at,
          slotAt: at,
          sentAt: at,
          posted: [{ postId: String(1_000_000 + number), sentAt: at }],
        });
        const { wakeAt: _nothingToDo, ...ended } = task;
        items.push(fromTask(ended, "bench"), fromContent(aContent(task)));
      }
      if (items.length === 0) return;
      await writeItems(
        table,
        items.map((Item) => ({ PutRequest: { Item } })),
      );
    }
  }
  await Promise.all(Array.from({ length: WRITING }, write));
}
