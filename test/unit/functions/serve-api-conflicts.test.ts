import { describe, expect, it } from "vitest";
import { BELA, setUpApi, TASKS } from "./serve-api-setup.ts";

const SLOT = new Date("2026-12-01T12:00:00.000Z");

describe("GET …/tasks/{id}/conflicts", () => {
  it("answers what is in the way, with free slots, to the task's owner", async () => {
    const { call, put } = await setUpApi();
    const [task, other] = [await put({ slotAt: SLOT }), await put({ slotAt: SLOT, partCount: 2 })];
    const path = `${TASKS}/${task.id}/conflicts`;
    const { status, body } = await call({ path, scopes: ["read"] });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      taskId: task.id,
      slotAt: "2026-12-01T12:00:00Z",
      conflicts: [
        {
          code: "time-overlap",
          severity: "blocks",
          with: [{ id: other.id, at: "2026-12-01T12:00:00Z" }],
          suggestions: [
            { kind: "slot", accountId: "anne.main", at: expect.stringMatching(/^2026-12-01T12:00:\d\dZ$/) },
            { kind: "slot" },
            { kind: "slot" },
          ],
        },
      ],
    });
    expect(await call({ path, owner: BELA })).toMatchObject({
      status: 404,
      body: { code: "task-not-found" },
    });
    expect(await call({ path, scopes: ["write"] })).toMatchObject({ status: 403 });
  });

  it("answers no conflicts for a task that has ended", async () => {
    const { call, put } = await setUpApi();
    const { id } = await put({ slotAt: SLOT, status: "cancelled" });
    const { body } = await call({ path: `${TASKS}/${id}/conflicts` });
    expect(body).toEqual({ taskId: id, slotAt: "2026-12-01T12:00:00Z", conflicts: [] });
  });
});
