import type { Failure } from "#shared/domain/failure.ts";
import type { AccountId, TaskId } from "#shared/domain/ids.ts";
import { type Medium, mediaKindOf } from "#shared/domain/media.ts";
import type { MediaProgress } from "#shared/domain/media-progress.ts";
import { planSegments, type SegmentPlan, segmentRange } from "#shared/domain/segments.ts";
import { Fault } from "#shared/errors.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { MediaProgressStore } from "#shared/ports/media-progress-store.ts";
import type { MediaSource } from "#shared/ports/media-source.ts";
import type { MediaUploads, ProcessingState, UploadRefusal } from "#shared/ports/media-uploads.ts";
import { err, ok, type Result } from "#shared/result.ts";

export interface UploadMediaDeps {
  readonly source: MediaSource;
  readonly uploads: MediaUploads;
  readonly progress: MediaProgressStore;
  readonly clock: Clock;
  readonly entropy: Pick<Entropy, "random">;
  /** Segments of one medium on their way to the platform at the same time. @default 4 */
  readonly concurrency?: number;
}

export interface UploadMediaCommand {
  readonly taskId: TaskId;
  /** Media ids belong to the account that uploaded them. */
  readonly accountId: AccountId;
  /** In the order of the post. */
  readonly media: readonly Medium[];
  /** When the post is due: the platform must remember the media until after it. */
  readonly neededAt: Date;
  /** No request begins after this. */
  readonly stopAt: Date;
}

/** Durations by name, in ms. */
export type Phases = Readonly<Record<string, number>>;

export type UploadMediaOutcome = { readonly phases: Phases } & (
  | { readonly kind: "ready" }
  /** Progress is saved: the same command goes on with it at `nextAt`. */
  | { readonly kind: "continue"; readonly nextAt: Date }
  | { readonly kind: "failed"; readonly failure: Failure }
);

export type UploadMedia = (command: UploadMediaCommand) => Promise<UploadMediaOutcome>;

const DEFAULT_CONCURRENCY = 4;
/** A crash costs at most this many segments, times the concurrency's unfinished ones. */
const SAVE_EVERY_SEGMENTS = 8;
/** Segments that are read while others are sent: the platform never waits for the bucket. Each has a buffer. */
const READ_AHEAD = 2;
/** One request, the first try included. */
const MAX_TRIES = 4;
const TRY_AGAIN = { baseMs: 250, capMs: 4_000 };
/** More than the publisher asks for, so that it never finds too old what was found good here. */
const EXPIRY_MARGIN_MS = 5 * 60_000;
/** A wait for processing that is shorter than a queue message is worth; so many of them in one invocation. */
const SHORT_WAIT_MS = 2_000;
const MAX_SHORT_WAITS = 3;
/** New uploads of one medium in one invocation, the first included. */
const MAX_STARTS = 4;

/** What became of one medium. */
type MediumOutcome =
  | { readonly kind: "ready" }
  | { readonly kind: "waiting"; readonly nextAt: Date }
  | { readonly kind: "out-of-time" }
  | { readonly kind: "failed"; readonly failure: Failure };

/** The slice is over. Whatever was reached is saved on the way up. */
class OutOfTime extends Error {
  override readonly name = "OutOfTime";
}

/** How segments are sent: large or small in parallel, or small ones one after the other, as every uploader does it. */
type Pace = "fast" | "small" | "careful";

/**
 * Uploads the media of a post, straight from the bucket, and goes on where an earlier call ended.
 *
 * Memory is a few segments more than `concurrency`, whatever the size of a file. Finished media and acknowledged segments are never
 * sent again; another file or account at the same place, and media that the platform would forget too early, start
 * anew. Waits for processing are the caller's, except very short ones.
 *
 * Segments go out in parallel, which X does not document: when it says that they do not add up, the medium is sent
 * once more, one segment after the other; when its edge refuses their size, in smaller ones.
 *
 * @throws only what is no matter of the platform or the bucket: a table that is away, a bug
 */
export function createUploadMedia(deps: UploadMediaDeps): UploadMedia {
  return async (command) => {
    const { taskId, media } = command;
    const run = createRun(deps, command);
    const saved = await deps.progress.list(taskId);

    const waits: Date[] = [];
    for (const [index, medium] of media.entries()) {
      const outcome = await run.bring(
        medium,
        index,
        saved.find((progress) => progress.index === index),
      );
      switch (outcome.kind) {
        case "ready":
          break;
        case "waiting":
          waits.push(outcome.nextAt);
          break;
        case "out-of-time":
          return { kind: "continue", nextAt: deps.clock.now(), phases: run.phases };
        case "failed":
          return { ...outcome, phases: run.phases };
      }
    }
    if (waits.length === 0) return { kind: "ready", phases: run.phases };
    const nextAt = new Date(Math.min(...waits.map((at) => at.getTime())));
    return { kind: "continue", nextAt, phases: run.phases };
  };
}

