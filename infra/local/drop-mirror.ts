import { createHash, randomBytes } from "node:crypto";
import { lstat, mkdir, open, readdir, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  NoSuchUpload,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { watch } from "chokidar";
import { operatorId } from "./gateway/caller.ts";
import type { ObjectChange } from "./gateway/service.ts";
import { gatewayClient } from "./services/clients.ts";
import { pause } from "./services/delay.ts";
import { openJournal } from "./services/journal.ts";
import type { ReportFault } from "./services/wiring-fault.ts";

export interface DropMirrorOptions {
  /** Holds `drop/` (read) and `outcome/` (written); both are made if they are missing. */
  readonly folder: string;
  readonly bucket: string;
  /** Gateway address without a trailing slash. */
  readonly gatewayUrl: string;
  readonly region: string;
  /** Folder that remembers what was sent and received, so that a restart sends nothing again. */
  readonly stateDir: string;
  readonly onFault: ReportFault;
  /**
   * A file is sent when its size has not changed for so long: a slow copy is not sent in pieces.
   *
   * @default 500
   */
  readonly stableMs?: number;
  /**
   * Pause between two looks at the bucket, for outcomes that nobody announced.
   *
   * @default 5_000
   */
  readonly pollMs?: number;
}

export interface DropMirror {
  /** Tells of a change in the bucket, so that an outcome shows at once and not at the next look. */
  objectChanged(change: ObjectChange): void;
  /** Stops to watch; what is being sent or received is finished. */
  close(): Promise<void>;
}

/** What was sent of a file. Size and time say that it is unchanged, the digest that a touched file is. */
interface Sent {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly sha256: string;
}

/** Above it, parts of this size: the local store refuses bodies over 11 MiB, S3 parts under 5 MiB. */
const PART_BYTES = 8 * 1024 * 1024;
const PARALLEL_FILES = 4;
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;

/** A file changed while it was read; it is tried again when it is quiet. */
class ChangedMeanwhile extends Error {
  override readonly name = "ChangedMeanwhile";
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException | null)?.code === "ENOENT";

/**
 * Keeps a folder on disk and a bucket alike: `drop/**` goes to the bucket, `outcome/**` comes back.
 *
 * Hidden files, editors' backups (`name~`) and symbolic links stay where they are. A file that is removed from the
 * folder stays in the bucket; put there again it is sent again. Names from the bucket cannot leave `outcome/`.
 */
export async function mirrorDropFolder(options: DropMirrorOptions): Promise<DropMirror> {
  const { folder, bucket, gatewayUrl, region, stateDir, onFault, stableMs = 500, pollMs = 5_000 } = options;
  const dropRoot = join(folder, "drop");
  const outcomeRoot = join(folder, "outcome");
  await Promise.all([dropRoot, outcomeRoot].map((path) => mkdir(path, { recursive: true })));

  const s3 = new S3Client(gatewayClient({ gatewayUrl, region, caller: operatorId }));
  const closing = new AbortController();
  /** Path below `drop/` → what was sent of it. */
  const sent = openJournal<Sent>(join(stateDir, "drop-sent.jsonl"));
  /** Key → upload that was begun: a crash must not leave its parts behind. */
  const uploads = openJournal<string>(join(stateDir, "drop-uploads.jsonl"));
  /** Key → ETag of the outcome that is on disk. */
  const received = openJournal<string>(join(stateDir, "drop-received.jsonl"));

  const sending = createQueue(PARALLEL_FILES, closing.signal, send, (name, error) =>
    onFault(new Error(`drop/${name} could not be sent to the bucket`, { cause: error })),
  );
  const receiving = createQueue(PARALLEL_FILES, closing.signal, receive, (key, error) =>
    onFault(new Error(`${key} could not be written to disk`, { cause: error })),
  );

  async function send(name: string): Promise<void> {
    const path = join(dropRoot, name);
    const before = await lstat(path).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (!before?.isFile()) return sent.delete(name);
    const known = sent.entries.get(name);
    if (known && known.sizeBytes === before.size && known.mtimeMs === before.mtimeMs) return;

    // Names typed on a Mac come decomposed; one post must have one name.
    const key = `drop/${name.split(sep).join("/")}`.normalize("NFC");
    const unchanged = async (): Promise<void> => {
      const after = await lstat(path);
      if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) throw new ChangedMeanwhile(key);
    };
    const sha256 =
      before.size <= PART_BYTES
        ? await sendWhole(path, key, known?.sha256, unchanged)
        : await sendInParts(path, key, before.size, known?.sha256, unchanged);
    await sent.set(name, { sizeBytes: before.size, mtimeMs: before.mtimeMs, sha256 });
  }

  async function sendWhole(
    path: string,
    Key: string,
    knownSha256: string | undefined,
    unchanged: () => Promise<void>,
  ): Promise<string> {
    const Body = await readFile(path);
    await unchanged();
    const sha256 = createHash("sha256").update(Body).digest("hex");
    if (sha256 !== knownSha256) await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
    return sha256;
  }

  async function sendInParts(
    path: string,
    Key: string,
    sizeBytes: number,
    knownSha256: string | undefined,
    unchanged: () => Promise<void>,
  ): Promise<string> {
    if (knownSha256 !== undefined && (await digestOf(path)) === knownSha256) return knownSha256;
    const place = { Bucket: bucket, Key };
    const { UploadId = "" } = await s3.send(new CreateMultipartUploadCommand(place));
    await uploads.set(Key, UploadId);
    const digest = createHash("sha256");
    const Parts: CompletedPart[] = [];
    const file = await open(path);
    try {
      for (let at = 0; at < sizeBytes; at += PART_BYTES) {
        const Body = Buffer.alloc(Math.min(PART_BYTES, sizeBytes - at));
        const { bytesRead } = await file.read(Body, 0, Body.length, at);
        if (bytesRead !== Body.length) throw new ChangedMeanwhile(Key);
        digest.update(Body);
        const PartNumber = Parts.length + 1;
        const { ETag } = await s3.send(new UploadPartCommand({ ...place, UploadId, PartNumber, Body }));
        Parts.push({ PartNumber, ETag });
        if (closing.signal.aborted) throw new ChangedMeanwhile(Key);
      }
      await unchanged();
      await s3.send(new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts } }));
      await uploads.delete(Key);
    } catch (error) {
      await abandon(Key, UploadId);
      throw error;
    } finally {
      await file.close();
    }
    return digest.digest("hex");
  }

  async function abandon(Key: string, UploadId: string): Promise<void> {
    try {
      await s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
    } catch (error) {
      // Not reachable: the next start abandons it.
      if (!(error instanceof NoSuchUpload)) return;
    }
    await uploads.delete(Key);
  }

  async function digestOf(path: string): Promise<string> {
    const digest = createHash("sha256");
    const file = await open(path);
    for await (const chunk of file.createReadStream()) digest.update(chunk as Buffer);
    return digest.digest("hex");
  }

  async function receive(key: string): Promise<void> {
    const target = await safeTarget(outcomeRoot, key);
    const { Body, ETag = "" } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
    // Whoever reads the file sees the old outcome or the new one, never half of it.
    const part = join(dirname(target), `.${randomBytes(6).toString("hex")}.part`);
    try {
      await writeFile(part, bytes, { flag: "wx" });
      await rename(part, target);
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
    await received.set(key, unquoted(ETag));
  }

  async function lookForOutcomes(): Promise<void> {
    let ContinuationToken: string | undefined;
    do {
      const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: "outcome/", ContinuationToken });
      const page: ListObjectsV2CommandOutput = await s3.send(command, { abortSignal: closing.signal });
      for (const { Key = "", ETag = "" } of page.Contents ?? []) {
        if (received.entries.get(Key) !== unquoted(ETag)) receiving.add(Key);
      }
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
  }

  async function keepLooking(): Promise<void> {
    let told = false;
    while (!closing.signal.aborted) {
      try {
        await lookForOutcomes();
        told = false;
      } catch (error) {
        if (!told && !closing.signal.aborted)
          onFault(new Error("the bucket could not be read", { cause: error }));
        told = true;
      }
      await pause(pollMs, closing.signal);
    }
  }

  for (const [key, uploadId] of [...uploads.entries]) await abandon(key, uploadId);
  await removeParts(outcomeRoot);

  const watcher = watch(dropRoot, {
    followSymlinks: false,
    ignored: (path) => {
      const name = basename(path);
      return path !== dropRoot && (name.startsWith(".") || name.endsWith("~"));
    },
    awaitWriteFinish: { stabilityThreshold: stableMs, pollInterval: Math.min(100, stableMs) },
  });
  const changed = (path: string): void => sending.add(relative(dropRoot, path));
  watcher.on("add", changed).on("change", changed).on("unlink", changed);
  watcher.on("error", (error) => onFault(new Error(`${dropRoot} cannot be watched`, { cause: error })));
  await new Promise<void>((resolve) => watcher.once("ready", resolve));
  // Removed while nobody watched: forgotten, so that the same file dropped again is sent again.
  for (const name of sent.entries.keys()) sending.add(name);
  const looking = keepLooking();

  return {
    objectChanged({ kind, bucket: changedBucket, key, etag }) {
      if (kind !== "created" || changedBucket !== bucket || !key.startsWith("outcome/")) return;
      if (received.entries.get(key) !== etag) receiving.add(key);
    },
    async close() {
      closing.abort();
      await watcher.close();
      await looking;
      await Promise.all([sending.idle(), receiving.idle()]);
      await Promise.all([sent, uploads, received].map((journal) => journal.flush()));
      s3.destroy();
    },
  };
}

