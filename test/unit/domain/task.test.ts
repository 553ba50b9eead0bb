import { describe, expect, it } from "vitest";
import {
  arrangedSteps,
  canBecome,
  dueAt,
  latenessMs,
  lateReason,
  mayChooseAgain,
  needsPreparation,
  TASK_STATUSES,
} from "#shared/domain/task.ts";
import { aTask } from "#test/support/builders.ts";

const slotAt = new Date("2026-12-01T01:00:00.000Z");
const at = (ms: number) => new Date(slotAt.getTime() + ms);
const posted = [{ postId: "1999", sentAt: slotAt }];

it("the life cycle has these steps, and no others", () => {
  const steps = Object.fromEntries(
    TASK_STATUSES.map((from) => [from, TASK_STATUSES.filter((to) => canBecome(from, to)).join(" ")]),
  );
  expect(steps).toEqual({
    draft: "draft pending cancelled",
    pending: "pending preparing posting retrying held failed missed cancelled",
    preparing: "pending preparing ready retrying held failed missed cancelled",
    ready: "pending ready posting retrying held failed missed cancelled",
    posting: "ready posting retrying unknown held published failed cancelled",
    retrying: "pending preparing posting retrying held failed missed cancelled",
    unknown: "ready retrying unknown held published failed cancelled",
    held: "pending held published failed cancelled",
    published: "",
    failed: "",
    missed: "",
    cancelled: "",
  });
});

describe("a task", () => {
  it("is as late as its first part went out after its slot", () => {
    expect(latenessMs(aTask({ slotAt, sentAt: at(41) }))).toBe(41);
    expect(latenessMs(aTask({ slotAt }))).toBeUndefined();
  });

  it("is due at its slot, or when the wait after it ends", () => {
    expect(dueAt({ slotAt })).toEqual(slotAt);
    expect(dueAt({ slotAt, notBeforeAt: at(1) })).toEqual(at(1));
    expect(dueAt({ slotAt, notBeforeAt: at(-1) })).toEqual(slotAt);
  });

  it.each([
    [{ mediaCount: 1 }, true],
    [{ toWrite: true as const }, true],
    [{}, false],
    [{ mediaCount: 1, posted }, false],
    [{ toWrite: true as const, posted }, false],
  ])("with %j is prepared first: %s", (over, isPrepared) => {
    const task = aTask({ mediaCount: 0, ...over });
    expect(needsPreparation(task)).toBe(isPrepared);
    expect(arrangedSteps(task)).toEqual(isPrepared ? ["prepare", "publish"] : ["publish"]);
  });

  it.each([
    [{ pool: "chosen" as const }, true],
    [{}, false],
    [{ pool: "open" as const }, false],
    [{ pool: "chosen" as const, mediaCount: 1 }, false],
    [{ pool: "chosen" as const, written: true as const }, false],
    [{ pool: "chosen" as const, posted }, false],
  ])("with %j may go to another account: %s", (over, may) => {
    expect(mayChooseAgain(aTask({ mediaCount: 0, ...over }))).toBe(may);
  });

  it("that was too late says since when, by how much, and what to do", () => {
    const task = aTask({ slotAt, latePolicy: { postWithinMs: 30 * 60_000, then: "missed" } });
    expect(lateReason(task, "missed")).toEqual({
      code: "late",
      message: "It was due at 2026-12-01T01:00:00.000Z and could not go out within 30 min.",
      remedy: expect.stringContaining("with a new time"),
    });
    expect(lateReason(task, "held").remedy).toBe("Publish it now, or cancel it.");
  });
});
