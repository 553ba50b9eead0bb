import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeSettingsBody } from "#shared/contract/settings-view.ts";
import { BACKOFF } from "#shared/domain/failure.ts";
import {
  changeSettings,
  DEFAULT_SETTINGS,
  rangeInWords,
  readStoredSettings,
  SETTING_NAMES,
  SETTINGS,
  type Settings,
  settingsChangedBy,
} from "#shared/domain/settings.ts";
import { TIMING } from "#shared/domain/timing.ts";

const anyName = fc.constantFrom(...SETTING_NAMES);
const inRange = anyName.chain((name) =>
  fc.record({
    name: fc.constant(name),
    value: fc.integer({ min: SETTINGS[name].min, max: SETTINGS[name].max }),
  }),
);
const outOfRange = anyName.chain((name) => {
  const { min, max } = SETTINGS[name];
  return fc.record({
    name: fc.constant(name),
    value: fc.oneof(
      fc.integer({ max: min - 1 }),
      fc.integer({ min: max + 1 }),
      fc.double({ min, max, noNaN: true }).filter((value) => !Number.isInteger(value)),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
    ),
  });
});
const anySettings: fc.Arbitrary<Settings> = fc
  .record(
    Object.fromEntries(
      SETTING_NAMES.map((name) => [name, fc.integer({ min: SETTINGS[name].min, max: SETTINGS[name].max })]),
    ),
  )
  .map((values) => values as Settings);

describe("the table of settings", () => {
  it.each(SETTING_NAMES)("%s has a default inside its range", (name) => {
    const { min, max, default: standard } = SETTINGS[name];
    expect(min).toBeLessThanOrEqual(standard);
    expect(standard).toBeLessThanOrEqual(max);
  });

  it("is where the rules take their numbers from", () => {
    expect(BACKOFF.baseMs).toBe(DEFAULT_SETTINGS.retryBaseSeconds * 1_000);
    expect(TIMING.sweep.claimMs).toBe(DEFAULT_SETTINGS.stuckAfterSeconds * 1_000);
  });

  it("lets nobody call a task stuck while a worker may still hold it", () => {
    const stuckMs = SETTINGS.stuckAfterSeconds.min * 1_000;
    expect(stuckMs).toBeGreaterThan(TIMING.publish.leaseMs);
    expect(stuckMs).toBeGreaterThan(TIMING.prepare.leaseMs);
  });
});

describe("a change", () => {
  it("sets what is in range, in the rule and at the boundary, and leaves the others", () => {
    fc.assert(
      fc.property(anySettings, inRange, (settings, { name, value }) => {
        expect(changeSettings(settings, { [name]: value })).toEqual({ ...settings, [name]: value });
        expect(writeSettingsBody.parse({ [name]: value })).toEqual({ [name]: value });
      }),
    );
  });

  it("is refused out of range, in the rule and at the boundary, which names the range", () => {
    fc.assert(
      fc.property(outOfRange, ({ name, value }) => {
        expect(() => changeSettings(DEFAULT_SETTINGS, { [name]: value })).toThrow(RangeError);
        const issues = writeSettingsBody.safeParse({ [name]: value }).error?.issues ?? [];
        expect(issues.length).toBeGreaterThan(0);
        for (const { message } of issues) expect(message).toContain(rangeInWords(name));
      }),
    );
  });

  it.each([{ batchsize: 20 }, { settings: {} }, { batchSize: "20" }, { batchSize: null }])(
    "is refused at the boundary as %j",
    (body) => {
      expect(writeSettingsBody.safeParse(body).success).toBe(false);
    },
  );

  it("tells what it changed, and nothing else", () => {
    fc.assert(
      fc.property(anySettings, anySettings, (before, after) => {
        const changed = settingsChangedBy(before, after);
        expect(changeSettings(before, Object.fromEntries(changed.map(({ name, to }) => [name, to])))).toEqual(
          after,
        );
        for (const { name, from, to } of changed) {
          expect(from).toBe(before[name]);
          expect(to).not.toBe(from);
        }
      }),
    );
    expect(settingsChangedBy(DEFAULT_SETTINGS, { ...DEFAULT_SETTINGS })).toEqual([]);
  });
});

describe("what another release has stored", () => {
  it("is understood, whatever it is", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.oneof(anyName, fc.string()), fc.anything()), (stored) => {
        const settings = readStoredSettings(stored);
        expect(Object.keys(settings)).toEqual([...SETTING_NAMES]);
        expect(() => changeSettings(DEFAULT_SETTINGS, settings)).not.toThrow();
      }),
    );
  });

  it("keeps what is in range, takes the nearest for what is not, and the default for what is missing", () => {
    expect(
      readStoredSettings({ batchSize: 20, concurrentPublishers: 51, retryBaseSeconds: 1, old: 7 }),
    ).toEqual({
      ...DEFAULT_SETTINGS,
      batchSize: 20,
      concurrentPublishers: 50,
      retryBaseSeconds: 30,
    });
  });

  it("is itself when it is in range", () => {
    fc.assert(
      fc.property(anySettings, (settings) => {
        expect(readStoredSettings(settings)).toEqual(settings);
      }),
    );
  });
});
