import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { asAttemptId, asTaskId } from "#shared/domain/ids.ts";
import { claimForPrepare, startPosting } from "#shared/domain/moves.ts";
import { instanceTaskId, leaveOut } from "#shared/domain/recurrence/instance.ts";
import { HORIZON_MS, listWishes } from "#shared/domain/recurrence/recurrence.ts";
import { createExpandRecurrences } from "#shared/usecases/expand-recurrences.ts";
import { aContent, aTask } from "#test/support/builders.ts";
import { setUpExpanding } from "#test/support/expanding.ts";
import { aSchedule, local } from "#test/support/recurrences.ts";

const daily = (over: Parameters<typeof aSchedule>[0] = {}) => ({ schedule: aSchedule(over) });

describe("expanding a recurrence", () => {
  it("makes the occurrences of the next 14 days tasks, in rotation, arranged", async () => {
    const { put, expand, bounds, listTasks, listPosts, dispatch, recurrences, clock } =
      await setUpExpanding();
    const recurrence = await put({ priority: 3, language: "de", reconcile: "hold" });
    expect(await expand(recurrence.id, bounds())).toEqual({
      created: 14,
      revised: 0,
      cancelled: 0,
      kept: 0,
      complete: true,
    });
    const posts = await listPosts();
    expect(posts).toHaveLength(14);
    expect(posts.slice(0, 4)).toEqual([
      ["12-01T09:00", "one"],
      ["12-02T09:00", "two"],
      ["12-03T09:00", "three"],
      ["12-04T09:00", "one"],
    ]);
    const [first] = await listTasks();
    expect(first).toMatchObject({
      status: "pending",
      rev: 1,
      strategy: "fixed",
      priority: 3,
      language: "de",
      reconcile: "hold",
      partCount: 1,
      costMicros: 15_000,
      source: {
        kind: "recurrence",
        recurrenceId: recurrence.id,
        occurrenceAt: new Date("2026-12-01T09:00:00.000Z"),
      },
    });
    expect(z.ulid().safeParse(first?.id).success).toBe(true);
    expect(dispatch.scheduled).toHaveLength(14);
    expect((await recurrences.get(recurrence.id))?.recurrence).toMatchObject({
      expandedUntil: new Date(clock.now().getTime() + HORIZON_MS),
      // The next one is of 15 December, which comes into the horizon a fortnight before.
      wakeAt: new Date("2026-12-01T09:00:00.000Z"),
      status: "active",
    });
  });

  it("does nothing the second time, and nothing before it is due", async () => {
    const { put, expand, bounds, snapshot, edit } = await setUpExpanding();
    const recurrence = await put();
    await expand(recurrence.id, bounds());
    const before = snapshot();
    expect(await expand(recurrence.id, bounds())).toMatchObject({ created: 0, complete: true });
    await edit(recurrence, {});
    expect(await expand(recurrence.id, bounds())).toMatchObject({ created: 0, revised: 0, complete: true });
    expect(snapshot()).toEqual(before);
  });

  it("goes on day by day, each occurrence once", async () => {
    const { put, expand, bounds, listPosts, clock } = await setUpExpanding();
    const recurrence = await put();
    for (let hour = 0; hour < 24 * 5; hour++) {
      await expand(recurrence.id, bounds());
      clock.advance(3_600_000);
    }
    const slots = (await listPosts()).map(([slot]) => slot);
    expect(slots).toHaveLength(19);
    expect(new Set(slots).size).toBe(19);
  });

  it("ends with its last occurrence, not before", async () => {
    const { put, expand, bounds, recurrences, clock } = await setUpExpanding();
    const recurrence = await put(daily({ rule: "FREQ=DAILY;COUNT=2" }));
    await expand(recurrence.id, bounds());
    const read = async () => (await recurrences.get(recurrence.id))?.recurrence;
    expect(await read()).toMatchObject({ status: "active", wakeAt: new Date("2026-12-02T09:00:00.000Z") });
    clock.advance(47 * 3_600_000);
    await expand(recurrence.id, bounds());
    expect(await read()).toMatchObject({ status: "ended" });
    expect(await read()).not.toHaveProperty("wakeAt");
  });

  it("makes no more at once than it may, nearest first, and goes on where it stopped", async () => {
    const { put, expand, bounds, listPosts, recurrences, clock } = await setUpExpanding();
    const recurrence = await put();
    expect(await expand(recurrence.id, bounds({ limit: 3 }))).toMatchObject({ created: 3, complete: false });
    expect((await listPosts()).map(([slot]) => slot)).toEqual(["12-01T09:00", "12-02T09:00", "12-03T09:00"]);
    expect((await recurrences.get(recurrence.id))?.recurrence.wakeAt).toEqual(clock.now());
    expect(await expand(recurrence.id, bounds({ withinMs: 0 }))).toMatchObject({
      created: 0,
      complete: false,
    });
    expect(await expand(recurrence.id, bounds())).toMatchObject({ created: 11, complete: true });
  });

  it("notes more than fit into one transaction", async () => {
    const { put, expand, bounds, listPosts } = await setUpExpanding();
    const rule = `FREQ=DAILY;BYHOUR=${Array.from({ length: 24 }, (_, hour) => hour).join(",")}`;
    const recurrence = await put(daily({ rule }));
    expect(await expand(recurrence.id, bounds())).toMatchObject({ complete: true });
    expect(await listPosts()).toHaveLength(13 * 24 + 2);
  });

  it("lets any account of the project do", async () => {
    const { put, expand, bounds, listTasks } = await setUpExpanding();
    const recurrence = await put({ isAny: true });
    await expand(recurrence.id, bounds());
    expect(new Set((await listTasks()).map(({ pool }) => pool))).toEqual(new Set(["open"]));
  });

  it("never gives up an occurrence whose task could not be stored", async () => {
    const { put, worker, bounds, listPosts, faults } = await setUpExpanding();
    const recurrence = await put();
    let refused = 0;
    const broken = worker(async (name, call) => {
      if (name === "create" && refused++ < 2) throw new Error("the table is away");
      return call();
    });
    expect(await broken(recurrence.id, bounds())).toMatchObject({ created: 12, complete: false });
    expect(faults).toHaveLength(2);
    expect(await broken(recurrence.id, bounds())).toMatchObject({ created: 2, complete: true });
    expect(await listPosts()).toHaveLength(14);
  });

  it("makes what it could not make in time all the same: the late policy decides", async () => {
    const { put, worker, expand, bounds, listTasks, clock } = await setUpExpanding();
    const recurrence = await put(daily({ rule: "FREQ=DAILY;COUNT=3" }));
    const broken = worker(async (name, call) => {
      if (name === "create") throw new Error("the table is away");
      return call();
    });
    await broken(recurrence.id, bounds());
    clock.advance(24 * 3_600_000);
    expect(await expand(recurrence.id, bounds())).toMatchObject({ created: 3, complete: true });
    expect((await listTasks()).map(({ slotAt }) => slotAt.getUTCDate())).toEqual([1, 2, 3]);
  });
});

