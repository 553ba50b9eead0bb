/** What people do: as processes that can die and whose calls can fail, like any other. */
import type { Account, Project } from "#shared/domain/account.ts";
import { asAttemptId, asTaskId } from "#shared/domain/ids.ts";
import type { Medium } from "#shared/domain/media.ts";
import { isInDoubt, revise } from "#shared/domain/moves.ts";
import { type Content, isFinal, isInFlight, type Task } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import type { ArrangeTask } from "#shared/usecases/arrange-task.ts";
import type { CreateTask } from "#shared/usecases/create-task.ts";
import { aMedium, aTask } from "#test/support/builders.ts";
import { type Life, OWNER } from "./scenario.ts";

export interface PeopleDeps {
  readonly tasks: TaskStore;
  readonly accounts: AccountStore;
  readonly arrange: ArrangeTask;
  readonly createTask: CreateTask;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly projects: readonly Project[];
  /** A person looks at the timeline before a post in doubt is sent again. */
  readonly seesItOnX: (task: Task) => boolean;
}

const mediaOf = ({ index, mediaCount }: Pick<Life, "index" | "mediaCount">, rev: number): Medium[] =>
  Array.from({ length: mediaCount }, (_, place) =>
    aMedium({ name: `${place}.jpg`, key: `${index}/${place}`, sha256: `${index}.${rev}.${place}` }),
  );

const PRICE_MICROS = 15_000;

export function createPeople(deps: PeopleDeps) {
  const { tasks, accounts, arrange, createTask, clock, entropy, projects, seesItOnX } = deps;

  const projectOf = (life: Life): Project => {
    const project = projects[life.project];
    if (!project) throw new RangeError("no such project");
    return project;
  };

  async function changeAccount(
    id: Account["id"],
    change: (account: Account) => Account | undefined,
  ): Promise<void> {
    for (;;) {
      const account = await accounts.getAccount(id);
      const next = account && change(account);
      if (!next || (await accounts.saveAccount({ ...next, version: next.version + 1 })).ok) return;
    }
  }

  return {
    async accept(life: Life): Promise<void> {
      const project = projectOf(life);
      if (life.by === "api") {
        const account = life.accountId.slice(life.accountId.indexOf(".") + 1);
        await createTask({
          ownerId: OWNER,
          project: project.name,
          account,
          texts: life.texts,
          publishAt: life.slotAt <= clock.now().getTime() ? "now" : new Date(life.slotAt).toISOString(),
          priority: 5,
          language: "en",
          latePolicy: life.latePolicy,
          maxRetries: 3,
        });
        return;
      }
      // As a drop is accepted: task, content and log in one transaction, then the wake-up calls.
      const now = clock.now();
      const media = mediaOf(life, 1);
      const slotAt = new Date(Math.max(life.slotAt, now.getTime()));
      const task = aTask({
        id: asTaskId(entropy.newId()),
        ownerId: OWNER,
        projectId: project.id,
        accountId: life.accountId,
        ...(life.isPool && { pool: "open" as const }),
        ...(life.reconcile && { reconcile: life.reconcile }),
        latePolicy: life.latePolicy,
        createdAt: now,
        updatedAt: now,
        publishAt: slotAt,
        slotAt,
        wakeAt: new Date(now.getTime() + TIMING.wake.unarrangedMs),
        partCount: life.texts.length,
        mediaCount: media.length,
        costMicros: PRICE_MICROS * life.texts.length,
      });
      const content: Content = {
        taskId: task.id,
        rev: 1,
        parts: life.texts.map((text) => ({ text })),
        media,
      };
      const log = {
        at: now,
        attemptId: asAttemptId(entropy.newId()),
        step: "accept",
        status: "pending",
      } as const;
      const created = await tasks.create(task, content, { log });
      if (created.ok) await arrange(task, media).catch(() => {});
    },

    /** As a file that is dropped again under the same name. */
    async edit(id: Task["id"], life: Life, slotAt: number): Promise<void> {
      for (;;) {
        const task = await tasks.get(id);
        if (
          !task ||
          isFinal(task.status) ||
          isInFlight(task.status) ||
          task.posted.length > 0 ||
          // Both ways to change a task refuse this: nobody would look for what may be out.
          isInDoubt(task) ||
          seesItOnX(task)
        )
          return;
        const now = clock.now();
        const rev = task.rev + 1;
        const media = mediaOf(life, rev);
        const parts = life.texts.map((text) => ({ text: `${text} rev ${rev}` }));
        const at = new Date(Math.max(slotAt, now.getTime()));
        const { accountId, priority, language, latePolicy, costMicros, source } = task;
        const next = revise(task, now, {
          accountId,
          priority,
          language,
          latePolicy,
          costMicros,
          source,
          publishAt: at,
          slotAt: at,
          partCount: parts.length,
          mediaCount: media.length,
        });
        const content: Content = { taskId: id, rev: next.contentRev, parts, media };
        const log = {
          at: now,
          attemptId: asAttemptId(entropy.newId()),
          step: "accept",
          status: "pending",
        } as const;
        const saved = await tasks.save(next, { content, log });
        if (!saved.ok) continue;
        await arrange(next, media).catch(() => {});
        return;
      }
    },

    pause: (id: Account["id"]) =>
      changeAccount(id, (account) =>
        account.status === "active"
          ? {
              ...account,
              status: "paused",
              reason: {
                code: "account-inactive",
                message: "Paused by its owner.",
                remedy: "Resume the account.",
              },
            }
          : undefined,
      ),

    /** The sweeper lets go on what was held because of it. */
    resume: (id: Account["id"]) =>
      changeAccount(id, ({ reason: _reason, pausedUntil: _until, ...account }) => ({
        ...account,
        status: "active",
        wakeAt: clock.now(),
      })),

    async freeze(index: number, frozen: boolean): Promise<void> {
      const project = projects[index];
      if (!project) throw new RangeError("no such project");
      await accounts.savePolicy(project.id, {
        version: 1,
        policy: { ...project.policy, frozen },
        timeZone: project.timeZone,
        ...(project.weight !== undefined && { weight: project.weight }),
        savedAt: clock.now(),
        savedBy: "people",
      });
    },
  };
}
