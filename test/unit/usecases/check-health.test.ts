import { describe, expect, it, vi } from "vitest";
import { asAccountId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { createCheckHealth } from "#shared/usecases/check-health.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryDispatch } from "#test/support/in-memory-dispatch.ts";

const ownerId = asOwnerId("anne");

async function setUp(count: number) {
  const clock = manualClock();
  const accounts = createInMemoryAccounts();
  const ids = Array.from({ length: count }, (_, index) => asAccountId(`anne.${index}`));
  for (const name of ["one", "two"])
    await accounts.addProject({
      id: asProjectId(name),
      ownerId,
      name,
      timeZone: "UTC",
      accountIds: ids,
      defaultAccountId: asAccountId("anne.0"),
    });
  const getAccount = vi.spyOn(accounts, "getAccount");
  const dispatch = createInMemoryDispatch();
  const entropy = { newId: () => "01ARZ3NDEKTSV4RRFFQ69G5FAV" };
  const check = createCheckHealth({ accounts, dispatch, clock, entropy, report: vi.fn() });
  return { check, getAccount, dispatch, clock };
}

describe("checkHealth", () => {
  it("counts an account of two projects once", async () => {
    const { check } = await setUp(3);
    expect((await check(ownerId)).accounts).toEqual({ total: 3, active: 0 });
  });

  it("does not read a thousand accounts for a number", async () => {
    const { check, getAccount } = await setUp(101);
    const health = await check(ownerId);
    expect([health.status, health.accounts]).toEqual(["ok", undefined]);
    expect(getAccount).not.toHaveBeenCalled();
  });

  it("measures each call, and leaves nothing behind", async () => {
    const { check, dispatch, clock } = await setUp(0);
    dispatch.unschedule = async () => clock.advance(40);
    const { dependencies } = await check(ownerId);
    expect(dependencies.find(({ name }) => name === "scheduler")).toMatchObject({
      status: "ok",
      latencyMs: 40,
    });
    expect([dispatch.scheduled, dispatch.enqueued]).toEqual([[], []]);
  });
});
