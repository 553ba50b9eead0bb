import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ACCOUNT_CIRCUIT } from "#shared/domain/circuit.ts";
import {
  confirm,
  decideGate,
  doubt,
  type Gate,
  giveBack,
  hasPlace,
  newGate,
  nextInstant,
  noteResponse,
  QUARTER_LIMIT,
  reserve,
  writeOff,
} from "#shared/domain/gate.ts";
import { asAccountId, asAttemptId, asOwnerId, asTaskId, type TaskId } from "#shared/domain/ids.ts";
import { type PostingPolicy, threadMs } from "#shared/domain/policy.ts";

const start = new Date("2026-12-01T01:00:00.000Z");
const at = (ms: number) => new Date(start.getTime() + ms);
const MINUTE = 60_000;
const QUARTER = 15 * MINUTE;
const DAY = 86_400_000;
const reason = { code: "rate-limited", message: "No.", remedy: "Wait." };
const task = (name: string) => asTaskId(name);
const wish = (taskId: TaskId, now: Date, units = 1, policy: PostingPolicy = {}) => ({
  taskId,
  now,
  units,
  policy,
});
const take = (gate: Gate, taskId: TaskId, now: Date, units = 1, policy: PostingPolicy = {}): Gate => {
  expect(decideGate(gate, wish(taskId, now, units, policy))).toBeUndefined();
  const by = { attemptId: asAttemptId(`attempt of ${taskId}`), ownerId: asOwnerId("owner-1") };
  return reserve(gate, { ...wish(taskId, now, units, policy), ...by });
};
const fresh = newGate(asAccountId("account-1"));
const posted = (gate: Gate, taskId: TaskId, now: Date, isLast = true) =>
  confirm(gate, { taskId, at: now, postId: `${taskId}-post`, isLast });
const [a, b, c] = ["a", "b", "c"].map(task) as [TaskId, TaskId, TaskId];

describe("a gate", () => {
  it("lets an account post that never did", () => {
    expect(decideGate(fresh, wish(a, start, 25, { minIntervalMs: DAY, dailyMax: 25 }))).toBeUndefined();
    expect(fresh).toMatchObject({ version: 0, successRate: 1, reservations: [] });
    expect(nextInstant(fresh)).toEqual(new Date(0));
  });

  it("counts a place before the post, and frees it with a definite no", () => {
    const taken = take(fresh, a, start, 3);
    expect(taken).toMatchObject({
      version: 1,
      ownerId: "owner-1",
      quarter: { startAt: start, used: 3 },
      day: { startAt: start, used: 3 },
      reservations: [{ taskId: a, at: start, units: 3, used: 0 }],
    });
    expect(giveBack(taken, a)).toMatchObject({
      version: 2,
      quarter: { used: 0 },
      day: { used: 0 },
      reservations: [],
    });
  });

  it("frees what a thread did not use, and not what is out", () => {
    const one = posted(take(fresh, a, start, 3), a, at(1), false);
    expect(one).toMatchObject({ day: { used: 3 }, reservations: [{ used: 1, units: 3 }] });
    expect(giveBack(one, a)).toMatchObject({ day: { used: 1 }, quarter: { used: 1 }, reservations: [] });
    expect(posted(one, a, at(6_000), true)).toMatchObject({ day: { used: 2 }, reservations: [] });
  });

  it("keeps the place of a post that may be out, also when nobody looks any more", () => {
    const lost = doubt(take(fresh, a, start), at(10));
    expect(lost).toMatchObject({ day: { used: 1 }, reservations: [{ taskId: a }], version: 2 });
    expect(writeOff(lost, a)).toMatchObject({ day: { used: 1 }, reservations: [], version: 3 });
  });

  it("frees nothing of a window that is over, and nothing for a task without a place", () => {
    const old = take(fresh, a, start);
    const renewed = take(old, b, at(DAY));
    expect(renewed).toMatchObject({ day: { startAt: at(DAY), used: 1 }, quarter: { used: 1 } });
    expect(giveBack(renewed, a)).toMatchObject({ day: { used: 1 }, quarter: { used: 1 } });
    expect(giveBack(renewed, c)).toEqual({ ...renewed, version: renewed.version + 1 });
  });

  it("tells two that read it apart by its version only: the second must decide again", () => {
    const [first, second] = [take(fresh, a, start), take(fresh, b, start)];
    expect(first.version).toBe(second.version);
    expect(decideGate(first, wish(b, start, 1, { minIntervalMs: 1 }))?.code).toBe("too-close");
  });

  it("remembers the newest post, in whatever order posts are settled", () => {
    const both = take(take(fresh, a, start), b, at(1));
    const settled = posted(posted(both, b, at(5_000)), a, at(1_000));
    expect(settled).toMatchObject({ lastPostAt: at(5_000), lastPostId: "b-post", reservations: [] });
  });

  it("rates success by the last posts, newer ones more", () => {
    const failed = noteResponse(fresh, { now: start, heard: "silence" });
    expect(failed.successRate).toBeCloseTo(0.9);
    expect(doubt(failed, start).successRate).toBeCloseTo(0.81);
    expect(posted(failed, a, start).successRate).toBeCloseTo(0.91);
    for (const heard of ["answer", "nothing"] as const)
      expect(noteResponse(failed, { now: start, heard }).successRate).toBe(failed.successRate);
  });
});

