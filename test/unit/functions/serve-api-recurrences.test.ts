import { describe, expect, it } from "vitest";
import { isFinal } from "#shared/domain/task.ts";
import { local } from "#test/support/recurrences.ts";
import { BELA, setUpApi } from "./serve-api-setup.ts";

const RECURRENCES = "/api/v1/scheduling/recurrences";
/** Shanghai, eight hours ahead of UTC, where it is nine o'clock of 1 December. */
const DAILY = {
  name: "Good morning",
  texts: ["one", ["two", "and on"], "three"],
  rule: "FREQ=DAILY;COUNT=5",
  dtStart: "2026-12-02 09:00",
};

async function setUp() {
  const world = await setUpApi();
  const send = (method: string, path: string, json?: unknown) =>
    world.call({ method, path: `${RECURRENCES}${path}`, ...(json !== undefined && { json }) });
  return {
    ...world,
    make: (over: object = {}) => send("POST", "", { ...DAILY, ...over }),
    read: (id: string) => world.call({ path: `${RECURRENCES}/${id}` }),
    change: (id: string, json: object) => send("PUT", `/${id}`, json),
    remove: (id: string) => send("DELETE", `/${id}`),
    skip: (id: string, json: object) => send("POST", `/${id}/skip`, json),
    override: (id: string, json: object) => send("POST", `/${id}/override`, json),
    /** Slots and texts of what will be posted. */
    posts: async () => {
      const { body } = await world.call({ query: { limit: "100" } });
      return body.items
        .filter(({ status }: { status: never }) => !isFinal(status))
        .map(({ slotAt, parts }: { slotAt: string; parts: { text: string }[] }) => [
          slotAt.slice(5, 16),
          ...parts.map(({ text }) => text),
        ]);
    },
  };
}