const unquoted = (etag: string): string => etag.replaceAll('"', "");

/** Key outside of the folder that it is mirrored into. Never retried: it cannot become right. */
class UnsafeKey extends Error {
  override readonly name = "UnsafeKey";
}

/**
 * Path on disk of a key, its folder made.
 *
 * @throws UnsafeKey when the path would leave the root, by its own name or through a symbolic link.
 */
async function safeTarget(root: string, key: string): Promise<string> {
  const segments = key.slice("outcome/".length).split("/");
  const unsafe = segments.some(
    (segment) => ["", ".", ".."].includes(segment) || segment.includes(sep) || segment.includes("\0"),
  );
  if (unsafe) throw new UnsafeKey(`${JSON.stringify(key)} is not a file below outcome/`);
  const parent = join(root, ...segments.slice(0, -1));
  // Every existing part is checked before anything is made below it: a link may lead anywhere.
  const realRoot = await realpath(root);
  for (let depth = 0; depth < segments.length; depth += 1) {
    const part = join(root, ...segments.slice(0, depth));
    await mkdir(part, { recursive: true });
    const real = await realpath(part);
    if (real !== realRoot && !real.startsWith(realRoot + sep)) {
      throw new UnsafeKey(`${JSON.stringify(key)} leads out of outcome/ through a link`);
    }
  }
  return join(parent, segments.at(-1) ?? "");
}

