import { type Gate, giveBack } from "#shared/domain/gate.ts";
import type { Task } from "#shared/domain/task.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { PublisherSlots } from "#shared/ports/publisher-slots.ts";
import type { ReceivedTaskMessage } from "#shared/ports/task-dispatch.ts";
import type { TaskStore, Together } from "#shared/ports/task-store.ts";
import { err } from "#shared/result.ts";
import type { PublishPost, PublishPostDeps } from "#shared/usecases/publish-post.ts";
import { createLockPublisher, createNaivePublisher } from "./designs.ts";

/** The system with one of its guards taken out, or with another publisher, from outside: by what it is given. */
export interface Breakage {
  readonly name: string;
  readonly sentence: string;
  /** The promise that must be seen broken; others may break too. */
  readonly harms: string;
  readonly publishTiming?: { readonly intentFreshMs: number };
  readonly reconcileTiming?: {
    readonly adoptAfterMs: number;
    readonly absentAfterMs: number;
    readonly betweenReadsMs: number;
  };
  /** The table, changed. `read` gives the task as it is stored. */
  readonly tasks?: (store: TaskStore, read: (id: string) => Task | undefined) => TaskStore;
  /** The publisher's clock. `intentAt` tells when it wrote its intent, by that clock, as long as it has not called X. */
  readonly clock?: (clock: Clock, intentAt: () => Date | undefined) => Clock;
  /** A message as it is delivered. */
  readonly message?: (message: ReceivedTaskMessage, task: Task | undefined) => ReceivedTaskMessage;
  /** What the caller of a conditional write sees when the SDK repeated it. */
  readonly repeatedWrite?: () => unknown;
  readonly slots?: (slots: PublisherSlots) => PublisherSlots;
  readonly publisher?: (deps: PublishPostDeps) => PublishPost;
}

const withSave = (
  store: TaskStore,
  change: (next: Task, together: Together) => readonly [next: Task, together: Together],
): TaskStore => ({ ...store, save: (next, together = {}) => store.save(...change(next, together)) });

export const BREAKAGES: readonly Breakage[] = [
  {
    name: "naive",
    harms: "one-post",
    sentence: "looks whether it is posted, posts, and writes it down; the queue repeats what failed",
    publisher: createNaivePublisher,
  },
  {
    name: "lock",
    harms: "one-post",
    sentence: "takes a lock that expires, posts, and deletes the lock on an error: an idempotency library",
    publisher: createLockPublisher,
  },
  {
    name: "settle",
    harms: "one-post",
    sentence: "believes after 61 s and one reading that a post is not there",
    reconcileTiming: { adoptAfterMs: 61_000, absentAfterMs: 61_000, betweenReadsMs: 0 },
  },
  {
    name: "fuse",
    harms: "one-post",
    sentence: "calls X however long ago the intent was written",
    publishTiming: { intentFreshMs: Number.MAX_SAFE_INTEGER },
    // The same check also asks whether the invocation has time left: this clock never says that any has passed.
    clock: (clock, intentAt) => ({ ...clock, now: () => intentAt() ?? clock.now() }),
  },
  {
    name: "arm",
    harms: "old-arms-do-nothing",
    sentence: "accepts messages of arrangements that were replaced",
    message: (message, task) => (task ? { ...message, arm: task.arm } : message),
  },
  {
    name: "gate-return",
    harms: "counted",
    sentence: "gives the account's place back when X's answer is lost",
    tasks: (store) =>
      withSave(store, (next, together) => {
        if (next.status !== "unknown" || !together.gate) return [next, together];
        const { gate } = together;
        const returned: Gate = { ...giveBack(gate, next.id), version: gate.version };
        return [next, { ...together, gate: returned }];
      }),
  },
  {
    name: "lease-to-ready",
    harms: "one-post",
    sentence: "makes a task ready again when the lease of its publisher is over",
    tasks: (store, read) =>
      withSave(store, (next, together) => {
        const before = read(next.id);
        const isExpired =
          before?.status === "posting" && next.status === "unknown" && together.log?.step === "sweep";
        if (!isExpired) return [next, together];
        const {
          attemptId: _attempt,
          leaseUntil: _lease,
          startedAt: _started,
          inDoubtSince: _doubt,
          ...rest
        } = next;
        return [{ ...rest, status: "ready", arm: next.arm + 1, wakeAt: next.updatedAt }, together];
      }),
  },
  {
    name: "adopt-twice",
    harms: "published-is-live",
    sentence: "adopts a post without marking it as taken",
    tasks: (store) => withSave(store, (next, { adopt: _mark, ...together }) => [next, together]),
  },
  {
    name: "lost-answer",
    harms: "one-post",
    sentence: "takes its own write for somebody else's when the SDK repeated it",
    repeatedWrite: () => err({ reason: "stale" }),
  },
  {
    name: "slot-lease",
    harms: "few-at-once",
    sentence: "gives a publisher's slot to the next one before its holder has settled",
    slots: (slots) => ({
      ...slots,
      async take(holder, most) {
        const slot = await slots.take(holder, most);
        if (slot !== undefined) await slots.giveBack(slot, holder);
        return slot;
      },
    }),
  },
];

export const DESIGNS = ["naive", "lock"] as const;

/** Another publisher, not a guard that is taken out. */
export const isDesign = (name: string): boolean => DESIGNS.some((design) => design === name);

/** @throws RangeError for a name that there is not */
export function breakageOf(name: string): Breakage {
  const found = BREAKAGES.find((breakage) => breakage.name === name);
  if (!found)
    throw new RangeError(
      `there is no breakage ${name}; known are ${BREAKAGES.map((one) => one.name).join(", ")}`,
    );
  return found;
}
