import { DEFAULT_PROJECT_WEIGHT, NOTHING_SERVED, orderFairly, type Served } from "#shared/domain/fairness.ts";
import type { ProjectId } from "#shared/domain/ids.ts";
import type { Task } from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";

export interface OrderTasksDeps {
  readonly accounts: Pick<AccountStore, "getProject">;
}

export interface OrderTasksOptions {
  /** How many may be taken. @default - all */
  readonly capacity?: number;
  /** Told why a project's weight could not be read: the default is used then. An order must not fail by this. */
  readonly report: (error: unknown) => void;
}

/** Those that are served now, in their order. */
export type OrderTasks = (waiting: readonly Task[], options: OrderTasksOptions) => Promise<readonly Task[]>;

/** Orders tasks by `orderFairly`, and remembers who was served as long as this worker lives. */
export function createOrderTasks({ accounts }: OrderTasksDeps): OrderTasks {
  let served: Served = NOTHING_SERVED;
  return async (waiting, { capacity, report }) => {
    const weights = new Map<ProjectId, number>();
    await Promise.all(
      [...new Set(waiting.map(({ projectId }) => projectId))].map(async (id) => {
        try {
          weights.set(id, (await accounts.getProject(id))?.weight ?? DEFAULT_PROJECT_WEIGHT);
        } catch (error) {
          report(error);
        }
      }),
    );
    const candidates = waiting.map((task) => {
      const { id, projectId, ownerId, batchId, priority, slotAt } = task;
      const weight = weights.get(projectId) ?? DEFAULT_PROJECT_WEIGHT;
      return { id, projectId, ownerId, ...(batchId && { batchId }), priority, slotAt, weight, task };
    });
    const order = orderFairly(candidates, served, capacity);
    served = order.served;
    return order.taken.map(({ task }) => task);
  };
}

export type Worked<Item, Value> =
  | { readonly kind: "done"; readonly item: Item; readonly value: Value }
  | { readonly kind: "failed"; readonly item: Item; readonly error: unknown }
  /** The time ended before its turn. */
  | { readonly kind: "left"; readonly item: Item };

export interface WorkOffOptions {
  /** Worked on at the same time. */
  readonly concurrency: number;
  /** Nothing is started after it. */
  readonly deadline: Date;
  readonly clock: Pick<Clock, "now">;
}

/** Does the work for each item, started in their order. What fails stops no other. */
export async function workOff<Item, Value>(
  items: readonly Item[],
  work: (item: Item) => Promise<Value>,
  { concurrency, deadline, clock }: WorkOffOptions,
): Promise<readonly Worked<Item, Value>[]> {
  const worked: Worked<Item, Value>[] = items.map((item) => ({ kind: "left", item }));
  const queue = [...items.entries()].values();
  async function worker(): Promise<void> {
    for (const [index, item] of queue) {
      if (clock.now() >= deadline) return;
      try {
        worked[index] = { kind: "done", item, value: await work(item) };
      } catch (error) {
        worked[index] = { kind: "failed", item, error };
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
  return worked;
}
