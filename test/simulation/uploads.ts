import type { Clock } from "#shared/ports/clock.ts";
import type { MediaProgressStore } from "#shared/ports/media-progress-store.ts";
import type { UploadMedia } from "#shared/usecases/upload-media.ts";
import type { Calls } from "./calls.ts";
import type { Fault } from "./faults.ts";
import type { Kernel } from "./kernel.ts";
import type { Random } from "./random.ts";

export interface UploadsOptions {
  readonly calls: Calls;
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly media: MediaProgressStore;
  readonly random: Random;
  readonly severity: () => number;
  readonly met: (fault: Fault, taskId: string) => void;
}

/** Per thousand media. */
const RATES = { slow: 150, refused: 10, transient: 40, expiresSoon: 60 };
const DAY_MS = 86_400_000;

/** Uploads without bytes: how they are cut into segments has its own tests. Slow processing, refusals and expiry stay. */
export function createUploads({
  calls,
  kernel,
  clock,
  media,
  random,
  severity,
  met,
}: UploadsOptions): UploadMedia {
  const hits = (rate: number): boolean => random.next() * 1_000 < rate * severity();
  let serial = 0;

  return async ({ taskId, accountId, media: wanted, neededAt }) => {
    const phases = {};
    for (const [index, { sha256 }] of wanted.entries()) {
      const known = (await media.list(taskId)).find((one) => one.index === index && one.sha256 === sha256);
      if (
        known?.state === "ready" &&
        known.accountId === accountId &&
        known.expiresAt.getTime() > Math.max(neededAt.getTime(), clock.now().getTime()) + 300_000
      )
        continue;
      const outcome = await calls.ask<"ready" | "slow" | "refused" | "transient">(
        "x.upload",
        "platform",
        taskId,
        (reply) => {
          const answeredAt = kernel.now() + random.between(200, 9_000);
          if (hits(RATES.slow)) {
            met("slow-processing", taskId);
            return reply("slow", answeredAt);
          }
          reply(hits(RATES.refused) ? "refused" : hits(RATES.transient) ? "transient" : "ready", answeredAt);
        },
      );
      if (outcome === "slow")
        return {
          kind: "continue",
          phases,
          nextAt: new Date(clock.now().getTime() + random.spread(5_000, 120_000)),
        };
      if (outcome !== "ready")
        return {
          kind: "failed",
          phases,
          failure: {
            class: outcome === "refused" ? "content" : "transient",
            reason: {
              code: outcome === "refused" ? "media-refused" : "x-unavailable",
              message: "X did not take the medium.",
              remedy: "Check the file.",
            },
          },
        };
      const lastsMs = hits(RATES.expiresSoon) ? random.spread(60_000, 3_600_000) : 12 * DAY_MS;
      await media.save({
        taskId,
        index,
        sha256,
        accountId,
        state: "ready",
        mediaId: `18${String(++serial).padStart(17, "0")}`,
        expiresAt: new Date(Math.max(kernel.now(), neededAt.getTime()) + lastsMs),
        segmentBytes: 4_194_304,
        segmentsDone: [0],
      });
    }
    return { kind: "ready", phases };
  };
}
