import type { Result } from "#shared/result.ts";

/** A file below `drop/<project>/`, as the bucket lists it. */
export interface StoredFile {
  /** Key after `drop/<project>/`. Untrusted: it may hold anything, slashes included. */
  readonly name: string;
  readonly key: string;
  /** As the bucket gave it, quotes included. */
  readonly etag: string;
  readonly sizeBytes: number;
  /** Clock of the bucket, to the second. */
  readonly uploadedAt: Date;
}

/** What people dropped. Listings are current: an object whose event arrived is in them. */
export interface DropFolder {
  /** Files whose name begins with `start`, in the order of their keys. */
  list(project: string, start: string): Promise<readonly StoredFile[]>;
  /** All files of a project, a page at a time. */
  pages(project: string): AsyncIterable<readonly StoredFile[]>;
  /** A file by its exact name. */
  find(project: string, name: string): Promise<StoredFile | undefined>;
  /**
   * A small file as a whole: the caller knows its size from a listing.
   *
   * @returns `changed`: it is no longer this version, or gone
   * @throws DependencyFault when the bucket does not answer
   */
  read(file: Pick<StoredFile, "key" | "etag">): Promise<Result<Uint8Array, { readonly reason: "changed" }>>;
}
