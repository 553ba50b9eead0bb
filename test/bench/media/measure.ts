import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import * as z from "zod";
import { FLAT_MEMORY } from "#infra/constructs/prepare-post.ts";
import { SANDBOX_OAUTH1 } from "#infra/local/sandbox/credentials.ts";
import { type BenchProcess, startProcess } from "#test/bench/process.ts";
import { fileSchema, type Job, KINDS, type Kind, reportSchema, storeSchema } from "./job.ts";

const MIB = 1_024 * 1_024;
const WARM_UP_MIB = 1;

const NODE_OPTIONS: Readonly<Record<Kind, readonly string[]>> = {
  punctual: FLAT_MEMORY,
  copy: FLAT_MEMORY,
  // It holds the file twice and would not survive them.
  library: [],
};

/** The servers collect their garbage where they work, and leave the other processor to what is measured. */
const ONE_THREAD = ["--single-threaded-gc", "--max-semi-space-size=1"];

/** One run of one way. */
export interface Run {
  readonly kind: Kind;
  readonly sizeMiB: number;
  readonly latencyMs: number;
  readonly ms: number;
  readonly idleMiB: number;
  readonly peakMiB: number;
  /** X has exactly the bytes of the bucket. A bare copy arrives nowhere. */
  readonly arrived?: boolean;
}

export interface MediaMeasurement {
  readonly sizesMiB: readonly number[];
  readonly latenciesMs: readonly number[];
  readonly runs: readonly Run[];
}

export interface MeasureOptions {
  readonly sizesMiB: readonly number[];
  /** Added by X to every answer. */
  readonly latenciesMs: readonly number[];
  readonly runs: number;
  readonly onStep: (step: string) => void;
}

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/**
 * Measures every way at every size and latency. Each transfer has a process of its own, bundled as the functions are;
 * the bucket and X have theirs. The ways take turns, and another one begins each time.
 */
export async function measureMedia({
  sizesMiB,
  latenciesMs,
  runs,
  onStep,
}: MeasureOptions): Promise<MediaMeasurement> {
  const folder = await mkdtemp(join(tmpdir(), "punctual-bench-"));
  const servers: BenchProcess[] = [];
  try {
    const worker = join(folder, "worker.mjs");
    await build({
      entryPoints: [here("worker.ts")],
      outfile: worker,
      bundle: true,
      minify: true,
      platform: "node",
      format: "esm",
      target: "node24",
      mainFields: ["module", "main"],
      logLevel: "warning",
    });
    const objects = startProcess(here("object-store.ts"), ONE_THREAD);
    const platform = startProcess(here("platform.ts"), ONE_THREAD);
    servers.push(objects, platform);
    const store = storeSchema.parse(await objects.ask("address"));
    const x = z.string().parse(await platform.ask("address"));

    const fill = async (sizeMiB: number) =>
      fileSchema.parse(await objects.ask("put", { key: `${sizeMiB}.mp4`, sizeBytes: sizeMiB * MIB }));
    const login = { kind: "oauth1", ...SANDBOX_OAUTH1 } as const;

    // Bucket and X have been running for a while when a post is due: nobody pays for their first requests.
    const warmUp = await fill(WARM_UP_MIB);
    for (const kind of KINDS)
      await measureOne(worker, { kind, file: warmUp, warmUp, store, x, login }, platform);

    const measured: Run[] = [];
    for (const sizeMiB of sizesMiB) {
      onStep(`${sizeMiB} MiB: filling the bucket`);
      const file = await fill(sizeMiB);
      for (let run = 0; run < runs; run++)
        for (const latencyMs of latenciesMs) {
          await platform.ask("setLatency", latencyMs);
          for (const kind of KINDS.map((_, turn) => KINDS[(turn + run) % KINDS.length] as Kind)) {
            const job: Job = { kind, file, warmUp, store, x, login };
            const one = await measureOne(worker, job, platform);
            measured.push({ sizeMiB, latencyMs, ...one });
            onStep(
              `${sizeMiB} MiB, ${latencyMs} ms at X, run ${run + 1} of ${runs}: ` +
                `${kind} ${(one.ms / 1_000).toFixed(2)} s, ${Math.round(one.peakMiB - one.idleMiB)} MiB over idle`,
            );
          }
        }
    }
    return { sizesMiB, latenciesMs, runs: measured };
  } finally {
    await Promise.all(servers.map((server) => server.end()));
    await rm(folder, { recursive: true });
  }
}

async function measureOne(
  worker: string,
  job: Job,
  platform: BenchProcess,
): Promise<Pick<Run, "kind" | "ms" | "idleMiB" | "peakMiB" | "arrived">> {
  const child = startProcess(worker, NODE_OPTIONS[job.kind]);
  try {
    const { mediaId, ...report } = reportSchema.parse(await child.ask("run", job));
    if (mediaId === undefined) return { kind: job.kind, ...report };
    const sha256 = await platform.ask("sha256Of", mediaId);
    return { kind: job.kind, ...report, arrived: sha256 === job.file.sha256 };
  } finally {
    await child.end();
  }
}
