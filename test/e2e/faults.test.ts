/** What X can do to a post on a bad day, told by the sandbox to the real functions, queues and schedules. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type FaultRule, type Sandbox, startSandbox } from "#infra/local/sandbox/sandbox.ts";
import type { TaskId } from "#shared/domain/ids.ts";
import { paddedClip, readFixture, sha256Of } from "#test/support/media-files.ts";
import { startPunctual, type TestPunctual } from "#test/support/punctual.ts";
import { createSteering, inSeconds, type Steering } from "#test/support/steering.ts";
import { waitFor } from "#test/support/wait-for.ts";

const CREATE = { method: "POST", path: "/2/tweets" } as const;
const TWEETS = /^\/2\/tweets$/;
const APPEND = /\/append$/;
const INITIALIZE = /\/initialize$/;
const FINALIZE = /\/finalize$/;
const METADATA = /\/metadata$/;
const PHOTO = readFixture("photo.jpg");
const MINUTE = 60_000;

let punctual: TestPunctual;
let sandbox: Sandbox;
let steering: Steering;
beforeAll(async () => {
  punctual = await startPunctual();
  if (!punctual.sandbox) throw new Error("there is no sandbox");
  sandbox = punctual.sandbox;
  steering = createSteering(punctual);
});
/** Posts that are out, or may be: those of an unknown outcome stay reserved. */
let reserved: number;
beforeEach(async () => {
  reserved = (await steering.gate()).inFlight;
});
afterEach(async () => {
  sandbox.clearFaults();
  await steering.restoreAccount();
});
afterAll(async () => {
  steering?.close();
  await punctual?.close();
});

/** Whatever comes by this method and path meets the fault, so many times. */
const meet = (match: FaultRule["match"], action: FaultRule["action"]) => sandbox.addFault({ match, action });

const problem = (status: number, title: string, over: object = {}) => ({
  status,
  body: { title, detail: title, type: "about:blank", status, ...over },
});

const postsOf = (text: string) => sandbox.posts().filter((post) => post.text === text);

/** Requests to create a post since then. */
function watchPosting() {
  const before = steering.calls("POST", TWEETS).length;
  return () => steering.calls("POST", TWEETS).slice(before);
}

const publishNow = (id: TaskId) => punctual.api(`/scheduling/tasks/${id}/publish-now`, { method: "POST" });

describe("when X limits the rate", () => {
  const limited = (resetAt: number) => ({
    ...problem(429, "Too Many Requests"),
    headers: {
      "x-rate-limit-limit": "100",
      "x-rate-limit-remaining": "0",
      "x-rate-limit-reset": String(resetAt),
    },
  });

  it("waits for the reset that X named, with every post of the account, and then posts", async () => {
    const calls = watchPosting();
    const resetAt = Math.ceil(Date.now() / 1_000) + 7;
    meet(CREATE, limited(resetAt));
    const first = await steering.create({ text: "Refused for now" });
    const waiting = await steering.detailWhen(first, ["retrying"]);
    expect(waiting.reason).toMatchObject({ code: "rate-limited", remedy: expect.stringContaining("waits") });
    expect(waiting.log.at(-1)).toMatchObject({ class: "rate-limited", status: "retrying" });
    expect(await steering.task(first)).toMatchObject({ retries: 0 });
    expect(await steering.gate()).toMatchObject({
      closedUntil: new Date(resetAt * 1_000),
      inFlight: reserved,
    });

    const second = await steering.create({ text: "Waits with the other" });
    expect((await steering.detailWhen(second, ["retrying"])).reason?.code).toBe("rate-limited");
    expect(calls()).toHaveLength(1);

    for (const id of [first, second]) await steering.detailWhen(id, ["published"], 40_000);
    const [, ...later] = calls();
    expect(later).toHaveLength(2);
    for (const { arrivedAtMs } of later) expect(arrivedAtMs).toBeGreaterThanOrEqual(resetAt * 1_000);
    expect(postsOf("Refused for now")).toHaveLength(1);
    expect(postsOf("Waits with the other")).toHaveLength(1);
  });

  it("makes a schedule of a wait that is too long for the queue, and takes it back with the task", async () => {
    const resetAt = Math.ceil(Date.now() / 1_000) + 1_200;
    meet(CREATE, limited(resetAt));
    const id = await steering.create({ text: "Refused for twenty minutes" });
    await steering.detailWhen(id, ["retrying"]);
    const { arm, notBeforeAt } = await steering.task(id);
    expect(notBeforeAt?.getTime()).toBeGreaterThan(resetAt * 1_000);
    const schedule = await waitFor("the schedule of the retry", () =>
      punctual.cloud.schedules.list().find(({ Name }) => Name === `t-${id}-${arm}-publish`),
    );
    const [, at] = /^at\((.*)\)$/.exec(schedule.ScheduleExpression) ?? [];
    const wakesAt = Date.parse(`${at}Z`);
    expect(wakesAt).toBeGreaterThan((resetAt - 10) * 1_000);
    expect(wakesAt).toBeLessThan(notBeforeAt?.getTime() ?? 0);

    expect((await punctual.api(`/scheduling/tasks/${id}`, { method: "DELETE" })).ok).toBe(true);
    await steering.detailWhen(id, ["cancelled"]);
    await waitFor("the schedule to be gone", () => steering.schedules(id).length === 0 || undefined);
  });
});

