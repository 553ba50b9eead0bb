import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toPrometheus } from "#shared/domain/prometheus.ts";
import { addTotals, type Totals, totalsOfRequest } from "#shared/domain/totals.ts";

/** One sample as the format defines it. @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details */
const SAMPLE =
  /^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?<labels>(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (?<value>\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

/** Reads the text as strictly as Prometheus does, and answers the samples by name. */
function read(text: string) {
  expect(text.endsWith("\n")).toBe(true);
  const types = new Map<string, string>();
  const samples: { name: string; labels: string; value: number }[] = [];
  const lines = text.trimEnd().split("\n");
  for (const [index, line] of lines.entries()) {
    const head = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (head?.[1] === "HELP") {
      expect(lines[index + 1]).toMatch(new RegExp(`^# TYPE ${head[2]} (counter|histogram|gauge)$`));
      continue;
    }
    if (head) {
      expect(types.has(head[2] ?? "")).toBe(false);
      types.set(head[2] ?? "", head[3] ?? "");
      continue;
    }
    const groups = SAMPLE.exec(line)?.groups;
    expect(groups, line).toBeDefined();
    const { name = "", labels = "", value } = groups ?? {};
    const family = [...types.keys()].at(-1) ?? "";
    expect([family, `${family}_bucket`, `${family}_sum`, `${family}_count`]).toContain(name);
    samples.push({ name, labels, value: Number(value) });
  }
  return { types, samples, of: (name: string) => samples.filter((sample) => sample.name === name) };
}

const ABOUT = { version: "1.2.3", stage: "main" };

describe("Prometheus text", () => {
  it("is valid before anything was counted, with the counters that have no labels at 0", () => {
    const { types, of } = read(toPrometheus({}, ABOUT));
    expect(Object.fromEntries(types)).toEqual({
      punctual_info: "gauge",
      punctual_tasks_total: "counter",
      punctual_posts_total: "counter",
      punctual_retries_total: "counter",
      punctual_failures_total: "counter",
      punctual_api_requests_total: "counter",
      punctual_post_lateness_seconds: "histogram",
      punctual_api_request_duration_seconds: "histogram",
    });
    expect(of("punctual_posts_total")).toEqual([{ name: "punctual_posts_total", labels: "", value: 0 }]);
    expect(of("punctual_post_lateness_seconds_count")[0]?.value).toBe(0);
    expect(of("punctual_tasks_total")).toEqual([]);
  });

  it("has labels, seconds, and buckets that add up", () => {
    const totals: Totals = {
      "tasks/published": 7,
      "tasks/held": 2,
      posts: 9,
      "failures/rate-limited": 3,
      "requests/createTask/2xx": 5,
      "lateness/100": 4,
      "lateness/250": 2,
      "lateness/inf": 1,
      latenessMs: 4_250,
    };
    const text = toPrometheus(totals, ABOUT);
    const { of } = read(text);
    expect(of("punctual_tasks_total").map(({ labels, value }) => [labels, value])).toEqual([
      ['status="held"', 2],
      ['status="published"', 7],
    ]);
    expect(text).toContain('punctual_api_requests_total{route="createTask",status="2xx"} 5\n');
    expect(text).toContain('punctual_info{version="1.2.3",stage="main"} 1\n');
    const buckets = of("punctual_post_lateness_seconds_bucket").map(({ labels, value }) => [labels, value]);
    expect(buckets.slice(0, 3)).toEqual([
      ['le="0.1"', 4],
      ['le="0.25"', 6],
      ['le="0.5"', 6],
    ]);
    expect(buckets.at(-1)).toEqual(['le="+Inf"', 7]);
    expect(of("punctual_post_lateness_seconds_sum")[0]?.value).toBe(4.25);
    expect(of("punctual_post_lateness_seconds_count")[0]?.value).toBe(7);
  });

  it("stays valid whatever a label says, and counts every request once", () => {
    const request = fc.record({
      route: fc.string({ unit: "binary" }).map((text) => text.replaceAll("/", "")),
      status: fc.integer({ min: 100, max: 599 }),
      durationMs: fc.double({ min: 0, max: 20_000, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(request, { maxLength: 20 }),
        fc.string({ unit: "binary" }),
        (requests, version) => {
          const totals = requests.map(totalsOfRequest).reduce(addTotals, {});
          const { of } = read(toPrometheus(totals, { version }));
          const counted = of("punctual_api_requests_total").reduce((sum, { value }) => sum + value, 0);
          expect(counted).toBe(requests.length);
          const values = of("punctual_api_request_duration_seconds_bucket").map(({ value }) => value);
          expect(values).toEqual(values.toSorted((a, b) => a - b));
          expect(values.at(-1)).toBe(requests.length);
          expect(of("punctual_api_request_duration_seconds_count")[0]?.value).toBe(requests.length);
        },
      ),
    );
  });
});
