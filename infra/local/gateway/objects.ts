import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { decodeAwsChunked } from "./aws-chunked.ts";
import { type ObjectRequest, objectRight } from "./object-rights.ts";
import { largestBodyBytes, type Stored, storeObject } from "./object-upload.ts";
import { checkPolicy, FormRefusal, limitSize, readPostForm } from "./post-form.ts";
import { errorAnswer, escapeXml, refusal, unescapeXml } from "./refusals.ts";
import type { Right } from "./rights.ts";
import type { ObjectChange } from "./service.ts";
import { endToEnd, type Upstream } from "./upstream.ts";

export interface ObjectsOptions {
  readonly fauxqs: Upstream;
  readonly onChange: (change: ObjectChange) => void;
  readonly now: () => number;
}

/** The caller's rights, asked for one at a time. */
export interface Permit {
  /** Undefined when allowed, else the message of the refusal, which is then reported. */
  refused(right: Right): Promise<string | undefined>;
  /** Whether the right is there, without a report if it is not. */
  has(right: Right): Promise<boolean>;
}

export interface ObjectExchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  /** Path without the query, as sent. */
  readonly path: string;
  readonly request: ObjectRequest;
  readonly permit: Permit;
  /** The answer is lost after the request was carried out. */
  readonly loseAnswer: boolean;
}

/** Carries out S3 requests whose rights by path are already checked; bodies stream through. */
export function createObjects(options: ObjectsOptions): (exchange: ObjectExchange) => Promise<void> {
  return async (exchange) => {
    switch (exchange.request.call) {
      case "PutObject":
        return put(options, exchange);
      case "PostObject":
        return post(options, exchange);
      case "DeleteObjects":
        return deleteMany(options, exchange);
      case "CompleteMultipartUpload":
      case "CopyObject":
      case "DeleteObject":
      case "Other":
      case "Read":
      case "UploadPart":
        return passOn(options, exchange);
    }
  };
}

async function passOn(options: ObjectsOptions, exchange: ObjectExchange): Promise<void> {
  const { incoming, response, request, permit } = exchange;
  const { call, bucket, key } = request;
  const sizeBytes = Number(incoming.headers["content-length"] ?? 0);
  if (call === "UploadPart" && sizeBytes > largestBodyBytes) {
    incoming.resume();
    return send(
      exchange,
      errorAnswer("s3", "EntityTooLarge", 400, "The local store takes parts of at most 11 MiB."),
    );
  }
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const answer = await options.fauxqs.open(
    {
      method: incoming.method ?? "GET",
      path: incoming.url ?? "/",
      headers: endToEnd(incoming.headers),
      ...(sizeBytes > 0 && { body: incoming, sizeBytes }),
    },
    gone.signal,
  );
  const status = answer.statusCode ?? 502;
  // Without the right to list, S3 does not tell a missing object from a forbidden one.
  const listing: Right = { action: "s3:ListBucket", resource: `arn:aws:s3:::${bucket}` };
  if (call === "Read" && status === 404 && !(await permit.has(listing))) {
    answer.resume();
    const message = `Access Denied: the object may be missing; without ${listing.action} on ${listing.resource} (unconditional) S3 answers 403 instead of 404`;
    return send(exchange, refusal("s3", "access-denied", message));
  }
  if (status < 300 && (call === "CompleteMultipartUpload" || call === "CopyObject")) {
    await changed(options, bucket, key, call);
  } else if (status < 300 && call === "DeleteObject") {
    options.onChange({ kind: "deleted", bucket, key, reason: call, sizeBytes: 0, etag: "" });
  }
  if (exchange.loseAnswer) {
    answer.resume();
    response.destroy();
    return;
  }
  const length = answer.headers["content-length"];
  response.writeHead(status, {
    ...endToEnd(answer.headers),
    ...(length !== undefined && { "content-length": length }),
  });
  await pipeline(answer, response).catch((error: unknown) => {
    // The client may leave in the middle of an object; that is its right.
    if (!response.destroyed) {
      throw error;
    }
  });
}

/** Writes on a condition, one at a time for each key: fauxqs knows no conditions. Key → the end of its queue. */
const conditional = new Map<string, Promise<unknown>>();

