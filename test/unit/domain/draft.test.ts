import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  approved,
  approving,
  asDraftId,
  type Draft,
  decideApproval,
  deletedDraft,
  editDraft,
  MAX_DRAFT_TEXT,
  newDraft,
} from "#shared/domain/draft.ts";
import { asOwnerId, asProjectId, asTaskId } from "#shared/domain/ids.ts";
import { asMediaId } from "#shared/domain/stored-media.ts";

const NOW = new Date("2026-12-01T01:00:00Z");
const LATER = new Date("2026-12-01T02:00:00Z");
const projectId = asProjectId("p");
const content = { projectId, media: [], language: "zh" };
const made = (over: object = {}) =>
  newDraft(asDraftId("d"), asOwnerId("anne"), { ...content, text: "a", ...over }, NOW);
const aDraft = (over: object = {}): Draft => {
  const draft = made(over);
  if (!draft.ok) throw new Error(draft.error.reason);
  return draft.value;
};

describe("a draft", () => {
  it("has at least a text, a thread, a medium or notes", () => {
    const empty = newDraft(asDraftId("d"), asOwnerId("anne"), content, NOW);
    expect(empty).toEqual({ ok: false, error: { reason: "empty" } });
    for (const some of [{ thread: ["a"] }, { notes: "n" }, { media: [{ id: asMediaId("m") }] }])
      expect(newDraft(asDraftId("d"), asOwnerId("anne"), { ...content, ...some }, NOW).ok).toBe(true);
  });

  it("may have texts up to the limit together, and not one character more", () => {
    const half = "x".repeat(MAX_DRAFT_TEXT / 2);
    expect(made({ text: undefined, thread: [half, half] }).ok).toBe(true);
    expect(made({ text: undefined, thread: [half, `${half}x`] })).toEqual({
      ok: false,
      error: { reason: "too-long", length: MAX_DRAFT_TEXT + 1, limit: MAX_DRAFT_TEXT },
    });
  });

  it("keeps what a change does not name, and loses what it sets to null", () => {
    const draft = aDraft({ notes: "n" });
    expect(editDraft(draft, { language: "en" }, LATER)).toEqual({
      ok: true,
      value: { ...draft, language: "en", updatedAt: LATER, version: 2 },
    });
    const bare = editDraft(draft, { notes: null }, LATER);
    expect(bare.ok && bare.value).not.toHaveProperty("notes");
    expect(editDraft(aDraft(), { text: null }, LATER)).toEqual({ ok: false, error: { reason: "empty" } });
  });

  it("has a text or a thread, whatever it is changed to", () => {
    const change = fc.record(
      {
        text: fc.option(fc.string()),
        thread: fc.option(fc.array(fc.string(), { minLength: 1 })),
        notes: fc.constant("n"),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 5 }), (changes) => {
        let draft = aDraft({ notes: "n" });
        for (const one of changes) {
          const edited = editDraft(draft, one, LATER);
          if (edited.ok) draft = edited.value;
          expect(draft.text === undefined || draft.thread === undefined).toBe(true);
          if (edited.ok && typeof one.text === "string" && one.thread === undefined)
            expect(draft.text).toBe(one.text);
        }
      }),
    );
  });

  it("leaves nothing of what it said when it is deleted", () => {
    const gone = deletedDraft(aDraft({ notes: "n", media: [{ id: asMediaId("m") }] }), LATER);
    expect(gone).toMatchObject({ deletedAt: LATER, media: [], version: 2 });
    for (const field of ["text", "thread", "notes"]) expect(gone).not.toHaveProperty(field);
  });
});

describe("an approval", () => {
  const taskId = asTaskId("t");
  const nextTaskId = asTaskId("u");
  it.each([
    ["begins", {}, false, { kind: "begin" }],
    ["begins, asked for again or not", {}, true, { kind: "begin" }],
    ["goes on with the id that is noted", { nextTaskId }, false, { kind: "resume", taskId: nextTaskId }],
    [
      "goes on with it also when asked for again",
      { nextTaskId },
      true,
      { kind: "resume", taskId: nextTaskId },
    ],
    ["is over", { taskId }, false, { kind: "approved", taskId }],
    ["begins anew when asked for again", { taskId }, true, { kind: "begin" }],
    ["is over, whatever became of another one", { taskId, nextTaskId }, false, { kind: "approved", taskId }],
    ["goes on with the other one", { taskId, nextTaskId }, true, { kind: "resume", taskId: nextTaskId }],
  ] as const)("%s", (_, over, again, decision) => {
    expect(decideApproval({ ...aDraft(), ...over }, again)).toEqual(decision);
  });

  it("keeps the task before until the next one is there", () => {
    const begun = approving({ ...aDraft(), taskId }, nextTaskId, LATER);
    expect(begun).toMatchObject({ taskId, nextTaskId, version: 2, updatedAt: LATER });
    const done = approved(begun, LATER);
    expect(done).toMatchObject({ taskId: nextTaskId, version: 3 });
    expect(done).not.toHaveProperty("nextTaskId");
  });
});
