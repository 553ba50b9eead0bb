import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { describe, expect, it } from "vitest";
import { type Demand, openTimetable, placesPerDay } from "#shared/domain/planning/calendar.ts";
import { dateOf, dayInWords, localDays, localTimeInWords, weekdayOf } from "#shared/domain/planning/hours.ts";
import type { Occupied, PlanContext } from "#shared/domain/planning/plan.ts";
import { checkSlots, type PlacedSlot } from "#test/bench/planner/check-slots.ts";
import { ACCOUNTS, asPlaced, CLOCK_CHANGES, contexts, occupiedAround } from "#test/support/planning.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const [ACCOUNT = expect.fail()] = ACCOUNTS;

const dayOf = (date: string): number => Date.parse(date) / DAY;
const iso = (atMs: number | undefined): string | undefined =>
  atMs === undefined ? undefined : new Date(atMs).toISOString().slice(0, 16);

describe("the hours of a day", () => {
  it.each([
    ["America/New_York", "2026-03-08", 2, undefined, 23],
    ["America/New_York", "2026-11-01", 1, ["2026-11-01T05:00", 60], 25],
    ["America/New_York", "2026-11-01", 2, ["2026-11-01T07:00", 60], 25],
    ["Europe/Berlin", "2027-03-28", 2, undefined, 23],
    ["Europe/Berlin", "2026-10-25", 2, ["2026-10-25T00:00", 60], 25],
    ["Australia/Lord_Howe", "2026-10-04", 2, ["2026-10-03T15:30", 30], 23.5],
    ["Australia/Lord_Howe", "2026-04-05", 1, ["2026-04-04T14:00", 60], 24.5],
    ["Australia/Lord_Howe", "2026-04-05", 2, ["2026-04-04T15:30", 60], 24.5],
    ["Pacific/Apia", "2011-12-30", 9, undefined, 0],
    ["Pacific/Apia", "2011-12-31", 0, ["2011-12-30T10:00", 60], 24],
    ["America/Sao_Paulo", "2018-11-04", 0, undefined, 23],
    ["Asia/Kolkata", "2028-02-29", 9, ["2028-02-29T03:30", 60], 24],
  ] as const)("%s on %s: hour %i", (timeZone, date, hour, expected, length) => {
    const days = localDays(timeZone);
    const day = dayOf(date);
    const span = days.hoursOn(day)[hour];
    expect(span && [iso(span.startMs), (span.endMs - span.startMs) / MINUTE]).toEqual(expected);
    expect((days.startOf(day + 1) - days.startOf(day)) / HOUR).toBe(length);
  });

  it("are those that a second implementation finds", () => {
    const instants = fc.record({
      timeZone: fc.constantFrom(...CLOCK_CHANGES.map((one) => one.timeZone), "Asia/Kathmandu", "UTC"),
      at: fc.integer({ min: Date.parse("2009-01-01"), max: Date.parse("2031-01-01") }),
    });
    const nearChanges = fc
      .record({ zone: fc.constantFrom(...CLOCK_CHANGES), later: fc.nat(3 * DAY) })
      .map(({ zone, later }) => ({ timeZone: zone.timeZone, at: Date.parse(zone.before) + later }));
    fc.assert(
      fc.property(fc.oneof(instants, nearChanges), ({ timeZone, at }) => {
        const days = localDays(timeZone);
        const zoned = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone);
        const { day, hour, minute } = days.clockAt(at);
        expect([dateOf(day), hour, minute]).toEqual([
          zoned.toPlainDate().toString(),
          zoned.hour,
          zoned.minute,
        ]);
        expect(days.dayOf(at)).toBe(day);
        expect(days.startOf(day)).toBe(zoned.startOfDay().epochMilliseconds);
        expect(weekdayOf(day)).toBe(zoned.dayOfWeek - 1);
        const span = days.hoursOn(day)[hour] ?? expect.fail(`no hour ${hour}`);
        const start = Temporal.Instant.fromEpochMilliseconds(span.startMs).toZonedDateTimeISO(timeZone);
        expect([start.day, start.hour]).toEqual([zoned.day, zoned.hour]);
        // The first time that the clocks show the hour; an instant in its repetition lies after it.
        expect(span.startMs).toBeLessThanOrEqual(at);
        const earlier = Temporal.Instant.fromEpochMilliseconds(span.startMs - 1).toZonedDateTimeISO(timeZone);
        expect([earlier.day, earlier.hour]).not.toEqual([start.day, start.hour]);
      }),
      { numRuns: 300 },
    );
  });

  it("are said in words of the zone", () => {
    const days = localDays("Europe/Berlin");
    expect(localTimeInWords(days, Date.parse("2026-12-01T08:04:59Z"))).toBe("9:04 on Tuesday 1 December");
    expect(dayInWords(dayOf("2028-02-29"))).toBe("Tuesday 29 February");
    expect(dateOf(dayOf("2028-02-29"))).toBe("2028-02-29");
  });
});