describe("when X refuses the account", () => {
  it.each([
    [
      402,
      "CreditsDepleted",
      { type: "https://api.twitter.com/2/problems/credits" },
      { status: "paused", code: "credits-depleted", class: "billing", remedy: "Buy credits" },
    ],
    [
      401,
      "Unauthorized",
      {},
      { status: "needs-reconnect", code: "needs-reconnect", class: "credentials", remedy: "npm run admin" },
    ],
  ])("by %i: holds its posts and asks X for nothing more until it is put right", async (...told) => {
    const [status, title, over, { class: kind, ...expected }] = told;
    const calls = watchPosting();
    meet(CREATE, problem(status, title, over));
    const id = await steering.create({ text: `Held by ${status}` });
    const held = await steering.detailWhen(id, ["held"]);
    expect(held.reason).toMatchObject({
      code: expected.code,
      remedy: expect.stringContaining(expected.remedy),
    });
    expect(held.log.at(-1)).toMatchObject({ class: kind });
    const account = await waitFor("the account to be stopped", async () => {
      const seen = await steering.account();
      return seen.status === "active" ? undefined : seen;
    });
    expect(account).toMatchObject({ status: expected.status, reason: { code: expected.code } });

    const next = await steering.create({ text: `Held after ${status}` });
    expect((await steering.detailWhen(next, ["held"])).reason?.code).toBe(expected.code);
    expect(calls()).toHaveLength(1);
    expect(await steering.gate()).toMatchObject({ inFlight: reserved });

    await steering.restoreAccount();
    expect((await publishNow(id)).status).toBe(202);
    await steering.detailWhen(id, ["published"]);
    expect(postsOf(`Held by ${status}`)).toHaveLength(1);
  });
});

describe("when X refuses the post", () => {
  it("as a duplicate: the task has failed for good, and says what to do", async () => {
    const calls = watchPosting();
    const first = await steering.create({ text: "Said before" });
    await steering.detailWhen(first, ["published"]);
    const second = await steering.create({ text: "Said before" });
    const failed = await steering.detailWhen(second, ["failed"]);
    expect(failed.reason).toMatchObject({
      code: "duplicate-text",
      remedy: expect.stringContaining("Change the text"),
    });
    expect(failed.log.at(-1)).toMatchObject({ class: "content" });
    expect((await publishNow(second)).status).toBe(409);
    expect(calls()).toHaveLength(2);
    expect((await steering.account()).status).toBe("active");
  });

  it("because the app is not enrolled: the task is held for the operator, the account stays active", async () => {
    const type = "https://api.twitter.com/2/problems/client-forbidden";
    meet(CREATE, problem(403, "Client Forbidden", { type, reason: "client-not-enrolled" }));
    const id = await steering.create({ text: "Not enrolled" });
    const held = await steering.detailWhen(id, ["held"]);
    expect(held.reason).toMatchObject({
      code: "client-not-enrolled",
      remedy: expect.stringContaining("developer console"),
    });
    expect((await steering.account()).status).toBe("active");
    expect((await publishNow(id)).status).toBe(202);
    await steering.detailWhen(id, ["published"]);
  });
});

