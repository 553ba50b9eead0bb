import { toPrometheus } from "#shared/domain/prometheus.ts";
import type { TotalsStore } from "#shared/ports/totals-store.ts";
import type { About } from "./read-info.ts";

export interface ReadMetricsDeps {
  readonly totals: Pick<TotalsStore, "read">;
  readonly about: Pick<About, "version" | "stage" | "region">;
}

/** The counts of the whole deployment since its beginning, in Prometheus's text format. One read. */
export type ReadMetrics = () => Promise<string>;

export function createReadMetrics({ totals, about }: ReadMetricsDeps): ReadMetrics {
  return async () => {
    const { version, stage, region } = about;
    const counted = await totals.read();
    return toPrometheus(counted?.totals ?? {}, { version, stage, region });
  };
}