describe("decideGate", () => {
  it("keeps X's own limit of 100 posts in 15 minutes, counted from the first", () => {
    let gate = fresh;
    for (let count = 0; count < 96; count++)
      gate = posted(take(gate, task(`t${count}`), at(count)), task(`t${count}`), at(count));
    expect(decideGate(gate, wish(a, at(1_000), 5))).toMatchObject({
      code: "no-quota",
      until: at(QUARTER),
      known: true,
    });
    expect(decideGate(gate, wish(a, at(1_000), 4))).toBeUndefined();
    expect(decideGate(gate, wish(a, at(QUARTER - 1), 5))?.code).toBe("no-quota");
    expect(decideGate(gate, wish(a, at(QUARTER), 5))).toBeUndefined();
  });

  it("keeps the project's daily maximum, counted from the first post", () => {
    const policy = { dailyMax: 2 };
    const gate = take(posted(take(fresh, a, start, 1, policy), a, start), b, at(DAY - 1), 1, policy);
    expect(decideGate(gate, wish(c, at(DAY - 1), 1, policy))).toMatchObject({
      code: "no-quota",
      until: at(DAY),
      known: true,
    });
    expect(decideGate(gate, wish(c, at(DAY), 1, policy))).toBeUndefined();
    expect(decideGate(gate, wish(c, at(DAY - 1)))).toBeUndefined();
  });

  it("does not pretend to know when a thread that is longer than a day's maximum may go out", () => {
    expect(decideGate(fresh, wish(a, start, 3, { dailyMax: 2 }))).toMatchObject({
      code: "no-quota",
      until: at(15 * MINUTE),
      known: false,
    });
  });

  it("keeps the interval after the last post, to the millisecond", () => {
    const policy = { minIntervalMs: 10 * MINUTE };
    const gate = posted(take(fresh, a, start, 1, policy), a, at(40));
    const early = decideGate(gate, wish(b, at(10 * MINUTE + 39), 1, policy));
    expect(early).toMatchObject({ code: "too-close", until: at(10 * MINUTE + 40), known: true });
    expect(decideGate(gate, wish(b, at(10 * MINUTE + 40), 1, policy))).toBeUndefined();
    expect(decideGate(gate, wish(b, at(50), 1, {}))).toBeUndefined();
  });

  it("keeps the interval after a place that is taken, from the end of its thread", () => {
    const policy = { minIntervalMs: MINUTE };
    const gate = take(fresh, a, start, 3, policy);
    const until = at(threadMs(3) + MINUTE);
    expect(decideGate(gate, wish(b, at(5_000), 1, policy))).toMatchObject({ code: "too-close", until });
    expect(decideGate(giveBack(gate, a), wish(b, at(5_000), 1, policy))).toBeUndefined();
  });

  it("keeps the interval after a post that nobody found, too: it counts as posted", () => {
    const policy = { minIntervalMs: 60 * MINUTE };
    const gate = writeOff(doubt(take(fresh, a, start, 1, policy), at(10)), a);
    expect(decideGate(gate, wish(b, at(10 * MINUTE), 1, policy))).toMatchObject({
      code: "too-close",
      until: at(60 * MINUTE),
    });
    expect(gate).not.toHaveProperty("lastPostId");
  });

  it("lets the later parts of a thread keep their place, whatever fills up meanwhile", () => {
    const policy = { minIntervalMs: 60 * MINUTE, dailyMax: 3 };
    const thread = posted(take(fresh, a, start, 3, policy), a, at(40), false);
    expect(decideGate(thread, wish(b, at(6_000), 1, policy))?.code).toBe("too-close");
    expect(decideGate(thread, wish(b, at(6_000), 1, { dailyMax: 3 }))?.code).toBe("no-quota");
    const second = take(thread, a, at(6_000), 2, policy);
    expect(second).toMatchObject({
      day: { used: 3 },
      reservations: [{ taskId: a, at: at(6_000), units: 3, used: 1 }],
    });
  });

  it("has room for a thread where it is counted already, however full that is", () => {
    let gate = posted(take(fresh, a, start, 25), a, at(40), false);
    for (let count = 0; count < 3; count++) gate = take(gate, task(`t${count}`), at(count), 25);
    expect(gate.quarter?.used).toBe(QUARTER_LIMIT);
    expect(decideGate(gate, wish(a, at(6_000), 24))).toBeUndefined();
    expect(decideGate(gate, wish(b, at(6_000)))?.code).toBe("no-quota");
  });

  it("counts what is left of a thread in the windows in which it goes on, once each", () => {
    const policy = { dailyMax: 3 };
    const first = posted(take(fresh, a, start, 3, policy), a, at(40), false);
    const second = take(first, a, at(QUARTER), 2, policy);
    expect(second).toMatchObject({ day: { used: 3 }, quarter: { startAt: at(QUARTER), used: 2 } });
    expect(giveBack(second, a)).toMatchObject({ day: { used: 1 }, quarter: { used: 0 } });
    const third = take(posted(second, a, at(QUARTER), false), a, at(DAY), 1, policy);
    expect(third).toMatchObject({
      day: { startAt: at(DAY), used: 1 },
      quarter: { startAt: at(DAY), used: 1 },
    });
    expect(posted(third, a, at(DAY))).toMatchObject({ day: { used: 1 }, quarter: { used: 1 } });
  });

  it("lets a thread go on in a new window only as far as that one has room", () => {
    const policy = { dailyMax: 3 };
    const first = posted(take(fresh, a, start, 3, policy), a, at(40), false);
    const full = posted(take(first, b, at(DAY), 2, policy), b, at(DAY), false);
    expect(decideGate(full, wish(a, at(DAY + 1), 2, policy))).toMatchObject({
      code: "no-quota",
      until: at(2 * DAY),
      known: true,
    });
  });

  it("stops even those that have a place while X takes no post of the account", () => {
    const thread = posted(take(fresh, a, start, 2), a, at(40), false);
    const closed = noteResponse(thread, {
      now: at(6_000),
      heard: "answer",
      closed: { until: at(MINUTE), reason },
    });
    for (const id of [a, b])
      expect(decideGate(closed, wish(id, at(MINUTE - 1)))).toMatchObject({
        code: "rate-limited",
        until: at(MINUTE),
        known: true,
        reason,
      });
    expect(decideGate(closed, wish(a, at(MINUTE)))).toBeUndefined();
  });

  it("leaves an account alone that X did not answer, and lets one probe through afterwards", () => {
    let gate = fresh;
    for (let count = 0; count < ACCOUNT_CIRCUIT.threshold; count++)
      gate = doubt(take(gate, task(`t${count}`), at(count)), at(count));
    expect(decideGate(gate, wish(a, at(10)))).toMatchObject({
      code: "circuit-open",
      until: at(2 + ACCOUNT_CIRCUIT.pauseMs),
      known: false,
    });
    expect(nextInstant(gate)).toEqual(at(2 + ACCOUNT_CIRCUIT.pauseMs));
    const probedAt = at(2 + ACCOUNT_CIRCUIT.pauseMs);
    const probing = take(gate, a, probedAt);
    const waits = { code: "circuit-open", until: new Date(probedAt.getTime() + ACCOUNT_CIRCUIT.probeMs) };
    expect(decideGate(probing, wish(b, probedAt))).toMatchObject(waits);
    expect(decideGate(posted(probing, a, probedAt), wish(b, probedAt))).toBeUndefined();
    const answered = giveBack(probing, a, { now: probedAt, heard: "answer" });
    expect(decideGate(answered, wish(b, probedAt))).toBeUndefined();
    expect(
      decideGate(giveBack(probing, a, { now: probedAt, heard: "nothing" }), wish(b, probedAt)),
    ).toMatchObject(waits);
    expect(
      decideGate(giveBack(probing, a, { now: probedAt, heard: "silence" }), wish(b, probedAt)),
    ).toMatchObject({
      until: new Date(probedAt.getTime() + 2 * ACCOUNT_CIRCUIT.pauseMs),
    });
  });
});

