import { describe, expect, it } from "vitest";
import { asAccountId, asTaskId } from "#shared/domain/ids.ts";
import { mergeOccupied, newBoard, noteSlot } from "#shared/domain/planning/board.ts";

const account = asAccountId("anne.main");
const NOW = new Date("2026-12-01T08:00:00Z");
const at = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000);
const slot = (name: string, minutes: number) => ({
  taskId: asTaskId(name),
  at: at(minutes),
  parts: 1,
  priority: 5,
});

describe("board", () => {
  it("has the last word about a task that the list shows elsewhere", () => {
    const board = noteSlot(newBoard(account), slot("a", 90), NOW);
    const listed = [
      { id: "a", at: at(30), parts: 1 },
      { id: "b", at: at(60), parts: 2 },
    ];
    expect(mergeOccupied(listed, board, NOW)).toEqual([
      { id: "b", at: at(60), parts: 2 },
      { id: "a", at: at(90), parts: 1, priority: 5 },
    ]);
  });

  it("is not asked any more once every list shows the task", () => {
    const board = noteSlot(newBoard(account), slot("a", 90), NOW);
    expect(mergeOccupied([{ id: "a", at: at(30), parts: 1 }], board, at(2))).toEqual([
      { id: "a", at: at(30), parts: 1 },
    ]);
    expect(noteSlot(board, slot("b", 10), at(2)).noted.map(({ taskId }) => taskId)).toEqual(["b"]);
  });

  it("notes a task once, where it is now", () => {
    const board = noteSlot(noteSlot(newBoard(account), slot("a", 90), NOW), slot("a", 30), at(1));
    expect(board).toEqual({
      accountId: account,
      version: 2,
      noted: [{ ...slot("a", 30), notedAt: at(1) }],
    });
  });
});