/**
 * @returns what S3 answers when the condition of a write does not hold
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
async function refusedByCondition(
  { fauxqs }: ObjectsOptions,
  { incoming, path, request }: ObjectExchange,
): Promise<Stored | undefined> {
  const { "if-match": ifMatch, "if-none-match": ifNoneMatch } = incoming.headers;
  const head = await fauxqs.fetch({ method: "HEAD", path, headers: {} });
  const isThere = head.status === 200;
  if (ifMatch !== undefined && !isThere)
    return errorAnswer("s3", "NoSuchKey", 404, `The key ${request.key} does not exist.`);
  const holds =
    (ifMatch === undefined || unquoted(ifMatch) === unquoted(head.headers.etag)) &&
    (ifNoneMatch === undefined || !isThere);
  return holds
    ? undefined
    : errorAnswer("s3", "PreconditionFailed", 412, "At least one of the pre-conditions did not hold.");
}

const unquoted = (etag: string | undefined): string | undefined => etag?.replaceAll('"', "");

async function put(options: ObjectsOptions, exchange: ObjectExchange): Promise<void> {
  const { incoming, path } = exchange;
  const { "if-match": ifMatch, "if-none-match": ifNoneMatch } = incoming.headers;
  if (ifMatch === undefined && ifNoneMatch === undefined) return putAlways(options, exchange);
  const before = conditional.get(path) ?? Promise.resolve();
  const turn = before
    .catch(() => {})
    .then(async () => {
      const refused = await refusedByCondition(options, exchange);
      if (!refused) return putAlways(options, exchange);
      incoming.resume();
      send(exchange, refused);
    });
  conditional.set(path, turn);
  try {
    await turn;
  } finally {
    if (conditional.get(path) === turn) conditional.delete(path);
  }
}

async function putAlways(options: ObjectsOptions, exchange: ObjectExchange): Promise<void> {
  const { incoming, path, request } = exchange;
  const isChunked = String(incoming.headers["content-encoding"] ?? "").includes("aws-chunked");
  const { "content-encoding": encoding, ...headers } = endToEnd(incoming.headers);
  const rest = String(encoding ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "aws-chunked")
    .join(", ");
  const stored = await storeObject(
    options.fauxqs,
    path,
    { ...headers, ...(rest !== "" && { "content-encoding": rest }) },
    isChunked ? decodeAwsChunked(incoming) : incoming,
  );
  if (stored.status === 200) {
    await changed(options, request.bucket, request.key, "PutObject");
  }
  send(exchange, stored);
}

async function post(options: ObjectsOptions, exchange: ObjectExchange): Promise<void> {
  const { incoming, request, permit } = exchange;
  const { bucket } = request;
  // One iterator for fields, file and the rest: after a refusal the rest still has to be read, or the client, busy
  // with sending, sees a broken connection instead of the answer.
  const pieces: AsyncIterator<Buffer> = incoming[Symbol.asyncIterator]();
  try {
    const form = await readPostForm(pieces, String(incoming.headers["content-type"]));
    const key = form.fields.get("key")?.replaceAll(/\$\{filename\}/g, () => form.fileName) ?? "";
    if (key === "") {
      throw new FormRefusal("InvalidArgument", 400, "Bucket POST must contain a field named 'key'.");
    }
    const allowed = checkPolicy(form, bucket, new Date(options.now()));
    const message = await permit.refused(objectRight("PutObject", bucket, key));
    if (message !== undefined) {
      throw new FormRefusal("AccessDenied", 403, message);
    }
    const kept = [...form.fields].filter(
      ([name]) =>
        name.startsWith("x-amz-meta-") ||
        ["content-type", "cache-control", "content-disposition"].includes(name),
    );
    const path = `/${bucket}/${key.split("/").map(encodeURIComponent).join("/")}`;
    const stored = await storeObject(
      options.fauxqs,
      path,
      Object.fromEntries(kept),
      limitSize(form.file, allowed),
    );
    if (stored.status !== 200) {
      return send(exchange, stored);
    }
    await changed(options, bucket, key, "POST Object");
    const etag = stored.headers["etag"] ?? "";
    const wanted = form.fields.get("success_action_status");
    const body = `<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse><Bucket>${escapeXml(bucket)}</Bucket><Key>${escapeXml(key)}</Key><ETag>${escapeXml(etag)}</ETag></PostResponse>`;
    if (wanted === "201") {
      return send(exchange, { status: 201, headers: { etag, "content-type": "application/xml" }, body });
    }
    return send(exchange, { status: wanted === "200" ? 200 : 204, headers: { etag }, body: "" });
  } catch (error) {
    if (!(error instanceof FormRefusal)) {
      throw error;
    }
    while ((await pieces.next()).done !== true);
    return send(exchange, errorAnswer("s3", error.code, error.status, error.message));
  }
}

const longestListBytes = 2 * 1024 * 1024;

async function deleteMany(options: ObjectsOptions, exchange: ObjectExchange): Promise<void> {
  const { incoming, request, permit } = exchange;
  const { bucket } = request;
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of incoming as AsyncIterable<Buffer>) {
    sizeBytes += piece.length;
    if (sizeBytes > longestListBytes) {
      return send(exchange, errorAnswer("s3", "MalformedXML", 400, "The list of keys is too long."));
    }
    pieces.push(piece);
  }
  const raw = Buffer.concat(pieces);
  const keys = [...raw.toString("utf8").matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) =>
    unescapeXml(key ?? ""),
  );
  for (const key of keys) {
    const message = await permit.refused(objectRight("DeleteObject", bucket, key));
    if (message !== undefined) {
      return send(exchange, refusal("s3", "access-denied", message));
    }
  }
  const answer = await options.fauxqs.fetch({
    method: "POST",
    path: incoming.url ?? "/",
    headers: endToEnd(incoming.headers),
    body: raw,
  });
  if (answer.status === 200) {
    for (const key of keys) {
      options.onChange({ kind: "deleted", bucket, key, reason: "DeleteObject", sizeBytes: 0, etag: "" });
    }
  }
  send(exchange, {
    status: answer.status,
    headers: { "content-type": "application/xml" },
    body: answer.body.toString("utf8"),
  });
}

/** Reports what is stored now: S3's event carries size and ETag, and only the store knows both for every way of writing. */
async function changed(options: ObjectsOptions, bucket: string, key: string, reason: string): Promise<void> {
  const path = `/${bucket}/${key.split("/").map(encodeURIComponent).join("/")}`;
  const { headers } = await options.fauxqs.fetch({ method: "HEAD", path, headers: {} });
  const etag = (headers.etag ?? "").replaceAll('"', "");
  options.onChange({
    kind: "created",
    bucket,
    key,
    reason,
    sizeBytes: Number(headers["content-length"] ?? 0),
    etag,
  });
}

function send({ response, incoming, loseAnswer }: ObjectExchange, answer: Stored): void {
  if (loseAnswer) {
    response.destroy();
    return;
  }
  response.writeHead(answer.status, answer.headers).end(incoming.method === "HEAD" ? undefined : answer.body);
}
