import { describe, expect, it, vi } from "vitest";
import { mediaInspector } from "#shared/adapters/media-inspection/media-inspector.ts";
import type { Account, Project } from "#shared/domain/account.ts";
import { ARRANGEMENT_LIMITS } from "#shared/domain/arrangement.ts";
import { asAccountId, asAttemptId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { cancel, markUnknown, recordPosted, startPosting, stop } from "#shared/domain/moves.ts";
import { newSource, type SourceDefaults } from "#shared/domain/source.ts";
import type { Task } from "#shared/domain/task.ts";
import type { DropStore } from "#shared/ports/drop-store.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import { err } from "#shared/result.ts";
import { createAcceptDrop, type IntakeMessage } from "#shared/usecases/accept-drop.ts";
import { type ArrangeTask, createArrangeTask } from "#shared/usecases/arrange-task.ts";
import { createExpandRecurrence } from "#shared/usecases/expand-recurrence.ts";
import { createInspectMedia } from "#shared/usecases/inspect-media.ts";
import { createKeepRecurrence } from "#shared/usecases/keep-recurrence.ts";
import { createPlacePost } from "#shared/usecases/place-post.ts";
import { createPlanSlot } from "#shared/usecases/plan-slot.ts";
import { freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryBatches } from "#test/support/in-memory-batches.ts";
import { createInMemoryDispatch, createInMemoryIntakeQueue } from "#test/support/in-memory-dispatch.ts";
import { createInMemoryDropFolder } from "#test/support/in-memory-drop-folder.ts";
import { createInMemoryFingerprints } from "#test/support/in-memory-fingerprints.ts";
import { createInMemoryRecurrences } from "#test/support/in-memory-recurrences.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";
import { paddedClip, readFixture, sha256Of } from "#test/support/media-files.ts";

const SETTLE_MS = 20_000;
const DAY_MS = 86_400_000;
const ownerId = asOwnerId("owner-1");
const anAccount = (name: string, over: Partial<Account> = {}): Account => ({
  id: asAccountId(`id-of-${name}`),
  ownerId,
  name,
  maxTextLength: 280,
  status: "active",
  version: 1,
  ...over,
});
const aProject = (name: string, accounts: readonly string[], over: Partial<Project> = {}): Project => ({
  id: asProjectId(`id-of-${name}`),
  ownerId,
  name,
  timeZone: "Asia/Shanghai",
  accountIds: accounts.map((account) => asAccountId(`id-of-${account}`)),
  defaultAccountId: asAccountId(`id-of-${accounts[0]}`),
  ...over,
});

const PHOTO = readFixture("photo.jpg");
const CLIP = readFixture("clip.mp4");
/** The same picture with other bytes: whatever stands behind the end of a JPEG is ignored. */
const photo = (tail: string) => Buffer.concat([PHOTO, Buffer.from(tail), Buffer.from([0xff, 0xd9])]);

async function setUp(over: { readonly drops?: (store: DropStore) => DropStore } = {}) {
  const clock = manualClock("2026-12-01T01:00:00.000Z");
  const store = createInMemoryStore(clock);
  const accounts = createInMemoryAccounts();
  for (const name of ["main", "second", "shop"]) await accounts.saveAccount(anAccount(name));
  await accounts.saveAccount(anAccount("stranger", { ownerId: asOwnerId("owner-2") }));
  await accounts.addProject(aProject("default", ["main", "second"]));
  await accounts.addProject(aProject("other", ["shop"]));
  await accounts.addProject(aProject("theirs", ["stranger"], { ownerId: asOwnerId("owner-2") }));
  const folder = createInMemoryDropFolder(clock);
  const dispatch = createInMemoryDispatch();
  const intake = createInMemoryIntakeQueue();
  const entropy: Entropy = { newId: freshTaskId, random: () => 0.5 };
  const arrange = createArrangeTask({ tasks: store.tasks, dispatch, clock, limits: ARRANGEMENT_LIMITS });
  const inspect = vi.fn(createInspectMedia({ source: folder.source, inspector: mediaInspector }));
  const report = vi.fn();
  const drops = over.drops?.(store.drops) ?? store.drops;
  const deps = {
    ...store,
    drops,
    accounts,
    batches: createInMemoryBatches(),
    folder,
    intake,
    inspect,
    clock,
    entropy,
    settleMs: SETTLE_MS,
  };
  const recurrences = createInMemoryRecurrences();
  const expand = createExpandRecurrence({ ...deps, recurrences, dispatch, arrange, report });
  const keepRecurrence = createKeepRecurrence({ recurrences, expand, clock, report });
  /** @param over - how tasks are arranged */
  const placeWith = (over: ArrangeTask) =>
    createPlacePost({
      ...deps,
      planSlot: createPlanSlot(deps),
      fingerprints: createInMemoryFingerprints(clock),
      arrange: over,
      report,
    });
  const acceptDrop = createAcceptDrop({ ...deps, keepRecurrence, placePost: placeWith(arrange) });

  const run = (message: IntakeMessage) => acceptDrop(message, new Date(clock.now().getTime() + 100_000));
  /** Stores the object, then delivers its event. */
  const drop = (name: string, body: string | Uint8Array, project = "default") =>
    run({ kind: "file", key: folder.put(`drop/${project}/${name}`, body) });
  const settle = (base: string, project = "default") => run({ kind: "settle", project, base });
  /** The time that undeclared media are waited for passes. */
  const settleAfter = (base: string) => {
    clock.advance(SETTLE_MS);
    return settle(base);
  };
  const dropOf = (base: string, project = "default") => store.drops.get(project, base);
  const allTasks = () => Object.values(store.snapshot()["tasks"] as Record<string, Task>);
  const taskOf = async (base: string) => {
    const taskId = (await dropOf(base))?.taskId;
    const task = taskId && (await store.tasks.get(taskId));
    if (!task) throw new Error(`${base} has no task`);
    return task;
  };
  const contentOf = async (base: string) => {
    const task = await taskOf(base);
    return store.tasks.getContent(task);
  };
  /** Everything of the table but drops: bad input must not change it. */
  const rest = () => {
    const { drops: _, ...others } = store.snapshot();
    return others;
  };
  return {
    ...deps,
    acceptDrop,
    recurrences,
    keepRecurrence,
    placeWith,
    report,
    dispatch,
    store,
    run,
    drop,
    settle,
    settleAfter,
    dropOf,
    allTasks,
    taskOf,
    contentOf,
    rest,
  };
}

const EXPLICIT = "---\nmedia: []\n---\n";

describe("a dropped text", () => {
  it("waits for media that nobody listed, then becomes a task that is due at once", async () => {
    const { drop, intake, settleAfter, taskOf, contentOf, dropOf, dispatch, clock, tasks } = await setUp();

    expect(await drop("hello.txt", "Hello 你好 🪁\n")).toEqual({ kind: "settling" });
    expect(intake.sent).toEqual([{ kind: "settle", project: "default", base: "hello", delayMs: SETTLE_MS }]);
    expect(await dropOf("hello")).toMatchObject({ status: "waiting", version: 1 });

    const report = await settleAfter("hello");

    const task = await taskOf("hello");
    expect(report).toEqual({ kind: "accepted", taskId: task.id, slotAt: clock.now() });
    expect(task).toMatchObject({
      status: "pending",
      ownerId,
      projectId: "id-of-default",
      accountId: "id-of-main",
      source: { kind: "drop", base: "hello", file: "hello.txt" },
      publishAt: clock.now(),
      slotAt: clock.now(),
      priority: 5,
      language: "zh",
      maxRetries: 3,
      partCount: 1,
      mediaCount: 0,
    });
    expect(await contentOf("hello")).toMatchObject({ rev: 1, parts: [{ text: "Hello 你好 🪁" }], media: [] });
    expect(await dropOf("hello")).toMatchObject({ status: "accepted", taskId: task.id, file: "hello.txt" });
    expect((await dropOf("hello"))?.wakeAt).toBeUndefined();
    expect(await tasks.getLog(task.id)).toMatchObject([{ step: "accept", status: "pending" }]);
    expect(dispatch.enqueued).toMatchObject([{ message: { taskId: task.id, step: "publish" } }]);
  });

  it("need not wait where the list of media is explicit", async () => {
    const { drop, contentOf } = await setUp();
    expect(await drop("thread.md", `${EXPLICIT}one\n---\ntwo`)).toMatchObject({ kind: "accepted" });
    expect((await contentOf("thread"))?.parts).toEqual([{ text: "one" }, { text: "two" }]);
  });

  it("waits from the last of several events on, with one message", async () => {
    const { drop, clock, intake, settle, allTasks } = await setUp();
    await drop("trip.md", "Trip");
    clock.advance(5_000);
    await drop("trip.1.jpg", PHOTO);
    clock.advance(5_000);
    await drop("trip.2.jpg", photo("2"));
    expect(intake.sent).toHaveLength(1);

    clock.advance(10_000);
    expect(await settle("trip")).toEqual({ kind: "settling" });
    expect(intake.sent.slice(1)).toEqual([
      { kind: "settle", project: "default", base: "trip", delayMs: 10_000 },
    ]);
    expect(allTasks()).toEqual([]);

    clock.advance(10_000);
    expect(await settle("trip")).toMatchObject({ kind: "accepted" });
    expect(allTasks()).toMatchObject([{ mediaCount: 2 }]);
  });

  it("is found by the sweeper where its message was lost", async () => {
    const { drop, store, clock } = await setUp();
    await drop("hello.txt", "Hello");
    clock.advance(SETTLE_MS + 120_000);
    const due = await Promise.all([0, 1, 2, 3].map((shard) => store.tasks.listDue(shard, clock.now(), 10)));
    expect(due.flat()).toMatchObject([{ kind: "drop", project: "default", base: "hello" }]);
  });

  it.each([
    ["hello.txt", "hello.txt", "Hello", "hello.txt", "Hello"],
    ["the same event", "hello.txt", "Hello", "", ""],
  ])("makes one task, however often it comes: %s", async (_, name, body, again, sameBody) => {
    const { drop, settleAfter, settle, allTasks, run, dispatch } = await setUp();
    await drop(name, body);
    await drop(name, body);
    const accepted = await settleAfter("hello");
    await settle("hello");
    if (again) await drop(again, sameBody);
    else await run({ kind: "file", key: "drop/default/hello.txt" });
    const unchanged = await settleAfter("hello");
    if (accepted.kind !== "accepted") throw new Error(accepted.kind);
    expect(unchanged).toEqual({ kind: "unchanged", taskId: accepted.taskId });
    expect(allTasks()).toMatchObject([{ rev: 1, arm: 1 }]);
    expect(dispatch.enqueued).toHaveLength(1);
  });

  it("stays one task where the same files are looked at again long after the slot", async () => {
    const { drop, clock, allTasks, dropOf, run } = await setUp();
    await drop("a.md", "---\npublishAt: 2026-12-01 09:10\nmedia: []\n---\nAt ten past");
    clock.advance(DAY_MS);
    expect(await run({ kind: "file", key: "drop/default/a.md" })).toMatchObject({ kind: "unchanged" });
    expect(allTasks()).toHaveLength(1);
    expect((await dropOf("a"))?.reason).toBeUndefined();
  });

  it("takes what it says: account, time of the project's zone, priority, language, late policy", async () => {
    const { drop, taskOf, dispatch } = await setUp();
    await drop(
      "a.md",
      "---\npublishAt: 2026-12-01 19:00\naccount: second\npriority: 1\nlanguage: en\nlatePolicy: { postWithin: 1h, then: hold }\nmedia: []\n---\nHello",
    );
    expect(await taskOf("a")).toMatchObject({
      accountId: "id-of-second",
      slotAt: new Date("2026-12-01T11:00:00Z"),
      priority: 1,
      language: "en",
      latePolicy: { postWithinMs: 3_600_000, then: "hold" },
    });
    expect(dispatch.scheduled).toMatchObject([{ at: new Date("2026-12-01T10:58:55Z") }]);
  });

  it("tells which instant was taken where the local time is skipped", async () => {
    const { drop, dropOf, accounts, tasks } = await setUp();
    await accounts.addProject(aProject("berlin", ["main"], { timeZone: "Europe/Berlin" }));
    await drop("a.md", "---\npublishAt: 2027-03-28 02:30\nmedia: []\n---\nSpring", "berlin");
    const dropped = await dropOf("a", "berlin");
    expect(dropped).toMatchObject({ status: "accepted", reason: { code: "local-time-skipped" } });
    expect(dropped?.taskId && (await tasks.getLog(dropped.taskId))).toMatchObject([
      { code: "local-time-skipped" },
    ]);
  });

  it("is stored before it is arranged, and left to the sweeper where that fails", async () => {
    const { folder, report, placeWith, ...deps } = await setUp();
    const acceptDrop = createAcceptDrop({
      ...deps,
      folder,
      placePost: placeWith(async () => Promise.reject(new Error("throttled"))),
    });
    const key = folder.put("drop/default/a.md", `${EXPLICIT}Hello`);
    const accepted = await acceptDrop({ kind: "file", key }, new Date());
    expect(accepted).toMatchObject({ kind: "accepted" });
    const task = await deps.taskOf("a");
    expect(report).toHaveBeenCalledWith(expect.objectContaining({ message: "throttled" }), task.id);
    expect(task.wakeAt).toEqual(new Date("2026-12-01T01:02:00.000Z"));
  });
});

describe("media", () => {
  it("of the same base name are taken in the order of their numbers, with their alternative texts", async () => {
    const { drop, settleAfter, contentOf } = await setUp();
    await drop("trip.2.jpg", photo("2"));
    await drop("trip.1.jpg", photo("1"));
    await drop("trip.jpg", PHOTO);
    await drop("trip.md", '---\naltText: [first, "", third]\n---\nTrip');
    expect(await settleAfter("trip")).toMatchObject({ kind: "accepted" });
    const media = (await contentOf("trip"))?.media;
    expect(media?.map(({ name, altText }) => [name, altText])).toEqual([
      ["trip.jpg", "first"],
      ["trip.1.jpg", undefined],
      ["trip.2.jpg", "third"],
    ]);
    expect(media?.[0]).toMatchObject({
      sha256: sha256Of(PHOTO),
      key: "drop/default/trip.jpg",
      type: "image/jpeg",
    });
  });

  it("that are listed are waited for, in any order, and need no settling", async () => {
    const { drop, dropOf, intake, allTasks, contentOf } = await setUp();
    expect(await drop("album.md", "---\nmedia: [b.jpg, a.jpg]\n---\nAlbum")).toEqual({
      kind: "waiting",
      code: "waiting-for-media",
    });
    expect(await dropOf("album")).toMatchObject({
      status: "waiting",
      missing: ["b.jpg", "a.jpg"],
      wakeAt: new Date("2026-12-02T01:00:00.000Z"),
    });
    expect(await drop("a.jpg", photo("a"))).toMatchObject({ kind: "waiting" });
    expect(await dropOf("album")).toMatchObject({ missing: ["b.jpg"] });
    expect(await drop("b.jpg", photo("b"))).toMatchObject({ kind: "accepted" });

    expect((await contentOf("album"))?.media.map(({ name }) => name)).toEqual(["b.jpg", "a.jpg"]);
    expect(allTasks()).toHaveLength(1);
    expect(await dropOf("a")).toBeUndefined();
    expect((await dropOf("album"))?.missing).toBeUndefined();
    expect(intake.sent).toEqual([]);
  });

  it("that arrive just while they are found missing are not waited for a day", async () => {
    const context: { late?: () => Promise<unknown> } = {};
    const { drop, folder } = await setUp({
      drops: (drops) => ({
        ...drops,
        // The event of the file is handled between the first look for it and the note that it is expected.
        async expect(...args) {
          await context.late?.();
          await drops.expect(...args);
        },
      }),
    });
    context.late = async () => folder.put("drop/default/cover.jpg", PHOTO);
    expect(await drop("post.md", "---\nmedia: [cover.jpg]\n---\nCover")).toMatchObject({ kind: "accepted" });
  });

  it("that are listed but came first and alone belong to the post, not to one of their own", async () => {
    const { drop, settle, settleAfter, dropOf, clock } = await setUp();
    await drop("cover.jpg", PHOTO);
    await drop("post.md", "---\nmedia: [cover.jpg]\n---\nCover");
    expect(await dropOf("post")).toMatchObject({ status: "accepted" });
    expect(await settleAfter("cover")).toEqual({ kind: "part-of-another" });
    expect(await dropOf("cover")).not.toHaveProperty("reason");
    expect(await dropOf("cover")).not.toHaveProperty("wakeAt");
    clock.advance(DAY_MS);
    expect(await settle("cover")).toEqual({ kind: "part-of-another" });
  });

  it("that were told to wait are told where they went", async () => {
    const { drop, settle, settleAfter, dropOf } = await setUp();
    await drop("cover.jpg", PHOTO);
    expect(await settleAfter("cover")).toEqual({ kind: "waiting", code: "waiting-for-sidecar" });
    await drop("post.md", "---\nmedia: [cover.jpg]\n---\nCover");
    await settle("cover");
    expect(await dropOf("cover")).toMatchObject({ status: "accepted", reason: { code: "part-of-another" } });
  });

  it("without a text wait a day, then fail", async () => {
    const { drop, settle, settleAfter, dropOf, clock, rest } = await setUp();
    const before = rest();
    await drop("trip.jpg", PHOTO);
    await settleAfter("trip");
    expect(await dropOf("trip")).toMatchObject({
      status: "waiting",
      wakeAt: new Date("2026-12-02T01:00:00.000Z"),
    });
    clock.set("2026-12-02T00:59:59.999Z");
    expect(await settle("trip")).toMatchObject({ kind: "waiting" });
    clock.set("2026-12-02T01:00:00.000Z");
    expect(await settle("trip")).toEqual({ kind: "failed", code: "no-sidecar" });
    expect(await dropOf("trip")).toMatchObject({ status: "failed", file: "trip.jpg" });
    expect(await dropOf("trip")).not.toHaveProperty("wakeAt");
    expect(rest()).toEqual(before);
  });

  it("that never come fail their post after a day, by name", async () => {
    const { drop, settle, clock, dropOf, rest } = await setUp();
    const before = rest();
    await drop("post.md", "---\nmedia: [cover.jpg]\n---\nCover");
    clock.advance(DAY_MS);
    expect(await settle("post")).toEqual({ kind: "failed", code: "missing-media" });
    expect(await dropOf("post")).toMatchObject({
      reason: { message: expect.stringContaining("“cover.jpg”") },
    });
    expect(rest()).toEqual(before);
  });

  it("are found under either spelling of their accents", async () => {
    const { drop } = await setUp();
    await drop("post.md", `---\nmedia: ["${"café".normalize("NFC")}.jpg"]\n---\nCafé`);
    expect(await drop(`${"café".normalize("NFD")}.jpg`, PHOTO)).toMatchObject({ kind: "accepted" });
  });

  it("with a number belong to the sidecar that has it in its name", async () => {
    const { drop, settleAfter, contentOf, dropOf } = await setUp();
    await drop("v1.2.md", "Version 1.2");
    await drop("v1.2.jpg", PHOTO);
    expect(await settleAfter("v1.2")).toMatchObject({ kind: "accepted" });
    expect((await contentOf("v1.2"))?.media).toHaveLength(1);
    expect(await dropOf("v1")).toBeUndefined();
  });

  it("may stand alone where the text is empty", async () => {
    const { drop, settleAfter, contentOf } = await setUp();
    await drop("photo.md", "---\naltText: A kite\n---\n");
    await drop("photo.jpg", PHOTO);
    expect(await settleAfter("photo")).toMatchObject({ kind: "accepted" });
    expect(await contentOf("photo")).toMatchObject({ parts: [{ text: "" }], media: [{ altText: "A kite" }] });
  });

  it("are read once, also where their event comes again", async () => {
    const { drop, settleAfter, inspect, run } = await setUp();
    await drop("trip.jpg", PHOTO);
    await drop("trip.md", "Trip");
    await settleAfter("trip");
    await run({ kind: "file", key: "drop/default/trip.jpg" });
    expect(await settleAfter("trip")).toMatchObject({ kind: "unchanged" });
    expect(inspect).toHaveBeenCalledOnce();
  });

  it("that are replaced while they are read are read again", async () => {
    const { drop, settleAfter, inspect, contentOf } = await setUp();
    await drop("trip.jpg", PHOTO);
    await drop("trip.md", "Trip");
    inspect.mockResolvedValueOnce(err({ reason: "changed" }));
    expect(await settleAfter("trip")).toMatchObject({ kind: "accepted" });
    expect((await contentOf("trip"))?.media).toHaveLength(1);
  });
});

describe("bad input leaves a reason and nothing else", () => {
  const exe = Buffer.from(`MZ${"\0".repeat(200)}This program cannot be run in DOS mode.`, "latin1");
  const cases: readonly (readonly [
    what: string,
    code: string,
    files: Readonly<Record<string, string | Uint8Array>>,
  ])[] = [
    ["an unknown field", "unknown-field", { "a.md": "---\npublshAt: now\n---\nx" }],
    ["malformed front matter", "malformed-front-matter", { "a.md": "---\npublishAt: [\n---\nx" }],
    ["a time beyond the late policy", "slot-passed", { "a.md": "---\npublishAt: 2026-12-01 08:00\n---\nx" }],
    ["a time years ahead", "too-far-ahead", { "a.md": "---\npublishAt: 2036-12-01 08:00\n---\nx" }],
    ["a day that does not exist", "bad-time", { "a.md": "---\npublishAt: 2027-02-30 08:00\n---\nx" }],
    ["an unknown account", "unknown-account", { "a.md": "---\naccount: nobody\n---\nx" }],
    ["an account of another project", "foreign-account", { "a.md": "---\naccount: shop\n---\nx" }],
    ["an account of another owner", "unknown-account", { "a.md": "---\naccount: stranger\n---\nx" }],
    ["300 weighted characters", "text-too-long", { "a.txt": "中".repeat(150) }],
    ["half a character in JSON", "invalid-text", { "a.json": '{ "text": "x\\ud800" }' }],
    ["invalid UTF-8", "invalid-utf8", { "a.md": Uint8Array.of(0x63, 0xe9) }],
    ["a 0-byte text", "empty-file", { "a.md": "" }],
    ["a 1 MiB text", "sidecar-too-large", { "a.txt": "a".repeat(1_048_576) }],
    ["nothing to post", "empty-post", { "a.md": `${EXPLICIT}\n` }],
    ["two sidecars", "two-sidecars", { "a.md": "x", "a.txt": "y" }],
    ["an empty medium", "media-empty", { "a.md": "x", "a.jpg": new Uint8Array() }],
    ["a truncated medium", "media-truncated", { "a.md": "x", "a.jpg": PHOTO.subarray(0, PHOTO.length - 40) }],
    ["an .exe named .jpg", "media-type-mismatch", { "a.md": "x", "a.jpg": exe }],
    [
      "five photos",
      "too-many-photos",
      { "a.md": "x", ...Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`a.${n}.jpg`, photo(`${n}`)])) },
    ],
    ["a photo and a video", "mixed-media", { "a.md": "x", "a.1.jpg": PHOTO, "a.2.mp4": CLIP }],
    [
      "more alternative texts than media",
      "alt-text-unmatched",
      { "a.md": "---\naltText: [a, b]\n---\nx", "a.jpg": PHOTO },
    ],
    ["a listed file of another folder", "invalid-field", { "a.md": "---\nmedia: [../theirs/b.jpg]\n---\nx" }],
  ];

  it.each(cases)("%s: %s", async (_, code, files) => {
    const { drop, settleAfter, dropOf, rest, dispatch } = await setUp();
    const before = rest();
    for (const [name, body] of Object.entries(files)) await drop(name, body);

    expect(await settleAfter("a")).toEqual({ kind: "failed", code });

    const dropped = await dropOf("a");
    expect(dropped).toMatchObject({
      status: "failed",
      reason: { code, remedy: expect.stringMatching(/\w/) },
    });
    expect(dropped?.file).toMatch(/^a\./);
    expect(dropped).not.toHaveProperty("taskId");
    expect(dropped).not.toHaveProperty("wakeAt");
    expect(rest()).toEqual(before);
    expect(dispatch).toMatchObject({ enqueued: [], scheduled: [] });
  });

  it("is told at once where nothing that may still come can help", async () => {
    const { drop } = await setUp();
    expect(await drop("a.md", "---\npublshAt: now\n---\nx")).toEqual({
      kind: "failed",
      code: "unknown-field",
    });
    expect(await drop("b.txt", "中".repeat(150))).toEqual({ kind: "failed", code: "text-too-long" });
  });

  it("does not read a text that is too large, nor media of a post that has too many", async () => {
    const { drop, settleAfter, folder, inspect } = await setUp();
    await drop("big.txt", "a".repeat(1_048_576));
    expect(folder.readNames).toEqual([]);
    for (const number of [1, 2, 3, 4, 5]) await drop(`a.${number}.jpg`, photo(`${number}`));
    await drop("a.md", "x");
    await settleAfter("a");
    expect(inspect).not.toHaveBeenCalled();
  });

  it("names the known projects where there is no such project", async () => {
    const { drop, dropOf, rest } = await setUp();
    const before = rest();
    expect(await drop("a.txt", "Hello", "defualt")).toEqual({ kind: "failed", code: "unknown-project" });
    expect(await dropOf("a", "defualt")).toMatchObject({
      status: "failed",
      reason: { message: expect.stringContaining("“default”, “other” and “theirs”") },
    });
    expect(rest()).toEqual(before);
  });

  it("names the accounts of the project, not those of others", async () => {
    const { drop, dropOf } = await setUp();
    await drop("a.md", "---\naccount: nobody\n---\nx");
    const remedy = (await dropOf("a"))?.reason?.remedy;
    expect(remedy).toContain("“main” and “second”");
    expect(remedy).not.toContain("stranger");
  });

  it("reports a name that leaves its folder under one that cannot", async () => {
    const { run, store } = await setUp();
    expect(await run({ kind: "file", key: "drop/default/../../中文 name.md" })).toEqual({
      kind: "failed",
      code: "unsafe-name",
    });
    expect(Object.values(store.snapshot()["drops"] as object)).toMatchObject([
      { project: "default", base: expect.stringMatching(/^~/), status: "failed", file: "../../中文 name.md" },
    ]);
  });

  it("takes names with spaces and Chinese", async () => {
    const { drop, taskOf } = await setUp();
    await drop("周末 放 风筝.md", `${EXPLICIT}x`);
    expect(await taskOf("周末 放 风筝")).toMatchObject({ source: { file: "周末 放 风筝.md" } });
  });

  it("is no obstacle once it is corrected", async () => {
    const { drop, dropOf } = await setUp();
    await drop("a.md", "---\npublshAt: now\nmedia: []\n---\nx");
    expect(await drop("a.md", "---\npublishAt: now\nmedia: []\n---\nx")).toMatchObject({ kind: "accepted" });
    expect(await dropOf("a")).not.toHaveProperty("reason");
  });

  it("is told once: looking again writes nothing", async () => {
    const { drop, settle, dropOf, store } = await setUp();
    await drop("a.md", "---\npublshAt: now\n---\nx");
    const before = store.snapshot();
    await settle("a");
    expect(store.snapshot()).toEqual(before);
    expect((await dropOf("a"))?.version).toBe(2);
  });

  it("ignores what nobody dropped as a post", async () => {
    const { run, store } = await setUp();
    for (const key of ["drop/default/", "drop/default/.DS_Store", "outcome/default/a.json"])
      expect(await run({ kind: "file", key })).toEqual({ kind: "ignored" });
    expect(store.snapshot()["drops"]).toEqual({});
  });
});

