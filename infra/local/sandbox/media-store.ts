import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import * as z from "zod";
import type { SandboxUser } from "./accounts.ts";
import {
  CATEGORY_KINDS,
  isTypeOfKind,
  KIND_TYPES,
  MAX_ALT_TEXT_CHARACTERS,
  MAX_SEGMENT_BYTES,
  MAX_SEGMENT_INDEX,
  MEDIA_SIZE_LIMITS,
  type MediaKind,
  type MediaSizeLimits,
  sizeLimitOf,
  sniffType,
} from "./media-rules.ts";
import { invalidRequest, payloadTooLarge, type Reason } from "./problems.ts";
import {
  createHashingSegments,
  createMemorySegments,
  createStoredSegments,
  type KeptBytes,
  keptOnDisk,
  type Segments,
} from "./segments.ts";
import type { IdSource } from "./snowflake.ts";
import { readJson, writeJson } from "./state-files.ts";

const MediaRecord = z.object({
  id: z.string(),
  key: z.string(),
  ownerIds: z.array(z.string()),
  declaredType: z.string(),
  kind: z.enum(["photo", "gif", "video"]),
  sizeBytes: z.number(),
  expiresAtMs: z.number(),
  altText: z.string().optional(),
  /** Set by finalize. `type` is what the bytes are; without it processing fails. */
  finished: z.object({ atMs: z.number(), sha256: z.string(), type: z.string().optional() }).optional(),
});
type MediaRecord = z.infer<typeof MediaRecord>;

/** An uploaded file, as tests, benches and the timeline page see it. */
export interface SandboxMedia {
  readonly id: string;
  readonly key: string;
  readonly kind: MediaKind;
  /** As the bytes tell. */
  readonly type: string;
  readonly sizeBytes: number;
  /** Hex, of the whole file. */
  readonly sha256: string;
  readonly altText?: string;
}

export interface InitializeInput {
  readonly mediaType: string;
  readonly category: keyof typeof CATEGORY_KINDS;
  readonly totalBytes: number;
  readonly additionalOwners?: readonly string[];
}

/** The `data` object of X's media answers. */
export type MediaData = Readonly<Record<string, unknown>>;

export interface MediaStore {
  initialize(owner: SandboxUser, input: InitializeInput): MediaData;
  append(owner: SandboxUser, id: string, index: number, bytes: Buffer): Promise<MediaData>;
  finalize(owner: SandboxUser, id: string): Promise<MediaData>;
  status(owner: SandboxUser, id: string): MediaData;
  setAltText(owner: SandboxUser, id: string, text: string): MediaData;
  /** The media of a new post, or the refusal of the first one that cannot be attached. */
  attachable(owner: SandboxUser, ids: readonly string[]): readonly SandboxMedia[];
  /** Finished media only. */
  find(id: string): SandboxMedia | undefined;
  /** `undefined` for unknown media and for those of which only the hash was kept. */
  bytes(id: string): KeptBytes | undefined;
  /** Grows with every change that the page can show. */
  version(): number;
  close(): Promise<void>;
}

interface Upload {
  readonly segments: Segments;
  /** What arrived, and the writes that still go on. */
  readonly received: Map<number, { readonly sizeBytes: number; readonly crc: number }>;
  readonly writing: Set<Promise<void>>;
  /** An index came twice with different bytes. */
  overlaps: boolean;
  finishing?: Promise<void>;
}

/**
 * Media v2 as X runs it: announced, sent in numbered segments, put together by finalize, processed for a while when it
 * is a GIF or a video, and attachable until it expires.
 *
 * A segment that is sent again with the same bytes is the repeat of a lost answer and is welcome; with other bytes it
 * overlaps, and finalize refuses the upload.
 */
