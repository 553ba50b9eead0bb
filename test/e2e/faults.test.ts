/** What X can do to a post on a bad day, short of losing an answer, told by the sandbox to the real functions, queues and schedules. */
import { devNull } from "node:os";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { runAdmin } from "#infra/admin.ts";
import { SANDBOX_OAUTH1 } from "#infra/local/sandbox/credentials.ts";
import { startSandbox } from "#infra/local/sandbox/sandbox.ts";
import { ACCOUNT_CIRCUIT } from "#shared/domain/circuit.ts";
import type { TaskId } from "#shared/domain/ids.ts";
import { paddedClip, readFixture, sha256Of } from "#test/support/media-files.ts";
import {
  books,
  CREATE,
  lapse,
  meet,
  postsOf,
  problem,
  publishNow,
  punctual,
  sandbox,
  steering,
  useStage,
  watchPosting,
} from "#test/support/stage.ts";
import { inSeconds } from "#test/support/steering.ts";
import { waitFor } from "#test/support/wait-for.ts";

const TWEETS = /^\/2\/tweets$/;
const APPEND = /\/append$/;
const INITIALIZE = /\/initialize$/;
const FINALIZE = /\/finalize$/;
const METADATA = /\/metadata$/;
const PHOTO = readFixture("photo.jpg");
const MINUTE = 60_000;

useStage();