describe("POST recurrences", () => {
  it("makes a recurrence, and its occurrences are tasks at once", async () => {
    const { make, read, call, posts } = await setUp();
    const made = await make({ exDates: ["2026-12-04"], latePolicy: { postWithin: "2h" }, account: "any" });
    expect(made).toMatchObject({
      status: 201,
      headers: { location: `${RECURRENCES}/${made.body.id}` },
      body: {
        ...DAILY,
        project: "default",
        account: "any",
        status: "active",
        dtStart: "2026-12-02T09:00:00",
        timeZone: "Asia/Shanghai",
        exDates: ["2026-12-04"],
        rDates: [],
        skips: [],
        overrides: [],
        latePolicy: { postWithin: "2h", then: "missed" },
        warnings: [],
        expandedUntil: "2026-12-15T01:00:00Z",
      },
    });
    expect(made.body.coming.map(({ occurrence, publishAt }: never) => [occurrence, publishAt])).toEqual([
      ["2026-12-02T09:00:00", "2026-12-02T01:00:00Z"],
      ["2026-12-03T09:00:00", "2026-12-03T01:00:00Z"],
      ["2026-12-05T09:00:00", "2026-12-05T01:00:00Z"],
      ["2026-12-06T09:00:00", "2026-12-06T01:00:00Z"],
    ]);
    expect((await read(made.body.id)).body).toEqual(made.body);
    expect(await posts()).toEqual([
      ["12-02T01:00", "one"],
      ["12-03T01:00", "two", "and on"],
      ["12-05T01:00", "one"],
      ["12-06T01:00", "two", "and on"],
    ]);
    const task = await call({ path: `/api/v1/scheduling/tasks/${made.body.coming[0].taskId}` });
    expect(task.body).toMatchObject({ slotAt: "2026-12-02T01:00:00Z", parts: [{ text: "one" }] });
  });

  it("shows what is too far ahead without a task", async () => {
    const { make } = await setUp();
    const { body } = await make({ rule: "FREQ=MONTHLY;BYMONTHDAY=1,31", dtStart: "2026-12-01 00:00" });
    expect(body.coming).toHaveLength(10);
    expect(body.coming[0]).toEqual({ occurrence: "2026-12-31T00:00:00", publishAt: "2026-12-30T16:00:00Z" });
  });

  it("warns when equal texts come too soon, with how many would do", async () => {
    const { make, accounts, clock } = await setUp();
    const [project] = await accounts.listProjects("anne" as never);
    if (!project) throw new Error("there is one");
    const duplicates = { windowMs: 7 * 86_400_000, threshold: 0.6, near: "warns" as const };
    await accounts.savePolicy(project.id, {
      version: 1,
      policy: { duplicates },
      timeZone: project.timeZone,
      savedAt: clock.now(),
      savedBy: "a test",
    });
    const { body } = await make({ rule: "FREQ=DAILY" });
    expect(body.warnings).toEqual([
      {
        code: "repeats-too-soon",
        message: expect.stringContaining("after 3 days; the project wants 7 days between equal texts"),
        remedy: expect.stringContaining("7 would do"),
      },
    ]);
    const texts = Array.from({ length: 7 }, (_, day) => `day ${day}`);
    expect((await make({ rule: "FREQ=DAILY", texts })).body.warnings).toEqual([]);
    expect((await make({ rule: "FREQ=WEEKLY", texts: ["one"] })).body.warnings).toEqual([]);
  });

  it("makes nothing of a paused one, until it goes on", async () => {
    const { make, change, posts } = await setUp();
    const { body } = await make({ paused: true });
    expect([body.status, body.coming, await posts()]).toEqual(["paused", [], []]);
    const on = await change(body.id, DAILY);
    expect([on.body.status, on.body.coming.length]).toEqual(["active", 5]);
    expect(await posts()).toHaveLength(5);
  });

  it.each([
    [{ rule: "FREQ=DAILY;BYHOUR=25" }, "bad-rule", "/rule", /BYHOUR has “25”; it takes 0 to 23/],
    [{ rule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30" }, "never-occurs", "/rule", /names no time/],
    [{ timeZone: "Mars/Olympus" }, "bad-zone", "/timeZone", /no time zone “Mars\/Olympus”/],
    [{ timeZone: "+08:00" }, "bad-zone", "/timeZone", /no time zone/],
    [{ dtStart: "2026-02-30 09:00" }, "bad-time", "/dtStart", /is no time/],
    [{ dtStart: "2150-02-01 09:00" }, "bad-time", "/dtStart", /2020 to 2099/],
    [{ exDates: ["2026-12-24", "Christmas"] }, "bad-time", "/exDates/1", /“Christmas”/],
    [{ rDates: ["2026-12-24"] }, "bad-time", "/rDates/0", /“2026-12-24”/],
    [{ texts: ["fine", ""] }, "empty-post", "/texts/1", /neither text/],
    [{ texts: [["fine", "x".repeat(281)]] }, "text-too-long", "/texts/0/1", /281/],
    [{ account: "nobody" }, "unknown-account", "/account", /no account “nobody”/],
    [{ project: "nobody" }, "unknown-project", "/project", /no project “nobody”/],
  ])("refuses %j", async (over, code, pointer, detail) => {
    const { make, snapshot } = await setUp();
    const before = snapshot();
    const { status, body } = await make(over);
    expect([status, body.code, body.errors[0].pointer]).toEqual([422, code, pointer]);
    expect(body.detail).toMatch(detail);
    expect(snapshot()).toEqual(before);
  });

  it.each([
    [{ texts: [] }, "/texts"],
    [{ texts: Array.from({ length: 51 }, String) }, "/texts"],
    [{ name: "" }, "/name"],
    [{ name: "a\u0007b" }, "/name"],
    [{ rrule: "FREQ=DAILY" }, "/rrule"],
    [{ exDates: Array.from({ length: 367 }, () => "2026-12-24") }, "/exDates"],
  ])("takes no body with %j", async (over, pointer) => {
    const { make } = await setUp();
    const { status, body } = await make(over);
    expect([status, body.code, body.errors[0].pointer]).toEqual([400, "invalid-input", pointer]);
  });

  it("is taken even when its tasks cannot be made at once, and is due then", async () => {
    const { make, tasks, report, recurrences, clock } = await setUp();
    const { create } = tasks;
    Object.assign(tasks, { create: () => Promise.reject(new Error("throttled")) });
    const made = await make();
    expect(made.status).toBe(201);
    expect(report).toHaveBeenCalled();
    expect(await recurrences.listDue(clock.now(), 10)).toContain(made.body.id);
    Object.assign(tasks, { create });
  });
});

describe("GET recurrences", () => {
  it("lists the owner's, page by page, without texts", async () => {
    const { make, call } = await setUp();
    for (const name of ["first", "second"]) await make({ name });
    const page = await call({ path: RECURRENCES, query: { limit: "2" } });
    expect(page.body.items).toHaveLength(2);
    expect(page.body.items[0]).not.toHaveProperty("texts");
    const next = await call({ path: RECURRENCES, query: { limit: "2", cursor: page.body.next } });
    expect(next.body.items).toHaveLength(1);
    expect(next.body).not.toHaveProperty("next");
    expect((await call({ path: RECURRENCES, owner: BELA })).body.items).toEqual([]);
  });
});

describe("PUT and DELETE", () => {
  it("changes the future", async () => {
    const { make, change, posts, clock } = await setUp();
    const { body } = await make();
    clock.advance(25 * 3_600_000);
    const changed = await change(body.id, { ...DAILY, texts: ["new"], rule: "FREQ=DAILY;COUNT=3" });
    expect(changed).toMatchObject({ status: 200, body: { version: 2, texts: ["new"] } });
    expect(await posts()).toEqual([
      ["12-02T01:00", "one"],
      ["12-03T01:00", "new"],
      ["12-04T01:00", "new"],
    ]);
  });

  it("refuses what a new one would be refused for, and a project", async () => {
    const { make, change } = await setUp();
    const { body } = await make();
    expect((await change(body.id, { ...DAILY, rule: "FREQ=HOURLY" })).body.code).toBe("bad-rule");
    expect((await change(body.id, { ...DAILY, project: "default" })).body.errors[0].pointer).toBe("/project");
  });

  it("deletes, once, and cancels what is ahead", async () => {
    const { make, remove, read, change, skip, posts } = await setUp();
    const { body } = await make();
    expect(await remove(body.id)).toMatchObject({ status: 200, body: { id: body.id, status: "active" } });
    expect(await posts()).toEqual([]);
    for (const answer of [
      await remove(body.id),
      await read(body.id),
      await change(body.id, DAILY),
      await skip(body.id, { occurrence: "2026-12-03 09:00" }),
    ])
      expect([answer.status, answer.body.code]).toEqual([404, "recurrence-not-found"]);
  });

  it("gives up after somebody else was faster every time", async () => {
    const { make, change, remove, recurrences } = await setUp();
    const { body } = await make();
    Object.assign(recurrences, { save: async () => ({ ok: false, error: { reason: "stale" } }) });
    for (const answer of [await change(body.id, DAILY), await remove(body.id)])
      expect([answer.status, answer.body.code, answer.body.retryable]).toEqual([
        409,
        "recurrence-conflict",
        true,
      ]);
  });
});

describe("one occurrence", () => {
  it("is skipped, and restored", async () => {
    const { make, skip, posts } = await setUp();
    const { body } = await make();
    const skipped = await skip(body.id, { occurrence: "2026-12-03 09:00" });
    expect(skipped.body.skips).toEqual(["2026-12-03T09:00:00"]);
    expect(await skip(body.id, { occurrence: "2026-12-03T01:00:00Z" })).toMatchObject({
      status: 200,
      body: { skips: ["2026-12-03T09:00:00"] },
    });
    expect((await posts()).map(([slot]: string[]) => slot)).toEqual([
      "12-02T01:00",
      "12-04T01:00",
      "12-05T01:00",
      "12-06T01:00",
    ]);
    const back = await skip(body.id, { occurrence: "2026-12-03 09:00", undo: true });
    expect(back.body.skips).toEqual([]);
    expect((await posts())[1]).toEqual(["12-03T01:00", "two", "and on"]);
  });

  it("is moved and reworded, and restored", async () => {
    const { make, override, skip, posts } = await setUp();
    const { body } = await make({ rule: "FREQ=DAILY;COUNT=2" });
    const changed = await override(body.id, {
      occurrence: "2026-12-03 09:00",
      thread: ["other", "words"],
      publishAt: "2026-12-03 18:30",
    });
    expect(changed.body.overrides).toEqual([
      { occurrence: "2026-12-03T09:00:00", text: ["other", "words"], publishAt: "2026-12-03T18:30:00" },
    ]);
    expect(changed.body.coming[1]).toMatchObject({
      occurrence: "2026-12-03T09:00:00",
      publishAt: "2026-12-03T10:30:00Z",
    });
    expect(await posts()).toEqual([
      ["12-02T01:00", "one"],
      ["12-03T10:30", "other", "words"],
    ]);
    const back = await skip(body.id, { occurrence: "2026-12-03 09:00", undo: true });
    expect(back.body.overrides).toEqual([]);
    expect(await posts()).toEqual([
      ["12-02T01:00", "one"],
      ["12-03T01:00", "two", "and on"],
    ]);
  });

  it.each([
    ["skip", { occurrence: "2026-12-03 10:00" }, "no-such-occurrence", "/occurrence", /it names 2026-12-0/],
    ["skip", { occurrence: "soon" }, "bad-time", "/occurrence", /“soon” is no time/],
    ["override", { occurrence: "2026-12-03 09:00", text: "x".repeat(281) }, "text-too-long", "/text", /281/],
    [
      "override",
      { occurrence: "2026-12-03 09:00", thread: ["a", ""] },
      "empty-part",
      "/thread/1",
      /Part 2 .* is empty/,
    ],
    [
      "override",
      { occurrence: "2026-12-03 09:00", publishAt: "2026-12-10 09:01" },
      "bad-time",
      "/publishAt",
      /moves by 7 days at most/,
    ],
    [
      "override",
      { occurrence: "2026-12-03 09:00", publishAt: "2026-12-01 09:00" },
      "slot-passed",
      "/publishAt",
      /has passed/,
    ],
    ["override", { occurrence: "2026-12-03 09:00", publishAt: "later" }, "bad-time", "/publishAt", /“later”/],
  ] as const)("is not changed: %s %j", async (what, json, code, pointer, detail) => {
    const { make, snapshot, ...calls } = await setUp();
    const { body } = await make();
    const before = snapshot();
    const answer = await calls[what](body.id, json);
    expect([answer.status, answer.body.code, answer.body.errors[0].pointer]).toEqual([422, code, pointer]);
    expect(answer.body.detail).toMatch(detail);
    expect(snapshot()).toEqual(before);
  });

  it("is not changed when it is past", async () => {
    const { make, skip, clock } = await setUp();
    const { body } = await make();
    clock.advance(24 * 3_600_000);
    const { status, body: problem } = await skip(body.id, { occurrence: "2026-12-02 09:00" });
    expect([status, problem.code]).toEqual([422, "slot-passed"]);
  });

  it("is one of at most 200 that differ; what is past does not count", async () => {
    const { make, skip, clock, recurrences } = await setUp();
    const { body } = await make({ rule: "FREQ=DAILY" });
    const day = (index: number) => new Date(Date.UTC(2026, 11, 2 + index)).toISOString().slice(0, 10);
    const stored = await recurrences.get(body.id);
    if (!stored) throw new Error("it was stored");
    const { recurrence } = stored;
    const skips = Array.from({ length: 198 }, (_, index) => local(`${day(index)} 09:00`));
    await recurrences.save({ ...recurrence, skips, version: recurrence.version + 1 });
    for (const index of [198, 199])
      expect((await skip(body.id, { occurrence: `${day(index)} 09:00` })).status).toBe(200);
    const full = await skip(body.id, { occurrence: `${day(200)} 09:00` });
    expect([full.status, full.body.code]).toEqual([422, "too-many-exceptions"]);
    clock.advance(15 * 86_400_000);
    const { body: later } = await skip(body.id, { occurrence: `${day(200)} 09:00` });
    expect(later.skips.length).toBeLessThan(200);
  });

  it("has a text that fits into the table with those of all others", async () => {
    const { make, override, accounts } = await setUp();
    const account = await accounts.getAccount("anne.main" as never);
    if (!account) throw new Error("there is one");
    await accounts.saveAccount({ ...account, maxTextLength: 100_000, version: account.version + 1 });
    const { body } = await make();
    const text = "x".repeat(60_000);
    expect((await override(body.id, { occurrence: "2026-12-03 09:00", text })).status).toBe(200);
    const full = await override(body.id, { occurrence: "2026-12-04 09:00", text });
    expect([full.status, full.body.code, full.body.detail]).toEqual([
      422,
      "too-many-exceptions",
      expect.stringContaining("at most 100000"),
    ]);
  });

  it.each([
    [{ occurrence: "2026-12-03 09:00" }, "/text"],
    [{ occurrence: "2026-12-03 09:00", text: "a", thread: ["b"] }, "/thread"],
    [{ text: "a" }, "/occurrence"],
  ])("takes no override %j", async (json, pointer) => {
    const { make, override } = await setUp();
    const { body } = await make();
    const answer = await override(body.id, json);
    expect([answer.status, answer.body.errors[0].pointer]).toEqual([400, pointer]);
  });
});