/** One call: its buffers, its clock readings, and what it learned about the platform on the way. */
function createRun(deps: UploadMediaDeps, { taskId, accountId, neededAt, stopAt }: UploadMediaCommand) {
  const { source, uploads, progress: store, clock, entropy, concurrency = DEFAULT_CONCURRENCY } = deps;
  const phases: Record<string, number> = {};
  const buffers: Uint8Array[] = [];
  /** Once the edge refused a large segment, further media do not try it again. */
  let pace: Pace = "fast";
  let shortWaits = 0;

  async function timed<Value>(phase: string, work: () => Promise<Value>): Promise<Value> {
    const startedAt = clock.now().getTime();
    try {
      return await work();
    } finally {
      phases[phase] = (phases[phase] ?? 0) + clock.now().getTime() - startedAt;
    }
  }

  /**
   * Makes a request, and repeats it where it got no answer or the promise of another one.
   *
   * @throws OutOfTime when there is no time left for it
   */
  async function insist<Value>(
    request: () => Promise<Result<Value, UploadRefusal>>,
    beforeRepeat: () => void = () => {},
  ): Promise<Result<Value, UploadRefusal>> {
    for (let tries = 1; ; tries++) {
      if (clock.now() >= stopAt) throw new OutOfTime();
      const answer = await request();
      if (answer.ok || !isTransient(answer.error) || tries === MAX_TRIES) return answer;
      const waitMs = entropy.random() * Math.min(TRY_AGAIN.capMs, TRY_AGAIN.baseMs * 2 ** (tries - 1));
      await clock.sleepUntil(new Date(clock.now().getTime() + waitMs));
      beforeRepeat();
    }
  }

  const bufferAt = (slot: number, minBytes: number): Uint8Array => {
    const kept = buffers[slot];
    if (kept && kept.length >= minBytes) return kept;
    const buffer = new Uint8Array(minBytes);
    buffers[slot] = buffer;
    return buffer;
  };

  async function readSegment(medium: Medium, start: number, into: Uint8Array): Promise<Failure | undefined> {
    try {
      const read = await source.read(medium, start, into);
      return read.ok ? undefined : changed(medium);
    } catch (error) {
      if (error instanceof Fault && error.retry === "backoff") return bucketAway(error);
      throw error;
    }
  }

  /**
   * Sends what is missing, in any order; the first segments are read while the upload is still being started.
   * Progress is saved on the way and at the end, whatever the end is.
   *
   * @param begun - the upload as it was when this began
   */
  async function sendSegments(
    medium: Medium,
    begun: Promise<Result<MediaProgress, UploadRefusal>>,
    plan: SegmentPlan,
    { doneBefore, width, lanes }: { doneBefore: readonly number[]; width: number; lanes: number },
  ): Promise<Result<MediaProgress, UploadRefusal>> {
    const done = new Set(doneBefore);
    const missing = Array.from({ length: plan.count }, (_, segment) => segment).filter(
      (segment) => !done.has(segment),
    );
    const pass = createGate(width);
    let next = 0;
    let unsaved = 0;
    let saving = Promise.resolve();
    /** The first reason to stop stops every lane. */
    let halt: { readonly refusal: UploadRefusal } | { readonly error: unknown } | undefined;

    const reached = (progress: MediaProgress): MediaProgress => ({
      ...progress,
      segmentsDone: [...done].toSorted((a, b) => a - b),
    });
    const save = (progress: MediaProgress): Promise<void> => {
      unsaved = 0;
      saving = saving.then(() => store.save(reached(progress)));
      return saving;
    };

    async function sendOne(segment: number, buffer: Uint8Array): Promise<void> {
      const { start, length } = segmentRange(plan, segment, medium.sizeBytes);
      const bytes = buffer.subarray(0, length);
      const failure = await readSegment(medium, start, bytes);
      if (failure) {
        halt ??= { refusal: { reason: "failed", failure } };
        return;
      }
      const started = await begun;
      if (!started.ok) {
        halt ??= { refusal: started.error };
        return;
      }
      await pass(async () => {
        if (halt) return;
        const sent = await insist(() => uploads.append(accountId, started.value.mediaId, segment, bytes));
        // Here, and not behind the gate: whoever is let in next must see it.
        if (!sent.ok) {
          halt ??= { refusal: sent.error };
          return;
        }
        done.add(segment);
        unsaved += 1;
      });
      if (unsaved >= SAVE_EVERY_SEGMENTS) await save(started.value);
    }

    async function work(slot: number): Promise<void> {
      const buffer = bufferAt(slot, Math.min(plan.bytes, medium.sizeBytes));
      while (!halt) {
        const segment = missing[next++];
        if (segment === undefined) return;
        try {
          await sendOne(segment, buffer);
        } catch (error) {
          halt ??= { error };
        }
      }
    }

    // All lanes end before anybody goes on: until then a request may still read a buffer.
    await Promise.all(Array.from({ length: Math.min(lanes, missing.length) }, (_, slot) => work(slot)));
    const started = await begun;
    if (!started.ok) return started;
    if (unsaved > 0) await save(started.value);
    if (halt && "error" in halt) throw halt.error;
    return halt ? err(halt.refusal) : ok(reached(started.value));
  }

  async function start(
    medium: Medium,
    index: number,
    plan: SegmentPlan,
  ): Promise<Result<MediaProgress, UploadRefusal>> {
    const { type, sizeBytes, sha256 } = medium;
    const started = await timed("initializeMs", () =>
      insist(() => uploads.initialize(accountId, { type, sizeBytes })),
    );
    if (!started.ok) return started;
    const progress: MediaProgress = {
      taskId,
      index,
      sha256,
      accountId,
      state: "uploading",
      ...started.value,
      segmentBytes: plan.bytes,
      segmentsDone: [],
    };
    await store.save(progress);
    return ok(progress);
  }

  /** @param mayBeDone - an earlier finalize may have got no further than its answer */
  async function finalize(
    mediaId: string,
    mayBeDone: boolean,
  ): Promise<Result<ProcessingState, UploadRefusal>> {
    let repeated = mayBeDone;
    const finalized = await timed("finalizeMs", () =>
      insist(
        () => uploads.finalize(accountId, mediaId),
        () => {
          repeated = true;
        },
      ),
    );
    if (finalized.ok || !repeated || isPassing(finalized.error)) return finalized;
    const known = await insist(() => uploads.getStatus(accountId, mediaId));
    return known.ok ? known : finalized;
  }

  /** Until the platform has every byte, however often it has to start. */
  async function transfer(
    medium: Medium,
    index: number,
    saved: MediaProgress | undefined,
  ): Promise<
    | { readonly kind: "transferred"; readonly progress: MediaProgress; readonly state: ProcessingState }
    | { readonly kind: "failed"; readonly failure: Failure }
  > {
    const { sizeBytes } = medium;
    let known = saved;
    // Small segments that were saved mean that others had met trouble.
    let ownPace = saved && saved.segmentBytes < planSegments(sizeBytes, "large").bytes ? "careful" : pace;
    for (let starts = 0; starts < MAX_STARTS; starts++) {
      const plan = planSegments(sizeBytes, ownPace === "fast" ? "large" : "small");
      const doneBefore = known?.segmentsDone ?? [];
      const begun: ReturnType<typeof start> = known ? Promise.resolve(ok(known)) : start(medium, index, plan);
      const sent = await timed("transferMs", () =>
        sendSegments(medium, begun, plan, {
          doneBefore,
          ...(ownPace === "careful"
            ? { width: 1, lanes: 1 }
            : { width: concurrency, lanes: concurrency + READ_AHEAD }),
        }),
      );
      const started = await begun;
      if (!started.ok) return { kind: "failed", failure: failureOf(started.error) };
      let refusal: UploadRefusal;
      if (sent.ok) {
        const { mediaId } = sent.value;
        const finalized = await finalize(mediaId, doneBefore.length === plan.count);
        if (finalized.ok) return { kind: "transferred", progress: sent.value, state: finalized.value };
        refusal = finalized.error;
      } else refusal = sent.error;

      const nextPace = paceAfter(ownPace, refusal);
      if (!nextPace) {
        if (!isPassing(refusal)) await forget(started.value);
        return { kind: "failed", failure: failureOf(refusal) };
      }
      if (refusal.reason === "segment-too-large") pace = nextPace;
      ownPace = nextPace;
      known = undefined;
    }
    return { kind: "failed", failure: NEVER_WHOLE };
  }

  /** The next call starts this medium anew. */
  const forget = (progress: MediaProgress): Promise<void> =>
    store.save({ ...progress, state: "uploading", segmentsDone: [], expiresAt: clock.now() });

  /** Short waits are slept, longer ones are the caller's. */
  async function awaitProcessing(
    mediaId: string,
    known: ProcessingState | undefined,
  ): Promise<
    { readonly kind: "ready" } | { readonly kind: "waiting"; readonly nextAt: Date } | UploadRefusal
  > {
    for (let state = known; ; state = undefined) {
      if (!state) {
        const asked = await timed("statusMs", () => insist(() => uploads.getStatus(accountId, mediaId)));
        if (!asked.ok) return asked.error;
        state = asked.value;
      }
      if (state.kind === "ready") return state;
      const nextAt = new Date(clock.now().getTime() + state.checkAfterMs);
      if (state.checkAfterMs > SHORT_WAIT_MS || shortWaits === MAX_SHORT_WAITS || nextAt >= stopAt)
        return { kind: "waiting", nextAt };
      shortWaits += 1;
      await timed("statusMs", () => clock.sleepUntil(nextAt));
    }
  }

  async function describe({ altText, type }: Medium, mediaId: string): Promise<Failure | undefined> {
    if (!altText) return undefined;
    const described = await timed("altTextMs", () =>
      insist(() => uploads.setAltText(accountId, mediaId, altText)),
    );
    if (described.ok) return undefined;
    const failure = failureOf(described.error);
    // X documents alternative texts for pictures only: a video goes out without it rather than not at all.
    return mediaKindOf(type) === "video" && failure.class === "content" ? undefined : failure;
  }

  async function advance(
    medium: Medium,
    index: number,
    saved: MediaProgress | undefined,
  ): Promise<MediumOutcome> {
    let progress = saved;
    let state: ProcessingState | undefined;
    if (progress?.state === "ready") return { kind: "ready" };
    if (progress?.state !== "processing") {
      const transferred = await transfer(medium, index, progress);
      if (transferred.kind === "failed") return transferred;
      progress = { ...transferred.progress, state: "processing" };
      state = transferred.state;
      // What is ready at once is noted as such below: one write less.
      if (state.kind !== "ready" || medium.altText) await store.save(progress);
    }

    const processed = await awaitProcessing(progress.mediaId, state);
    if ("reason" in processed) {
      // Refused or forgotten while it was processed: another try of the task has to send it again.
      if (!isPassing(processed)) await forget(progress);
      return { kind: "failed", failure: failureOf(processed) };
    }
    if (processed.kind === "waiting") return processed;
    const failure = await describe(medium, progress.mediaId);
    if (failure) return { kind: "failed", failure };
    await store.save({ ...progress, state: "ready" });
    return { kind: "ready" };
  }

  /** Brings one medium as far as it goes now. */
  async function bring(
    medium: Medium,
    index: number,
    saved: MediaProgress | undefined,
  ): Promise<MediumOutcome> {
    const mustLastUntil = Math.max(neededAt.getTime(), clock.now().getTime()) + EXPIRY_MARGIN_MS;
    const isOurs = saved?.sha256 === medium.sha256 && saved.accountId === accountId;
    try {
      return await advance(
        medium,
        index,
        isOurs && saved.expiresAt.getTime() > mustLastUntil ? saved : undefined,
      );
    } catch (error) {
      if (error instanceof OutOfTime) return { kind: "out-of-time" };
      throw error;
    }
  }

  return { bring, phases };
}