describe("a recurrence that is changed", () => {
  it("changes the text and time of what is ahead, and takes the old wake-up calls back", async () => {
    const { put, expand, bounds, edit, listPosts, listTasks, dispatch, clock } = await setUpExpanding();
    const recurrence = await put(daily({ rule: "FREQ=DAILY;COUNT=4" }));
    await expand(recurrence.id, bounds());
    // The first is due, but was not taken up yet.
    clock.advance(23 * 3_600_000 + 1);
    await edit(recurrence, {}, { variants: [[{ text: "new" }, { text: "and on" }]] });
    expect(await expand(recurrence.id, bounds())).toMatchObject({ revised: 3, created: 0, cancelled: 0 });
    expect(await listPosts()).toEqual([
      ["12-01T09:00", "one"],
      ["12-02T09:00", "new | and on"],
      ["12-03T09:00", "new | and on"],
      ["12-04T09:00", "new | and on"],
    ]);
    const tasks = await listTasks();
    expect(tasks.map(({ rev, partCount }) => [rev, partCount])).toEqual([
      [1, 1],
      [2, 2],
      [2, 2],
      [2, 2],
    ]);
    expect(dispatch.scheduled).toHaveLength(4);
    for (const { message } of dispatch.scheduled) {
      const task = tasks.find(({ id }) => id === message.taskId);
      expect([message.rev, message.arm]).toEqual([task?.rev, task?.arm]);
    }
  });

  it("cancels what the rule names no more and makes what it names now", async () => {
    const { put, expand, bounds, edit, listPosts, listTasks, dispatch } = await setUpExpanding();
    const recurrence = await put(daily({ rule: "FREQ=DAILY;COUNT=3" }));
    await expand(recurrence.id, bounds());
    await edit(recurrence, daily({ rule: "FREQ=DAILY;INTERVAL=2;COUNT=3" }));
    expect(await expand(recurrence.id, bounds())).toMatchObject({ cancelled: 1, created: 1, revised: 1 });
    expect(await listPosts()).toEqual([
      ["12-01T09:00", "one"],
      // The second now, and the third before.
      ["12-03T09:00", "two"],
      ["12-05T09:00", "three"],
    ]);
    const cancelled = (await listTasks()).filter(({ status }) => status === "cancelled");
    expect(cancelled).toMatchObject([{ reason: { code: "left-out" }, rev: 2 }]);
    expect(dispatch.scheduled).toHaveLength(3);
  });

  it("follows its zone: the same times by other clocks", async () => {
    const { put, expand, bounds, edit, listPosts, listTasks } = await setUpExpanding();
    const recurrence = await put(daily({ rule: "FREQ=DAILY;COUNT=2" }));
    await expand(recurrence.id, bounds());
    const ids = (await listTasks()).map(({ id }) => id);
    await edit(recurrence, daily({ rule: "FREQ=DAILY;COUNT=2", timeZone: "Europe/Berlin" }));
    expect(await expand(recurrence.id, bounds())).toMatchObject({ revised: 2, created: 0, cancelled: 0 });
    expect((await listPosts()).map(([slot]) => slot)).toEqual(["12-01T08:00", "12-02T08:00"]);
    expect((await listTasks()).map(({ id }) => id)).toEqual(ids);
  });

  it("leaves alone what is on its way, out, partly out, or cancelled by a person", async () => {
    const { put, expand, bounds, edit, listTasks, tasks, clock } = await setUpExpanding();
    const recurrence = await put(daily({ rule: "FREQ=DAILY;COUNT=5" }));
    await expand(recurrence.id, bounds());
    const [posting, published, thread, cancelled] = await listTasks();
    if (!posting || !published || !thread || !cancelled) throw new Error("there are five");
    const now = clock.now();
    const attemptId = asAttemptId("a");
    const began = startPosting(posting, now, { attemptId, requestHash: "h" });
    await tasks.save(began);
    const out = { postId: "1", sentAt: now };
    const next = (task: typeof posting) => ({ version: task.version + 1, updatedAt: now });
    await tasks.save({ ...published, ...next(published), status: "published", posted: [out] });
    await tasks.save({ ...thread, ...next(thread), status: "ready", posted: [out], partCount: 2 });
    await tasks.save({ ...cancelled, ...next(cancelled), status: "cancelled" });
    const before = (await listTasks()).slice(0, 4);
    await edit(recurrence, {}, { variants: [[{ text: "new" }]] });
    expect(await expand(recurrence.id, bounds())).toMatchObject({ revised: 1, kept: 4, complete: true });
    await edit(recurrence, { status: "paused" });
    expect(await expand(recurrence.id, bounds())).toMatchObject({ cancelled: 1, kept: 4, complete: true });
    expect((await listTasks()).slice(0, 4)).toEqual(before);
    // Wanted again: only what its recurrence itself had cancelled comes back.
    await edit(recurrence, { status: "active" });
    expect(await expand(recurrence.id, bounds())).toMatchObject({ created: 2, complete: true });
  });

  it("takes what is being uploaded from its uploader", async () => {
    const { put, expand, bounds, edit, listTasks, tasks, clock } = await setUpExpanding();
    const recurrence = await put(daily({ rule: "FREQ=DAILY;COUNT=1" }));
    await expand(recurrence.id, bounds());
    const [task] = await listTasks();
    if (!task) throw new Error("there is one");
    await tasks.save(claimForPrepare(task, clock.now(), asAttemptId("uploader")));
    await edit(recurrence, {}, { variants: [[{ text: "new" }]] });
    expect(await expand(recurrence.id, bounds())).toMatchObject({ revised: 1 });
    expect(await listTasks()).toMatchObject([{ status: "pending", rev: 2 }]);
  });

  it("skips one and takes it back; every other keeps its text", async () => {
    const { put, expand, bounds, edit, listPosts, listTasks } = await setUpExpanding();
    const recurrence = await put(daily({ rule: "FREQ=DAILY;COUNT=3" }));
    await expand(recurrence.id, bounds());
    await edit(recurrence, { skips: [local("2026-12-02 09:00")] });
    expect(await expand(recurrence.id, bounds())).toMatchObject({ cancelled: 1, revised: 0, created: 0 });
    expect(await listPosts()).toEqual([
      ["12-01T09:00", "one"],
      ["12-03T09:00", "three"],
    ]);
    await edit(recurrence, { skips: [] });
    expect(await expand(recurrence.id, bounds())).toMatchObject({ created: 1, cancelled: 0 });
    expect((await listPosts())[1]).toEqual(["12-02T09:00", "two"]);
    // A cancelled task does not come back: the occurrence has another one.
    expect(new Set((await listTasks()).map(({ id }) => id)).size).toBe(4);
  });

  it("moves one and rewords it, also over the edge of the horizon", async () => {
    const { put, expand, bounds, edit, listPosts, recurrences } = await setUpExpanding();
    const recurrence = await put(daily({ rule: "FREQ=DAILY;INTERVAL=10;COUNT=3" }));
    await expand(recurrence.id, bounds());
    const overrides = {
      [local("2026-12-11 09:00")]: { at: local("2026-12-18 09:00") },
      [local("2026-12-01 09:00")]: { parts: [{ text: "special" }] },
    };
    await edit(recurrence, {}, { overrides });
    expect(await expand(recurrence.id, bounds())).toMatchObject({ cancelled: 1, revised: 1 });
    expect(await listPosts()).toEqual([["12-01T09:00", "special"]]);
    expect((await recurrences.get(recurrence.id))?.recurrence.wakeAt).toEqual(
      new Date("2026-12-04T09:00:00.000Z"),
    );
  });

  it("cancels its future when it is deleted, and nothing comes after", async () => {
    const { put, expand, bounds, edit, listPosts, recurrences } = await setUpExpanding();
    const recurrence = await put();
    await expand(recurrence.id, bounds());
    await edit(recurrence, { status: "deleted" });
    expect(await expand(recurrence.id, bounds())).toMatchObject({ cancelled: 14, complete: true });
    expect(await listPosts()).toEqual([]);
    expect((await recurrences.get(recurrence.id))?.recurrence).not.toHaveProperty("wakeAt");
  });
});

