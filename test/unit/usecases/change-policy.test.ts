import { describe, expect, it } from "vitest";
import { asAccountId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { PRESETS } from "#shared/domain/planning/presets.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import { createChangePolicy, type PolicyChange } from "#shared/usecases/change-policy.ts";
import { createListPolicyVersions, createReadPolicy } from "#shared/usecases/read-policy.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";

const OWNER = asOwnerId("anne");
const STRANGER = asOwnerId("bela");
const PROJECT = asProjectId("project-1");
const HOUR_MS = 3_600_000;

async function setUp(policy?: Policy) {
  const clock = manualClock();
  const accounts = createInMemoryAccounts();
  await accounts.addProject({
    id: PROJECT,
    ownerId: OWNER,
    name: "default",
    timeZone: "UTC",
    accountIds: [asAccountId("main")],
    defaultAccountId: asAccountId("main"),
    ...(policy && { policy }),
  });
  const changePolicy = createChangePolicy({ accounts, clock });
  return {
    clock,
    accounts,
    change: (over: Partial<PolicyChange> = {}, owner = OWNER, name = "default") =>
      changePolicy(owner, name, { from: "current", set: {}, by: "anne", ...over }),
    policy: async () => (await accounts.getProject(PROJECT))?.policy,
    versions: async () => accounts.listPolicyVersions(PROJECT, 100),
  };
}

describe("changePolicy", () => {
  it("keeps what was changed, when and by whom", async () => {
    const { change, clock, versions } = await setUp();
    await change({ set: { dailyMax: 3 } });
    clock.advance(1_000);
    const changed = await change({ set: { dailyMax: undefined, minIntervalMs: HOUR_MS, weight: 2 } });
    expect(changed).toMatchObject({
      ok: true,
      value: {
        before: { policy: { dailyMax: 3 }, policyVersion: 1 },
        after: { policy: { minIntervalMs: HOUR_MS }, policyVersion: 2, weight: 2 },
      },
    });
    expect(await versions()).toEqual([
      {
        version: 2,
        policy: { minIntervalMs: HOUR_MS },
        timeZone: "UTC",
        weight: 2,
        savedAt: clock.now(),
        savedBy: "anne",
      },
      {
        version: 1,
        policy: { dailyMax: 3 },
        timeZone: "UTC",
        savedAt: new Date(clock.now().getTime() - 1_000),
        savedBy: "anne",
      },
    ]);
  });

  it("saves nothing that is in force already, in whatever order it is said", async () => {
    const { change, versions } = await setUp({
      dailyMin: 1,
      dailyMax: 3,
      blackout: { fromHour: 1, toHour: 2 },
    });
    const same = { blackout: { toHour: 2, fromHour: 1 }, dailyMax: 3, dailyMin: 1 };
    expect(await change({ from: "nothing", set: same, version: 17 })).toMatchObject({ ok: true });
    expect(await change()).toMatchObject({ ok: true });
    expect(await versions()).toEqual([]);
  });

  it("puts a change on top of another one that was faster, unless it named a version", async () => {
    const { change, accounts, policy } = await setUp({ dailyMax: 3 });
    const { savePolicy } = accounts;
    let raced = false;
    accounts.savePolicy = async (id, next) => {
      if (!raced) {
        raced = true;
        await accounts.setPolicy(PROJECT, { dailyMax: 3, frozen: true });
      }
      return savePolicy(id, next);
    };
    expect(await change({ set: { dailyMin: 2 } })).toMatchObject({ ok: true });
    expect(await policy()).toEqual({ dailyMax: 3, dailyMin: 2, frozen: true });

    raced = false;
    expect(await change({ set: { dailyMin: 1 }, version: 2 })).toEqual({
      ok: false,
      error: { reason: "stale", version: 3 },
    });
  });

  it("refuses what cannot be kept, and warns of the rest", async () => {
    const { change, policy } = await setUp(PRESETS.steady);
    const refused = await change({ set: { minIntervalMs: 4 * HOUR_MS } });
    expect(!refused.ok && refused.error.reason === "refused" && refused.error.findings).toMatchObject([
      { code: "daily-min-unreachable" },
      { code: "optimal-hours-too-close" },
    ]);
    expect(await policy()).toEqual(PRESETS.steady);
    const lower = { minIntervalMs: 4 * HOUR_MS, dailyMin: 3, optimalHours: [9, 15, 21] };
    expect(await change({ set: lower })).toMatchObject({
      ok: true,
      value: { warnings: [{ code: "daily-max-unreachable" }] },
    });
  });

  it("never refuses a freeze, whatever else is wrong with a policy", async () => {
    const broken = { dailyMin: 5, dailyMax: 2 };
    const { change, policy } = await setUp(broken);
    expect(await change({ set: { frozen: true, dailyMin: 4 } })).toMatchObject({ ok: false });
    expect(await change({ set: { frozen: true } })).toMatchObject({ ok: true });
    expect(await policy()).toEqual({ ...broken, frozen: true });
  });

  it("knows nothing of another owner's project", async () => {
    const { change } = await setUp();
    const unknown = { reason: "unknown-project", name: "default", known: [] };
    expect(await change({ set: { dailyMax: 1 } }, STRANGER)).toEqual({ ok: false, error: unknown });
    expect(await change({}, OWNER, "nowhere")).toMatchObject({ ok: false, error: { known: ["default"] } });
  });
});

describe("reading a policy", () => {
  it("and its versions is for its owner", async () => {
    const { accounts, change } = await setUp();
    await change({ set: { dailyMax: 1 } });
    const read = createReadPolicy({ accounts });
    const list = createListPolicyVersions({ accounts });
    expect(await read(OWNER, "default")).toMatchObject({ ok: true, value: { policy: { dailyMax: 1 } } });
    expect(await read(STRANGER, "default")).toMatchObject({ ok: false });
    expect(await list(STRANGER, "default", { limit: 10 })).toMatchObject({ ok: false });
    expect(await list(OWNER, "default", { limit: 10 })).toMatchObject({
      ok: true,
      value: { versions: [{ version: 1 }] },
    });
  });
});