/** Lets `width` pieces of work go on at a time; the others wait in line. */
function createGate(width: number): <Value>(work: () => Promise<Value>) => Promise<Value> {
  const line: (() => void)[] = [];
  let free = width;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => line.push(resolve));
    try {
      return await work();
    } finally {
      const next = line.shift();
      if (next) next();
      else free += 1;
    }
  };
}

const isTransient = (refusal: UploadRefusal): boolean =>
  refusal.reason === "failed" && refusal.failure.class === "transient";

/** What to try next; undefined: there is nothing that would help. */
function paceAfter(pace: Pace, { reason }: UploadRefusal): Pace | undefined {
  switch (reason) {
    case "failed":
      return undefined;
    case "gone":
      return pace;
    case "segment-too-large":
      return pace === "fast" ? "small" : undefined;
    case "segments-do-not-add-up":
      return pace === "careful" ? undefined : "careful";
  }
}

/** Says nothing about the medium itself. */
const isPassing = (refusal: UploadRefusal): boolean =>
  refusal.reason === "failed" && refusal.failure.class !== "content";

const changed = ({ name }: Medium): Failure => ({
  class: "content",
  reason: {
    code: "media-changed",
    message: `${name} was replaced or deleted after the post was accepted.`,
    remedy: "Drop the post again with the file that you want.",
  },
});

const bucketAway = (fault: Fault): Failure => ({
  class: "system",
  reason: {
    code: "storage-unavailable",
    message: "The files of the post could not be read.",
    remedy: "Nothing to do: it is tried again.",
  },
  details: { fault: fault.code },
});

const NEVER_WHOLE: Failure = {
  class: "transient",
  reason: {
    code: "upload-not-accepted",
    message: "X lost or refused the uploaded file several times.",
    remedy: "Nothing to do: it is tried again.",
  },
};

function failureOf(refusal: UploadRefusal): Failure {
  switch (refusal.reason) {
    case "failed":
      return refusal.failure;
    case "segment-too-large":
    case "segments-do-not-add-up":
    case "gone":
      return { ...NEVER_WHOLE, details: { refusal: refusal.reason } };
  }
}