const NOW = new Date("2026-12-01T05:00:00Z");
const at = (time: string): Date => new Date(`2026-12-${time}:00Z`);
const one: Demand = { parts: 1, isUrgent: false, within: "jitter" };
const slot = (id: string, when: Date, over: Partial<Occupied> = {}): Occupied => ({
  id,
  at: when,
  parts: 1,
  ...over,
});
const calendarOf = (slots: readonly Occupied[], over: Partial<PlanContext> = {}) =>
  openTimetable(new Map([[ACCOUNT, slots]]), { now: NOW, policy: {}, timeZone: "UTC", ...over }).calendar(
    ACCOUNT,
  );
const FIRST = dayOf("2026-12-01");

describe("a calendar", () => {
  it("has room to the second, on both sides of a thread", () => {
    const calendar = calendarOf([slot("thread", at("01T12:00"), { parts: 3 })], {
      policy: { minIntervalMs: 10 * MINUTE },
    });
    const free = (ms: number, parts = 1) =>
      calendar.isFree(new Date(at("01T12:00").getTime() + ms), { parts, isUrgent: false });
    // Three parts take 12 s.
    expect([free(10 * MINUTE + 11_999), free(10 * MINUTE + 12_000)]).toEqual([false, true]);
    expect([free(-10 * MINUTE + 1), free(-10 * MINUTE)]).toEqual([false, true]);
    expect([free(-10 * MINUTE, 2), free(-10 * MINUTE - 6_000, 2)]).toEqual([false, true]);
  });

  it("never begins two posts at once, even without an interval", () => {
    const calendar = calendarOf([slot("one", at("01T12:00"))]);
    expect(calendar.isFree(at("01T12:00"), one)).toBe(false);
    expect(calendar.isFree(new Date(at("01T12:00").getTime() + 1_000), one)).toBe(true);
  });

  it("keeps X's 100 posts in 15 minutes when the policy has no interval", () => {
    const slots = Array.from({ length: 100 }, (_, index) =>
      slot(`${index}`, new Date(at("01T12:00").getTime() + index * 5_000)),
    );
    const calendar = calendarOf(slots);
    expect(calendar.isFree(new Date(at("01T12:15").getTime() - 1_000), one)).toBe(false);
    expect(calendar.isFree(at("01T12:15"), one)).toBe(true);
    expect(calendar.obstacle(at("01T12:10").getTime(), one, "12:10")?.message).toBe(
      "12:10 is not possible: within 15 minutes the account would have more than 100 posts.",
    );
  });

  it("keeps the daily maximum in a day of the project and in any 24 hours", () => {
    const policy = { dailyMax: 2, urgentShare: 0 };
    const calendar = calendarOf([slot("a", at("01T20:00")), slot("b", at("02T08:00"))], { policy });
    const free = (time: string) => calendar.isFree(at(time), one);
    // The 2nd has one post, but 24 hours around it have two.
    expect([free("02T07:59"), free("02T19:59"), free("02T20:00"), free("03T07:59")]).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(calendar.obstacle(at("02T12:00").getTime(), one, "12:00")).toEqual({
      code: "no-quota",
      message: "12:00 is not possible: within 24 hours the account would have more than 2 posts.",
    });
    calendar.add(slot("c", at("02T20:00")));
    expect(calendar.obstacle(at("02T23:00").getTime(), one, "23:00")).toMatchObject({
      code: "day-full",
      message: "Wednesday 2 December is full: it has 2 of at most 2 posts.",
    });
  });

  it("keeps the urgent posts' share of a day, whoever comes first, and one place at least for others", () => {
    expect([10, 5, 2, 1].map((dailyMax) => placesPerDay({ dailyMax, urgentShare: 0.2 }).notUrgent)).toEqual([
      8, 4, 1, 1,
    ]);
    const policy = { dailyMax: 3, urgentShare: 0.2 };
    const calendar = calendarOf([slot("u", at("01T07:00"), { priority: 1 }), slot("n", at("01T08:00"))], {
      policy,
    });
    const free = (isUrgent: boolean) => calendar.isFree(at("01T12:00"), { parts: 1, isUrgent });
    expect([free(true), free(false)]).toEqual([true, true]);
    calendar.add(slot("m", at("01T09:00"), { priority: 4 }));
    expect(free(false)).toBe(false);
    calendar.remove({ id: "u", at: at("01T07:00") });
    expect([free(true), free(false)]).toEqual([true, false]);
    expect(calendar.obstacle(at("01T12:00").getTime(), one, "12:00")?.message).toBe(
      "Tuesday 1 December is full: it has 2 of 2 posts, and the other 1 are kept for urgent ones.",
    );
  });

  it("keeps the daily maximum on a day of 25 hours, too", () => {
    const calendar = calendarOf([slot("a", new Date("2026-11-01T04:10:00Z"))], {
      now: new Date("2026-10-31T12:00:00Z"),
      timeZone: "America/New_York",
      policy: { dailyMax: 1 },
    });
    const urgent = { parts: 1, isUrgent: true };
    // From 0:10 to 23:40 of the day on which the clocks go back are 24 hours and a half.
    expect(calendar.isFree(new Date("2026-11-02T04:40:00Z"), urgent)).toBe(false);
    expect(calendar.isFree(new Date("2026-11-02T05:00:00Z"), urgent)).toBe(true);
    expect(
      calendar.nextOpenDay(dayOf("2026-11-01"), dayOf("2026-11-09"), { ...urgent, within: "hour" }),
    ).toBe(dayOf("2026-11-02"));
  });

  it("lets no thread run into a blackout that begins at midnight", () => {
    const calendar = calendarOf([], { policy: { blackout: { fromHour: 0, toHour: 7 } } });
    const thread = { parts: 25, isUrgent: false, within: "hour" } as const;
    // 25 parts take 144 s.
    const end = calendar.openHours(FIRST, thread).at(-1)?.spans.at(-1)?.toMs;
    expect(end).toBe(at("02T00:00").getTime() - 144_000);
    expect(calendar.isFree(new Date(at("02T00:00").getTime() - 145_000), thread)).toBe(true);
    expect(calendar.isFree(new Date(at("02T00:00").getTime() - 144_000), thread)).toBe(false);
  });

  it("leaves a quota's rest to its window, and opens when X says so", () => {
    const window = { startAt: at("01T00:00"), resetAt: at("02T00:00") };
    const quotas = new Map([[ACCOUNT, { limit: 10, used: 8, window, closedUntil: at("01T09:00") }]]);
    const calendar = calendarOf([slot("a", at("01T20:00"))], { quotas, policy: { quotaBuffer: 0 } });
    expect(calendar.isFree(at("01T08:59"), one)).toBe(false);
    expect(calendar.isFree(at("01T09:00"), one)).toBe(true);
    expect(calendar.isFree(at("01T12:00"), { parts: 2, isUrgent: true })).toBe(false);
    calendar.add(slot("b", at("01T10:00")));
    expect(calendar.isFree(at("01T12:00"), one)).toBe(false);
    expect(calendar.openHours(FIRST, one)).toEqual([]);
    expect(calendar.isFree(at("02T00:00"), one)).toBe(true);
    calendar.remove({ id: "b", at: at("01T10:00") });
    expect(calendar.isFree(at("01T12:00"), one)).toBe(true);
  });

  it("skips full days however often it is asked, and finds them again when something leaves", () => {
    const full = Array.from({ length: 200 }, (_, day) =>
      slot(`${day}`, new Date(at("01T12:00").getTime() + day * DAY)),
    );
    const calendar = calendarOf(full, { policy: { dailyMax: 1 } });
    const next = (day: number) => calendar.nextOpenDay(day, FIRST + 366, one);
    // The last full day ends the 24 hours of the next one at noon.
    expect([next(FIRST), next(FIRST + 50), next(FIRST)]).toEqual([FIRST + 200, FIRST + 200, FIRST + 200]);
    expect(calendar.nextOpenDay(FIRST, FIRST + 199, one)).toBeUndefined();
    calendar.remove({ id: "70", at: full[70]?.at ?? NOW });
    expect([next(FIRST), next(FIRST + 71)]).toEqual([FIRST + 70, FIRST + 200]);
    calendar.remove({ id: "nobody", at: NOW });
    calendar.add(slot("again", full[70]?.at ?? NOW));
    expect(next(FIRST)).toBe(FIRST + 200);
  });

  it("does not count a slot against itself", () => {
    const own = slot("own", at("01T12:00"));
    const calendar = calendarOf([own], { policy: { dailyMax: 1, minIntervalMs: HOUR } });
    expect(calendar.isFree(at("01T12:30"), one)).toBe(false);
    expect(calendar.isFree(at("01T12:30"), one, own)).toBe(true);
    expect(calendar.isFree(at("02T11:00"), one, own)).toBe(true);
  });

  it("takes its slots in any order", () => {
    const slots = [slot("b", at("01T15:00")), slot("a", at("01T09:00"))];
    const calendar = calendarOf(slots, { policy: { minIntervalMs: HOUR } });
    expect([calendar.gapMs(at("01T11:00").getTime(), 1), calendar.partsOn(FIRST)]).toEqual([2 * HOUR, 2]);
    expect(calendar.isFree(at("01T09:30"), one)).toBe(false);
  });

  it("agrees with the checker on what is free, if nothing was wrong before", () => {
    const cases = contexts.chain((context) =>
      fc.record({
        context: fc.constant(context),
        occupied: occupiedAround(context.now),
        seconds: fc.array(fc.integer({ min: 0, max: 8 * 86_400 }), { minLength: 5, maxLength: 15 }),
        isUrgent: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(cases, ({ context, occupied, seconds, isUrgent }) => {
        const calendar = openTimetable(new Map(), context).calendar(ACCOUNT);
        const kept: PlacedSlot[] = [];
        const conflictOf = (candidate: PlacedSlot): boolean =>
          checkSlots([...kept, candidate], context).size > 0;
        for (const { accountId: _, ...taken } of asPlaced(occupied)) {
          const candidate = { ...taken, parts: 1, accountId: ACCOUNT };
          const isTwin = kept.some(({ at: other }) => other.getTime() === candidate.at.getTime());
          if (isTwin || conflictOf(candidate)) continue;
          kept.push(candidate);
          calendar.add(candidate);
        }
        for (const later of seconds) {
          const candidate = {
            id: "new",
            accountId: ACCOUNT,
            at: new Date(Math.floor(context.now.getTime() / 1_000 + later) * 1_000),
            parts: 1,
            priority: isUrgent ? 1 : 5,
          };
          if (kept.some(({ at: other }) => other.getTime() === candidate.at.getTime())) continue;
          expect(calendar.isFree(candidate.at, { parts: 1, isUrgent })).toBe(!conflictOf(candidate));
        }
      }),
      { numRuns: 150 },
    );
  });

  it("offers in its open hours exactly what is free in them", () => {
    const cases = contexts.chain((context) =>
      fc.record({
        context: fc.constant(context),
        occupied: occupiedAround(context.now),
        parts: fc.constantFrom(1, 4),
        isUrgent: fc.boolean(),
        within: fc.constantFrom("jitter" as const, "hour" as const),
        ahead: fc.nat(8),
        steps: fc.array(fc.nat(3_599), { minLength: 3, maxLength: 3 }),
      }),
    );
    fc.assert(
      fc.property(cases, ({ context, occupied, ahead, steps, ...demand }) => {
        const timetable = openTimetable(occupied, context);
        const calendar = timetable.calendar(ACCOUNT);
        const day = timetable.days.dayOf(context.now.getTime()) + ahead;
        const open = calendar.openHours(day, demand);
        const { jitterMs } = timetable.rules;
        for (const [hour, span] of timetable.days.hoursOn(day).entries())
          for (const step of steps) {
            if (!span) continue;
            const atMs = span.startMs + step * 1_000;
            const isOffered =
              atMs < span.endMs && (demand.within === "hour" || atMs - span.startMs <= jitterMs);
            const offered = open
              .find((one) => one.hour === hour)
              ?.spans.some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs);
            expect(offered ?? false).toBe(isOffered && calendar.isFree(new Date(atMs), demand));
          }
        expect(
          open.every(({ spans }) => spans.every(({ fromMs, toMs }) => fromMs % 1_000 === 0 && fromMs < toMs)),
        ).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});
