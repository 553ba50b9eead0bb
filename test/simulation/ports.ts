/** What kind of call each method of each port is. A method that is not listed does not compile. */

import type { Task } from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { CircuitStore } from "#shared/ports/circuit-store.ts";
import type { MediaProgressStore } from "#shared/ports/media-progress-store.ts";
import type { PublisherSlots } from "#shared/ports/publisher-slots.ts";
import type { RunStore } from "#shared/ports/run-store.ts";
import type { SharedCounters } from "#shared/ports/shared-counters.ts";
import type { TaskDispatch } from "#shared/ports/task-dispatch.ts";
import type { DueRef, Page, TaskStore } from "#shared/ports/task-store.ts";
import type { PortSpec } from "./calls.ts";
import type { Facts } from "./facts.ts";

/** An index is up to this far behind. */
const LAG_MS = 20_000;

export interface PortSpecs {
  readonly tasks: PortSpec<TaskStore>;
  readonly media: PortSpec<MediaProgressStore>;
  readonly accounts: PortSpec<AccountStore>;
  readonly counters: PortSpec<SharedCounters>;
  readonly circuits: PortSpec<CircuitStore>;
  readonly slots: PortSpec<PublisherSlots>;
  readonly dispatch: PortSpec<TaskDispatch>;
  readonly runs: PortSpec<RunStore>;
}

export interface PortSpecsOptions {
  readonly facts: Facts;
  /** True time, in ms. */
  readonly now: () => number;
  /** What a caller sees when its own repeat met its own condition; absent: that it had won. */
  readonly repeatedWrite: (() => unknown) | undefined;
  /** An index did not show a task as it is. */
  readonly metStaleIndex: (taskId: string) => void;
}

export function portSpecs({ facts, now, repeatedWrite, metStaleIndex }: PortSpecsOptions): PortSpecs {
  const isNews = (id: string): boolean => now() - (facts.changed.get(id)?.at ?? 0) < LAG_MS;
  const isHidden = (id: string): boolean => {
    if (!isNews(id)) return false;
    metStaleIndex(id);
    return true;
  };
  const repeated = repeatedWrite && { repeated: repeatedWrite };
  const read = { kind: "read" } as const;
  const write = { kind: "write" } as const;

  return {
    tasks: {
      get: { ...read, taskOf: (id) => id },
      getContent: { ...read, taskOf: ({ id }) => id },
      getContents: read,
      getFeatures: { ...read, taskOf: (id) => id },
      getLog: { ...read, taskOf: (id) => id },
      getGate: read,
      getGates: read,
      getBoard: read,
      getClaim: read,
      addLog: { ...write, taskOf: (id) => id },
      create: { kind: "transaction", taskOf: ({ id }) => id, ...repeated },
      save: {
        kind: (_next, together) => (together && Object.keys(together).length > 0 ? "transaction" : "write"),
        taskOf: ({ id }) => id,
        ...repeated,
      },
      list: {
        kind: "index",
        stale(fresh) {
          const page = fresh as Page<Task>;
          return { ...page, items: page.items.filter(({ id }) => !isHidden(id)) };
        },
      },
      listAvailable: { kind: "index", stale: () => [] },
      listDue: {
        kind: "index",
        stale(fresh, _shard, seenAt) {
          const shown = (fresh as readonly DueRef[]).filter((ref) => ref.kind !== "task" || !isNews(ref.id));
          const gone: DueRef[] = [];
          for (const [id, { wasDueAt }] of facts.changed) {
            const task = facts.tasks.get(id);
            if (task && wasDueAt && wasDueAt <= seenAt && isHidden(id))
              gone.push({ kind: "task", id: task.id, wakeAt: wasDueAt });
          }
          return [...shown, ...gone];
        },
      },
    },
    media: { list: { ...read, taskOf: (id) => id }, save: { ...write, taskOf: ({ taskId }) => taskId } },
    accounts: {
      getAccount: read,
      getAccounts: read,
      saveAccount: write,
      deactivateAccount: write,
      saveProject: write,
      savePolicy: write,
      listPolicyVersions: { kind: "index" },
      getProject: read,
      getProjectByFolder: read,
      listFolders: { kind: "index" },
      listAccounts: { kind: "index" },
      getSource: read,
      listSources: { kind: "index" },
      listOwnSources: { kind: "index" },
      addSource: write,
      saveSource: write,
      removeSource: write,
      claimScan: write,
      listProjects: { kind: "index" },
      addProject: write,
      removeProject: write,
    },
    counters: { take: write, giveBack: write, read },
    runs: { get: read, save: write, getPage: read, savePage: write },
    circuits: { get: read, save: write },
    slots: { take: write, giveBack: write },
    dispatch: {
      schedule: { kind: "send", taskOf: ({ taskId }) => taskId },
      enqueue: { kind: "send", taskOf: ({ taskId }) => taskId },
      unschedule: { kind: "send", taskOf: ({ taskId }) => taskId },
    },
  };
}
