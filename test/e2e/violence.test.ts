/** What AWS does on a bad day, to the real functions: answers lost, transactions in conflict, everything delivered twice. One post, whatever happens. */
import { beforeEach, describe, expect, it } from "vitest";
import type { UnkindRule } from "#infra/local/gateway/unkindness.ts";
import type { TaskId } from "#shared/domain/ids.ts";
import { X_PRICES_MICROS } from "#shared/domain/price.ts";
import { isFinal } from "#shared/domain/task.ts";
import type { Expected } from "#test/support/books.ts";
import { readFixture, sha256Of } from "#test/support/media-files.ts";
import {
  books,
  CREATE,
  lapse,
  postsOf,
  publishNow,
  punctual,
  sandbox,
  steering,
  useStage,
  watchPosting,
} from "#test/support/stage.ts";
import { inSeconds } from "#test/support/steering.ts";
import { waitFor } from "#test/support/wait-for.ts";

const MINUTE = 60_000;
const PHOTO = readFixture("photo.jpg");

useStage();

async function createThread(thread: readonly string[]): Promise<TaskId> {
  const answer = await punctual.api("/scheduling/tasks", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ thread, publishAt: "now" }),
  });
  expect(answer.status).toBe(202);
  return ((await answer.json()) as { id: TaskId }).id;
}

/** Every text is at X once, as the parts of the task, in order. */
async function expectPosted(id: TaskId, ...texts: readonly string[]): Promise<void> {
  const { parts, log } = await steering.detailWhen(id, ["published"]);
  expect(parts.map(({ postId }) => postId)).toEqual(texts.flatMap(postsOf).map((post) => post.id));
  expect(parts).toHaveLength(texts.length);
  expect(log.filter(({ status }) => status === "published")).toHaveLength(1);
}

describe("an answer of the table that never arrives", () => {
  it.each<
    [
      what: string,
      by: string,
      rule: { operation: string; nth?: number; times?: number },
      left: Omit<Expected, "posts">,
    ]
  >([
    ["the new task", "accept-drop", { operation: "TransactWriteItems", nth: 1 }, {}],
    ["its claim", "prepare-post", { operation: "PutItem", nth: 1 }, {}],
    ["its progress", "prepare-post", { operation: "PutItem", nth: 2 }, {}],
    ["that all is uploaded", "prepare-post", { operation: "TransactWriteItems", nth: 1 }, {}],
    // A share that is taken again after a lost answer counts twice: more than the facts, never less.
    ["its share of the day", "publish-post", { operation: "UpdateItem", nth: 1 }, { lostDay: 1 }],
    ["its share of the spend", "publish-post", { operation: "UpdateItem", nth: 2 }, { lostSpend: 1 }],
    ["its intent", "publish-post", { operation: "TransactWriteItems", nth: 1 }, {}],
    ["its settlement", "publish-post", { operation: "TransactWriteItems", nth: 2 }, {}],
    ["its intent, twice", "publish-post", { operation: "TransactWriteItems", times: 2 }, {}],
  ])("to %s (%s): one post, one place at the gate", async (what, by, rule, left) => {
    const { unkindness } = punctual.cloud;
    const calls = watchPosting();
    const base = what.replaceAll(/\W+/g, "-");
    await punctual.put(`${base}.jpg`, PHOTO);
    const caller = steering.functionId(by);
    unkindness.add({ kind: "lost-answer", service: "dynamodb", caller, ...rule });
    // An hour ahead: nobody else writes the task while it is prepared, so what is lost is the answer to a success.
    const later = inSeconds(3_600);
    await punctual.put(`${base}.md`, `---\npublishAt: ${later}\nmedia: [${base}.jpg]\n---\nAbout ${base}\n`);
    const id = await steering.dropped(base);
    await waitFor("the task to be arranged", async () => (await steering.task(id)).arrangedFor);
    await steering.deliver("prepare", await steering.messageFor(id, "prepare"));
    expect(await steering.task(id)).toMatchObject({ status: "ready" });

    // The note of the API that the task is arranged: again, nobody else is to write.
    const notes = steering.functionId("serve-api");
    if (by === "publish-post") unkindness.add({ kind: "throttle", operation: "PutItem", caller: notes });
    expect((await publishNow(id)).status).toBe(202);
    await expectPosted(id, `About ${base}`);
    await books.balance({ posts: 1, ...left });
    expect(calls()).toHaveLength(1);
  });

  it.each([
    ["the note that it is unknown", 2, { drop: "after-commit" }, 1],
    ["the adoption", 3, { drop: "after-commit" }, 1],
    ["the first absence", 3, { drop: "before-commit" }, 2],
    ["the proof", 4, { drop: "before-commit" }, 2],
  ] as const)("to %s of a post whose own answer was lost: one post", async (what, nth, action, requests) => {
    const calls = watchPosting();
    const caller = steering.functionId("publish-post");
    punctual.cloud.unkindness.add({ kind: "lost-answer", operation: "TransactWriteItems", caller, nth });
    sandbox.addFault({ match: CREATE, action });
    const text = `Nobody heard ${what}`;
    const id = await steering.create({ text });
    await steering.detailWhen(id, ["unknown"]);
    for (let reading = 0; reading < requests; reading++) await lapse.read(id);
    await expectPosted(id, text);
    await books.balance({ posts: 1 });
    expect(calls()).toHaveLength(requests);
  });

  it("to the sweeper's claim: it goes on as if it had heard it", async () => {
    const { unkindness } = punctual.cloud;
    unkindness.add({ kind: "throttle", operation: "SendMessage", caller: steering.functionId("serve-api") });
    const id = await steering.create({ text: "Claimed in silence" });
    const caller = steering.functionId("sweep-tasks");
    unkindness.add({ kind: "lost-answer", operation: "PutItem", caller, nth: 1 });
    await lapse.sweep(id);
    await expectPosted(id, "Claimed in silence");
    expect(await steering.task(id)).toMatchObject({ arm: 2 });
    await books.balance({ posts: 1 });
  });
});