describe("new content under the same name", () => {
  const LATER = "---\npublishAt: 2026-12-01 12:00\nmedia: []\n---\n";
  const start = async () => {
    const context = await setUp();
    await context.drop("a.md", `${LATER}First`);
    const change = (move: (task: Task) => Task) =>
      context.taskOf("a").then((task) => context.tasks.save(move(task)));
    return { ...context, change };
  };
  const intent = { attemptId: asAttemptId("attempt"), requestHash: "hash" };
  const NO = { code: "refused-by-x", message: "X said no.", remedy: "Change it." };

  it("is a new revision until it is posted", async () => {
    const { drop, taskOf, contentOf, allTasks, dispatch } = await start();
    const first = await taskOf("a");

    expect(
      await drop("a.md", "---\npublishAt: 2026-12-01 13:00\nmedia: []\n---\none\n---\ntwo"),
    ).toMatchObject({
      kind: "revised",
      taskId: first.id,
      slotAt: new Date("2026-12-01T05:00:00Z"),
    });

    expect(await taskOf("a")).toMatchObject({ rev: 2, contentRev: 2, arm: 2, partCount: 2 });
    expect((await contentOf("a"))?.parts).toEqual([{ text: "one" }, { text: "two" }]);
    expect(allTasks()).toHaveLength(1);
    expect(dispatch.scheduled.map(({ message }) => [message.rev, message.arm])).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  it("includes media that come late", async () => {
    const { drop, settleAfter, contentOf } = await setUp();
    await drop("a.md", "---\npublishAt: 2026-12-01 12:00\n---\nText");
    await settleAfter("a");
    await drop("a.jpg", PHOTO);
    expect(await settleAfter("a")).toMatchObject({ kind: "revised" });
    expect(await contentOf("a")).toMatchObject({ rev: 2, media: [{ name: "a.jpg" }] });
  });

  it("includes a listed file that is replaced", async () => {
    const { drop, contentOf } = await setUp();
    await drop("cover.jpg", photo("old"));
    await drop("a.md", "---\npublishAt: 2026-12-01 12:00\nmedia: [cover.jpg]\n---\nText");
    expect(await drop("cover.jpg", photo("new"))).toMatchObject({
      kind: expect.stringMatching(/revised|part/),
    });
    expect((await contentOf("a"))?.media).toMatchObject([{ sha256: sha256Of(photo("new")) }]);
  });

  it.each([
    ["being posted", (task: Task) => startPosting(task, task.updatedAt, intent), "in-flight"],
    [
      "unknown",
      (task: Task) => {
        const posting = startPosting(task, task.updatedAt, intent);
        return { ...markUnknown(posting, task.updatedAt, NO), version: task.version + 1 };
      },
      "in-flight",
    ],
    [
      "published",
      (task: Task) => {
        const posting = startPosting(task, task.updatedAt, intent);
        const posted = recordPosted(posting, task.updatedAt, { postId: "1", sentAt: task.updatedAt });
        return { ...posted, version: task.version + 1 };
      },
      "already-posted",
    ],
    [
      "held in doubt",
      (task: Task) => {
        const posting = startPosting(task, task.updatedAt, intent);
        const lost = markUnknown(posting, task.updatedAt, NO);
        const reason = { code: "outcome-unreadable", message: "x", remedy: "y" };
        return { ...stop(lost, task.updatedAt, "held", reason), version: task.version + 1 };
      },
      "in-flight",
    ],
    [
      "a thread of which a part is posted",
      (task: Task) => {
        const posting = startPosting({ ...task, partCount: 2 }, task.updatedAt, intent);
        const posted = recordPosted(posting, task.updatedAt, { postId: "1", sentAt: task.updatedAt });
        return { ...posted, version: task.version + 1 };
      },
      "in-flight",
    ],
  ])("is only reported where the task is %s", async (_, move, code) => {
    const { drop, change, taskOf, dropOf, dispatch } = await start();
    expect(await change(move)).toMatchObject({ ok: true });
    const before = await taskOf("a");
    const sent = dispatch.scheduled.length + dispatch.enqueued.length;

    expect(await drop("a.md", `${LATER}Second`)).toEqual({ kind: "not-used", code });

    expect(await taskOf("a")).toEqual(before);
    expect(await dropOf("a")).toMatchObject({ status: "accepted", reason: { code } });
    expect(dispatch.scheduled.length + dispatch.enqueued.length).toBe(sent);
  });

  it.each([
    ["failed", (task: Task) => stop(task, task.updatedAt, "failed", NO)],
    ["missed", (task: Task) => stop(task, task.updatedAt, "missed", NO)],
    ["cancelled", (task: Task) => cancel(task, task.updatedAt)],
  ])("is another task where the first one was %s and nothing was posted", async (status, move) => {
    const { drop, change, taskOf, allTasks } = await start();
    await change(move);
    const first = await taskOf("a");
    expect(await drop("a.md", `${LATER}Second`)).toMatchObject({ kind: "accepted" });
    expect(first.status).toBe(status);
    expect(await taskOf("a")).toMatchObject({ status: "pending", rev: 1 });
    expect(allTasks()).toHaveLength(2);
  });

  it("takes a held task up again", async () => {
    const { drop, change, taskOf } = await start();
    await change((task) => stop(task, task.updatedAt, "held", NO));
    await drop("a.md", `${LATER}Second`);
    expect(await taskOf("a")).toMatchObject({ status: "pending", rev: 2 });
  });

  it("without its text leaves the accepted post as it is", async () => {
    const { drop, settleAfter, folder, taskOf, dropOf } = await start();
    const before = await taskOf("a");
    folder.delete("drop/default/a.md");
    await drop("a.jpg", PHOTO);
    expect(await settleAfter("a")).toEqual({ kind: "not-used", code: "no-sidecar" });
    expect(await taskOf("a")).toEqual(before);
    expect(await dropOf("a")).toMatchObject({ status: "accepted", taskId: before.id });
  });

  it("that is bad leaves the accepted post as it is, and says so", async () => {
    const { drop, taskOf, contentOf, dropOf } = await start();
    const before = await taskOf("a");
    expect(await drop("a.md", "---\npublshAt: now\n---\nSecond")).toEqual({
      kind: "not-used",
      code: "unknown-field",
    });
    expect(await taskOf("a")).toEqual(before);
    expect((await contentOf("a"))?.parts).toEqual([{ text: "First" }]);
    expect(await dropOf("a")).toMatchObject({
      status: "accepted",
      reason: { code: "unknown-field", message: expect.stringMatching(/^The new content is not used/) },
    });
  });

  it("clears what was reported once the first content is back", async () => {
    const { drop, dropOf } = await start();
    await drop("a.md", "---\npublshAt: now\n---\nSecond");
    expect(await drop("a.md", `${LATER}First`)).toMatchObject({ kind: "unchanged" });
    expect(await dropOf("a")).not.toHaveProperty("reason");
  });
});

describe("several at a time", () => {
  it("looks again where somebody else was faster, and makes one task", async () => {
    const { acceptDrop, folder, clock, allTasks } = await setUp();
    const key = folder.put("drop/default/a.md", `${EXPLICIT}Hello`);
    const reports = await Promise.all(
      Array.from({ length: 8 }, () => acceptDrop({ kind: "file", key }, clock.now())),
    );
    expect(reports.filter(({ kind }) => kind === "accepted")).toHaveLength(1);
    expect(reports.filter(({ kind }) => kind === "unchanged")).toHaveLength(7);
    expect(allTasks()).toHaveLength(1);
  });

  it("makes a task of each of 1,000 files, and no more than one", async () => {
    const { run, folder, clock, settle, allTasks, intake } = await setUp();
    const bases = Array.from({ length: 1_000 }, (_, index) => `post-${index}`);
    for (const base of bases) folder.put(`drop/default/${base}.txt`, `Text of ${base}`);
    await Promise.all(bases.map((base) => run({ kind: "file", key: `drop/default/${base}.txt` })));
    expect(intake.sent).toHaveLength(1_000);
    clock.advance(SETTLE_MS);
    await Promise.all([...bases, ...bases].map((base) => settle(base)));
    expect(new Set(allTasks().map(({ source }) => source.kind === "drop" && source.base)).size).toBe(1_000);
    expect(allTasks()).toHaveLength(1_000);
  });

  it("gives up by a fault where a drop never stands still, so that the message comes again", async () => {
    const { drop } = await setUp({
      drops: (drops) => ({ ...drops, save: async () => err({ reason: "stale" }) }),
    });
    await expect(drop("a.md", "x")).rejects.toMatchObject({
      code: "dependency-unavailable",
      retry: "backoff",
    });
  });

  it("ends in the same state whatever the order of the files and their events", async () => {
    const files = {
      "a.md": "---\nmedia: [a.jpg, b.jpg]\n---\nText",
      "a.jpg": photo("a"),
      "b.jpg": photo("b"),
    };
    const names = Object.keys(files) as (keyof typeof files)[];
    const orders = names.flatMap((one) =>
      names
        .filter((two) => two !== one)
        .map((two) => [one, two, ...names.filter((name) => name !== one && name !== two)]),
    );
    for (const order of orders) {
      const { drop, run, settleAfter, contentOf, allTasks } = await setUp();
      for (const name of order) {
        await drop(name, files[name as keyof typeof files]);
        await run({ kind: "file", key: `drop/default/${order[0]}` });
      }
      for (const base of ["a", "b"]) await settleAfter(base);
      expect((await contentOf("a"))?.media.map(({ name }) => name)).toEqual(["a.jpg", "b.jpg"]);
      expect(allTasks()).toHaveLength(1);
    }
  });

  it("makes one task of a video however its files are spread", async () => {
    const { drop, settleAfter, contentOf } = await setUp();
    const clip = paddedClip(CLIP.length + 5_000_000);
    await drop("clip.mp4", clip);
    await drop("clip.md", "Clip");
    await settleAfter("clip");
    expect((await contentOf("clip"))?.media).toMatchObject([
      { sha256: sha256Of(clip), sizeBytes: clip.length },
    ]);
  });
});

describe("a scan", () => {
  it("finds files whose event was lost, and leaves the others alone", async () => {
    const { drop, folder, run, allTasks, store } = await setUp();
    await drop("seen.md", `${EXPLICIT}Seen`);
    await drop("cover.jpg", PHOTO);
    await drop("listed.md", "---\nmedia: [cover.jpg]\n---\nListed");
    folder.put("drop/default/lost.md", `${EXPLICIT}Lost`);
    folder.put("drop/default/.DS_Store", "x");
    folder.put("drop/default/a/b.md", "nested");
    folder.put("drop/other/elsewhere.md", `${EXPLICIT}Elsewhere`);

    expect(await run({ kind: "scan", project: "default" })).toEqual({
      kind: "scanned",
      files: 6,
      found: 2,
      complete: true,
    });
    expect(allTasks()).toHaveLength(3);
    const before = store.snapshot();

    expect(await run({ kind: "scan", project: "default" })).toMatchObject({ found: 0 });
    expect(store.snapshot()).toEqual(before);
  });

  it("finds a file that was replaced, and a listed one that is waited for", async () => {
    const { drop, folder, run, clock, contentOf } = await setUp();
    await drop("a.md", "---\npublishAt: 2026-12-01 12:00\nmedia: []\n---\nOld");
    await drop("b.md", "---\nmedia: [cover.jpg]\n---\nWaits");
    clock.advance(60_000);
    folder.put("drop/default/a.md", "---\npublishAt: 2026-12-01 12:00\nmedia: []\n---\nNew");
    folder.put("drop/default/cover.jpg", PHOTO);

    expect(await run({ kind: "scan", project: "default" })).toMatchObject({ found: 2 });

    expect((await contentOf("a"))?.parts).toEqual([{ text: "New" }]);
    expect((await contentOf("b"))?.media).toHaveLength(1);
    expect(await run({ kind: "scan", project: "default" })).toMatchObject({ found: 0 });
  });

  it("stops at its deadline", async () => {
    const { acceptDrop, folder, clock } = await setUp();
    folder.put("drop/default/lost.md", "Lost");
    expect(await acceptDrop({ kind: "scan", project: "default" }, clock.now())).toEqual({
      kind: "scanned",
      files: 0,
      found: 0,
      complete: false,
    });
  });
});

describe("what a sidecar decides", () => {
  it("says which account may take it and what to do about a lost answer; a revision decides anew", async () => {
    const { drop, taskOf } = await setUp();
    await drop("a.md", "---\nmedia: []\naccount: any\nreconcile: hold\n---\nHello");
    expect(await taskOf("a")).toMatchObject({ pool: "open", reconcile: "hold" });
    await drop("a.md", "---\nmedia: []\n---\nHello, changed");
    const revised = await taskOf("a");
    expect(revised.rev).toBe(2);
    expect(revised).not.toHaveProperty("pool");
    expect(revised).not.toHaveProperty("reconcile");
  });
});

describe("a batch", () => {
  it("is made by the first file that names it, and a revision stays in it", async () => {
    const { drop, taskOf, batches, rest } = await setUp();
    await drop("a.md", "---\nmedia: []\nbatch: spring\n---\nHello");
    await drop("b.md", "---\nmedia: []\nbatch: ' spring '\n---\nHello again");
    const { batchId, ownerId } = await taskOf("a");
    expect(batchId && (await batches.get(batchId))).toMatchObject({ name: "spring", ownerId });
    expect((await taskOf("b")).batchId).toBe(batchId);
    await drop("a.md", "---\nmedia: []\nbatch: autumn\n---\nHello, changed");
    expect(await taskOf("a")).toMatchObject({ rev: 2, batchId });
    await drop("c.md", "---\nmedia: []\n---\nAlone");
    expect(await taskOf("c")).not.toHaveProperty("batchId");
    const before = rest();
    await drop("d.md", `---\nmedia: []\nbatch: ${"x".repeat(101)}\n---\nHello`);
    expect(rest()).toEqual(before);
  });
});

describe("what recurs", () => {
  const daily = (text: string, over = "") =>
    `---\nrecurrence: FREQ=DAILY;COUNT=5\npublishAt: 2026-12-02 09:00\nmedia: []\n${over}---\n${text}`;

  it("makes tasks of its next occurrences, and tells when the next one is", async () => {
    const { drop, dropOf, recurrences, allTasks, tasks } = await setUp();
    const report = await drop("tip.md", daily("Tip one", "variants: [Tip two]\n"));
    const dropped = await dropOf("tip");
    expect(report).toEqual({ kind: "recurs", recurrenceId: dropped?.recurrenceId });
    expect(dropped).toMatchObject({ status: "accepted", reason: { code: "recurs" } });
    expect(dropped).not.toHaveProperty("taskId");
    const stored = dropped?.recurrenceId && (await recurrences.get(dropped.recurrenceId));
    expect(stored).toMatchObject({ recurrence: { name: "tip", status: "active", rev: 1 } });

    const made = allTasks().toSorted((a, b) => a.slotAt.getTime() - b.slotAt.getTime());
    expect(made).toHaveLength(5);
    const texts = await Promise.all(made.map(async (task) => (await tasks.getContent(task))?.parts[0]?.text));
    expect(texts).toEqual(["Tip one", "Tip two", "Tip one", "Tip two", "Tip one"]);
  });

  it("attaches its media to every occurrence", async () => {
    const { drop, allTasks, tasks } = await setUp();
    await drop("tide.jpg", PHOTO);
    await drop("tide.md", daily("Tide").replace("media: []", "media: [tide.jpg]"));
    const contents = await Promise.all(allTasks().map((task) => tasks.getContent(task)));
    expect(contents.map((content) => content?.media.map(({ name }) => name))).toEqual(
      Array.from({ length: 5 }, () => ["tide.jpg"]),
    );
  });

  it("changes nothing when the same is dropped again, and only what is ahead when it was changed", async () => {
    const { drop, dropOf, run, clock, allTasks, tasks, recurrences } = await setUp();
    await drop("tip.md", daily("Old"));
    const key = "drop/default/tip.md";
    const before = allTasks();
    expect(await run({ kind: "file", key })).toMatchObject({ kind: "recurs" });
    expect(allTasks()).toEqual(before);

    clock.set("2026-12-03T12:00:00Z");
    const { recurrenceId } = (await dropOf("tip")) ?? {};
    await drop("tip.md", daily("New"));
    expect((await dropOf("tip"))?.recurrenceId).toBe(recurrenceId);
    expect(recurrenceId && (await recurrences.get(recurrenceId))).toMatchObject({ recurrence: { rev: 2 } });
    const texts = await Promise.all(
      allTasks()
        .toSorted((a, b) => a.slotAt.getTime() - b.slotAt.getTime())
        .map(async (task) => (await tasks.getContent(task))?.parts[0]?.text),
    );
    expect(texts).toEqual(["Old", "Old", "New", "New", "New"]);
  });

  it.each([
    ["recurrence: FREQ=SOMETIMES", "bad-rule"],
    ["recurrence: FREQ=DAILY\nstrategy: optimal", "recurrence-mixed"],
    ["recurrence: FREQ=DAILY\nenhance: true", "recurrence-mixed"],
    ["variants: [One more]", "recurrence-mixed"],
  ])("is refused with %j", async (fields, code) => {
    const { drop, dropOf, rest } = await setUp();
    const before = rest();
    await drop("bad.md", `---\n${fields}\nmedia: []\n---\nText`);
    expect(await dropOf("bad")).toMatchObject({ status: "failed", reason: { code } });
    expect(rest()).toEqual(before);
  });

  it("cannot take the place of a single post, nor the other way round", async () => {
    const { drop, dropOf, taskOf } = await setUp();
    await drop("once.md", `${EXPLICIT}Once`);
    const task = await taskOf("once");
    await drop("once.md", daily("Often"));
    expect(await dropOf("once")).toMatchObject({ taskId: task.id, reason: { code: "other-kind" } });
    await drop("often.md", daily("Often"));
    await drop("often.md", `${EXPLICIT}Once`);
    expect(await dropOf("often")).toMatchObject({ status: "accepted", reason: { code: "other-kind" } });
  });

  it("is not brought back by its file once it was deleted", async () => {
    const { drop, dropOf, recurrences } = await setUp();
    await drop("tip.md", daily("Old"));
    const { recurrenceId } = (await dropOf("tip")) ?? {};
    const stored = recurrenceId && (await recurrences.get(recurrenceId));
    if (!stored) throw new Error("nothing recurs");
    const { recurrence } = stored;
    await recurrences.save({ ...recurrence, status: "deleted", version: recurrence.version + 1 });
    await drop("tip.md", daily("New"));
    expect(await dropOf("tip")).toMatchObject({ reason: { code: "recurrence-deleted" } });
  });

  it("stays one recurrence when its file is replaced while it is looked at", async () => {
    const { drop, dropOf, folder, recurrences, run, keepRecurrence, placeWith, ...deps } = await setUp();
    let isFirst = true;
    const acceptDrop = createAcceptDrop({
      ...deps,
      folder,
      placePost: placeWith(() => Promise.reject(new Error("no single post"))),
      async keepRecurrence(...wished) {
        if (isFirst) {
          isFirst = false;
          // The worker dies here; meanwhile the file is corrected.
          await keepRecurrence(...wished);
          throw new Error("killed");
        }
        return keepRecurrence(...wished);
      },
    });
    const deadline = new Date("2026-12-01T02:00:00Z");
    const key = folder.put("drop/default/tip.md", daily("Old"));
    await expect(acceptDrop({ kind: "file", key }, deadline)).rejects.toThrow("killed");
    const first = (await dropOf("tip"))?.recurrenceId;
    folder.put("drop/default/tip.md", daily("New"));
    expect(await acceptDrop({ kind: "file", key }, deadline)).toEqual({
      kind: "recurs",
      recurrenceId: first,
    });
    expect(first && (await recurrences.get(first))).toMatchObject({
      content: { variants: [[{ text: "New" }]] },
    });
    const { items } = await recurrences.listByOwner(ownerId, { limit: 10 });
    expect(items.map(({ id }) => id)).toEqual([first]);
  });
});

describe("a folder with defaults", () => {
  const DEFAULTS: SourceDefaults = {
    account: "second",
    priority: 2,
    language: "en",
    latePolicy: { postWithinMs: 60_000, then: "hold" },
    reconcile: "hold",
    reuseMedia: true,
  };
  async function press(defaults: SourceDefaults = DEFAULTS) {
    const world = await setUp();
    const project = aProject("default", ["main", "second"]);
    await world.accounts.addSource(newSource("press", project.id, defaults), project);
    const taskIn = async (base: string) => {
      const taskId = (await world.dropOf(base, "press"))?.taskId;
      const task = taskId && (await world.store.tasks.get(taskId));
      if (!task) throw new Error(`${base} has no task`);
      return task;
    };
    return { ...world, taskIn };
  }

  it("says what its files do not, and nothing against them", async () => {
    const { drop, taskIn } = await press();
    await drop("short.md", `${EXPLICIT}Hello`, "press");
    expect(await taskIn("short")).toMatchObject({
      projectId: asProjectId("id-of-default"),
      accountId: asAccountId("id-of-second"),
      priority: 2,
      language: "en",
      latePolicy: { postWithinMs: 60_000, then: "hold" },
      reconcile: "hold",
      source: { kind: "drop", base: "short", file: "short.md", folder: "press" },
    });
    await drop(
      "long.md",
      "---\nmedia: []\naccount: main\npriority: 9\nlanguage: fr\nlatePolicy: { then: missed }\nreconcile: repost\n---\nAllô",
      "press",
    );
    expect(await taskIn("long")).toMatchObject({
      accountId: asAccountId("id-of-main"),
      priority: 9,
      language: "fr",
      latePolicy: { then: "missed" },
      reconcile: "repost",
    });
  });

  it("chooses the slot of a file that names no time, and of no other", async () => {
    const { drop, taskIn } = await press({ strategy: "optimal" });
    await drop("whenever.md", `${EXPLICIT}Whenever`, "press");
    expect(await taskIn("whenever")).toMatchObject({ strategy: "optimal" });
    await drop("then.md", "---\nmedia: []\npublishAt: 2026-12-01 12:00\n---\nThen", "press");
    expect(await taskIn("then")).toMatchObject({ slotAt: new Date("2026-12-01T04:00:00Z") });
    expect(await taskIn("then")).not.toMatchObject({ strategy: "optimal" });
    const daily = "---\nmedia: []\nrecurrence: FREQ=DAILY\npublishAt: 2026-12-02 09:00\n---\nDaily";
    expect(await drop("daily.md", daily, "press")).toMatchObject({ kind: "recurs" });
  });

  it("has no say in the folder of another source of the project", async () => {
    const { drop, taskOf } = await press();
    await drop("plain.md", `${EXPLICIT}Plain`);
    expect(await taskOf("plain")).toMatchObject({
      accountId: asAccountId("id-of-main"),
      priority: 5,
      source: { kind: "drop", base: "plain", file: "plain.md" },
    });
    expect((await taskOf("plain")).source).not.toHaveProperty("folder");
  });

  it("that is switched off leaves files alone until it is on and looked through again", async () => {
    const { drop, dropOf, accounts, run, allTasks, clock } = await press();
    const source = await accounts.getSource("press");
    if (!source) throw new Error("there is no source");
    await accounts.saveSource({ ...source, enabled: false, version: 2 });
    expect(await drop("later.md", `${EXPLICIT}Later`, "press")).toEqual({ kind: "ignored" });
    clock.advance(1_000);
    expect(await run({ kind: "scan", project: "press" })).toMatchObject({ kind: "scanned" });
    expect([await dropOf("later", "press"), allTasks()]).toEqual([undefined, []]);
    await accounts.saveSource({ ...source, enabled: true, version: 3 });
    expect(await run({ kind: "scan", project: "press" })).toMatchObject({ found: 1 });
    expect(allTasks()).toHaveLength(1);
  });

  it("that was let go of takes nothing more", async () => {
    const { drop, dropOf, accounts, allTasks } = await press();
    const source = await accounts.getSource("press");
    if (source) await accounts.removeSource(source, aProject("default", ["main"]));
    await drop("late.md", `${EXPLICIT}Late`, "press");
    expect(await dropOf("late", "press")).toMatchObject({ reason: { code: "unknown-project" } });
    expect(allTasks()).toEqual([]);
  });
});