describe("when the answer to a post is lost", () => {
  /** In this order: each request of the test below meets the next one. */
  const LOST: readonly (readonly [how: string, action: FaultRule["action"], isOut: boolean])[] = [
    ["the answer comes after the deadline", { delayMs: 14_000 }, true],
    ["the connection ends after the post was made", { drop: "after-commit" }, true],
    ["the answer is cut in its middle", { cutBody: true }, true],
    ["X answers 500", problem(500, "Internal Server Error"), false],
    ["the connection ends before the post was made", { drop: "before-commit" }, false],
    ["X answers 201 without an id", { status: 201, body: { data: {} } }, false],
  ];
  const lost: { how: string; text: string; id: TaskId; isOut: boolean }[] = [];

  it("leaves the task unknown, whatever way it was lost", async () => {
    for (const [how, action, isOut] of LOST) {
      const calls = watchPosting();
      meet(CREATE, action);
      const text = `Lost: ${how}`;
      const id = await steering.create({ text });
      await waitFor("X to be asked", () => calls().length > 0 || undefined);
      lost.push({ how, text, id, isOut });
    }
    for (const { id, text, isOut } of lost) {
      const unknown = await steering.detailWhen(id, ["unknown"]);
      expect(unknown.reason).toMatchObject({
        code: "outcome-unknown",
        remedy: expect.stringContaining("timeline"),
      });
      expect(unknown.log.at(-1)).toMatchObject({ step: "publish", class: "unknown", status: "unknown" });
      expect(postsOf(text)).toHaveLength(isOut ? 1 : 0);
    }
  });

  it("never posts it again: not by the sweeper, not by messages or schedules that come again", async () => {
    const calls = watchPosting();
    expect(lost).toHaveLength(LOST.length);
    const publishId = steering.functionId("publish-post");
    for (const { id } of lost) {
      const { rev, arm } = await steering.task(id);
      for (let old = 1; old <= arm + 1; old++) {
        const message = { taskId: id, rev, arm: old, step: "publish", part: 0 };
        await steering.send("publish", { ...message, via: "queue" });
        const fired = await punctual.cloud.invoke(publishId, { ...message, via: "scheduler" });
        expect(fired).toMatchObject({ ok: true });
      }
      await steering.send("prepare", { ...(await steering.messageFor(id, "prepare")) });
    }
    for (let minutes = 0; minutes < 3; minutes++) {
      for (const { id } of lost) await steering.age(id, 10 * MINUTE);
      await steering.sweep();
    }
    await steering.delivered();

    expect(calls()).toEqual([]);
    for (const { id, text, isOut } of lost) {
      expect(await steering.task(id)).toMatchObject({ status: "unknown" });
      expect(postsOf(text)).toHaveLength(isOut ? 1 : 0);
      expect((await publishNow(id)).status).toBe(409);
    }
    expect(calls()).toEqual([]);
  });

  it("keeps to that when the very same file is dropped again", async () => {
    const calls = watchPosting();
    meet(CREATE, { drop: "after-commit" });
    await punctual.put("lost.txt", "Lost from a file");
    expect(await punctual.outcomeWhen("lost", ["unknown"])).toMatchObject({
      reason: { code: "outcome-unknown" },
    });
    await punctual.put("lost.txt", "Lost from a file");
    await punctual.put("lost-after.txt", "Dropped after the lost one");
    await punctual.outcomeWhen("lost-after", ["published"]);
    await punctual.outcomeWhen("lost", ["unknown"]);
    expect(postsOf("Lost from a file")).toHaveLength(1);
    expect(calls()).toHaveLength(2);
  });
});

