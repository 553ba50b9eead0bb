import { buildApp } from "fauxqs";

/** The parts of fauxqs 2.4.1 (pinned) that its package does not export but that its exported `buildApp` takes. */
export interface S3Object {
  readonly key: string;
  readonly body: Buffer;
  readonly contentLength: number;
  readonly etag: string;
  readonly lastModified: Date;
}

export interface S3Upload {
  readonly uploadId: string;
}

export interface S3UploadPart {
  readonly partNumber: number;
}

/** What fauxqs' object store tells its disk. */
export interface S3Persistence {
  loadS3(memory: S3Memory): void;
  insertBucket(name: string, creationDate: Date): void;
  deleteBucket(name: string): void;
  upsertObject(bucket: string, object: S3Object): void;
  readBody(bucket: string, key: string): Buffer;
  deleteObject(bucket: string, key: string): void;
  insertMultipartUpload(upload: S3Upload): void;
  upsertMultipartPart(uploadId: string, part: S3UploadPart): void;
  deleteMultipartUpload(uploadId: string): void;
  completeMultipartUpload(uploadId: string, bucket: string, object: S3Object): void;
  close(): void;
}

interface ListOptions {
  readonly prefix?: string;
  readonly delimiter?: string;
  readonly maxKeys?: number;
  readonly startAfter?: string;
  readonly marker?: string;
}

interface Listing {
  readonly objects: S3Object[];
  readonly commonPrefixes: string[];
  readonly isTruncated: boolean;
}

export interface S3Memory {
  buckets: Map<string, Map<string, S3Object>>;
  persistence: S3Persistence | undefined;
  createBucket(name: string): void;
  setBucketCreationDate(name: string, date: Date): void;
  restoreObject(bucket: string, object: S3Object): void;
  listObjects(bucket: string, options?: ListOptions): Listing;
}

interface QueueMemory {
  region: string;
  persistence: QueueDisk | undefined;
  allQueues(): Iterable<{ persistence: QueueDisk | undefined }>;
}

interface QueueDisk {
  loadSqsAndSns(queues: QueueMemory, topics: unknown): void;
  close(): void;
}

export interface Internals {
  readonly buildApp: typeof buildApp;
  createQueues(): QueueMemory;
  createTopics(): unknown;
  createObjects(): S3Memory;
  createQueueDisk(directory: string): QueueDisk;
}

/** Loads the classes by their place in the package; a version that moved them fails here and not in the middle. */
export async function loadInternals(): Promise<Internals> {
  const load = async <Instance, Arguments extends unknown[]>(path: string, name: string) => {
    const module = (await import(new URL(path, import.meta.resolve("fauxqs")).href)) as Record<
      string,
      unknown
    >;
    const found = module[name];
    if (typeof found !== "function") {
      throw new TypeError(`fauxqs has no ${name} in ${path}; the pinned version is 2.4.1`);
    }
    return found as new (
      ...parameters: Arguments
    ) => Instance;
  };
  const Queues = await load<QueueMemory, []>("./sqs/sqsStore.js", "SqsStore");
  const Topics = await load<unknown, []>("./sns/snsStore.js", "SnsStore");
  const Objects = await load<S3Memory, []>("./s3/s3Store.js", "S3Store");
  const Disk = await load<QueueDisk, [string]>("./persistence.js", "PersistenceManager");
  /**
   * fauxqs refuses messages with characters beyond the first plane, such as emoji; SQS takes them.
   * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
   */
  const types = (await import(new URL("./sqs/sqsTypes.js", import.meta.resolve("fauxqs")).href)) as {
    INVALID_MESSAGE_BODY_CHAR: RegExp;
  };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these three are the allowed ones
  const invalid = /[^\x09\x0A\x0D\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;
  types.INVALID_MESSAGE_BODY_CHAR.test = (body) => invalid.test(body);
  /**
   * fauxqs sorts keys by the rules of a language but continues a listing by comparing code units, so a listing of
   * more than one page loses keys. S3 orders by UTF-8 bytes.
   */
  class OrderedObjects extends Objects {
    override listObjects(bucket: string, options: ListOptions = {}): Listing {
      const objects = this.buckets.get(bucket);
      if (objects === undefined) {
        return super.listObjects(bucket, options);
      }
      return list([...objects.values()], options);
    }
  }
  return {
    buildApp,
    createQueues: () => new Queues(),
    createTopics: () => new Topics(),
    createObjects: () => new OrderedObjects(),
    createQueueDisk: (directory) => new Disk(directory),
  };
}

function list(objects: readonly S3Object[], options: ListOptions): Listing {
  const { prefix = "", delimiter, maxKeys = 1000 } = options;
  const after = Buffer.from(options.startAfter ?? options.marker ?? "");
  const entries = objects
    .filter(({ key }) => key.startsWith(prefix))
    .map((object) => ({ object, bytes: Buffer.from(object.key) }))
    .sort((left, right) => Buffer.compare(left.bytes, right.bytes));
  const found: S3Object[] = [];
  const commonPrefixes = new Set<string>();
  for (const { object, bytes } of entries) {
    const end = delimiter ? object.key.indexOf(delimiter, prefix.length) : -1;
    const common = end < 0 ? undefined : object.key.slice(0, end + (delimiter ?? "").length);
    if (Buffer.compare(common === undefined ? bytes : Buffer.from(common), after) <= 0 && after.length > 0) {
      continue;
    }
    if (common !== undefined && commonPrefixes.has(common)) {
      continue;
    }
    if (found.length + commonPrefixes.size >= maxKeys) {
      return { objects: found, commonPrefixes: [...commonPrefixes], isTruncated: true };
    }
    if (common === undefined) {
      found.push(object);
    } else {
      commonPrefixes.add(common);
    }
  }
  return { objects: found, commonPrefixes: [...commonPrefixes], isTruncated: false };
}
