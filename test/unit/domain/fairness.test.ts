import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Candidate,
  MAX_PROJECT_WEIGHT,
  NOTHING_SERVED,
  orderFairly,
  type Served,
  URGENT_IN_A_ROW,
  URGENT_PRIORITY,
} from "#shared/domain/fairness.ts";
import { asBatchId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";

let serial = 0;
const at = (second: number) => new Date(Date.UTC(2026, 11, 1) + second * 1_000);
const aCandidate = (over: Partial<Candidate> = {}): Candidate => ({
  id: `c${String(++serial).padStart(9, "0")}`,
  projectId: asProjectId("p"),
  weight: 5,
  ownerId: asOwnerId("o"),
  priority: 5,
  slotAt: at(0),
  ...over,
});
const many = (count: number, over: Partial<Candidate> = {}) =>
  Array.from({ length: count }, (_, index) => aCandidate({ slotAt: at(index), ...over }));
const ids = (items: readonly Candidate[]) => items.map(({ id }) => id);
const letters = (items: readonly Candidate[], field: "projectId" | "ownerId" | "batchId") =>
  items.map((one) => one[field] ?? "-").join("");

describe("orderFairly", () => {
  it("serves one project's posts by slot, then by id", () => {
    const late = aCandidate({ slotAt: at(9) });
    const first = aCandidate({ id: "a", slotAt: at(1) });
    const second = aCandidate({ id: "b", slotAt: at(1) });
    expect(ids(orderFairly([late, second, first]).taken)).toEqual(["a", "b", late.id]);
  });

  it("takes urgent ones first, and leaves each fourth place to the rest", () => {
    const urgent = many(7, { priority: URGENT_PRIORITY });
    const rest = many(4, { priority: URGENT_PRIORITY + 1 });
    const { taken } = orderFairly([...rest, ...urgent]);
    expect(taken.map(({ priority }) => (priority === URGENT_PRIORITY ? "U" : "r")).join("")).toBe(
      "UUUrUUUrUrr",
    );
  });

  it("gives projects places in proportion to their weights", () => {
    const projects = { a: 6, b: 3, c: 1 };
    const waiting = Object.entries(projects).flatMap(([name, weight]) =>
      many(100, { projectId: asProjectId(name), weight }),
    );
    const order = letters(orderFairly(waiting, NOTHING_SERVED, 100).taken, "projectId");
    for (const [name, weight] of Object.entries(projects))
      expect(order.split(name).length - 1).toBeGreaterThanOrEqual(weight * 10 - 1);
    expect(order.slice(0, 10).split("").toSorted().join("")).toMatch(/^a{5,6}b{3}c{1,2}$/);
  });

  it("gives a project that was idle no more than its share", () => {
    const a = many(40, { projectId: asProjectId("a") });
    const { served } = orderFairly(a, NOTHING_SERVED, 30);
    const b = many(40, { projectId: asProjectId("b") });
    const order = letters(orderFairly([...a.slice(30), ...b], served, 10).taken, "projectId");
    expect(order.replaceAll("a", "").length).toBeLessThanOrEqual(6);
  });

  it("takes owners of a project in turn, and an owner's batches in turn", () => {
    const waiting = [
      ...many(3, { ownerId: asOwnerId("x"), batchId: asBatchId("1") }),
      ...many(3, { ownerId: asOwnerId("x"), batchId: asBatchId("2"), slotAt: at(99) }),
      ...many(2, { ownerId: asOwnerId("y"), slotAt: at(500) }),
    ];
    const { taken } = orderFairly(waiting);
    expect(letters(taken, "ownerId")).toBe("xyxyxxxx");
    expect(letters(taken, "batchId")).toBe("1-2-1212");
  });

  it("remembers who was served from call to call", () => {
    const x = many(4, { ownerId: asOwnerId("x") });
    const y = many(4, { ownerId: asOwnerId("y"), slotAt: at(500) });
    const first = orderFairly([...x, ...y], NOTHING_SERVED, 1);
    expect(letters(first.taken, "ownerId")).toBe("x");
    expect(letters(orderFairly(first.waiting, first.served, 1).taken, "ownerId")).toBe("y");
    expect(letters(orderFairly(first.waiting, NOTHING_SERVED, 1).taken, "ownerId")).toBe("x");
  });

  it("serves whoever waited longest first when nothing is remembered", () => {
    const crowd = Array.from({ length: 50 }, (_, index) =>
      aCandidate({ projectId: asProjectId(`p${index}`), ownerId: asOwnerId(`o${index}`), slotAt: at(60) }),
    );
    const oldest = aCandidate({ projectId: asProjectId("z"), weight: 1, slotAt: at(0) });
    expect(ids(orderFairly([...crowd, oldest], NOTHING_SERVED, 1).taken)).toEqual([oldest.id]);
  });

  it("takes no more than the capacity, and nothing for none", () => {
    const waiting = many(5);
    expect(orderFairly(waiting, NOTHING_SERVED, 0)).toMatchObject({ taken: [], waiting });
    expect(orderFairly([])).toMatchObject({ taken: [], waiting: [], served: NOTHING_SERVED });
  });

  it.each([0, 11, 2.5, Number.NaN])("refuses the weight %s", (weight) => {
    expect(() => orderFairly([aCandidate({ weight })])).toThrow(RangeError);
  });

  it("remembers a bounded number of owners and batches", () => {
    const crowd = Array.from({ length: 1_200 }, (_, index) =>
      aCandidate({ ownerId: asOwnerId(`o${index}`), batchId: asBatchId(`b${index}`) }),
    );
    const { rest } = orderFairly(crowd).served;
    expect([rest.owners.size, rest.batches.size, rest.projects.size]).toEqual([1_000, 1_000, 1]);
  });

  it("keeps those owners whose turns are the newest", () => {
    const owners = Array.from({ length: 1_001 }, (_, index) => asOwnerId(`o${index}`));
    const once = owners.map((ownerId, index) => aCandidate({ ownerId, slotAt: at(index) }));
    const again = aCandidate({ ownerId: asOwnerId("o0"), slotAt: at(2_000) });
    const { owners: kept } = orderFairly([...once, again]).served.rest;
    expect([...kept.keys()].some((key) => key.includes('"o0"'))).toBe(true);
    expect([...kept.keys()].some((key) => key.includes('"o1"'))).toBe(false);
  });

  it("forgets a project whose turn has come again", () => {
    const single = aCandidate({ projectId: asProjectId("a"), slotAt: at(-1) });
    const { served } = orderFairly([single, ...many(40, { projectId: asProjectId("b") })]);
    expect([...served.rest.projects.keys()]).toEqual(["b"]);
  });

  it("goes by the largest weight that a project's posts have", () => {
    const mixed = [1, 10].flatMap((weight) => many(20, { projectId: asProjectId("a"), weight }));
    const order = letters(
      orderFairly([...mixed, ...many(40, { projectId: asProjectId("b"), weight: 1 })]).taken,
      "projectId",
    );
    expect(order.slice(0, 22).split("a")).toHaveLength(21);
  });
});

/** A small world, so that many of its candidates compete. */
const PROJECTS = 4;
const OWNERS = 2;
const BATCHES = 2;
const weightsArbitrary = fc.array(fc.integer({ min: 1, max: MAX_PROJECT_WEIGHT }), {
  minLength: PROJECTS,
  maxLength: PROJECTS,
});
const rival = fc.record({
  project: fc.nat(PROJECTS - 1),
  owner: fc.nat(OWNERS - 1),
  batch: fc.nat(BATCHES),
  priority: fc.integer({ min: 1, max: 10 }),
  second: fc.nat(50),
});
type Rival = typeof rival extends fc.Arbitrary<infer One> ? One : never;

const toCandidate = (weights: readonly number[], { project, owner, batch, priority, second }: Rival) =>
  aCandidate({
    projectId: asProjectId(`p${project}`),
    weight: weights[project] ?? 1,
    ownerId: asOwnerId(`o${owner}`),
    ...(batch > 0 && { batchId: asBatchId(`b${batch}`) }),
    priority,
    slotAt: at(second),
  });

describe("orderFairly, whatever comes", () => {
  it("serves everyone once, and the same in whatever order they are given", () => {
    fc.assert(
      fc.property(
        weightsArbitrary,
        fc.array(rival, { maxLength: 40 }),
        fc.nat(40),
        (weights, rivals, capacity) => {
          const waiting = rivals.map((one) => toCandidate(weights, one));
          const { taken, waiting: left } = orderFairly(waiting, NOTHING_SERVED, capacity);
          expect(taken).toHaveLength(Math.min(capacity, waiting.length));
          expect(ids([...taken, ...left]).toSorted()).toEqual(ids(waiting).toSorted());
          expect(ids(orderFairly(waiting.toReversed(), NOTHING_SERVED, capacity).taken)).toEqual(ids(taken));
        },
      ),
    );
  });

  it("serves the same in one call as in many", () => {
    fc.assert(
      fc.property(weightsArbitrary, fc.array(rival, { maxLength: 40 }), (weights, rivals) => {
        const all = rivals.map((one) => toCandidate(weights, one));
        let step = { waiting: all as readonly Candidate[], served: NOTHING_SERVED };
        const oneByOne: Candidate[] = [];
        while (step.waiting.length > 0) {
          const next = orderFairly(step.waiting, step.served, 1);
          oneByOne.push(...next.taken);
          step = next;
        }
        expect(ids(oneByOne)).toEqual(ids(orderFairly(all).taken));
      }),
    );
  });

  it("starves nobody: each is served within the bound that the documentation states", () => {
    fc.assert(
      fc.property(
        weightsArbitrary,
        rival,
        // What was there before the victim, and what arrives in each round, always more than is served.
        fc.array(rival, { maxLength: 30 }),
        fc.array(fc.tuple(fc.array(rival, { minLength: 4, maxLength: 8 }), fc.integer({ min: 1, max: 4 })), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.array(rival, { maxLength: 30 }),
        (weights, victimKind, before, rounds, history) => {
          const victim = toCandidate(weights, victimKind);
          // A memory in which anyone may have been served.
          let served: Served = orderFairly(history.map((one) => toCandidate(weights, one))).served;
          let waiting = before.map((one) => toCandidate(weights, one));
          const isSameBatch = (one: Candidate) =>
            one.projectId === victim.projectId &&
            one.ownerId === victim.ownerId &&
            one.batchId === victim.batchId;
          const isSameLane = (one: Candidate) =>
            one.priority <= URGENT_PRIORITY === victim.priority <= URGENT_PRIORITY;
          const ahead = waiting.filter(
            (one) => isSameBatch(one) && isSameLane(one) && one.slotAt <= victim.slotAt,
          ).length;
          waiting.push(victim);

          const weight = victim.weight;
          const others = weights.filter((_, index) => index !== victimKind.project);
          const turnsOfLane = 1 + others.reduce((sum, other) => sum + Math.floor(other / weight) + 1, 0);
          const lane = turnsOfLane * OWNERS * (BATCHES + 1) * (ahead + 1);
          const bound = (URGENT_IN_A_ROW + 1) * lane;

          let picks = 0;
          for (let round = 0; ; round++) {
            const [arriving = [], capacity = 1] = rounds[round % rounds.length] ?? [];
            // Later arrivals of the very same batch stand behind it; every other one may be older.
            waiting.push(
              ...arriving
                .map((one) => toCandidate(weights, one))
                .filter((one) => !isSameBatch(one) || one.slotAt > victim.slotAt),
            );
            const order = orderFairly(waiting, served, capacity);
            const place = order.taken.indexOf(victim);
            if (place >= 0) {
              expect(picks + place + 1).toBeLessThanOrEqual(bound);
              return;
            }
            picks += order.taken.length;
            expect(picks).toBeLessThan(bound);
            waiting = [...order.waiting];
            served = order.served;
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