/** What has to be in the end, by the recurrence alone. */
async function expectAsWished(setup: Awaited<ReturnType<typeof setUpExpanding>>, id: string) {
  const { recurrences, clock, expand, bounds, listPosts } = setup;
  for (let run = 0; run < 20 && !(await expand(id as never, bounds())).complete; run++);
  const stored = await recurrences.get(id as never);
  if (!stored) throw new Error("it is gone");
  const wishes =
    stored.recurrence.status === "active"
      ? listWishes(stored.recurrence, stored.content, {
          after: clock.now(),
          until: new Date(clock.now().getTime() + HORIZON_MS),
        })
      : [];
  expect(await listPosts()).toEqual(
    wishes.map(({ publishAt, parts }) => [
      publishAt.toISOString().slice(5, 16),
      parts.map(({ text }) => text).join(" | "),
    ]),
  );
}

const EDITS = [
  { over: {}, said: { variants: [[{ text: "new" }]] } },
  { over: daily({ rule: "FREQ=DAILY;INTERVAL=2;COUNT=3" }) },
  { over: daily({ rule: "FREQ=DAILY;COUNT=3", dtStart: "2026-12-02 09:00" }) },
  { over: { skips: [local("2026-12-02 09:00")] } },
  { over: { skips: [] } },
  { over: { status: "paused" as const } },
  { over: { status: "active" as const } },
];

