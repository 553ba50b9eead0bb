import { DROP_PREFIX } from "#shared/domain/drop-key.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { DropFolder, StoredFile } from "#shared/ports/drop-folder.ts";
import type { MediaSource } from "#shared/ports/media-source.ts";
import { err, ok } from "#shared/result.ts";
import { createInMemoryBucket } from "./media-files.ts";

export interface InMemoryDropFolder extends DropFolder {
  /** The same files, by ranges. */
  readonly source: MediaSource;
  /** How many sidecars were read, and with which names. */
  readonly readNames: readonly string[];
  /** Stores a file and gives its key. */
  put(key: string, body: string | Uint8Array): string;
  delete(key: string): void;
}

const byKey = (a: StoredFile, b: StoredFile): number =>
  Buffer.compare(Buffer.from(a.key), Buffer.from(b.key));

/** The promises of the S3 folder, in memory. */
export function createInMemoryDropFolder(clock: Pick<Clock, "now">): InMemoryDropFolder {
  const source = createInMemoryBucket();
  const files = new Map<string, { readonly file: StoredFile; readonly bytes: Uint8Array }>();
  const readNames: string[] = [];

  const list = (project: string, start: string): readonly StoredFile[] => {
    const folder = `${DROP_PREFIX}${project}/`;
    return [...files.values()]
      .filter(({ file }) => file.key.startsWith(folder + start))
      .map(({ file }) => ({ ...file, name: file.key.slice(folder.length) }))
      .toSorted(byKey);
  };
  return {
    source,
    readNames,
    put(key, body) {
      const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
      const etag = source.put(key, bytes);
      const uploadedAt = new Date(Math.floor(clock.now().getTime() / 1_000) * 1_000);
      files.set(key, { bytes, file: { name: key, key, etag, sizeBytes: bytes.length, uploadedAt } });
      return key;
    },
    delete(key) {
      files.delete(key);
      source.delete(key);
    },
    async list(project, start) {
      return list(project, start);
    },
    async *pages(project) {
      const all = list(project, "");
      for (let start = 0; start < all.length; start += 1_000) yield all.slice(start, start + 1_000);
    },
    async find(project, name) {
      return list(project, name).find((file) => file.name === name);
    },
    async read({ key, etag }) {
      readNames.push(key);
      const stored = files.get(key);
      return stored?.file.etag === etag ? ok(stored.bytes) : err({ reason: "changed" });
    },
  };
}
