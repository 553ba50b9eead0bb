import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { callAt, callEvery } from "#infra/local/services/timer.ts";

const START = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;

beforeEach(() => {
  vi.useFakeTimers({ now: START });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("callAt", () => {
  it("calls at the instant, not before", () => {
    const call = vi.fn();
    callAt(START + 1_000, call);
    vi.advanceTimersByTime(999);
    expect(call).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(call).toHaveBeenCalledOnce();
  });

  it("waits for an instant that is further away than a timer can count", () => {
    const call = vi.fn();
    callAt(START + 60 * DAY, call);
    vi.advanceTimersByTime(59 * DAY);
    expect(call).not.toHaveBeenCalled();
    vi.advanceTimersByTime(DAY);
    expect(call).toHaveBeenCalledOnce();
  });

  it("does not call early when the clock is set back meanwhile", () => {
    const call = vi.fn();
    callAt(START + 1_000, call);
    vi.setSystemTime(START - 500);
    vi.advanceTimersByTime(1_000);
    expect(call).not.toHaveBeenCalled();
    vi.advanceTimersByTime(500);
    expect(call).toHaveBeenCalledOnce();
  });

  it("calls at once for an instant that has passed", () => {
    const call = vi.fn();
    callAt(START - DAY, call);
    vi.advanceTimersByTime(0);
    expect(call).toHaveBeenCalledOnce();
  });

  it("does not call when cancelled", () => {
    const call = vi.fn();
    callAt(START + 1_000, call)();
    vi.advanceTimersByTime(DAY);
    expect(call).not.toHaveBeenCalled();
  });
});

describe("callEvery", () => {
  it("calls at the first instant and then every interval, until cancelled", () => {
    const call = vi.fn();
    const cancel = callEvery(START, 60_000, call);
    vi.advanceTimersByTime(120_000);
    expect(call).toHaveBeenCalledTimes(3);
    cancel();
    vi.advanceTimersByTime(120_000);
    expect(call).toHaveBeenCalledTimes(3);
  });

  it("makes up for a sleep of the machine by one call", () => {
    const call = vi.fn();
    const cancel = callEvery(START, 60_000, call);
    vi.advanceTimersByTime(0);
    vi.setSystemTime(START + 600_000);
    vi.advanceTimersByTime(60_000);
    expect(call.mock.calls.length).toBeLessThanOrEqual(3);
    cancel();
  });
});