describe("a crash", () => {
  it.each([
    ["before", false],
    ["after", true],
  ])("%s any call leaves nothing that a repetition does not finish", async (_, isAfter) => {
    let calls = 0;
    for (let at = 1; at === 1 || calls >= at - 1; at++) {
      const setup = await setUpExpanding();
      const recurrence = await setup.put(daily({ rule: "FREQ=DAILY;COUNT=3" }));
      calls = 0;
      const dying = setup.worker(async (_name, call) => {
        const dies = ++calls >= at;
        if (dies && !isAfter) throw new Error("it died");
        const value = await call();
        if (dies) throw new Error("it died");
        return value;
      });
      const die = () => dying(recurrence.id, setup.bounds()).catch(() => undefined);
      await die();
      await setup.edit(recurrence, daily({ rule: "FREQ=DAILY;INTERVAL=2;COUNT=3" }), {
        variants: [[{ text: "new" }]],
      });
      const first = calls;
      calls = 0;
      await die();
      calls += first;
      await expectAsWished(setup, recurrence.id);
    }
    expect(calls).toBeGreaterThan(40);
  });
});

describe("several at once", () => {
  it("give an occurrence another task when one who was overtaken has cancelled its first", async () => {
    const setup = await setUpExpanding();
    const { put, worker, bounds, listPosts, listTasks, tasks, clock } = setup;
    const recurrence = await put(daily({ rule: "FREQ=DAILY;COUNT=1" }));
    const id = instanceTaskId(recurrence.id, local("2026-12-01 09:00"), 0);
    let meets = 0;
    const expand = worker(async (name, call) => {
      if (name === "getInstance" && meets++ === 0) {
        const never = leaveOut(aTask({ id, ownerId: recurrence.ownerId }), clock.now());
        await tasks.create({ ...never, version: 1 }, aContent(never));
      }
      return call();
    });
    expect(await expand(recurrence.id, bounds())).toMatchObject({ created: 1, complete: true });
    expect(await listPosts()).toEqual([["12-01T09:00", "one"]]);
    expect(await listTasks()).toHaveLength(2);
  });

  it("end where the last change says, each occurrence with one post, whoever is overtaken when", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.constantFrom(...EDITS), { minLength: 1, maxLength: 3 }),
        async (scheduler, edits) => {
          const setup = await setUpExpanding();
          const recurrence = await setup.put(daily({ rule: "FREQ=DAILY;COUNT=3" }));
          const expand = () =>
            setup.worker((name, call) => scheduler.schedule(Promise.resolve(), name).then(call));
          const running = [expand(), expand()].map((worker) => worker(recurrence.id, setup.bounds()));
          const editing = (async () => {
            for (const { over, said } of edits) {
              await scheduler.schedule(Promise.resolve(), "edit");
              await setup.edit(recurrence, over, said);
              running.push(expand()(recurrence.id, setup.bounds()));
            }
          })();
          await scheduler.waitFor(editing);
          await scheduler.waitFor(Promise.all(running));
          expect(setup.faults).toEqual([]);
          await expectAsWished(setup, recurrence.id);
        },
      ),
      { numRuns: 300 },
    );
  }, 60_000);
});