describe("transactions that conflict on the account again and again", () => {
  it("are repeated, and never taken for a refusal", async () => {
    const calls = watchPosting();
    for (const name of ["publish-post", "serve-api"])
      punctual.cloud.unkindness.add({ kind: "conflict", caller: steering.functionId(name), times: 4 });
    const texts = ["one", "two", "three"].map((name) => `In conflict ${name}`);
    const ids = await Promise.all(texts.map((text) => steering.create({ text })));
    for (const [index, id] of ids.entries()) {
      await expectPosted(id, texts[index] ?? "");
      expect(await books.story(id)).toEqual(["accept pending", "publish published"]);
    }
    await books.balance({ posts: 3 });
    expect(calls()).toHaveLength(3);
  });

  it("without end leave a post that is out in doubt, and it is found", async () => {
    const caller = steering.functionId("publish-post");
    // Whatever comes after the intent: the publisher tries until its time is over, so it is ended here.
    const calls = watchPosting();
    sandbox.setLatency(1_500);
    // Fired by Scheduler: a message would stay hidden until its visibility timeout.
    const id = await steering.create({ text: "Could not be settled", publishAt: inSeconds(6) });
    expect(steering.schedules(id)).toHaveLength(1);
    await waitFor("the post", () => postsOf("Could not be settled")[0]);
    punctual.cloud.unkindness.add({ kind: "conflict", caller });
    await waitFor("X's answer", () => calls().some(({ status }) => status === 201) || undefined);
    sandbox.setLatency(0);
    await punctual.cloud.runtime.terminate(caller);
    punctual.cloud.unkindness.clear();
    await lapse.end(id);
    await expectPosted(id, "Could not be settled");
    await books.balance({ posts: 1 });
    expect(calls()).toHaveLength(1);
  });
});

describe("everything delivered twice", () => {
  beforeEach(() => {
    punctual.cloud.unkindness.add({ kind: "twice" });
  });

  it("is posted once: at once, at its second, with media, in parts", async () => {
    const calls = watchPosting();
    const slot = inSeconds(6);
    const scheduled = await steering.create({ text: "Twice at its second", publishAt: slot });
    expect(steering.schedules(scheduled)).toHaveLength(1);
    const now = await steering.create({ text: "Twice at once" });
    await punctual.put("doubled.jpg", PHOTO);
    await punctual.put("doubled.md", "---\nmedia: [doubled.jpg]\n---\nTwice with media\n");
    const picture = await steering.dropped("doubled");
    const parts = ["Twice in parts", "and once each"];
    const thread = await createThread(parts);
    await expectPosted(now, "Twice at once");
    await expectPosted(picture, "Twice with media");
    expect(postsOf("Twice with media")).toMatchObject([{ media: [{ sha256: sha256Of(PHOTO) }] }]);
    await expectPosted(thread, ...parts);
    await expectPosted(scheduled, "Twice at its second");
    expect(postsOf("Twice at its second")[0]?.createdAtMs).toBeGreaterThanOrEqual(Date.parse(slot));
    await steering.delivered();
    await books.balance({ posts: 5 });
    expect(calls()).toHaveLength(5);
  });

  it("is refused once, tried again once, and posted once", async () => {
    const calls = watchPosting();
    const resetAt = Math.ceil(Date.now() / 1_000) + 300;
    const headers = { "x-rate-limit-remaining": "0", "x-rate-limit-reset": String(resetAt) };
    sandbox.addFault({ match: CREATE, action: { status: 429, headers, body: {} } });
    const id = await steering.create({ text: "Twice refused" });
    await steering.detailWhen(id, ["retrying"]);
    expect(await steering.task(id)).toMatchObject({ arm: 2, retries: 0 });
    await steering.ageGate(301_000);
    await lapse.end(id);
    await expectPosted(id, "Twice refused");
    await steering.delivered();
    await books.balance({ posts: 1 });
    expect(calls()).toHaveLength(2);
  });

  it.each([
    ["landed", { drop: "after-commit" }, 1],
    ["did not land", { drop: "before-commit" }, 2],
  ] as const)(
    "is read back by two at once when its answer was lost and it %s",
    async (how, action, requests) => {
      const calls = watchPosting();
      sandbox.addFault({ match: CREATE, action });
      const text = `Twice unknown: ${how}`;
      const id = await steering.create({ text });
      await steering.detailWhen(id, ["unknown"]);
      await lapse.end(id);
      await expectPosted(id, text);
      await steering.delivered();
      await books.balance({ posts: 1 });
      expect(calls()).toHaveLength(requests);
    },
  );
});