describe("when messages are doubled, late or damaged", () => {
  it("posts once, however many publishers hold and however late others come", async () => {
    const calls = watchPosting();
    const slot = inSeconds(6);
    const id = await steering.create({ text: "Woken many times", publishAt: slot });
    expect(steering.schedules(id)).toHaveLength(1);
    const message = await steering.messageFor(id, "publish");
    for (let copy = 0; copy < 4; copy++) await steering.send("publish", message);
    await steering.detailWhen(id, ["published"]);
    for (let copy = 0; copy < 3; copy++) await steering.send("publish", message);
    await steering.delivered();
    expect(calls()).toHaveLength(1);
    expect(calls()[0]?.arrivedAtMs).toBeGreaterThanOrEqual(Date.parse(slot));
    expect(postsOf("Woken many times")).toHaveLength(1);
    expect(await steering.gate()).toMatchObject({ inFlight: reserved });
  });

  it.each(["prepare", "publish"] as const)(
    "keeps a message that %s-post cannot read in the dead letters, as it was",
    async (step) => {
      const calls = watchPosting();
      const noJson = `{"taskId": "${step} was cut off`;
      const wrong = JSON.stringify({
        taskId: "01JZZZZZZZZZZZZZZZZZZZZZZZ",
        rev: -1,
        step,
        of: "another version",
      });
      await steering.withoutVisibility(step, async () => {
        await steering.send(step, noJson);
        await steering.send(step, wrong);
        expect(await steering.deadLetter(step, "was cut off")).toBe(noJson);
        expect(await steering.deadLetter(step, "another version")).toBe(wrong);
      });
      expect(calls()).toEqual([]);
    },
  );

  it("keeps an event of Scheduler that publish-post cannot read in the dead letters, with the error", async () => {
    const id = await steering.create({ text: "Its schedule is damaged", publishAt: inSeconds(600) });
    const { arm } = await steering.task(id);
    const payload = { taskId: id, rev: 1, arm, step: "prepare", part: 0, via: "scheduler" };
    await steering.fire("publish-post", payload);
    const dead = JSON.parse(await steering.deadLetter("publish", id)) as Record<string, unknown>;
    expect(dead).toMatchObject({
      requestPayload: payload,
      responsePayload: { errorType: "MalformedMessageFault" },
    });
    expect(await steering.task(id)).toMatchObject({ status: "pending" });
  });
});