describe("expanding all that is due", () => {
  it("takes each once, goes on after one that fails, and says so", async () => {
    const { put, expand, recurrences, clock, listPosts } = await setUpExpanding();
    const good = [await put(), await put()];
    const bad = await put();
    const due = createExpandRecurrences({
      recurrences,
      clock,
      expand: (id, bounds) =>
        id === bad.id ? Promise.reject(new Error("it cannot be read")) : expand(id, bounds),
    });
    const faults: unknown[] = [];
    const deadline = new Date(clock.now().getTime() + 60_000);
    expect(await due(deadline, (error) => faults.push(error))).toEqual({
      expanded: 2,
      created: 28,
      revised: 0,
      cancelled: 0,
      failed: 1,
      complete: false,
    });
    expect(faults).toHaveLength(1);
    expect(await listPosts()).toHaveLength(14 * good.length);
  });

  it("starts nothing after its deadline", async () => {
    const { put, expand, recurrences, clock } = await setUpExpanding();
    await put();
    const due = createExpandRecurrences({ recurrences, clock, expand });
    expect(await due(clock.now(), () => undefined)).toMatchObject({ expanded: 0, complete: false });
  });
});

describe("the id of an occurrence's task", () => {
  it("is the same whoever makes it", async () => {
    const first = await setUpExpanding();
    const second = await setUpExpanding();
    const recurrence = await first.put();
    await second.put(recurrence);
    await first.expand(recurrence.id, first.bounds());
    await second.expand(recurrence.id, second.bounds());
    const ids = (await first.listTasks()).map(({ id }) => id);
    expect((await second.listTasks()).map(({ id }) => id)).toEqual(ids);
    expect(ids.map(asTaskId).toSorted()).toEqual(ids);
  });
});
