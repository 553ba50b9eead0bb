import { createHash } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { S3Memory, S3Object, S3Persistence, S3Upload, S3UploadPart } from "./fauxqs-internals.ts";

/**
 * Objects on disk under the digest of bucket and key. fauxqs' own files carry the key as their path, so a key with
 * `../` leaves the folder and a name longer than 255 bytes cannot be written.
 *
 * Reading keeps the last body in memory: the server asks for the whole object at every range, and ranges of one
 * object come one after the other.
 */
export class ObjectFiles implements S3Persistence {
  readonly #buckets: string;
  readonly #objects: string;
  readonly #uploads: string;
  #last: { readonly name: string; readonly body: Buffer } | undefined;

  constructor(directory: string) {
    this.#buckets = join(directory, "buckets");
    this.#objects = join(directory, "objects");
    this.#uploads = join(directory, "uploads");
    for (const folder of [this.#buckets, this.#objects]) {
      mkdirSync(folder, { recursive: true });
    }
    // An upload that was open when the machine stopped cannot be continued: its parts were in memory.
    rmSync(this.#uploads, { recursive: true, force: true });
    mkdirSync(this.#uploads, { recursive: true });
  }

  loadS3(memory: S3Memory): void {
    for (const file of readdirSync(this.#buckets)) {
      const { name, createdAt } = JSON.parse(readFileSync(join(this.#buckets, file), "utf8")) as BucketFile;
      memory.createBucket(name);
      memory.setBucketCreationDate(name, new Date(createdAt));
    }
    for (const file of readdirSync(this.#objects).filter((name) => name.endsWith(".json"))) {
      const { bucket, object } = JSON.parse(readFileSync(join(this.#objects, file), "utf8")) as ObjectFile;
      memory.restoreObject(bucket, {
        ...object,
        body: Buffer.alloc(0),
        lastModified: new Date(object.lastModified),
      });
    }
  }

  insertBucket(name: string, creationDate: Date): void {
    const file: BucketFile = { name, createdAt: creationDate.toISOString() };
    writeWhole(join(this.#buckets, `${digest(name)}.json`), Buffer.from(JSON.stringify(file)));
  }

  deleteBucket(name: string): void {
    rmSync(join(this.#buckets, `${digest(name)}.json`), { force: true });
  }

  upsertObject(bucket: string, object: S3Object): void {
    const name = nameOf(bucket, object.key);
    const { body, ...rest } = object;
    this.#last = undefined;
    // Body first: a description without its body would be an object that cannot be read.
    writeWhole(join(this.#objects, `${name}.data`), body);
    const file: ObjectFile = { bucket, object: { ...rest, lastModified: rest.lastModified.toISOString() } };
    writeWhole(join(this.#objects, `${name}.json`), Buffer.from(JSON.stringify(file)));
  }

  readBody(bucket: string, key: string): Buffer {
    const name = nameOf(bucket, key);
    if (this.#last?.name !== name) {
      this.#last = { name, body: readFileSync(join(this.#objects, `${name}.data`)) };
    }
    return this.#last.body;
  }

  deleteObject(bucket: string, key: string): void {
    const name = nameOf(bucket, key);
    this.#last = undefined;
    rmSync(join(this.#objects, `${name}.json`), { force: true });
    rmSync(join(this.#objects, `${name}.data`), { force: true });
  }

  completeMultipartUpload(_uploadId: string, bucket: string, object: S3Object): void {
    this.upsertObject(bucket, object);
  }

  // Open uploads live in memory alone; see the constructor.
  insertMultipartUpload(_upload: S3Upload): void {}
  upsertMultipartPart(_uploadId: string, _part: S3UploadPart): void {}
  deleteMultipartUpload(_uploadId: string): void {}
  close(): void {}
}

interface BucketFile {
  readonly name: string;
  readonly createdAt: string;
}

interface ObjectFile {
  readonly bucket: string;
  readonly object: Omit<S3Object, "body" | "lastModified"> & { readonly lastModified: string };
}

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
const nameOf = (bucket: string, key: string): string => digest(`${bucket}/${key}`);

/** Either the old or the new content is there after a crash, never a part of it. */
function writeWhole(path: string, content: Uint8Array): void {
  const draft = `${path}.draft`;
  const file = openSync(draft, "w");
  try {
    for (let offset = 0; offset < content.length; ) {
      offset += writeSync(file, content, offset);
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
}
