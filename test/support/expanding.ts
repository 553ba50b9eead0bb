import { accountIdFor } from "#shared/domain/account.ts";
import { ARRANGEMENT_LIMITS } from "#shared/domain/arrangement.ts";
import { asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import type { Recurrence, RecurrenceContent } from "#shared/domain/recurrence/recurrence.ts";
import { isFinal } from "#shared/domain/task.ts";
import { createArrangeTask } from "#shared/usecases/arrange-task.ts";
import { createExpandRecurrence } from "#shared/usecases/expand-recurrence.ts";
import { freshTaskId } from "./builders.ts";
import { manualClock } from "./clock.ts";
import { createInMemoryAccounts } from "./in-memory-accounts.ts";
import { createInMemoryDispatch } from "./in-memory-dispatch.ts";
import { createInMemoryRecurrences } from "./in-memory-recurrences.ts";
import { createInMemoryStore } from "./in-memory-store.ts";
import { aRecurrence, aRecurrenceContent } from "./recurrences.ts";

const OWNER = asOwnerId("anne");

/** Every asynchronous method of a port goes through `around`. */
export type Around = <Value>(name: string, call: () => Promise<Value>) => Promise<Value>;

function wrap<Port extends object>(port: Port, around: Around): Port {
  return new Proxy(port, {
    get(target, name, receiver) {
      const method: unknown = Reflect.get(target, name, receiver);
      if (typeof method !== "function") return method;
      return (...args: unknown[]) =>
        around(String(name), () => (method as (...given: unknown[]) => Promise<unknown>).apply(target, args));
    },
  });
}

/** One owner with one project and two accounts, and all that it takes to expand recurrences. */
export async function setUpExpanding({ policy }: { readonly policy?: Policy } = {}) {
  const clock = manualClock(new Date("2026-11-30T10:00:00.000Z"));
  const store = createInMemoryStore(clock);
  const recurrences = createInMemoryRecurrences();
  const accounts = createInMemoryAccounts();
  const dispatch = createInMemoryDispatch();
  const entropy = { newId: () => String(freshTaskId()), random: () => 0.5 };
  const faults: unknown[] = [];
  const report = (error: unknown): void => {
    faults.push(error);
  };
  for (const name of ["main", "second"])
    await accounts.saveAccount({
      id: accountIdFor(OWNER, name),
      ownerId: OWNER,
      name,
      maxTextLength: 280,
      status: "active",
      version: 1,
    });
  const projectId = asProjectId("anne-default");
  await accounts.addProject({
    id: projectId,
    ownerId: OWNER,
    name: "default",
    timeZone: "Europe/Berlin",
    accountIds: [accountIdFor(OWNER, "main"), accountIdFor(OWNER, "second")],
    defaultAccountId: accountIdFor(OWNER, "main"),
    ...(policy && { policy }),
  });

  /** Another worker on the same tables. @param around - what happens at each of its calls */
  const worker = (around: Around = (_, call) => call()) => {
    const tasks = wrap(store.tasks, around);
    const calls = wrap(dispatch, around);
    return createExpandRecurrence({
      recurrences: wrap(recurrences, around),
      tasks,
      dispatch: calls,
      arrange: createArrangeTask({ tasks, dispatch: calls, clock, limits: ARRANGEMENT_LIMITS }),
      clock,
      entropy,
      report,
    });
  };

  return {
    ...store,
    clock,
    recurrences,
    accounts,
    dispatch,
    entropy,
    report,
    faults,
    worker,
    expand: worker(),
    bounds: (over: { readonly limit?: number; readonly withinMs?: number } = {}) => ({
      deadline: new Date(clock.now().getTime() + (over.withinMs ?? 60_000)),
      limit: over.limit ?? 1_000,
    }),
    async put(over: Partial<Recurrence> = {}, said: Partial<RecurrenceContent> = {}): Promise<Recurrence> {
      const recurrence = aRecurrence({
        ownerId: OWNER,
        projectId,
        accountId: accountIdFor(OWNER, "main"),
        wakeAt: clock.now(),
        ...over,
      });
      await recurrences.save(recurrence, { content: aRecurrenceContent(recurrence, said) });
      return recurrence;
    },
    /** What a person does to it, as one write. */
    async edit(
      { id }: Pick<Recurrence, "id">,
      over: Partial<Recurrence>,
      said?: Partial<RecurrenceContent>,
    ): Promise<void> {
      for (;;) {
        const before = await recurrences.get(id);
        if (!before) throw new Error("there is no such recurrence");
        const rev = before.recurrence.rev + 1;
        const saved = await recurrences.save(
          {
            ...before.recurrence,
            version: before.recurrence.version + 1,
            rev,
            wakeAt: clock.now(),
            ...(said && { contentRev: rev }),
            ...over,
          },
          said && { content: { ...before.content, ...said, rev } },
        );
        if (saved.ok) return;
      }
    },
    /** Every task that may still be posted, and every one that was: slot, text. */
    async listPosts(): Promise<readonly (readonly [slot: string, text: string])[]> {
      const { items } = await store.tasks.list({ by: "owner", ownerId: OWNER, limit: 10_000 });
      const live = items.filter(({ status }) => !isFinal(status) || status === "published");
      return Promise.all(
        live.map(async (task) => {
          const content = await store.tasks.getContent(task);
          const text = content?.parts.map((part) => part.text).join(" | ") ?? "";
          return [task.slotAt.toISOString().slice(5, 16), text] as const;
        }),
      );
    },
    listTasks: async () => (await store.tasks.list({ by: "owner", ownerId: OWNER, limit: 10_000 })).items,
  };
}
