import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decideRepetition,
  hashRequest,
  type IdempotencyRecord,
  isLastWord,
} from "#shared/domain/idempotency.ts";
import { asOwnerId } from "#shared/domain/ids.ts";

const now = new Date("2026-12-01T01:00:00.000Z");
const inMs = (ms: number): Date => new Date(now.getTime() + ms);
const answer = { status: 202, headers: { location: "/there" }, body: "{}" };
const record = (over: Partial<IdempotencyRecord> = {}): IdempotencyRecord => ({
  ownerId: asOwnerId("anne"),
  key: "key-1",
  hash: "same",
  newId: "01KAAAAAAAAAAAAAAAAAAAAAAA",
  leaseUntil: inMs(1),
  forgottenAt: inMs(86_400_000),
  version: 1,
  ...over,
});

describe("a request under a key that is known", () => {
  it.each<[string, Partial<IdempotencyRecord>, string, object]>([
    ["is answered as the first one was", { answer }, "same", { kind: "answered", answer }],
    [
      "is answered, though a lease runs",
      { answer, leaseUntil: inMs(9) },
      "same",
      { kind: "answered", answer },
    ],
    ["waits while the first one is at work", {}, "same", { kind: "in-flight", until: inMs(1) }],
    ["runs again when the first one's time is over", { leaseUntil: now }, "same", { kind: "again" }],
    ["is refused if it is another one", {}, "other", { kind: "other-request" }],
    ["is refused if it is another one, answered or not", { answer }, "other", { kind: "other-request" }],
  ])("%s", (_, over, hash, expected) => {
    expect(decideRepetition(record(over), hash, now)).toEqual(expected);
  });
});

describe("an answer", () => {
  it.each([
    [200, false, true],
    [202, true, true],
    [299, false, true],
    [300, false, false],
    [400, false, true],
    [400, true, false],
    [401, false, false],
    [403, false, false],
    [404, false, false],
    [408, false, false],
    [409, false, false],
    [409, true, false],
    [412, false, false],
    [422, false, false],
    [429, false, false],
    [500, true, false],
    [503, false, false],
  ])("%i, retryable %s: is the last word: %s", (status, isRetryable, isLast) => {
    expect(isLastWord(status, isRetryable)).toBe(isLast);
  });
});

describe("hashRequest", () => {
  const request = {
    method: "POST",
    path: "/api/v1/keys",
    query: { a: "1", b: "2" },
    body: { x: 1, y: [1, 2] },
  };

  it("is the same whatever the order of fields and parameters, and with a slash at the end", () => {
    expect(hashRequest(request)).toMatch(/^[\w-]{43}$/);
    expect(
      hashRequest({
        ...request,
        path: "/api/v1/keys/",
        query: { b: "2", a: "1" },
        body: { y: [1, 2], x: 1 },
      }),
    ).toBe(hashRequest(request));
    expect(hashRequest({ ...request, body: undefined })).toBe(hashRequest({ ...request, body: null }));
  });

  it("is another one for anything else", () => {
    const others = [
      request,
      { ...request, method: "PUT" },
      { ...request, path: "/api/v1/key" },
      { ...request, path: "/api/v1//keys" },
      { ...request, query: { a: "1" } },
      { ...request, query: { a: "2", b: "1" } },
      { ...request, body: { x: 1, y: [2, 1] } },
      { ...request, body: { x: 1, y: { 0: 1, 1: 2 } } },
      { ...request, body: { x: "1", y: [1, 2] } },
      { ...request, body: [] },
      { ...request, body: {} },
      { ...request, body: null },
    ];
    expect(new Set(others.map(hashRequest)).size).toBe(others.length);
  });

  it("is equal for equal JSON, however deep its fields change places, and for that only", () => {
    const turned = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(turned);
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .toReversed()
          .map(([name, inner]) => [name, turned(inner)]),
      );
    };
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const hash = hashRequest({ ...request, body: one });
        expect(hashRequest({ ...request, body: turned(one) })).toBe(hash);
        expect(hashRequest({ ...request, body: other }) === hash).toBe(isEqual(one, other));
      }),
    );
  });
});

/** Deep, without the order of fields. */
function isEqual(one: unknown, other: unknown): boolean {
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null)
    return JSON.stringify(one) === JSON.stringify(other);
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [ours, theirs] = [Object.entries(one), other as Readonly<Record<string, unknown>>];
  return (
    ours.length === Object.keys(theirs).length &&
    ours.every(([key, value]) => Object.hasOwn(theirs, key) && isEqual(value, theirs[key]))
  );
}