describe("when X limits the rate", () => {
  const limited = (resetAt: number) => ({
    ...problem(429, "Too Many Requests"),
    headers: {
      "x-rate-limit-limit": "100",
      "x-rate-limit-remaining": "0",
      "x-rate-limit-reset": String(resetAt),
    },
  });

  it("waits for the reset that X named, which does not count as late, and then posts", async () => {
    const calls = watchPosting();
    const resetAt = Math.ceil(Date.now() / 1_000) + 8;
    meet(CREATE, limited(resetAt));
    const latePolicy = { postWithin: "6s", then: "missed" };
    const id = await steering.create({ text: "Refused for some seconds", latePolicy });
    await steering.detailWhen(id, ["published"], 40_000);
    expect(await books.story(id)).toEqual([
      "accept pending",
      "publish retrying rate-limited",
      "publish published",
    ]);
    expect(calls()[1]?.arrivedAtMs).toBeGreaterThanOrEqual(resetAt * 1_000);
    expect(calls()).toHaveLength(2);
    await books.balance({ posts: 1 });
  });

  it("parks the whole account: its other posts wait too, and X is not asked", async () => {
    const calls = watchPosting();
    // Far enough that none of them gets there before the others are looked at, however busy the machine is.
    const resetAt = Math.ceil(Date.now() / 1_000) + 600;
    meet(CREATE, limited(resetAt));
    const first = await steering.create({ text: "Refused for now" });
    const waiting = await steering.detailWhen(first, ["retrying"]);
    expect(waiting.reason).toMatchObject({ code: "rate-limited", remedy: expect.stringContaining("waits") });
    expect(waiting.log.at(-1)).toMatchObject({ class: "rate-limited", status: "retrying" });
    expect(await steering.task(first)).toMatchObject({ retries: 0 });
    expect(await steering.gate()).toMatchObject({
      closedUntil: new Date(resetAt * 1_000),
      reservations: [],
    });

    const others = await Promise.all(
      ["one", "two", "three"].map((name) => steering.create({ text: `Waits too: ${name}` })),
    );
    for (const id of others) {
      expect((await steering.detailWhen(id, ["retrying"])).reason?.code).toBe("rate-limited");
      expect(await steering.task(id)).toMatchObject({
        retries: 0,
        parkings: 0,
        notBeforeAt: new Date(resetAt * 1_000),
        excusedUntil: new Date(resetAt * 1_000),
      });
    }
    expect(calls()).toHaveLength(1);

    await steering.ageGate(601_000);
    for (const id of [first, ...others]) {
      await lapse.sweep(id);
      await steering.detailWhen(id, ["published"]);
      expect(await books.story(id)).toEqual([
        "accept pending",
        "publish retrying rate-limited",
        "publish published",
      ]);
    }
    await books.balance({ posts: 4 });
    expect(calls()).toHaveLength(5);
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
  const settled = { retries: 0, parkings: 0, heldFor: "account" };

  /** `npm run admin -- …`, in the name of whoever deployed it. */
  async function admin(...args: readonly string[]): Promise<void> {
    const said: string[] = [];
    const note = (line: string) => void said.push(line);
    const { cloud } = punctual;
    const code = await runAdmin({
      args: [...args, "--json", "--env-file", devNull],
      variables: {
        AWS_ENDPOINT_URL: cloud.gatewayUrl,
        TABLE_NAME: cloud.outputs["TableName"],
        CREDENTIALS_KEY_ID: cloud.outputs["CredentialsKeyId"],
        X_ENDPOINT: sandbox.url,
        X_API_KEY: SANDBOX_OAUTH1.apiKey,
        X_API_SECRET: SANDBOX_OAUTH1.apiSecret,
        X_ACCESS_TOKEN: SANDBOX_OAUTH1.accessToken,
        X_ACCESS_SECRET: SANDBOX_OAUTH1.accessSecret,
      },
      directory: dirname(punctual.dropFolder),
      out: note,
      err: note,
    });
    expect({ code, said }).toMatchObject({ code: 0 });
  }

  it.each<
    [
      status: number,
      title: string,
      over: object,
      expected: { status: string; code: string; class: string; remedy: string },
      putRight: readonly string[],
    ]
  >([
    [
      402,
      "CreditsDepleted",
      { type: "https://api.twitter.com/2/problems/credits" },
      { status: "paused", code: "credits-depleted", class: "billing", remedy: "Buy credits" },
      ["accounts", "resume", "main"],
    ],
    [
      401,
      "Unauthorized",
      {},
      { status: "needs-reconnect", code: "needs-reconnect", class: "credentials", remedy: "npm run admin" },
      ["init"],
    ],
  ])(
    "by %i: holds its posts, asks X for nothing more, and goes on by itself once it is put right",
    async (...told) => {
      const [status, title, over, { class: kind, ...expected }, putRight] = told;
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
      await punctual.put(`held-${status}.jpg`, PHOTO);
      await punctual.put(
        `held-${status}.md`,
        `---\nmedia: [held-${status}.jpg]\n---\nA picture held after ${status}\n`,
      );
      const picture = await steering.dropped(`held-${status}`);
      expect((await steering.detailWhen(picture, ["held"])).reason?.code).toBe(expected.code);
      for (const each of [id, next, picture]) expect(await steering.task(each)).toMatchObject(settled);
      await steering.sweep();
      expect(calls()).toHaveLength(1);
      expect((await steering.gate()).reservations).toEqual([]);

      await admin(...putRight);
      expect(await steering.account()).toMatchObject({ status: "active", wakeAt: expect.any(Date) });
      await steering.sweep();
      for (const each of [id, next, picture]) await steering.detailWhen(each, ["published"]);
      expect((await steering.account()).wakeAt).toBeUndefined();
      expect(await books.story(id)).toEqual([
        "accept pending",
        `publish held ${expected.code}`,
        "change pending account-resumed",
        "publish published",
      ]);
      await books.balance({ posts: 3 });
      expect(calls()).toHaveLength(4);
    },
  );

  it("until a date: is paused until then, and goes on by itself", async () => {
    const calls = watchPosting();
    const until = inSeconds(8);
    meet(CREATE, problem(403, "SpendCapReached", { detail: "SpendCapReached", reset_date: until }));
    const id = await steering.create({ text: "Held until a date" });
    expect((await steering.detailWhen(id, ["held"])).reason?.code).toBe("spend-cap-reached");
    const account = await waitFor("the account to be paused", async () => {
      const seen = await steering.account();
      return seen.status === "paused" ? seen : undefined;
    });
    expect(account).toMatchObject({ pausedUntil: new Date(until), wakeAt: new Date(until) });
    const next = await steering.create({ text: "Held until the same date" });
    await steering.detailWhen(next, ["held"]);
    await steering.sweep();
    expect((await steering.account()).status).toBe("paused");
    expect(calls()).toHaveLength(1);

    await waitFor("the date", () => Date.now() > Date.parse(until) || undefined);
    await steering.sweep();
    for (const each of [id, next]) await steering.detailWhen(each, ["published"]);
    for (const { arrivedAtMs } of calls().slice(1))
      expect(arrivedAtMs).toBeGreaterThanOrEqual(Date.parse(until));
    await books.balance({ posts: 2 });
  });

  it("while the post is late already: what is late then is missed, and says why", async () => {
    meet(CREATE, problem(401, "Unauthorized"));
    const latePolicy = { postWithin: "4s", then: "missed" };
    const id = await steering.create({ text: "Too late after all", latePolicy });
    await steering.detailWhen(id, ["held"]);
    await admin("init");
    const { slotAt } = await steering.task(id);
    await waitFor("it to be too late", () => Date.now() > slotAt.getTime() + 4_000 || undefined);
    await steering.sweep();
    expect((await steering.detailWhen(id, ["missed"])).reason?.code).toBe("late");
    await books.balance({ posts: 0 });
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
    await books.balance({ posts: 1 });
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
  it("opens the circuit after a few tries, spares the others theirs, and lets one find out when it is over", async () => {
    const { port } = sandbox;
    await sandbox.close();
    const tried: TaskId[] = [];
    for (let post = 1; post <= ACCOUNT_CIRCUIT.threshold; post++) {
      const id = await steering.create({ text: `Nobody was there ${post}` });
      const waiting = await steering.detailWhen(id, ["retrying"]);
      expect(waiting.reason).toMatchObject({ code: "x-unreachable" });
      expect(waiting.log.at(-1)).toMatchObject({ class: "transient" });
      tried.push(id);
    }
    const { reservations, circuit } = await steering.gate();
    expect(reservations).toEqual([]);
    expect(circuit).toMatchObject({ failures: ACCOUNT_CIRCUIT.threshold, openUntil: expect.any(Date) });
    const spared: TaskId[] = [];
    for (const name of ["one", "two"]) {
      const id = await steering.create({ text: `Spared ${name}` });
      expect((await steering.detailWhen(id, ["retrying"])).reason?.code).toBe("circuit-open");
      expect(await steering.task(id)).toMatchObject({ retries: 0, notBeforeAt: circuit.openUntil });
      spared.push(id);
    }
    expect((await steering.gate()).circuit).toEqual(circuit);

    // Still away when the pause is over: one finds out, and the next pause is longer.
    await steering.ageGate(ACCOUNT_CIRCUIT.pauseMs);
    const [probe = tried[0]] = spared;
    if (!probe) throw new Error("nobody was spared");
    await lapse.sweep(probe, ({ retries }) => retries === 1);
    const longer = (await steering.gate()).circuit;
    expect(longer.failures).toBe(ACCOUNT_CIRCUIT.threshold + 1);
    expect((longer.openUntil?.getTime() ?? 0) - Date.now()).toBeGreaterThan(ACCOUNT_CIRCUIT.pauseMs);

    const back = await startSandbox({ port });
    try {
      await steering.ageGate(ACCOUNT_CIRCUIT.capMs);
      for (const id of [...spared, ...tried]) {
        await lapse.sweep(id);
        await steering.detailWhen(id, ["published"]);
      }
      expect((await steering.gate()).circuit).toEqual({ failures: 0 });
      expect((await steering.gate()).reservations).toEqual([]);
      expect(back.posts().map(({ text }) => text)).toEqual([
        "Spared one",
        "Spared two",
        "Nobody was there 1",
        "Nobody was there 2",
        "Nobody was there 3",
      ]);
      expect(back.requests().filter(({ path }) => TWEETS.test(path))).toHaveLength(5);
    } finally {
      await back.close();
    }
  });
});
