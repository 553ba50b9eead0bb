import type { Failure, FailureClass } from "#shared/domain/failure.ts";
import type { AccountId } from "#shared/domain/ids.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { MediaUploads, ProcessingState, UploadRefusal } from "#shared/ports/media-uploads.ts";
import { err, ok, type Result } from "#shared/result.ts";

type CallName = keyof MediaUploads;

export interface UploadCall {
  readonly name: CallName;
  readonly mediaId?: string;
  readonly segment?: number;
  readonly sizeBytes?: number;
}

interface Script {
  readonly name: CallName;
  readonly refusal: UploadRefusal;
  readonly when: (call: UploadCall) => boolean;
  /** The call takes effect, and only its answer is another. */
  readonly afterwards: boolean;
  left: number;
}

export interface InMemoryUploads extends MediaUploads {
  readonly calls: readonly UploadCall[];
  /** Most appends that were under way at the same time. */
  readonly maxInFlight: number;
  /** Finished media only. */
  bytesOf(mediaId: string): Buffer | undefined;
  altTextOf(mediaId: string): string | undefined;
  /** The next `times` calls that match are refused. */
  refuse(
    name: CallName,
    refusal: UploadRefusal,
    over?: { times?: number; when?: (call: UploadCall) => boolean; afterwards?: boolean },
  ): void;
  /** The platform forgets everything. */
  forgetAll(): void;
  called(name: CallName): readonly UploadCall[];
}

export interface InMemoryUploadsOptions {
  readonly clock: Pick<Clock, "now">;
  /** @default 0 */
  readonly processingMs?: number;
  /** @default 2,000 */
  readonly checkAfterMs?: number;
  /** @default a day */
  readonly lifetimeMs?: number;
  /** Larger segments are refused. @default none is */
  readonly maxSegmentBytes?: number;
  /** Segments that arrive side by side overwrite each other. */
  readonly serialOnly?: boolean;
  /** Awaited by every append. */
  readonly pause?: (call: UploadCall) => Promise<void>;
}

export const aFailure = (kind: FailureClass, over: Partial<Failure> = {}): Failure => ({
  class: kind,
  reason: { code: `test-${kind}`, message: `a ${kind} failure`, remedy: "none" },
  ...over,
});

export const refusedWith = (kind: FailureClass, over: Partial<Failure> = {}): UploadRefusal => ({
  reason: "failed",
  failure: aFailure(kind, over),
});

/** A platform in memory, as strict as the real one about what it is sent. */
export function createInMemoryUploads({
  clock,
  processingMs = 0,
  checkAfterMs = 2_000,
  lifetimeMs = 24 * 3_600_000,
  maxSegmentBytes = Number.POSITIVE_INFINITY,
  serialOnly = false,
  pause = async () => {},
}: InMemoryUploadsOptions): InMemoryUploads {
  interface Upload {
    readonly owner: AccountId;
    readonly sizeBytes: number;
    readonly segments: Map<number, Buffer>;
    readonly expiresAt: Date;
    bytes?: Buffer;
    readyAt?: number;
    altText?: string;
  }
  const uploads = new Map<string, Upload>();
  const calls: UploadCall[] = [];
  const scripts: Script[] = [];
  let serial = 0;
  let inFlight = 0;
  let maxInFlight = 0;

  async function run<Value>(
    call: UploadCall,
    work: () => Promise<Result<Value, UploadRefusal>>,
  ): Promise<Result<Value, UploadRefusal>> {
    calls.push(call);
    const script = scripts.find(({ name, left, when }) => name === call.name && left > 0 && when(call));
    if (!script) return work();
    script.left -= 1;
    if (script.afterwards) await work();
    return err(script.refusal);
  }

  const find = (accountId: AccountId, mediaId: string): Upload | undefined => {
    const upload = uploads.get(mediaId);
    return upload?.owner === accountId && upload.expiresAt > clock.now() ? upload : undefined;
  };
  const GONE: UploadRefusal = { reason: "gone" };
  const stateOf = ({ readyAt = 0 }: Upload): ProcessingState =>
    readyAt <= clock.now().getTime() ? { kind: "ready" } : { kind: "processing", checkAfterMs };

  return {
    calls,
    get maxInFlight() {
      return maxInFlight;
    },
    bytesOf: (mediaId) => uploads.get(mediaId)?.bytes,
    altTextOf: (mediaId) => uploads.get(mediaId)?.altText,
    refuse(name, refusal, { times = 1, when = () => true, afterwards = false } = {}) {
      scripts.push({ name, refusal, when, afterwards, left: times });
    },
    forgetAll: () => uploads.clear(),
    called: (name) => calls.filter((call) => call.name === name),

    initialize: (owner, { sizeBytes }) =>
      run({ name: "initialize", sizeBytes }, async () => {
        const mediaId = `${++serial}`;
        const expiresAt = new Date(clock.now().getTime() + lifetimeMs);
        uploads.set(mediaId, { owner, sizeBytes, segments: new Map(), expiresAt });
        return ok({ mediaId, expiresAt });
      }),

    append: (owner, mediaId, segment, bytes) =>
      run({ name: "append", mediaId, segment, sizeBytes: bytes.length }, async () => {
        const call = { name: "append", mediaId, segment } as const;
        inFlight += 1;
        maxInFlight = Math.max(maxInFlight, inFlight);
        try {
          await pause(call);
          if (bytes.length > maxSegmentBytes) return err({ reason: "segment-too-large" });
          const upload = find(owner, mediaId);
          if (!upload) return err(GONE);
          if (upload.bytes) return err(refusedWith("content"));
          if (!serialOnly || inFlight === 1) upload.segments.set(segment, Buffer.from(bytes));
          return ok(undefined);
        } finally {
          inFlight -= 1;
        }
      }),

    finalize: (owner, mediaId) =>
      run({ name: "finalize", mediaId }, async () => {
        const upload = find(owner, mediaId);
        if (!upload) return err(GONE);
        if (upload.bytes) return err(refusedWith("content"));
        const segments = [...upload.segments].toSorted(([a], [b]) => a - b);
        const whole = Buffer.concat(segments.map(([, bytes]) => bytes));
        const gapless = segments.every(([segment], index) => segment === index);
        if (!gapless || whole.length !== upload.sizeBytes) return err({ reason: "segments-do-not-add-up" });
        upload.bytes = whole;
        upload.readyAt = clock.now().getTime() + processingMs;
        return ok(stateOf(upload));
      }),

    getStatus: (owner, mediaId) =>
      run({ name: "getStatus", mediaId }, async () => {
        const upload = find(owner, mediaId);
        return upload?.bytes ? ok(stateOf(upload)) : err(GONE);
      }),

    setAltText: (owner, mediaId, altText) =>
      run({ name: "setAltText", mediaId }, async () => {
        const upload = find(owner, mediaId);
        if (!upload) return err(GONE);
        upload.altText = altText;
        return ok(undefined);
      }),
  };
}
