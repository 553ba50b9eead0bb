import { describe, expect, it, vi } from "vitest";
import { createHandler } from "#functions/expand-recurrences/handler.ts";
import { createExpandRecurrences } from "#shared/usecases/expand-recurrences.ts";
import { setUpExpanding } from "#test/support/expanding.ts";

const context = { getRemainingTimeInMillis: () => 180_000 };

describe("the function that expands recurrences", () => {
  it("expands what is due, logs numbers and no text, and stops before its time ends", async () => {
    const { put, expand, recurrences, clock, listPosts } = await setUpExpanding();
    await put();
    const deadlines: Date[] = [];
    const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    const handler = createHandler({
      clock,
      logger,
      expandRecurrences: createExpandRecurrences({
        recurrences,
        clock,
        expand: (id, bounds) => {
          deadlines.push(bounds.deadline);
          return expand(id, bounds);
        },
      }),
    });
    const report = await handler({}, context);
    expect(report).toEqual({ expanded: 1, created: 14, revised: 0, cancelled: 0, failed: 0, complete: true });
    expect(await listPosts()).toHaveLength(14);
    expect(deadlines).toEqual([new Date(clock.now().getTime() + 165_000)]);
    expect(logger.info).toHaveBeenCalledExactlyOnceWith("expansion done", report);
    expect(JSON.stringify(logger.info.mock.calls)).not.toMatch(/"(one|two|three|Good morning)"/);
  });

  it("tells of a recurrence that failed", async () => {
    const { put, recurrences, clock } = await setUpExpanding();
    await put();
    const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    const error = new Error("it cannot be read");
    const expand = () => Promise.reject(error);
    const handler = createHandler({
      clock,
      logger,
      expandRecurrences: createExpandRecurrences({ recurrences, clock, expand }),
    });
    expect(await handler({}, context)).toMatchObject({ failed: 1, complete: false });
    expect(logger.error).toHaveBeenCalledExactlyOnceWith("one recurrence could not be expanded", { error });
  });
});
