import { describe, expect, it } from "vitest";
import { asAccountId, type TaskId } from "#shared/domain/ids.ts";
import {
  droppedRecurrenceId,
  type Instance,
  instanceTaskId,
  leaveOut,
  type NotesInput,
  planNotes,
  taskHash,
  toLookUp,
} from "#shared/domain/recurrence/instance.ts";
import { listWishes, type Recurrence } from "#shared/domain/recurrence/recurrence.ts";
import type { Task } from "#shared/domain/task.ts";
import { aContent, aMedium, aTask } from "#test/support/builders.ts";
import { aRecurrence, aRecurrenceContent } from "#test/support/recurrences.ts";

const NOW = new Date("2026-11-30T10:00:00Z");
const DAYS_4 = new Date("2026-12-04T10:00:00Z");

const recurrence = aRecurrence();
const content = aRecurrenceContent(recurrence);
/** Of 1 to 4 December, at nine. */
const wishes = listWishes(recurrence, content, { after: NOW, until: DAYS_4 });

const plan = (over: Partial<NotesInput> = {}): readonly Instance[] =>
  planNotes({ recurrence, content, now: NOW, wishes, noted: [], tasks: new Map(), ...over });

const settled = (notes: readonly Instance[]): readonly Instance[] =>
  notes.map((note) => ({ ...note, state: "settled" }));

const first = plan();
/** The first note, which every test has. */
function head(notes: readonly Instance[]): Instance {
  const [note] = notes;
  if (!note) throw new RangeError("there is no note");
  return note;
}
const tasksOf = (...found: readonly Task[]): ReadonlyMap<TaskId, Task> =>
  new Map(found.map((task) => [task.id, task]));

describe("the notes of a new recurrence", () => {
  it("are one per wish, by time, each with the only id that its task can have", () => {
    expect(first.map(({ local }) => local)).toEqual([
      "2026-12-01T09:00:00",
      "2026-12-02T09:00:00",
      "2026-12-03T09:00:00",
      "2026-12-04T09:00:00",
    ]);
    for (const note of first)
      expect(note).toMatchObject({
        recurrenceId: recurrence.id,
        taskId: instanceTaskId(recurrence.id, note.local, 0),
        generation: 0,
        wish: "post",
        state: "open",
        publishAt: new Date(`${note.local}Z`),
      });
  });

  it("are not written again", () => {
    expect(plan({ noted: first })).toEqual([]);
    expect(plan({ noted: settled(first) })).toEqual([]);
  });
});

describe("a change of the recurrence", () => {
  const changes: readonly (readonly [string, Partial<Recurrence>, boolean])[] = [
    ["the account", { accountId: asAccountId("account-2") }, true],
    ["the priority", { priority: 1 }, true],
    ["the language", { language: "zh" }, true],
    ["how late it may be", { latePolicy: { ...recurrence.latePolicy, postWithinMs: 1 } }, true],
    ["what then", { latePolicy: { ...recurrence.latePolicy, then: "hold" } }, true],
    ["what to do in doubt", { reconcile: "hold" }, true],
    ["its name", { name: "Good evening" }, false],
  ];

  it.each(changes)("of %s is followed by every note ahead, if posts say it", (_, over, isSaid) => {
    const notes = plan({ recurrence: { ...recurrence, ...over }, noted: settled(first) });
    expect(notes.map(({ taskId, state }) => [taskId, state])).toEqual(
      isSaid ? first.map(({ taskId }) => [taskId, "open"]) : [],
    );
  });

  it("of a text or a medium is followed where it is posted", () => {
    const says = (...texts: readonly string[]) => {
      const changed = { ...content, variants: texts.map((text) => [{ text }]) };
      return plan({
        wishes: listWishes(recurrence, changed, { after: NOW, until: DAYS_4 }),
        noted: settled(first),
      }).map(({ local }) => local.slice(0, 10));
    };
    expect(says("one", "two", "three")).toEqual([]);
    expect(says("uno", "two", "three")).toEqual(["2026-12-01", "2026-12-04"]);
    const media = [aMedium({ altText: "A kite" })];
    const with1 = plan({ content: { ...content, media } });
    expect(with1.map(({ hash }) => hash)).not.toEqual(first.map(({ hash }) => hash));
    const other = plan({ content: { ...content, media: [aMedium({ altText: "A kit" })] }, noted: with1 });
    expect(other).toHaveLength(4);
  });

  it("of the pool matters only when it stops to be one", () => {
    const any = { ...recurrence, isAny: true };
    const noted = settled(plan({ recurrence: any }));
    expect(plan({ recurrence: { ...any, accountId: asAccountId("account-2") }, noted })).toEqual([]);
    expect(plan({ noted })).toHaveLength(4);
  });

  it("moves nothing whose time has come", () => {
    const now = new Date("2026-12-01T09:00:00Z");
    const late = plan({ recurrence: { ...recurrence, priority: 1 }, noted: settled(first), now });
    expect(late.map(({ local }) => local.slice(0, 10))).toEqual(["2026-12-02", "2026-12-03", "2026-12-04"]);
  });
});

