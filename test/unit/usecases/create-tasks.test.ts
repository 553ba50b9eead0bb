import { describe, expect, it } from "vitest";
import { asOwnerId } from "#shared/domain/ids.ts";
import { DEFAULT_SETTINGS } from "#shared/domain/settings.ts";
import type { CreateTask, NewTask } from "#shared/usecases/create-task.ts";
import { createCreateTasks } from "#shared/usecases/create-tasks.ts";
import { aContent, aTask } from "#test/support/builders.ts";

const aPost = (over: Partial<NewTask>): NewTask => ({
  ownerId: asOwnerId("anne"),
  project: "default",
  texts: ["hello"],
  publishAt: "now",
  priority: 5,
  language: "en",
  maxRetries: 3,
  ...over,
});

/** Answers each post with its own text, and notes the order. */
function setUp() {
  const order: string[] = [];
  const createTask: CreateTask = async ({ texts: [text = ""] }) => {
    order.push(text);
    if (text === "bad") return { ok: false, error: { reason: "unknown-account", name: text } };
    const task = aTask();
    return {
      ok: true,
      value: {
        task,
        content: aContent(task, { parts: [{ text }] }),
        project: "default",
        account: "main",
        timeZone: "UTC",
      },
    };
  };
  const settings = { current: async () => ({ ...DEFAULT_SETTINGS, batchSize: 10 }) };
  const createTasks = createCreateTasks({ createTask, settings });
  async function create(wanted: readonly NewTask[]) {
    const created = await createTasks(wanted);
    if (!created.ok) throw new Error(created.error.reason);
    return created.value;
  }
  return { order, create, createTasks };
}

describe("createTasks", () => {
  it("takes given slots first, then plans, urgent first and else as listed, and answers in the order of the posts", async () => {
    const { create, order } = setUp();
    const planned = { strategy: "optimal" } as const;
    const answers = await create([
      aPost({ texts: ["later"], ...planned, priority: 8 }),
      aPost({ texts: ["at once"] }),
      aPost({ texts: ["normal"], ...planned }),
      aPost({ texts: ["urgent"], ...planned, priority: 1 }),
      aPost({ texts: ["also normal"], ...planned }),
      aPost({ texts: ["fixed"], publishAt: "2026-12-01 09:00" }),
    ]);
    expect(order).toEqual(["fixed", "at once", "urgent", "normal", "also normal", "later"]);
    expect(answers.map((answer) => answer.ok && answer.value.content.parts[0]?.text)).toEqual([
      "later",
      "at once",
      "normal",
      "urgent",
      "also normal",
      "fixed",
    ]);
  });

  it("takes as many as the setting says and not one more, those that are no posts included", async () => {
    const { createTasks, order } = setUp();
    const posts = Array.from({ length: 10 }, () => aPost({}));
    const tooLarge = { ok: false, error: { reason: "batch-too-large", most: 10 } };
    expect(await createTasks([...posts, aPost({})])).toEqual(tooLarge);
    expect(await createTasks(posts, 11)).toEqual(tooLarge);
    expect(order).toEqual([]);
    expect(await createTasks(posts)).toMatchObject({ ok: true });
    expect(order).toHaveLength(10);
  });

  it("accepts the others when one is refused", async () => {
    const { create } = setUp();
    const answers = await create([aPost({ texts: ["bad"] }), aPost({})]);
    expect(answers.map(({ ok }) => ok)).toEqual([false, true]);
  });
});
