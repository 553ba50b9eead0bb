/** A setting that is changed while everything runs: functions that were warm before follow, without a deployment. */
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as z from "zod";
import { healthView } from "#shared/contract/health.ts";
import { settingsView } from "#shared/contract/settings-view.ts";
import { infoView, queueStatusView, readinessView, redrivenView } from "#shared/contract/system-view.ts";
import { startPunctual, type TestPunctual } from "#test/support/punctual.ts";
import { waitFor } from "#test/support/wait-for.ts";

let punctual: TestPunctual;

beforeAll(async () => {
  punctual = await startPunctual({ settings: "defaults" });
});
afterAll(() => punctual?.close());

const send = (path: string, method: string, body: unknown) =>
  punctual.api(path, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

async function read<Schema extends z.ZodType>(schema: Schema, answer: Promise<Response>) {
  const response = await answer;
  const body: unknown = await response.json();
  if (response.status !== 200) throw new Error(`${response.status}: ${JSON.stringify(body)}`);
  return schema.parse(body);
}

/** How many posts the API takes at once, as it is now. */
const sendBatch = async (count: number) =>
  (await send("/scheduling/tasks/batch", "POST", { tasks: Array.from({ length: count }, () => ({})) }))
    .status;

/** Asks a few times a second: a key has so many requests an hour. */
async function isTooLarge(count: number): Promise<boolean> {
  await setTimeout(300);
  return (await sendBatch(count)) === 413;
}

describe("a setting", () => {
  it("is in force within 30 s, and no function was deployed for it", { timeout: 60_000 }, async () => {
    expect(await sendBatch(11)).toBe(200);
    const changed = await read(settingsView, send("/settings", "PUT", { batchSize: 10 }));
    expect(changed).toMatchObject({ version: 1, settings: { batchSize: 10 } });
    const changedAt = Date.now();
    await waitFor("a batch of 11 to be too large", async () => (await isTooLarge(11)) || undefined, 30_000);
    expect(Date.now() - changedAt).toBeLessThan(30_000);
    expect(await sendBatch(10)).toBe(200);
    const back = await read(settingsView, send("/settings/rollback", "POST", { version: 0 }));
    expect(back).toMatchObject({ version: 2, settings: { batchSize: 50 } });
  });

  it("of one publisher at a time lets every post out, one after the other", { timeout: 60_000 }, async () => {
    await read(settingsView, send("/settings", "PUT", { concurrentPublishers: 1 }));
    const texts = Array.from({ length: 5 }, (_, index) => `one at a time ${index}`);
    const answers = await Promise.all(
      texts.map((text) => send("/scheduling/tasks", "POST", { text, language: "en" })),
    );
    expect(answers.map(({ status }) => status)).toEqual(texts.map(() => 202));
    await waitFor(
      "all five posts to be out",
      () => {
        const out = punctual.sandbox?.posts().map(({ text }) => text) ?? [];
        return texts.every((text) => out.includes(text)) || undefined;
      },
      45_000,
    );
  });
});

describe("the system", () => {
  it("reads every queue with its own rights, and has nothing to move", async () => {
    expect(await read(readinessView, punctual.api("/system/ready"))).toMatchObject({ ready: true });
    const { queues } = await read(queueStatusView, punctual.api("/system/queue-status"));
    expect(queues.map(({ deadLetters }) => deadLetters.waiting)).toEqual(queues.map(() => 0));
    for (const { name } of queues)
      if (name !== "background")
        expect(
          await read(redrivenView, send("/system/queue-status/redrive", "POST", { queue: name })),
        ).toEqual({
          queue: name,
          moved: 0,
          doubled: 0,
          failed: 0,
          more: false,
        });
    const health = await read(healthView, punctual.api("/system/health"));
    expect(health.dependencies.map(({ status }) => status)).toEqual(["ok", "ok", "ok", "not-checked"]);
    expect((await read(infoView, punctual.api("/system/info"))).stage).toBe("main");
  });

  it("has counted what was posted and asked, in the table", { timeout: 40_000 }, async () => {
    const metrics = await waitFor(
      "five posts to be counted",
      async () => {
        await setTimeout(300);
        const answer = await punctual.api("/system/metrics");
        const text = await answer.text();
        return text.includes("punctual_posts_total 5\n") ? text : undefined;
      },
      30_000,
    );
    expect(metrics).toContain('punctual_tasks_total{status="published"} 5\n');
    expect(metrics).toMatch(/punctual_api_requests_total\{route="createTasks",status="2xx"\} [1-9]/);
    expect(metrics).toContain("punctual_post_lateness_seconds_count 5\n");
  });
});
