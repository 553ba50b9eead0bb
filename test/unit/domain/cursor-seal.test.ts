import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CursorBinding, openCursor, sealCursor } from "#shared/domain/cursor-seal.ts";
import { asOwnerId } from "#shared/domain/ids.ts";

const KEY = new Uint8Array(32).fill(1);
const LIST: CursorBinding = { route: "listTasks", ownerId: asOwnerId("anne"), params: {}, query: {} };

const text = fc.string({ unit: "binary", maxLength: 20 }).filter((value) => value.isWellFormed());
const position = fc.string({ unit: "grapheme-ascii", maxLength: 500 });
const binding: fc.Arbitrary<CursorBinding> = fc.record({
  route: text,
  ownerId: fc.option(text.map(asOwnerId), { nil: undefined }),
  params: fc.dictionary(text, text, { maxKeys: 2 }),
  query: fc.dictionary(text, text, { maxKeys: 3 }),
});
const canonical = ({ route, ownerId, params, query }: CursorBinding) =>
  JSON.stringify([
    route,
    ownerId ?? null,
    Object.entries(params).toSorted(),
    Object.entries(query).toSorted(),
  ]);

describe("a cursor", () => {
  it("opens to its position, in whatever order the parameters come", () => {
    fc.assert(
      fc.property(binding, position, (list, at) => {
        const turned = { ...list, query: Object.fromEntries(Object.entries(list.query).toReversed()) };
        expect(openCursor(KEY, turned, sealCursor(KEY, list, at))).toBe(at);
      }),
    );
  });

  it("opens nowhere else", () => {
    fc.assert(
      fc.property(binding, binding, position, (list, other, at) => {
        fc.pre(canonical(list) !== canonical(other));
        expect(openCursor(KEY, other, sealCursor(KEY, list, at))).toBeUndefined();
      }),
    );
  });

  it("does not open with another key", () => {
    expect(openCursor(new Uint8Array(32).fill(2), LIST, sealCursor(KEY, LIST, "1"))).toBeUndefined();
  });

  it("does not open when one character of it is another, is left out, or is added", () => {
    fc.assert(
      fc.property(position, fc.nat(), fc.constantFrom(..."Aa0_-=. ~"), (at, place, sign) => {
        const sealed = sealCursor(KEY, LIST, at);
        const index = place % sealed.length;
        const cut = sealed.slice(0, index) + sealed.slice(index + 1);
        const added = sealed.slice(0, index) + sign + sealed.slice(index);
        const other = sealed.slice(0, index) + sign + sealed.slice(index + 1);
        for (const altered of [cut, added, ...(other === sealed ? [] : [other])])
          expect(openCursor(KEY, LIST, altered)).toBeUndefined();
      }),
    );
  });

  it("is never opened from any other text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (any) => openCursor(KEY, LIST, any) === undefined));
  });

  it("fits into an address, and holds at most 500 bytes", () => {
    expect(sealCursor(KEY, LIST, "é".repeat(250))).toMatch(/^[\w-]{1,1000}$/);
    expect(() => sealCursor(KEY, LIST, "é".repeat(251))).toThrow(RangeError);
  });
});
