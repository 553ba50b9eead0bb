import { isNow } from "#shared/domain/planning/decide-strategy.ts";
import { isFlexible } from "#shared/domain/planning/strategy.ts";
import type { ServiceSettings } from "#shared/ports/service-settings.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { CreatedTask, CreateTask, CreateTaskRefusal, NewTask } from "./create-task.ts";

/** Posts whose slots are given hold up nobody. */
const AT_ONCE = 10;

/** One answer for each, in the order of the posts. */
type Answers = readonly Result<CreatedTask, CreateTaskRefusal>[];

/** @param count - posts of the request, those that are none included. Absent: all are wanted */
export type CreateTasks = (
  wanted: readonly NewTask[],
  count?: number,
) => Promise<Result<Answers, { readonly reason: "batch-too-large"; readonly most: number }>>;

export interface CreateTasksDeps {
  readonly createTask: CreateTask;
  readonly settings: ServiceSettings;
}

/** Accepts posts together, as `createTogether` does, and at most as many as the setting says. */
export function createCreateTasks({ createTask, settings }: CreateTasksDeps): CreateTasks {
  return async (wanted, count = wanted.length) => {
    const { batchSize: most } = await settings.current();
    return count > most
      ? err({ reason: "batch-too-large", most })
      : ok(await createTogether(createTask, wanted));
  };
}

/**
 * Accepts posts together: those with a slot of their own first, so that no planned one gets in their way; then the
 * planned ones one after the other, urgent first, each seeing the slots of those before it.
 *
 * @throws whatever `createTask` throws; what was accepted before stays
 */
export async function createTogether(createTask: CreateTask, wanted: readonly NewTask[]): Promise<Answers> {
  const answers: Result<CreatedTask, CreateTaskRefusal>[] = [];
  const entries = wanted.map((post, index) => ({ post, index }));
  const answer = async ({ post, index }: (typeof entries)[number]) => {
    answers[index] = await createTask(post);
  };
  const isPlanned = ({ strategy }: NewTask) => strategy !== undefined && isFlexible(strategy);

  const given = entries.filter(({ post }) => !isPlanned(post));
  // What goes out at once comes last of them: it should find its account as the others leave it.
  const ordered = given.toSorted((a, b) => Number(isNow(a.post.publishAt)) - Number(isNow(b.post.publishAt)));
  for (let start = 0; start < ordered.length; start += AT_ONCE)
    await Promise.all(ordered.slice(start, start + AT_ONCE).map(answer));
  const planned = entries.filter(({ post }) => isPlanned(post));
  for (const entry of planned.toSorted((a, b) => a.post.priority - b.post.priority)) await answer(entry);
  return answers;
}