describe("when the upload of media goes wrong", () => {
  const CLIP = paddedClip(6 * 1_024 * 1_024);

  const dropWith = async (base: string, file: string, bytes: Uint8Array, altText?: string) => {
    await punctual.put(file, bytes);
    const alt = altText === undefined ? "" : `altText: [${altText}]\n`;
    await punctual.put(`${base}.md`, `---\nmedia: [${file}]\n${alt}---\nAbout ${base}\n`);
  };

  it("sends smaller segments where X's edge refuses large ones", async () => {
    const before = steering.calls("POST", APPEND).length;
    meet({ method: "POST", path: APPEND }, { status: 413, body: undefined });
    await dropWith("edge", "edge.mp4", CLIP);
    await punctual.outcomeWhen("edge", ["published"], 60_000);
    const answers = steering.calls("POST", APPEND).slice(before);
    // Two of 4 MiB at most before the refusal, then six of 1 MiB.
    expect(answers.filter(({ status }) => status === 413)).toHaveLength(1);
    expect(answers.length).toBeGreaterThanOrEqual(7);
    expect(postsOf("About edge")[0]?.media).toMatchObject([{ sha256: sha256Of(CLIP) }]);
  });

  it("repeats what may be repeated at once, and the post knows nothing of it", async () => {
    meet({ method: "POST", path: INITIALIZE }, problem(503, "Service Unavailable"));
    meet({ method: "POST", path: APPEND }, { drop: "after-commit" });
    meet({ method: "POST", path: APPEND, nth: 2 }, { cutBody: true });
    meet({ method: "POST", path: FINALIZE }, { drop: "after-commit" });
    meet({ method: "POST", path: METADATA }, problem(503, "Service Unavailable"));
    await dropWith("shaky", "shaky.jpg", PHOTO, "A photo on a shaky day");
    const outcome = await punctual.outcomeWhen("shaky", ["published"], 60_000);
    expect(outcome.reason).toBeUndefined();
    expect(postsOf("About shaky")).toMatchObject([
      { media: [{ sha256: sha256Of(PHOTO), altText: "A photo on a shaky day" }] },
    ]);
    const { log } = await steering.detailWhen(await steering.dropped("shaky"), ["published"]);
    expect(log.filter((entry) => entry.class !== undefined)).toEqual([]);
  });

  it("waits and tries again when X is away for longer", async () => {
    const calls = watchPosting();
    meet({ method: "POST", path: APPEND, times: 4 }, problem(503, "Service Unavailable"));
    await dropWith("away", "away.jpg", PHOTO);
    const id = await steering.dropped("away");
    const waiting = await steering.detailWhen(id, ["retrying"]);
    expect(waiting.reason).toMatchObject({ code: "x-unavailable" });
    expect(await steering.task(id)).toMatchObject({ retries: 1 });
    expect(calls()).toEqual([]);

    await steering.age(id, 5 * MINUTE);
    await steering.sweep();
    await steering.detailWhen(id, ["published"], 60_000);
    expect(postsOf("About away")).toMatchObject([{ media: [{ sha256: sha256Of(PHOTO) }] }]);
  });

  it("uploads media again that X has forgotten before the slot", async () => {
    await punctual.put("old.jpg", PHOTO);
    await punctual.put("old.md", `---\npublishAt: ${inSeconds(3_600)}\nmedia: [old.jpg]\n---\nAbout old\n`);
    const id = await steering.dropped("old");
    await steering.send("prepare", await steering.messageFor(id, "prepare"));
    await steering.detailWhen(id, ["ready"]);
    const [before] = await steering.media(id);
    expect(before).toMatchObject({ state: "ready" });

    await steering.forgetMedia(id);
    expect((await publishNow(id)).status).toBe(202);
    await steering.detailWhen(id, ["published"], 60_000);
    const [after] = await steering.media(id);
    expect(after?.mediaId).not.toBe(before?.mediaId);
    expect(postsOf("About old")).toMatchObject([{ media: [{ id: after?.mediaId }] }]);
  });

  it("posts no picture without the alternative text that it was given", async () => {
    const calls = watchPosting();
    meet({ method: "POST", path: METADATA }, problem(400, "Invalid Request"));
    await dropWith("mute", "mute.jpg", PHOTO, "Nobody will read this");
    const outcome = await punctual.outcomeWhen("mute", ["failed"]);
    expect(outcome.reason).toMatchObject({ code: "media-refused", remedy: expect.any(String) });
    expect(calls()).toEqual([]);
  });

  it("posts a video whose alternative text X does not take", async () => {
    meet({ method: "POST", path: METADATA }, problem(400, "Invalid Request"));
    await dropWith("video", "video.mp4", readFixture("clip.mp4"), "X takes this for pictures only");
    await punctual.outcomeWhen("video", ["published"], 60_000);
    expect(postsOf("About video")[0]?.media).toHaveLength(1);
  });
});

describe("when X cannot be reached at all", () => {
  it("tries again, since nothing was sent, and posts once it is back", async () => {
    const { port } = sandbox;
    await sandbox.close();
    const id = await steering.create({ text: "Nobody was there" });
    const waiting = await steering.detailWhen(id, ["retrying"]);
    expect(waiting.reason).toMatchObject({ code: "x-unreachable" });
    expect(waiting.log.at(-1)).toMatchObject({ class: "transient" });
    expect(await steering.gate()).toMatchObject({ inFlight: reserved });

    const back = await startSandbox({ port });
    try {
      await steering.age(id, 5 * MINUTE);
      await steering.sweep();
      await steering.detailWhen(id, ["published"]);
      await steering.delivered();
      expect(back.posts().map(({ text }) => text)).toEqual(["Nobody was there"]);
    } finally {
      await back.close();
    }
  });
});