export function createMediaStore(deps: {
  readonly ids: IdSource;
  readonly clock: () => number;
  readonly processingMs: number;
  readonly lifetimeMs: number;
  readonly keep: "bytes" | "hash";
  readonly sizeLimits?: Partial<MediaSizeLimits>;
  readonly stateDir?: string;
}): MediaStore {
  const { ids, clock, processingMs } = deps;
  const sizeLimits = { ...MEDIA_SIZE_LIMITS, ...deps.sizeLimits };
  const folder = deps.stateDir === undefined ? undefined : join(deps.stateDir, "media");
  const records = new Map<string, MediaRecord>();
  const uploads = new Map<string, Upload>();
  const kept = new Map<string, KeptBytes>();
  let version = 0;

  const fileOf = (id: string, extension: string) =>
    folder === undefined ? undefined : join(folder, id + extension);

  const save = (record: MediaRecord) => {
    const file = fileOf(record.id, ".json");
    if (file !== undefined) writeJson(file, record);
  };

  const openSegments = (id: string): Segments => {
    if (deps.keep === "hash") return createHashingSegments();
    const [parts, whole] = [fileOf(id, ".parts"), fileOf(id, ".bin")];
    return parts === undefined || whole === undefined
      ? createMemorySegments()
      : createStoredSegments(parts, whole);
  };

  const newUpload = (id: string): Upload => ({
    segments: openSegments(id),
    received: new Map(),
    writing: new Set(),
    overlaps: false,
  });

  if (folder !== undefined) {
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folder)) {
      if (!name.endsWith(".json")) continue;
      const record = MediaRecord.parse(readJson(join(folder, name)));
      ids.keepAbove(record.id);
      const parts = join(folder, `${record.id}.parts`);
      if (record.finished !== undefined) {
        records.set(record.id, record);
        const bytes = join(folder, `${record.id}.bin`);
        if (existsSync(bytes)) kept.set(record.id, keptOnDisk(bytes));
        rmSync(parts, { recursive: true, force: true });
      } else if (record.expiresAtMs <= clock() || deps.keep === "hash") {
        // Nothing can be attached any more, or its hash was lost with the process.
        rmSync(parts, { recursive: true, force: true });
        rmSync(join(folder, name));
      } else {
        records.set(record.id, record);
        uploads.set(record.id, resumeUpload(newUpload(record.id), parts));
      }
    }
  }

  const recordOf = (owner: SandboxUser, id: string): MediaRecord => {
    const record = records.get(id);
    const reason: Reason | undefined =
      record === undefined
        ? "media-unknown"
        : !record.ownerIds.includes(owner.id)
          ? "media-foreign"
          : record.expiresAtMs <= clock()
            ? "media-expired"
            : undefined;
    // X does not tell these apart.
    if (record === undefined || reason !== undefined)
      throw invalidRequest({ message: "BadRequest: Not found" }, reason);
    return record;
  };

  const stateOf = ({
    kind,
    finished,
  }: MediaRecord): "unfinished" | "pending" | "in_progress" | "succeeded" | "failed" => {
    if (finished === undefined) return "unfinished";
    const elapsed = kind === "photo" ? processingMs : clock() - finished.atMs;
    if (elapsed >= processingMs) return finished.type === undefined ? "failed" : "succeeded";
    return elapsed * 4 < processingMs ? "pending" : "in_progress";
  };

  const dataOf = (record: MediaRecord): MediaData => {
    const now = clock();
    const data: Record<string, unknown> = {
      id: record.id,
      media_key: record.key,
      size: record.sizeBytes,
      expires_after_secs: Math.max(0, Math.floor((record.expiresAtMs - now) / 1_000)),
    };
    const { finished } = record;
    if (record.kind === "photo" || finished === undefined) return data;
    const elapsed = now - finished.atMs;
    const checkAfterSecs = Math.max(1, Math.ceil((processingMs - elapsed) / 1_000));
    const state = stateOf(record);
    switch (state) {
      case "pending":
        data["processing_info"] = { state, check_after_secs: checkAfterSecs };
        break;
      case "in_progress":
        data["processing_info"] = {
          state,
          check_after_secs: checkAfterSecs,
          progress_percent: Math.floor((100 * elapsed) / processingMs),
        };
        break;
      case "failed":
        data["processing_info"] = {
          state,
          progress_percent: 100,
          error: { code: 1, name: "InvalidMedia", message: "file is invalid" },
        };
        break;
      default:
        data["processing_info"] = { state, progress_percent: 100 };
    }
    return data;
  };

  const viewOf = ({
    id,
    key,
    kind,
    sizeBytes,
    altText,
    finished,
    declaredType,
  }: MediaRecord): SandboxMedia | undefined =>
    finished && {
      id,
      key,
      kind,
      type: finished.type ?? declaredType,
      sizeBytes,
      sha256: finished.sha256,
      ...(altText === undefined ? {} : { altText }),
    };

  const finish = async (record: MediaRecord, upload: Upload) => {
    await Promise.all(upload.writing);
    const sizes = [...upload.received.values()].map(({ sizeBytes }) => sizeBytes);
    const gapless = Math.max(-1, ...upload.received.keys()) === upload.received.size - 1;
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (upload.overlaps || !gapless || total !== record.sizeBytes) {
      throw invalidRequest({ message: "Segments do not add up to provided total file size." });
    }
    const { sha256, head, bytes } = await upload.segments.assemble();
    const sniffed = sniffType(head);
    const type = sniffed !== undefined && isTypeOfKind(sniffed, record.kind) ? sniffed : undefined;
    record.finished = { atMs: clock(), sha256, ...(type === undefined ? {} : { type }) };
    if (bytes !== undefined) kept.set(record.id, bytes);
    save(record);
    uploads.delete(record.id);
    await upload.segments.discard();
    version += 1;
  };

  return {
    initialize(owner, { mediaType, category, totalBytes, additionalOwners = [] }) {
      const kind = CATEGORY_KINDS[category];
      if (!isTypeOfKind(mediaType, kind)) {
        throw invalidRequest({
          message: `$.media_type: ${mediaType} does not belong to ${category}`,
          parameters: { "$.media_type": [mediaType] },
        });
      }
      const limit = sizeLimitOf(kind, owner.premium === true, sizeLimits);
      if (totalBytes > limit) {
        throw invalidRequest({
          message: `File size exceeds ${limit} bytes.`,
          parameters: { "$.total_bytes": [String(totalBytes)] },
        });
      }
      const id = ids.next();
      const record: MediaRecord = {
        id,
        key: KIND_TYPES[kind].keyPrefix + id,
        ownerIds: [owner.id, ...additionalOwners],
        declaredType: mediaType,
        kind,
        sizeBytes: totalBytes,
        expiresAtMs: clock() + deps.lifetimeMs,
      };
      records.set(id, record);
      uploads.set(id, newUpload(id));
      save(record);
      return { id, media_key: record.key, expires_after_secs: Math.floor(deps.lifetimeMs / 1_000) };
    },

    async append(owner, id, index, bytes) {
      if (bytes.length > MAX_SEGMENT_BYTES) throw payloadTooLarge("segment-too-large");
      const record = recordOf(owner, id);
      if (!Number.isInteger(index) || index < 0 || index > MAX_SEGMENT_INDEX) {
        throw invalidRequest({ message: `SegmentIndex must be between 0 and ${MAX_SEGMENT_INDEX}.` });
      }
      if (bytes.length === 0) throw invalidRequest({ message: "A segment must not be empty." });
      const upload = uploads.get(id);
      if (upload === undefined || upload.finishing !== undefined) {
        throw invalidRequest({ message: "The upload is already finalized." });
      }

      const received = { sizeBytes: bytes.length, crc: crc32(bytes) };
      const earlier = upload.received.get(index);
      if (earlier === undefined) {
        upload.received.set(index, received);
        const writing = upload.segments.put(index, bytes);
        upload.writing.add(writing);
        try {
          await writing;
        } catch (error) {
          upload.received.delete(index);
          throw error;
        } finally {
          upload.writing.delete(writing);
        }
      } else if (earlier.sizeBytes !== received.sizeBytes || earlier.crc !== received.crc) {
        upload.overlaps = true;
      }
      return { expires_at: Math.floor(record.expiresAtMs / 1_000) };
    },

    async finalize(owner, id) {
      const record = recordOf(owner, id);
      const upload = uploads.get(id);
      if (upload !== undefined) {
        upload.finishing ??= finish(record, upload).finally(() => {
          delete upload.finishing; // refused: the missing segments may still come
        });
        await upload.finishing;
      }
      if (record.kind === "photo" && stateOf(record) === "failed") {
        throw invalidRequest({ message: "media type unrecognized" }, "media-failed");
      }
      return dataOf(record);
    },

    status(owner, id) {
      const record = recordOf(owner, id);
      if (record.finished === undefined)
        throw invalidRequest({ message: "BadRequest: Not found" }, "media-unfinished");
      return dataOf(record);
    },

    setAltText(owner, id, text) {
      const record = recordOf(owner, id);
      if ([...text].length > MAX_ALT_TEXT_CHARACTERS) {
        throw invalidRequest({
          message: `$.metadata.alt_text.text: must be at most ${MAX_ALT_TEXT_CHARACTERS} characters long`,
        });
      }
      record.altText = text;
      save(record);
      version += 1;
      return { id, associated_metadata: { alt_text: { text } } };
    },

    attachable(owner, mediaIds) {
      const invalid = (reason: Reason) =>
        invalidRequest(
          { parameters: { "media.media_ids": mediaIds }, message: "Your media IDs are invalid." },
          reason,
        );
      const media = mediaIds.map((id) => {
        const record = records.get(id);
        if (record === undefined) throw invalid("media-unknown");
        if (!record.ownerIds.includes(owner.id)) throw invalid("media-foreign");
        if (record.expiresAtMs <= clock()) throw invalid("media-expired");
        const state = stateOf(record);
        if (state === "unfinished") throw invalid("media-unfinished");
        if (state === "pending" || state === "in_progress") throw invalid("media-processing");
        const view = viewOf(record);
        if (state === "failed" || view === undefined) throw invalid("media-failed");
        return view;
      });
      if (media.length > 1 && media.some(({ kind }) => kind !== "photo")) throw invalid("media-mixed");
      return media;
    },

    find(id) {
      const record = records.get(id);
      return record && viewOf(record);
    },
    bytes: (id) => kept.get(id),
    version: () => version,
    close: async () => {
      // Stored segments stay for the next start; what waits in temporary files does not.
      if (folder !== undefined && deps.keep === "bytes") return;
      await Promise.all([...uploads.values()].map(({ segments }) => segments.discard()));
    },
  };
}

function resumeUpload(upload: Upload, parts: string): Upload {
  if (!existsSync(parts)) return upload;
  for (const name of readdirSync(parts)) {
    if (!/^\d+$/.test(name)) continue;
    const bytes = readFileSync(join(parts, name));
    upload.received.set(Number(name), { sizeBytes: bytes.length, crc: crc32(bytes) });
  }
  return upload;
}