/** Minutes pass for every task that nobody has written for a second, and the sweeper looks, until nothing will happen any more. */
async function endAll(ids: readonly TaskId[]): Promise<void> {
  const seen = new Map<TaskId, { readonly version: number; readonly sinceMs: number }>();
  await waitFor(
    "all tasks to end",
    async () => {
      const open = (await Promise.all(ids.map(steering.task))).filter(
        ({ status }) => !isFinal(status) && status !== "held",
      );
      let overdue = 0;
      for (const { id, version, wakeAt = new Date(0) } of open) {
        const last = seen.get(id);
        if (last?.version !== version) {
          seen.set(id, { version, sinceMs: Date.now() });
        } else if (Date.now() - last.sinceMs > 1_000) {
          // The index lags: what was aged just now is not listed yet.
          if (wakeAt > new Date()) await steering.age(id, 10 * MINUTE);
          else overdue++;
        }
      }
      if (overdue > 0) {
        await steering.ageGate(10 * MINUTE);
        await steering.sweep();
      }
      return open.length === 0 || undefined;
    },
    90_000,
  );
}

it("all of it at once: every post once, nothing held back, and no counter below the facts", async () => {
  const { unkindness } = punctual.cloud;
  const [publish, prepare, api] = ["publish-post", "prepare-post", "serve-api"].map(steering.functionId);
  const rules: readonly UnkindRule[] = [
    { kind: "twice" },
    ...[publish, prepare, api].map((caller) => ({ kind: "conflict", caller, nth: 2 }) as UnkindRule),
    { kind: "conflict", caller: publish ?? "", times: 6 },
    { kind: "crash", when: "after", operation: "TransactWriteItems", caller: publish ?? "", nth: 4 },
    { kind: "crash", when: "before", operation: "TransactWriteItems", caller: publish ?? "", nth: 9 },
    { kind: "lost-answer", operation: "TransactWriteItems", caller: publish ?? "", nth: 6 },
    { kind: "lost-answer", operation: "PutItem", caller: prepare ?? "", nth: 2 },
    { kind: "crash", when: "after", operation: "PutItem", caller: prepare ?? "", nth: 6 },
    { kind: "stale-index", staleForMs: 500 },
  ];
  for (const rule of rules) unkindness.add(rule);
  sandbox.addFault({ match: { ...CREATE, nth: 2 }, action: { drop: "after-commit" } });
  sandbox.addFault({ match: { ...CREATE, nth: 4 }, action: { drop: "before-commit" } });
  sandbox.addFault({ match: { ...CREATE, nth: 6 }, action: { cutBody: true } });

  const texts = Array.from({ length: 6 }, (_, index) => `In the storm ${index + 1}`);
  const tasks: (readonly [id: TaskId, texts: readonly string[]])[] = [];
  for (const [index, text] of texts.entries())
    tasks.push([await steering.create({ text, publishAt: index < 3 ? "now" : inSeconds(3) }), [text]]);
  const thread = ["A thread in the storm", "that holds together"];
  tasks.push([await createThread(thread), thread]);
  for (const name of ["sail", "mast"]) {
    await punctual.put(`${name}.jpg`, PHOTO);
    await punctual.put(`${name}.md`, `---\nmedia: [${name}.jpg]\n---\nA ${name} in the storm\n`);
    tasks.push([await steering.dropped(name), [`A ${name} in the storm`]]);
  }

  await endAll(tasks.map(([id]) => id));
  unkindness.clear();
  for (const [id] of tasks) {
    // A picture in doubt that is proven not to be out waits for a person: here is one.
    if ((await steering.task(id)).status === "held") {
      expect((await steering.task(id)).reason?.code).toBe("absent-held");
      expect((await publishNow(id)).status).toBe(202);
    }
  }
  for (const [id, said] of tasks) await expectPosted(id, ...said);
  expect((await steering.gate()).reservations).toEqual([]);
  const { posts, quarter, day, appDay, spend } = await books.changes();
  expect({ posts, quarter, day }).toEqual({ posts: 10, quarter: 10, day: 10 });
  expect(appDay).toBeGreaterThanOrEqual(posts);
  expect(spend).toBeGreaterThanOrEqual(posts * X_PRICES_MICROS.post);
  for (const [id] of tasks) await steering.age(id, 10 * MINUTE);
  await steering.sweep();
  expect(sandbox.posts().map(({ text }) => text)).toHaveLength(
    new Set(sandbox.posts().map(({ text }) => text)).size,
  );
});