describe("the newest post", () => {
  it("is the one that was written last of two at the same instant", () => {
    const both = posted(posted(take(fresh, a, start), a, start), b, start);
    expect(both).toMatchObject({ lastPostAt: start, lastPostId: "b-post" });
    expect(posted(both, c, at(-1))).toMatchObject({ lastPostAt: start, lastPostId: "b-post" });
  });

  it("may be one that nobody found, unless a later one is known, or it had no place", () => {
    const early = take(fresh, a, start);
    const late = posted(take(early, b, at(10)), b, at(10));
    expect(writeOff(early, a)).toMatchObject({ lastPostAt: start });
    expect(writeOff(late, a)).toMatchObject({ lastPostAt: at(10), lastPostId: "b-post", reservations: [] });
    expect(writeOff(take(posted(fresh, b, start), a, at(10)), a)).toMatchObject({ lastPostAt: at(10) });
    expect(writeOff(fresh, a)).not.toHaveProperty("lastPostAt");
  });
});

describe("a place", () => {
  it("is had from the intent to the last part", () => {
    const taken = take(fresh, a, start, 2);
    expect([hasPlace(fresh, a), hasPlace(taken, a), hasPlace(taken, b)]).toEqual([false, true, false]);
    const half = posted(taken, a, start, false);
    expect([hasPlace(half, a), hasPlace(posted(half, a, start), a)]).toEqual([true, false]);
  });

  it("keeps others away for as long as its remaining parts take, and the interval", () => {
    const policy = { minIntervalMs: MINUTE };
    const half = posted(take(fresh, a, start, 10, policy), a, start, false);
    expect(decideGate(half, wish(b, start, 1, policy))?.until).toEqual(at(threadMs(9) + MINUTE));
  });

  it("is given back without windows that it was counted in", () => {
    const { quarter: _quarter, day: _day, ...bare } = take(fresh, a, start);
    expect(giveBack(bare, a)).toEqual({ ...bare, reservations: [], version: 2 });
  });

  it("starts no probe while the circuit is closed", () => {
    expect(take(fresh, a, start).circuit).toEqual(fresh.circuit);
  });
});

