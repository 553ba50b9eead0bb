import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  AUDIT_CHAINS,
  type AuditHead,
  chainOf,
  checkEnd,
  emptyHead,
  followChain,
  headAfter,
  openEntry,
  type SealedEntry,
  sealEntry,
} from "#shared/domain/audit.ts";
import { type Json, maskChange } from "#shared/domain/audit-mask.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { anAuditEntry } from "#test/contracts/audit-store.ts";

const OWNER = asOwnerId("anne");

function chainOfLength(
  length: number,
  ownerId = OWNER,
  chain = 2,
): { entries: SealedEntry[]; head: AuditHead } {
  let head = emptyHead(ownerId, chain);
  const entries: SealedEntry[] = [];
  for (let number = 0; number < length; number++) {
    const entry = sealEntry(head, anAuditEntry(ownerId, { target: { id: String(number) } }));
    entries.push(entry);
    head = headAfter(entry);
  }
  return { entries, head };
}

/** What `verify` says of a chain. */
function faultOf(entries: readonly SealedEntry[], head: AuditHead, ownerId = OWNER) {
  const followed = followChain(ownerId, emptyHead(ownerId, head.chain), entries);
  return followed.bad ?? checkEnd(followed.head, head);
}

describe("a chain of the audit log", () => {
  it("holds, whole or in pieces", () => {
    const { entries, head } = chainOfLength(9);
    expect(faultOf(entries, head)).toBeUndefined();
    const half = followChain(OWNER, emptyHead(OWNER, 2), entries.slice(0, 4));
    expect(followChain(OWNER, half.head, entries.slice(4))).toEqual({ head });
  });

  it("gives back what was put in", () => {
    const entry = anAuditEntry(OWNER, {
      problem: "missing-scope",
      before: { a: [1, null] },
      after: { a: "x" },
    });
    expect(openEntry(sealEntry(emptyHead(OWNER, 0), entry))).toEqual(entry);
  });

  it.each<[string, (entries: SealedEntry[]) => SealedEntry[], { number: number; fault: string }]>([
    ["an entry removed", (all) => all.toSpliced(3, 1), { number: 4, fault: "removed" }],
    ["the first removed", (all) => all.slice(1), { number: 1, fault: "removed" }],
    ["the last ones removed", (all) => all.slice(0, 6), { number: 7, fault: "cut" }],
    ["all removed", () => [], { number: 1, fault: "cut" }],
    [
      "two put in each other's place",
      (all) => all.map((one, i) => (i === 3 || i === 4 ? { ...one, ...pick(all[7 - i]) } : one)),
      { number: 4, fault: "moved" },
    ],
    [
      "one numbered anew to close a gap",
      (all) => all.toSpliced(3, 1).map((one, i) => ({ ...one, number: i + 1 })),
      { number: 4, fault: "moved" },
    ],
  ])("shows %s", (_, tamper, bad) => {
    const { entries, head } = chainOfLength(9);
    expect(faultOf(tamper(entries), head)).toEqual({ chain: 2, ...bad });
  });

  it("shows any other text of any entry", () => {
    const { entries, head } = chainOfLength(6);
    fc.assert(
      fc.property(
        fc.nat(5),
        fc.nat(200),
        fc.string({ minLength: 1, maxLength: 1 }),
        (which, at, character) => {
          const { text } = entries[which] as SealedEntry;
          const place = at % text.length;
          const other = text.slice(0, place) + character + text.slice(place + 1);
          fc.pre(other !== text);
          const tampered = entries.map((one, i) => (i === which ? { ...one, text: other } : one));
          expect(faultOf(tampered, head)).toMatchObject({ number: which + 1 });
        },
      ),
    );
  });

  it("shows an entry that was altered together with its hash, by the one after it", () => {
    const { entries, head } = chainOfLength(4);
    const [first, second] = entries as [SealedEntry, SealedEntry];
    const forged = sealEntry(headAfter(first), anAuditEntry(OWNER, { status: 200 }));
    expect(faultOf([first, forged, ...entries.slice(2)], head)).toEqual({
      chain: 2,
      number: 3,
      fault: "altered",
    });
    // At the end of the chain there is none after it, but the head.
    expect(faultOf([first, forged], headAfter(second))).toEqual({
      chain: 2,
      number: 2,
      fault: "head-altered",
    });
  });

  it("passes for no other chain, nor for another owner's", () => {
    const { entries, head } = chainOfLength(3);
    const bela = asOwnerId("bela");
    expect(faultOf(entries, head, bela)).toMatchObject({ number: 1 });
    const elsewhere = entries.map((one) => ({ ...one, chain: 5 }));
    expect(faultOf(elsewhere, { ...head, chain: 5 })).toMatchObject({ number: 1 });
  });

  it("has requests spread over all of them", () => {
    const used = new Set(Array.from({ length: 200 }, (_, index) => chainOf(`request-${index}`)));
    expect([...used].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: AUDIT_CHAINS }, (_, chain) => chain),
    );
  });
});

const pick = (entry: SealedEntry | undefined) => ({ text: entry?.text ?? "", hash: entry?.hash ?? "" });

describe("what is kept of a change", () => {
  const secrets = new Set(["pin"]);
  const mask = (before: Json | undefined, after: Json | undefined) => maskChange(before, after, secrets);

  it("is only what differs", () => {
    expect(mask({ a: 1, b: { c: 1, d: [1] }, gone: 1 }, { a: 1, b: { c: 2, d: [1] }, come: 2 })).toEqual({
      before: { b: { c: 1 }, gone: 1 },
      after: { b: { c: 2 }, come: 2 },
    });
    expect(mask({ a: 1 }, { a: 1 })).toEqual({});
  });

  it("is no secret, whatever calls it one, but that it changed", () => {
    expect(mask({ pin: "1234", apiKey: "k1" }, { pin: "9876", apiKey: "k2" })).toEqual({
      before: { pin: "***", apiKey: "***" },
      after: { pin: "***", apiKey: "***" },
    });
    for (const name of ["secret", "clientSecret", "password", "accessToken", "refresh_token", "credentials"])
      expect(mask(undefined, { deep: [{ [name]: "s3cr3t" }] })).toEqual({
        after: { deep: [{ [name]: "***" }] },
      });
    // The id of a key is none.
    expect(mask(undefined, { keyId: "0123" })).toEqual({ after: { keyId: "0123" } });
  });

  it("is no text of a post, but whether it is another one", () => {
    const { before, after } = mask({ parts: [{ text: "At nine." }] }, { parts: [{ text: "At ten." }] });
    expect(JSON.stringify([before, after])).not.toMatch(/nine|ten\./);
    expect(before).not.toEqual(after);
    expect(after).toEqual({
      parts: [{ text: { length: 7, sha256: expect.stringMatching(/^[0-9a-f]{12}$/) } }],
    });
    for (const name of ["thread", "texts", "altText", "brief", "notes"])
      expect(JSON.stringify(mask(undefined, { [name]: ["The harbour"] }))).not.toContain("harbour");
  });

  it("is short, whatever was sent, and never has a long string", () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 4 }),
        fc.string({ minLength: 200, maxLength: 400 }),
        (value, long) => {
          const { after } = mask(undefined, { value: value as Json, field: long });
          const text = JSON.stringify(after);
          expect(text.length).toBeLessThan(4_200);
          expect(text).not.toContain(JSON.stringify(long).slice(1, -1));
        },
      ),
    );
  });
});
