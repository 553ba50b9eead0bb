/** Publishers as they are often written, to show what the simulation finds in them. */
import type { Content, Task } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { PublishPost, PublishPostDeps, PublishReport } from "#shared/usecases/publish-post.ts";

const STALE: PublishReport = { kind: "stale-message" };

class NotPosted extends Error {
  override readonly name = "NotPosted";
}

async function readDue({ tasks }: PublishPostDeps, id: Task["id"], arm: number) {
  const task = await tasks.get(id);
  const isOpen = task && ["pending", "ready", "retrying"].includes(task.status) && task.arm === arm;
  if (!isOpen) return undefined;
  const content = await tasks.getContent(task);
  return content && { task, content };
}

async function post(deps: PublishPostDeps, task: Task, content: Content): Promise<Task> {
  const text = content.parts[task.posted.length]?.text ?? "";
  const before = task.posted.at(-1);
  const outcome = await deps.publisher.create(
    task.accountId,
    { text, mediaIds: [], ...(before && { inReplyTo: before.postId }) },
    TIMING.publish.requestDeadlineMs,
  );
  if (outcome.kind !== "posted") throw new NotPosted(outcome.kind);
  const posted = [...task.posted, { postId: outcome.postId, sentAt: deps.clock.now() }];
  const isLast = posted.length === task.partCount;
  const { wakeAt: _wake, ...rest } = task;
  return { ...rest, posted, version: task.version + 1, status: isLast ? "published" : "ready" };
}

async function save(deps: PublishPostDeps, next: Task): Promise<void> {
  const last = next.posted.at(-1);
  await deps.tasks.save(next, last && { adopt: { accountId: next.accountId, postId: last.postId } });
  if (next.status === "published") return;
  const { id: taskId, rev, arm, posted } = next;
  const message = { taskId, rev, arm, step: "publish" as const, part: posted.length };
  await deps.dispatch.enqueue(message, TIMING.publish.betweenPartsMs);
}

/** Looks, posts, writes it down. */
export const createNaivePublisher =
  (deps: PublishPostDeps): PublishPost =>
  async (message) => {
    const due = await readDue(deps, message.taskId, message.arm);
    if (!due || due.task.posted.length !== message.part) return STALE;
    await deps.clock.sleepUntil(due.task.slotAt);
    const next = await post(deps, due.task, due.content);
    await save(deps, next);
    return { kind: "posted", postId: next.posted.at(-1)?.postId ?? "", latenessMs: 0 };
  };

/** The same under a lock with an end; what failed frees it, so that the queue's repeat can try again. */
export function createLockPublisher(deps: PublishPostDeps): PublishPost {
  const locks = new Map<string, Date>();
  return async (message) => {
    const name = `${message.taskId}#${message.part}`;
    const now = deps.clock.now();
    const lockedUntil = locks.get(name);
    if (lockedUntil && lockedUntil > now) return STALE;
    locks.set(name, new Date(now.getTime() + TIMING.publish.timeoutMs));
    try {
      const due = await readDue(deps, message.taskId, message.arm);
      if (!due || due.task.posted.length !== message.part) return STALE;
      await deps.clock.sleepUntil(due.task.slotAt);
      const next = await post(deps, due.task, due.content);
      await save(deps, next);
      return { kind: "posted", postId: next.posted.at(-1)?.postId ?? "", latenessMs: 0 };
    } catch (error) {
      locks.delete(name);
      throw error;
    }
  };
}
