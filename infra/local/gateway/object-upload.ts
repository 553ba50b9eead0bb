import { unescapeXml } from "./refusals.ts";
import type { Upstream } from "./upstream.ts";

/** fauxqs takes bodies up to 11 MiB; a part of a multipart upload has at least 5. */
export const largestBodyBytes = 11 * 1024 * 1024;
const partBytes = 8 * 1024 * 1024;

export interface Stored {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Writes an object of any size from a stream, with at most one part in memory: small ones in one request, larger ones
 * as a multipart upload, which is taken back when the stream fails. The ETag of a larger one is then that of a
 * multipart upload, as it would be after an upload in parts on AWS.
 */
export async function storeObject(
  upstream: Upstream,
  path: string,
  headers: Readonly<Record<string, string | string[]>>,
  source: AsyncIterable<Buffer>,
): Promise<Stored> {
  const parts = inParts(source);
  const first = await parts.next();
  const firstBody = first.done === true ? Buffer.alloc(0) : first.value;
  const second = await parts.next();
  if (second.done === true) {
    return storeWhole(upstream, path, headers, firstBody);
  }
  const send = async (method: string, query: string, body: Uint8Array, more = {}): Promise<Stored> => {
    const answer = await upstream.fetch({ method, path: `${path}?${query}`, headers: { ...more }, body });
    return { status: answer.status, headers: flat(answer.headers), body: answer.body.toString("utf8") };
  };
  const created = await send("POST", "uploads", Buffer.alloc(0), { ...headers });
  const uploadId = /<UploadId>([^<]+)<\/UploadId>/.exec(created.body)?.[1];
  if (created.status !== 200 || uploadId === undefined) {
    return created;
  }
  const upload = `uploadId=${encodeURIComponent(unescapeXml(uploadId))}`;
  try {
    const etags: string[] = [];
    const put = async (body: Buffer): Promise<void> => {
      const stored = await send("PUT", `partNumber=${etags.length + 1}&${upload}`, body, {
        "content-type": "application/octet-stream",
      });
      if (stored.status !== 200) {
        throw new Error(`The part was answered with ${stored.status}: ${stored.body}`);
      }
      etags.push(stored.headers["etag"] ?? "");
    };
    await put(firstBody);
    await put(second.value);
    for await (const part of parts) {
      await put(part);
    }
    const list = etags.map(
      (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
    );
    const completion = `<CompleteMultipartUpload>${list.join("")}</CompleteMultipartUpload>`;
    const done = await send("POST", upload, Buffer.from(completion), { "content-type": "application/xml" });
    const etag = unescapeXml(/<ETag>([^<]+)<\/ETag>/.exec(done.body)?.[1] ?? "");
    return done.status === 200 ? { status: 200, headers: { etag }, body: "" } : done;
  } catch (error) {
    await send("DELETE", upload, Buffer.alloc(0));
    throw error;
  }
}

async function storeWhole(
  upstream: Upstream,
  path: string,
  headers: Readonly<Record<string, string | string[]>>,
  body: Buffer,
): Promise<Stored> {
  // fauxqs fails on a request without a body, so an empty object travels as an empty frame.
  const isEmpty = body.length === 0;
  const answer = await upstream.fetch({
    method: "PUT",
    path,
    headers: {
      "content-type": "application/octet-stream",
      ...headers,
      ...(isEmpty && { "content-encoding": "aws-chunked" }),
    },
    body: isEmpty ? Buffer.from("0\r\n\r\n") : body,
  });
  return { status: answer.status, headers: flat(answer.headers), body: answer.body.toString("utf8") };
}

async function* inParts(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of source) {
    pieces.push(piece);
    sizeBytes += piece.length;
    while (sizeBytes >= partBytes) {
      const all = Buffer.concat(pieces, sizeBytes);
      yield all.subarray(0, partBytes);
      pieces = [all.subarray(partBytes)];
      sizeBytes -= partBytes;
    }
  }
  if (sizeBytes > 0) {
    yield Buffer.concat(pieces, sizeBytes);
  }
}

function flat(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}