describe("a definite no", () => {
  it.each([
    ["answer", 0],
    ["nothing", 1],
    ["silence", 2],
  ] as const)("with %s leaves a circuit that was silent once with %d failures", (heard, failures) => {
    const once = doubt(take(fresh, a, start), start);
    expect(once.circuit.failures).toBe(1);
    expect(noteResponse(once, { now: start, heard }).circuit.failures).toBe(failures);
  });
});

describe("hours", () => {
  const busy = (gate: Gate) => Object.entries(gate.hours ?? {}).filter(([, count]) => count > 0);

  it("count tasks by the hour of the day in UTC, a thread once", () => {
    expect(fresh).not.toHaveProperty("hours");
    let gate = posted(take(fresh, a, start), a, at(59 * MINUTE));
    expect(gate.hours).toHaveLength(24);
    expect(busy(gate)).toEqual([["1", 1]]);
    gate = posted(take(gate, b, start, 2), b, at(60 * MINUTE), false);
    expect(busy(gate)).toEqual([["1", 1]]);
    gate = posted(gate, b, at(60 * MINUTE));
    expect(busy(gate)).toEqual([
      ["1", 1],
      ["2", 1],
    ]);
    gate = posted(gate, c, at(DAY));
    expect(busy(gate)).toEqual([
      ["1", 2],
      ["2", 1],
    ]);
  });
});