describe("what is not wished any more", () => {
  it("is cancelled, as far as it is ahead", () => {
    const now = new Date("2026-12-01T09:00:00Z");
    const notes = plan({ noted: settled(first), wishes: [], now });
    expect(notes).toEqual(first.slice(1).map((note) => ({ ...note, wish: "cancel", state: "open" })));
    expect(plan({ noted: settled(notes), wishes: [], now })).toEqual([]);
  });

  it("goes with what is wished, by time", () => {
    const [one, , three] = wishes;
    const kept = [one, three].filter((wish) => wish !== undefined);
    const noted = settled(first).filter(({ local }) => local !== one?.occurrence.local);
    expect(plan({ wishes: kept, noted }).map(({ local, wish }) => [local.slice(8, 10), wish])).toEqual([
      ["01", "post"],
      ["02", "cancel"],
      ["04", "cancel"],
    ]);
  });
});

describe("an occurrence that is wished again", () => {
  const note = head(first);
  const cancelled = { ...note, wish: "cancel" as const, state: "settled" as const };
  const rest = settled(first.slice(1));
  const again = (task?: Task) =>
    plan({ noted: [cancelled, ...rest], tasks: task ? tasksOf(task) : new Map() });

  it("gets another task when its own was cancelled for certain", () => {
    const [wished, ...others] = again(aTask({ id: note.taskId, status: "cancelled" }));
    expect(others).toEqual([]);
    expect(wished).toMatchObject({
      generation: 1,
      taskId: instanceTaskId(recurrence.id, note.local, 1),
      wish: "post",
      state: "open",
    });
  });

  const keeping: readonly (readonly [string, Partial<Task>])[] = [
    ["waits", { status: "pending" }],
    ["may be on X", { status: "cancelled", inDoubtSince: NOW }],
    ["is out in part", { status: "cancelled", posted: [{ postId: "1", sentAt: NOW }] }],
  ];
  it.each(keeping)("keeps a task that %s", (_, over) => {
    expect(again(aTask({ id: note.taskId, ...over }))).toMatchObject([
      { generation: 0, taskId: note.taskId, wish: "post", state: "open" },
    ]);
  });

  it("keeps its first id when there never was a task", () => {
    expect(again()).toMatchObject([{ generation: 0, taskId: note.taskId }]);
  });

  it("is not posted when a person cancelled its task, and is when its recurrence did", () => {
    const noted = settled(first);
    const task = aTask({ id: note.taskId, status: "pending" });
    expect(plan({ noted, tasks: tasksOf({ ...task, status: "cancelled" }) })).toEqual([]);
    expect(plan({ noted, tasks: tasksOf(leaveOut(task, NOW)) })).toMatchObject([
      { generation: 1, taskId: instanceTaskId(recurrence.id, note.local, 1) },
    ]);
  });
});

describe("notes whose task has to be looked at", () => {
  it("are those that are wished, and cancelled or open", () => {
    const [one, two, three, four] = settled(first);
    if (!one || !two || !three || !four) throw new RangeError("four notes are needed");
    const noted: readonly Instance[] = [
      one,
      { ...two, state: "open" },
      { ...three, wish: "cancel" },
      { ...four, wish: "cancel" },
    ];
    expect(toLookUp(wishes.slice(0, 3), noted)).toEqual(noted.slice(1, 3));
  });
});

describe("the hash of a task", () => {
  it("is that of its note while nobody changes it, whatever was written for it", () => {
    const note = head(first);
    const { accountId, priority, language, latePolicy } = recurrence;
    const task = aTask({ accountId, priority, language, latePolicy, publishAt: note.publishAt });
    const said = aContent(task, { parts: [{ text: "one" }], media: [] });
    expect(taskHash(task, said)).toBe(note.hash);
    const written = { ...said, parts: [{ text: "One!" }], original: said.parts };
    expect(taskHash(task, written)).toBe(note.hash);
    expect(taskHash(task, { ...said, parts: [{ text: "One!" }] })).not.toBe(note.hash);
    expect(taskHash({ ...task, pool: "open" }, said)).not.toBe(note.hash);
  });
});

describe("the id of a dropped recurrence", () => {
  it("is the file's, and another file's is another", () => {
    const id = droppedRecurrenceId(NOW, "default", "kite", "abc");
    expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(droppedRecurrenceId(NOW, "default", "kite", "abc")).toBe(id);
    const others = [
      droppedRecurrenceId(new Date(NOW.getTime() + 1), "default", "kite", "abc"),
      droppedRecurrenceId(NOW, "other", "kite", "abc"),
      droppedRecurrenceId(NOW, "default", "kit", "abc"),
      droppedRecurrenceId(NOW, "default", "kite", "abd"),
    ];
    expect(new Set([id, ...others]).size).toBe(5);
  });
});