/** A crash between writing and renaming leaves these behind. */
async function removeParts(root: string): Promise<void> {
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && /^\.[0-9a-f]{12}\.part$/.test(entry.name))
      await rm(join(entry.parentPath, entry.name));
  }
}

/**
 * Runs one job per name at a time and a few names at once. A name that is added while its job runs is run once more
 * afterwards; a job that fails is tried again with growing pauses, and told once.
 */
function createQueue(
  parallel: number,
  signal: AbortSignal,
  run: (name: string) => Promise<void>,
  onFailure: (name: string, error: unknown) => void,
) {
  const waiting = new Set<string>();
  const running = new Map<string, Promise<void>>();

  async function work(name: string): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await run(name);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof UnsafeKey) return onFailure(name, error);
        if (!(error instanceof ChangedMeanwhile) && !isMissing(error) && tries === 0) onFailure(name, error);
        await pause(Math.min(RETRY_MS * 2 ** tries, MAX_RETRY_MS), signal);
        if (signal.aborted) return;
      }
    }
  }

  function next(): void {
    for (const name of waiting) {
      if (running.size >= parallel || signal.aborted) return;
      if (running.has(name)) continue;
      waiting.delete(name);
      running.set(
        name,
        work(name).finally(() => {
          running.delete(name);
          next();
        }),
      );
    }
  }

  return {
    add(name: string): void {
      waiting.add(name);
      next();
    },
    async idle(): Promise<void> {
      await Promise.all(running.values());
    },
  };
}
