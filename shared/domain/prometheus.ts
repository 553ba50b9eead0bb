/**
 * Totals as Prometheus reads them.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
import { LATENESS_BUCKETS_MS, partsOfKey, REQUEST_BUCKETS_MS, type Totals, totalKey } from "./totals.ts";

export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

interface Family {
  readonly name: string;
  readonly help: string;
}

interface CounterFamily extends Family {
  readonly family: string;
  readonly labels: readonly string[];
}

interface HistogramFamily extends Family {
  readonly family: string;
  readonly sumMs: string;
  readonly bucketsMs: readonly number[];
}

const COUNTERS: readonly CounterFamily[] = [
  {
    family: "tasks",
    labels: ["status"],
    name: "punctual_tasks_total",
    help: "Tasks that came to this state.",
  },
  {
    family: "posts",
    labels: [],
    name: "punctual_posts_total",
    help: "Posts that are out, parts of threads each.",
  },
  {
    family: "retries",
    labels: [],
    name: "punctual_retries_total",
    help: "Waits for another try, whatever for.",
  },
  {
    family: "failures",
    labels: ["class"],
    name: "punctual_failures_total",
    help: "Attempts that ended with an error of this class.",
  },
  {
    family: "requests",
    labels: ["route", "status"],
    name: "punctual_api_requests_total",
    help: "Answered requests by route and class of the HTTP status.",
  },
];

const HISTOGRAMS: readonly HistogramFamily[] = [
  {
    family: "lateness",
    sumMs: "latenessMs",
    bucketsMs: LATENESS_BUCKETS_MS,
    name: "punctual_post_lateness_seconds",
    help: "From the slot, or the end of the last wait that was known beforehand, to the first part.",
  },
  {
    family: "duration",
    sumMs: "durationMs",
    bucketsMs: REQUEST_BUCKETS_MS,
    name: "punctual_api_request_duration_seconds",
    help: "Time in the function, without API Gateway and the network.",
  },
];

const escapeLabel = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
const escapeHelp = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");

type Labels = Readonly<Record<string, string>>;

/** One line of a sample. */
function sample(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${value}`;
}

const head = ({ name, help }: Family, type: "counter" | "histogram" | "gauge"): readonly string[] => [
  `# HELP ${name} ${escapeHelp(help)}`,
  `# TYPE ${name} ${type}`,
];

function counterLines(counter: CounterFamily, totals: Totals): readonly string[] {
  const { family, labels, name } = counter;
  const samples = Object.entries(totals).flatMap(([key, value]) => {
    const [keyFamily, ...values] = partsOfKey(key);
    if (keyFamily !== family || values.length !== labels.length) return [];
    return [
      sample(name, Object.fromEntries(labels.map((label, place) => [label, values[place] ?? ""])), value),
    ];
  });
  // Without labels there is one series, also before anything was counted.
  if (labels.length === 0 && samples.length === 0) samples.push(sample(name, {}, 0));
  return [...head(counter, "counter"), ...samples.toSorted()];
}

const seconds = (ms: number): number => ms / 1_000;

function histogramLines(histogram: HistogramFamily, totals: Totals): readonly string[] {
  const { family, sumMs, bucketsMs, name } = histogram;
  let count = 0;
  const buckets = [...bucketsMs.map(String), "inf"].map((end) => {
    count += totals[totalKey(family, end)] ?? 0;
    return sample(`${name}_bucket`, { le: end === "inf" ? "+Inf" : String(seconds(Number(end))) }, count);
  });
  return [
    ...head(histogram, "histogram"),
    ...buckets,
    sample(`${name}_sum`, {}, seconds(totals[sumMs] ?? 0)),
    sample(`${name}_count`, {}, count),
  ];
}

/** @param about - labels of `punctual_info`, such as the version */
export function toPrometheus(totals: Totals, about: Labels): string {
  const info = { name: "punctual_info", help: "Which deployment this is." };
  const lines = [
    ...head(info, "gauge"),
    sample(info.name, about, 1),
    ...COUNTERS.flatMap((counter) => counterLines(counter, totals)),
    ...HISTOGRAMS.flatMap((histogram) => histogramLines(histogram, totals)),
  ];
  return `${lines.join("\n")}\n`;
}