describe("nextInstant", () => {
  it("is the latest of reset, circuit and interval", () => {
    const policy = { minIntervalMs: 10 * MINUTE };
    const gate = posted(take(fresh, a, start, 1, policy), a, start);
    expect(nextInstant(gate)).toEqual(at(10 * MINUTE));
    const closed = noteResponse(gate, { now: start, heard: "answer", closed: { until: at(DAY), reason } });
    expect(nextInstant(closed)).toEqual(at(DAY));
    expect(nextInstant(posted(take(fresh, a, start), a, start))).toEqual(new Date(0));
  });
});

type Step = {
  readonly op: "reserve" | "part" | "last" | "give-back" | "doubt" | "write-off";
  readonly which: number;
  readonly units: number;
  readonly afterMs: number;
  readonly skewMs: number;
};

const steps = (skewMs: number) =>
  fc.array(
    fc.record<Step>({
      op: fc.constantFrom("reserve", "reserve", "reserve", "part", "last", "give-back", "doubt", "write-off"),
      which: fc.nat(30),
      units: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 25 })),
      afterMs: fc.oneof(fc.nat(2_000), fc.nat(QUARTER), fc.nat(DAY / 4)),
      skewMs: fc.integer({ min: -skewMs, max: skewMs }),
    }),
    { maxLength: 120 },
  );

const policies = fc.record<PostingPolicy>(
  {
    minIntervalMs: fc.oneof(fc.nat(20_000), fc.nat(QUARTER)),
    dailyMax: fc.integer({ min: 25, max: 60 }),
  },
  { requiredKeys: [] },
);

/** What really happened, kept without any of the gate's own arithmetic. */
interface Fact {
  readonly taskId: TaskId;
  readonly units: number;
  /** Of the last intent. */
  at: Date;
  out: number;
  state: "open" | "returned" | "written-off" | "done";
  /** Instants of the intents of the parts that are out. */
  readonly outAt: Date[];
}

interface Played {
  readonly gate: Gate;
  readonly facts: readonly Fact[];
  readonly now: Date;
}

function play(
  sequence: readonly Step[],
  policy: PostingPolicy,
  check: (played: Played) => void,
  beforeReserve: (played: Played) => void = () => {},
): void {
  let gate = fresh;
  const facts: Fact[] = [];
  let nowMs = start.getTime();
  for (const { op, which, units, afterMs, skewMs } of sequence) {
    nowMs += afterMs;
    const now = new Date(nowMs + skewMs);
    const open = facts.filter(({ state }) => state === "open");
    const chosen = open[which % Math.max(1, open.length)];
    const { version } = gate;
    if (op === "reserve") {
      const taskId = task(`t${facts.length}`);
      if (decideGate(gate, wish(taskId, now, units, policy))) continue;
      beforeReserve({ gate, facts, now });
      gate = take(gate, taskId, now, units, policy);
      facts.push({ taskId, units, at: now, out: 0, state: "open", outAt: [] });
    } else if (chosen) {
      const { taskId } = chosen;
      switch (op) {
        case "part":
        case "last":
          // The first part's intent is the reservation itself; each further one has its own.
          if (chosen.out > 0) {
            const left = chosen.units - chosen.out;
            if (decideGate(gate, wish(taskId, now, left, policy))) continue;
            gate = take(gate, taskId, now, left, policy);
            chosen.at = now;
          }
          chosen.out++;
          chosen.outAt.push(chosen.at);
          if (op === "last" || chosen.out === chosen.units) chosen.state = "done";
          gate = posted(gate, taskId, chosen.at, chosen.state === "done");
          break;
        case "give-back":
          chosen.state = "returned";
          gate = giveBack(gate, taskId, { now, heard: "answer" });
          break;
        case "doubt":
          gate = noteResponse(doubt(gate, now), { now, heard: "answer" });
          break;
        case "write-off":
          chosen.state = "written-off";
          gate = writeOff(gate, taskId);
      }
    } else continue;
    expect(gate.version).toBeGreaterThan(version);
    check({ gate, facts, now });
  }
}

