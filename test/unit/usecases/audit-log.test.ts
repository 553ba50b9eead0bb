import { describe, expect, it } from "vitest";
import { AUDIT_CHAINS, openEntry } from "#shared/domain/audit.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { FIRST_OWNER } from "#shared/usecases/connect-account.ts";
import { createNoteDenial, DENIALS_A_MINUTE } from "#shared/usecases/note-denial.ts";
import { createRecordAudit } from "#shared/usecases/record-audit.ts";
import { createVerifyAudit } from "#shared/usecases/verify-audit.ts";
import { anAuditEntry } from "#test/contracts/audit-store.ts";
import { freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAudit } from "#test/support/in-memory-audit.ts";

const OWNER = asOwnerId("anne");

function setUp() {
  const clock = manualClock();
  const audit = createInMemoryAudit();
  let dice = 1;
  const random = () => {
    dice = (dice * 16_807) % 2_147_483_647;
    return dice / 2_147_483_647;
  };
  const entropy = { newId: () => String(freshTaskId()), random };
  const recordAudit = createRecordAudit({ audit, clock, entropy });
  /** In the order in which they came. */
  const entries = () =>
    [...audit.entries.values()]
      .flat()
      .map(openEntry)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return { clock, audit, recordAudit, entries };
}

describe("recording", () => {
  it("loses nothing when a hundred come at once, and leaves every chain whole", async () => {
    const { audit, recordAudit, entries } = setUp();
    const wanted = Array.from({ length: 100 }, (_, index) => `request-${index}`);
    // All of them want the same chain first.
    await Promise.all(
      wanted.map((id) => recordAudit(anAuditEntry(OWNER, { requestId: "same", target: { id } }))),
    );
    expect(
      entries()
        .map(({ target }) => target["id"])
        .toSorted(),
    ).toEqual(wanted.toSorted());
    const verified = await createVerifyAudit({ audit })(OWNER, { limit: 1_000 });
    expect(verified).toMatchObject({ ok: true, value: { checked: 100 } });
    expect(verified.ok && verified.value.ends.length).toBe(AUDIT_CHAINS);
  });

  it("says so when there is no place, and has written nothing", async () => {
    const { audit, recordAudit, entries } = setUp();
    audit.append = async () => ({ ok: false, error: { reason: "stale" } });
    await expect(recordAudit(anAuditEntry(OWNER))).rejects.toMatchObject({ code: "dependency-unavailable" });
    expect(entries()).toEqual([]);
  });
});

describe("a denial before any route", () => {
  const denial = { reason: "unknown", status: 403, requestId: "r", sourceIp: "192.0.2.9" } as const;

  it("is told to the tenant whose key or session it was, else to the first one", async () => {
    const { clock, recordAudit, entries } = setUp();
    const note = createNoteDenial({ recordAudit, clock });
    await note({ ...denial, reason: "expired", keyId: "0123456789ab", ownerId: OWNER });
    await note({ ...denial, keyId: "ba9876543210" });
    expect(entries().map(({ ownerId, actor, problem }) => [ownerId, actor, problem])).toEqual([
      [OWNER, { keyId: "0123456789ab" }, "expired"],
      [FIRST_OWNER, { keyId: "ba9876543210" }, "unknown"],
    ]);
  });

  it("of strangers is noted a few times a minute, and then how many there were", async () => {
    const { clock, recordAudit, entries } = setUp();
    const note = createNoteDenial({ recordAudit, clock });
    for (let knock = 0; knock < DENIALS_A_MINUTE + 90; knock++) await note(denial);
    expect(entries()).toHaveLength(DENIALS_A_MINUTE);
    // Whose key is known is not crowded out, and is told nothing of others.
    await note({ ...denial, reason: "expired", ownerId: OWNER, keyId: "0123456789ab" });
    expect(entries().at(-1)).toMatchObject({ ownerId: OWNER, target: {} });
    clock.advance(60_000);
    await note(denial);
    await note(denial);
    const strangers = entries().filter(({ ownerId }) => ownerId === FIRST_OWNER);
    expect(strangers.flatMap(({ target }) => target["notNoted"] ?? [])).toEqual(["90"]);
    expect(strangers).toHaveLength(DENIALS_A_MINUTE + 2);
  });

  it("of a known key too: it fills no log, and crowds out no other key", async () => {
    const { clock, recordAudit, entries } = setUp();
    const note = createNoteDenial({ recordAudit, clock });
    const mine = { ...denial, reason: "expired", ownerId: OWNER, keyId: "0123456789ab" } as const;
    for (let knock = 0; knock < DENIALS_A_MINUTE + 90; knock++) await note(mine);
    expect(entries()).toHaveLength(DENIALS_A_MINUTE);
    await note({ ...mine, keyId: "ba9876543210" });
    await note(denial);
    expect(entries()).toHaveLength(DENIALS_A_MINUTE + 2);
    clock.advance(60_000);
    await note(mine);
    await note(mine);
    expect(
      entries().flatMap(({ ownerId, target }) => (target["notNoted"] ? [[ownerId, target]] : [])),
    ).toEqual([[OWNER, { notNoted: "90" }]]);
    expect(entries()).toHaveLength(DENIALS_A_MINUTE + 4);
  });
});
