import type { Gate } from "#shared/domain/gate.ts";
import { type Content, dueAt, type Task, type TaskStatus } from "#shared/domain/task.ts";
import type { TaskStore, Together } from "#shared/ports/task-store.ts";
import type { Process } from "./processes.ts";
import type { Life } from "./scenario.ts";
import type { LivePost } from "./x.ts";

/** The intent that a process wrote. */
export interface IntentFact {
  readonly taskId: string;
  readonly part: number;
  /** When it was written, in true time. */
  readonly at: number;
  /** When the task was due then, by the clock of its slot. */
  readonly dueAt: number;
}

/** What a process did, as far as promises speak of it. */
export interface Deeds {
  /** The arm and the part of the message that it handles; the arm follows its own writes. */
  arm: number | undefined;
  readonly part: number;
  intent: IntentFact | undefined;
  /** It has called X. */
  hasCalled: boolean;
  /** X gave it no definite answer. */
  heardNothing: boolean;
}

/** Units of an account's window: of a post, or of a task that nobody asks X about any more. */
export interface Place {
  readonly accountId: string;
  /** Start of the day's window that it is counted in. */
  readonly dayAt: number;
  readonly units: number;
}

/** Everything that really happened, beside what the system believes. */
export interface Facts {
  readonly lives: readonly Life[];
  readonly tasks: Map<string, Task>;
  readonly contents: Map<string, Content>;
  readonly gates: Map<string, Gate>;
  /** `account#post` → task. */
  readonly adopted: Map<string, string>;
  readonly lifeOf: Map<string, Life>;
  /** Punctual's own, in the order in which they reached X. */
  readonly posts: LivePost[];
  readonly deeds: Map<number, Deeds>;
  /** The process of each attempt that wrote an intent. */
  readonly attempts: Map<string, Process>;
  /** The place under which each post was made. */
  readonly places: Map<string, Place>;
  /** Places of posts that may be out, and that nobody looks for any more. */
  readonly writtenOff: Place[];
  /** Since when a project is frozen, in true time. */
  readonly frozenSince: Map<string, number>;
  /** The last write of each task, and what the index showed before it. */
  readonly changed: Map<string, { readonly at: number; readonly wasDueAt: Date | undefined }>;
}

export const newFacts = (lives: readonly Life[]): Facts => ({
  lives,
  tasks: new Map(),
  contents: new Map(),
  gates: new Map(),
  adopted: new Map(),
  lifeOf: new Map(),
  posts: [],
  deeds: new Map(),
  attempts: new Map(),
  places: new Map(),
  writtenOff: [],
  frozenSince: new Map(),
  changed: new Map(),
});

export const contentOf = (facts: Facts, { id, contentRev }: Task): Content | undefined =>
  facts.contents.get(`${id}#${contentRev}`);

export const statusOf = (facts: Facts, taskId: string | undefined): TaskStatus | "new" =>
  (taskId !== undefined && facts.tasks.get(taskId)?.status) || "new";

/** One write that took effect. */
export interface Write {
  readonly before: Task | undefined;
  readonly next: Task;
  readonly together: Together;
  readonly gateBefore: Gate | undefined;
  readonly process: Process | undefined;
  /** True time, in ms. */
  readonly at: number;
}

export interface ObserveOptions {
  readonly facts: Facts;
  readonly now: () => number;
  readonly running: () => Process | undefined;
  /** Looks at the write before the facts follow it. */
  readonly onWrite: (write: Write) => void;
}

/** The store with somebody who notes what took effect. */
export function observeStore(store: TaskStore, { facts, now, running, onWrite }: ObserveOptions): TaskStore {
  function note(next: Task, together: Together): void {
    const before = facts.tasks.get(next.id);
    const { gate, adopt, content } = together;
    const process = running();
    const at = now();
    const gateBefore = gate && facts.gates.get(gate.accountId);
    onWrite({ before, next, together, gateBefore, process, at });

    facts.tasks.set(next.id, next);
    facts.changed.set(next.id, { at, wasDueAt: before?.wakeAt });
    if (content) facts.contents.set(`${content.taskId}#${content.rev}`, content);
    if (adopt) facts.adopted.set(`${adopt.accountId}#${adopt.postId}`, next.id);
    if (gate) {
      facts.gates.set(gate.accountId, gate);
      const left = gateBefore?.reservations.find(({ taskId }) => taskId === next.id);
      const isLeft = left && !gate.reservations.some(({ taskId }) => taskId === next.id);
      if (isLeft && next.inDoubtSince)
        facts.writtenOff.push({
          accountId: gate.accountId,
          dayAt: left.dayAt.getTime(),
          units: left.units - left.used,
        });
    }
    const deeds = process && facts.deeds.get(process.id);
    if (!process || !deeds) return;
    if (next.id === process.taskId) deeds.arm = next.arm;
    if (
      next.status === "posting" &&
      before &&
      next.attemptId !== undefined &&
      next.startedAt !== before.startedAt
    ) {
      deeds.intent = { taskId: next.id, part: next.posted.length, at, dueAt: dueAt(before).getTime() };
      facts.attempts.set(next.attemptId, process);
      // Only what happens from here on can make the outcome doubtful.
      process.isDisturbed = false;
    }
  }

  return {
    ...store,
    async create(task, content, together = {}) {
      const written = await store.create(task, content, together);
      if (written.ok) note(task, { ...together, content });
      return written;
    },
    async save(next, together = {}) {
      const written = await store.save(next, together);
      if (written.ok) note(next, together);
      return written;
    },
  };
}
