/** One upload in a process of its own, so that its memory is its own. */
import { readFileSync, writeFileSync } from "node:fs";
import type { Agent } from "node:http";
import { request } from "node:https";
import { setTimeout } from "node:timers/promises";
import { S3Client } from "@aws-sdk/client-s3";
import { TwitterApi } from "twitter-api-v2";
import { createS3MediaSource } from "#shared/adapters/s3/media-source.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { createXMediaUploads } from "#shared/adapters/x/media-uploads.ts";
import { createXAgent, X_API_URL } from "#shared/adapters/x/x-client.ts";
import { createXSessions } from "#shared/adapters/x/x-sessions.ts";
import { Credentials } from "#shared/domain/credentials.ts";
import { asAccountId, asTaskId } from "#shared/domain/ids.ts";
import { planSegments, segmentRange } from "#shared/domain/segments.ts";
import { createUploadMedia } from "#shared/usecases/upload-media.ts";
import { answerParent } from "#test/bench/process.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";
import { createInMemoryVault } from "#test/support/in-memory-vault.ts";
import { DISCARD_PATH, type Job, jobSchema, type WorkerReport } from "./job.ts";

/** What a conditional write to the table usually takes; the bench has none, but its waits belong to the upload. */
const TABLE_WRITE_MS = 8;
const MIB = 1_024 * 1_024;
const accountId = asAccountId("bench");

const createSource = ({ store }: Job) =>
  createS3MediaSource({
    s3: new S3Client({
      ...AWS_CLIENT,
      endpoint: store.endpoint,
      region: store.region,
      forcePathStyle: true,
      credentials: { accessKeyId: "bench", secretAccessKey: "bench" },
      responseChecksumValidation: "WHEN_REQUIRED",
    }),
    bucket: store.bucket,
  });

/** Everything but the table is what the function has; each returns what begins the transfer. */
const KINDS: Readonly<Record<Job["kind"], (job: Job) => Promise<() => Promise<string | undefined>>>> = {
  async punctual(job) {
    const agent = createXAgent(job.x, { keepAlive: true });
    const vault = createInMemoryVault();
    await vault.connect(accountId, new Credentials(job.login));
    const { media } = createInMemoryStore(clock);
    const upload = createUploadMedia({
      source: createSource(job),
      uploads: createXMediaUploads({
        sessions: createXSessions({ vault, clock, entropy, agent }),
        clock,
        agent,
      }),
      progress: {
        list: media.list,
        async save(progress) {
          await setTimeout(TABLE_WRITE_MS);
          await media.save(progress);
        },
      },
      clock,
      entropy,
    });
    const { key, etag, sizeBytes, sha256 } = job.file;
    const taskId = asTaskId("01JZ0000000000000000000001");
    const medium = {
      name: key,
      key,
      etag,
      sizeBytes,
      sha256,
      type: "video/mp4",
      width: 320,
      height: 180,
    } as const;
    return async () => {
      const now = clock.now().getTime();
      const outcome = await upload({
        taskId,
        accountId,
        media: [{ ...medium, durationMs: 1_200 }],
        neededAt: new Date(now + 60_000),
        stopAt: new Date(now + 600_000),
      });
      if (outcome.kind !== "ready") throw new Error(JSON.stringify(outcome));
      return (await media.list(taskId))[0]?.mediaId;
    };
  },

  async library(job) {
    const agent = createXAgent(job.x, { keepAlive: true });
    const { apiKey: appKey, apiSecret: appSecret, accessToken, accessSecret } = job.login;
    const client = new TwitterApi({ appKey, appSecret, accessToken, accessSecret }, { httpAgent: agent });
    const source = createSource(job);
    return async () => {
      // It takes a whole buffer; it is filled as fast as ours fills its segments.
      const whole = Buffer.allocUnsafeSlow(job.file.sizeBytes);
      await inLanes(job, (start, length) => fill(source, job, start, whole.subarray(start, start + length)));
      return client.v2.uploadMedia(whole, { media_type: "video/mp4", media_category: "tweet_video" });
    };
  },

  async copy(job) {
    const agent = createXAgent(job.x, { keepAlive: true });
    const source = createSource(job);
    const { bytes } = planSegments(job.file.sizeBytes, "large");
    const buffers = Array.from({ length: LANES }, () => new Uint8Array(bytes));
    return async () => {
      await inLanes(job, async (start, length, lane) => {
        const segment = (buffers[lane] as Uint8Array).subarray(0, length);
        await fill(source, job, start, segment);
        await post(agent, segment);
      });
      return undefined;
    };
  },
};

const LANES = 4;

async function inLanes(
  { file }: Job,
  work: (start: number, length: number, lane: number) => Promise<void>,
): Promise<void> {
  const plan = planSegments(file.sizeBytes, "large");
  let next = 0;
  const run = async (lane: number) => {
    for (let segment = next++; segment < plan.count; segment = next++) {
      const { start, length } = segmentRange(plan, segment, file.sizeBytes);
      await work(start, length, lane);
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, lane) => run(lane)));
}

async function fill(source: ReturnType<typeof createSource>, { file }: Job, start: number, into: Uint8Array) {
  const read = await source.read(file, start, into);
  if (!read.ok) throw new Error("the file changed");
}

const post = (agent: Agent, body: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    const headers = { "content-length": body.length };
    const sending = request(`${X_API_URL}${DISCARD_PATH}`, { method: "POST", agent, headers }, (response) => {
      response.on("error", reject).on("end", resolve).resume();
    });
    sending.on("error", reject).end(body);
  });

/** Resident memory in bytes, now and at most since it was last forgotten. Linux tells; elsewhere it is sampled. */
function watchMemory(): { readonly idleBytes: number; peakBytes(): number } {
  const idleBytes = process.memoryUsage.rss();
  try {
    // 5 forgets the high-water mark. @see https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html
    writeFileSync("/proc/self/clear_refs", "5");
    return {
      idleBytes,
      peakBytes() {
        const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
        return Number(kilobytes) * 1_024;
      },
    };
  } catch {
    let peak = idleBytes;
    const timer = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss());
    }, 5);
    return {
      idleBytes,
      peakBytes() {
        clearInterval(timer);
        return peak;
      },
    };
  }
}

answerParent({
  async run(argument): Promise<WorkerReport> {
    const job = jobSchema.parse(argument);
    const memory = watchMemory();
    const warmUp = await KINDS[job.kind]({ ...job, file: job.warmUp });
    await warmUp();
    const transfer = await KINDS[job.kind](job);
    const startedAt = process.hrtime.bigint();
    const mediaId = await transfer();
    const ms = Number(process.hrtime.bigint() - startedAt) / 1e6;
    return {
      ms: Math.round(ms),
      idleMiB: memory.idleBytes / MIB,
      peakMiB: memory.peakBytes() / MIB,
      ...(mediaId !== undefined && { mediaId }),
    };
  },
});
