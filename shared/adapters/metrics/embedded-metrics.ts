import { MEASURES, type MeasureName, type MeasureUnit, type Observation } from "#shared/domain/measures.ts";
import type { Measures } from "#shared/ports/measures.ts";

export interface EmbeddedMetricsOptions {
  /** Keeps the metrics of two deployments in one AWS account apart. */
  readonly namespace: string;
  /** Writes one line to the function's log, and nothing before or after it. */
  readonly writeLine: (line: string) => void;
}

/** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html */
interface MetricDirective {
  readonly Namespace: string;
  readonly Dimensions: readonly (readonly string[])[];
  readonly Metrics: readonly { readonly Name: MeasureName; readonly Unit: MeasureUnit }[];
}

/**
 * Writes observations as log lines from which CloudWatch takes the metrics: no call, no right, no price per write.
 * Facts are in the same line, where Logs Insights finds them, and make no metric unless the measure is `by` one.
 *
 * CloudWatch itself takes a line at least once, so a sum may be too high by a few.
 */
export const createEmbeddedMetrics = ({ namespace, writeLine }: EmbeddedMetricsOptions): Measures => ({
  emit(observations) {
    for (const { at, values, facts } of observations) {
      const directives = directivesOf(values, namespace);
      const metadata = { Timestamp: at.getTime(), CloudWatchMetrics: directives };
      writeLine(JSON.stringify({ ...facts, ...values, _aws: metadata }));
    }
  },
});

/** One for each set of dimensions. */
function directivesOf(values: Observation["values"], namespace: string): readonly MetricDirective[] {
  const names = (Object.keys(MEASURES) as MeasureName[]).filter((name) => values[name] !== undefined);
  const bySet = Map.groupBy(names, (name) => MEASURES[name].by);
  return [...bySet].map(([by, group]) => ({
    Namespace: namespace,
    Dimensions: [by === undefined ? [] : [by]],
    Metrics: group.map((name) => ({ Name: name, Unit: MEASURES[name].unit })),
  }));
}