/** Parts whose intent lies in the window, and those that may be out or may follow there. */
function inWindow(
  { facts }: Played,
  startAt: Date | undefined,
): { readonly sure: number; readonly most: number } {
  let [sure, most] = [0, 0];
  for (const { at: lastAt, outAt, state, units, out } of facts) {
    const within = outAt.filter((instant) => startAt && instant >= startAt).length;
    const pending = state === "open" || state === "written-off" ? units - out : 0;
    sure += within;
    most += within + (startAt && lastAt >= startAt ? pending : 0);
  }
  return { sure, most };
}

describe("under any sequence of reservations and settlements", () => {
  const windowsOf = ({ quarter, day }: Gate, { dailyMax = Number.POSITIVE_INFINITY }: PostingPolicy) =>
    [
      [quarter, QUARTER_LIMIT],
      [day, dailyMax],
    ] as const;

  it("the windows equal the facts, and never pass their limits or fall below zero", () => {
    fc.assert(
      fc.property(steps(0), policies, (sequence, policy) => {
        play(sequence, policy, (played) => {
          const { gate, facts } = played;
          for (const [window, limit] of windowsOf(gate, policy)) {
            expect(window?.used ?? 0).toBe(inWindow(played, window?.startAt).most);
            expect(window?.used ?? 0).toBeLessThanOrEqual(limit);
            expect(window?.used ?? 0).toBeGreaterThanOrEqual(0);
          }
          expect(gate.successRate).toBeGreaterThanOrEqual(0);
          expect(gate.successRate).toBeLessThanOrEqual(1);
          const open = facts.filter(({ state }) => state === "open");
          expect(
            gate.reservations.map(({ taskId, units, used }) => [taskId, units, used]).toSorted(),
          ).toEqual(open.map(({ taskId, units, out }) => [taskId, units, out]).toSorted());
        });
      }),
      { numRuns: 300 },
    );
  });

  it("with clocks that differ by seconds, never less is counted than is out, and never more than the limits", () => {
    fc.assert(
      fc.property(steps(3_000), policies, (sequence, policy) => {
        play(sequence, policy, (played) => {
          for (const [window, limit] of windowsOf(played.gate, policy)) {
            expect(window?.used ?? 0).toBeGreaterThanOrEqual(inWindow(played, window?.startAt).sure);
            expect(window?.used ?? 0).toBeLessThanOrEqual(limit);
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  it("no two tasks get into the same gap", () => {
    fc.assert(
      fc.property(steps(0), fc.integer({ min: 1, max: QUARTER }), (sequence, minIntervalMs) => {
        play(
          sequence,
          { minIntervalMs },
          () => {},
          ({ facts, now }) => {
            for (const { at: lastAt, state, units, out, outAt } of facts) {
              const mayFollow = state === "open" ? threadMs(units - out) : 0;
              const ends = outAt.map((instant) => instant.getTime());
              if (state === "open" || state === "written-off") ends.push(lastAt.getTime() + mayFollow);
              for (const end of ends) expect(now.getTime()).toBeGreaterThanOrEqual(end + minIntervalMs);
            }
          },
        );
      }),
      { numRuns: 300 },
    );
  });
});
