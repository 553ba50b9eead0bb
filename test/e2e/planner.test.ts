/** Posts whose time is left to us, through the drop folder and the API: slots, duplicates, conflicts, written texts. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { createTasksAnswer } from "#shared/contract/create-tasks.ts";
import { policyView } from "#shared/contract/policy-view.ts";
import { taskCreated } from "#shared/contract/task-answer.ts";
import { startPunctual, type TestPunctual } from "#test/support/punctual.ts";
import { waitFor } from "#test/support/wait-for.ts";

const HOUR_MS = 3_600_000;

let punctual: TestPunctual;

beforeAll(async () => {
  punctual = await startPunctual();
});
afterAll(() => punctual?.close());

const send = (path: string, method: string, body: unknown) =>
  punctual.api(path, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

/** Everything that is not named is no rule. */
async function setPolicy(rules: object): Promise<void> {
  const { version } = policyView.parse(await (await punctual.api("/projects/default/policy")).json());
  const answer = await send("/projects/default/policy", "PUT", { version, ...rules });
  expect([answer.status, await answer.json()]).toMatchObject([200, rules]);
}

const create = (body: object) => send("/scheduling/tasks", "POST", body);

/** Distances between neighbours, in ms. */
function gapsOf(slots: readonly string[]): readonly number[] {
  const instants = slots.map((slot) => new Date(slot).getTime()).toSorted((a, b) => a - b);
  return instants.slice(1).map((at, index) => at - (instants[index] ?? 0));
}

describe("slots", () => {
  it("of files that are dropped together are an interval apart, and each says why", async () => {
    await setPolicy({ minInterval: "90m", optimalHours: [9, 12, 15, 18, 21] });
    const names = Array.from({ length: 40 }, (_, index) => `kite-${index}`);
    await Promise.all(
      names.map((name) =>
        punctual.put(`${name}.md`, `---\nstrategy: optimal\nmedia: []\n---\nPost ${name}\n`),
      ),
    );
    const outcomes = await Promise.all(names.map((name) => punctual.outcomeWhen(name, ["pending"])));
    const slots = outcomes.map((outcome) => ("slotAt" in outcome ? outcome.slotAt : ""));
    expect(Math.min(...gapsOf(slots))).toBeGreaterThanOrEqual(1.5 * HOUR_MS);
    expect(outcomes).toEqual(outcomes.map(() => expect.objectContaining({ strategy: "optimal" })));
  });

  it("of a batch go to the urgent one first, beside what is planned already", async () => {
    const tasks = [8, 5, 1].map((priority) => ({
      text: `Batch of priority ${priority}`,
      strategy: "next-free",
      priority,
    }));
    const answer = await send("/scheduling/tasks/batch", "POST", { tasks: [...tasks, { txt: "oops" }] });
    const { accepted, refused, results } = createTasksAnswer.parse(await answer.json());
    expect([accepted, refused]).toEqual([3, 1]);
    expect(results[3]).toMatchObject({ code: "invalid-input", errors: [{ pointer: "/tasks/3/txt" }, {}] });
    const planned = results.flatMap((result) => ("task" in result ? [result.task] : []));
    const [late = "", normal = "", urgent = ""] = planned.map(({ slotAt }) => slotAt);
    expect(urgent < normal && normal < late).toBe(true);
    expect(planned[0]?.plan?.alternatives.length).toBeGreaterThan(0);

    const listed = z
      .object({ items: z.array(z.object({ slotAt: z.string(), status: z.string() })) })
      .parse(await (await punctual.api("/scheduling/tasks?account=main&limit=100")).json());
    const waiting = listed.items.filter(({ status }) => status === "pending").map(({ slotAt }) => slotAt);
    expect(waiting.length).toBeGreaterThanOrEqual(43);
    expect(Math.min(...gapsOf(waiting))).toBeGreaterThanOrEqual(1.5 * HOUR_MS);
  });
});

describe("the same twice", () => {
  it("is refused, and nearly the same is told", async () => {
    await setPolicy({ duplicates: { window: "30d", threshold: 0.6, near: "warns" } });
    const text = "The kite festival opens on Saturday at ten, with music and food at the old pier";
    const publishAt = new Date(Date.now() + 48 * HOUR_MS).toISOString();
    const first = taskCreated.parse(await (await create({ text, publishAt })).json());
    const again = await create({ text: `${text.toUpperCase()}!`, publishAt });
    expect([again.status, await again.json()]).toMatchObject([
      409,
      { code: "duplicate-content", detail: expect.stringContaining(first.id) },
    ]);
    const near = taskCreated.parse(
      await (await create({ text: text.replace("food", "drinks"), publishAt })).json(),
    );
    expect(near.reason).toMatchObject({ code: "near-duplicate" });
    const { conflicts } = z
      .object({ conflicts: z.array(z.object({ code: z.string(), severity: z.string() })) })
      .parse(await (await punctual.api(`/scheduling/tasks/${near.id}/conflicts`)).json());
    expect(conflicts).toContainEqual(expect.objectContaining({ code: "near-duplicate", severity: "warns" }));
  });
});

describe("texts", () => {
  it("that are long become a numbered thread", async () => {
    await setPolicy({});
    const text = Array.from({ length: 40 }, (_, index) => `Knot number ${index + 1} holds.`).join(" ");
    const made = taskCreated.parse(await (await create({ text, split: { numbering: true } })).json());
    expect(made.parts.length).toBeGreaterThan(2);
    await waitFor("the thread to be posted", () =>
      made.parts.every((part) => punctual.sandbox?.posts().some((post) => post.text === part.text))
        ? true
        : undefined,
    );
  });

  it("are written before they go out, the original beside them", async () => {
    const text = "Kites over the harbour at https://example.com/kites for 12 euros with @punctual_dev";
    await punctual.put("written.md", `---\nenhance: true\nmedia: []\n---\n${text}\n`);
    const outcome = await punctual.outcomeWhen("written", ["published", "held", "failed"]);
    expect(outcome).toMatchObject({ status: "published", original: [text] });
    const [part] = "parts" in outcome ? outcome.parts : [];
    expect(part?.text).not.toBe(text);
    for (const fact of ["https://example.com/kites", "12", "@punctual_dev"])
      expect(part?.text).toContain(fact);
    expect(punctual.sandbox?.posts().some((post) => post.text === part?.text)).toBe(true);
  });
});
