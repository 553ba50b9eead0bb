/** Uploads files: announced to the API, sent straight to the bucket, inspected there. */
import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { basename, extname, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createMediaBody } from "#shared/contract/media-view.ts";
import { ApiProblem, type CallAnswer } from "./client.ts";
import type { Counter } from "./context.ts";
import { CliError, EXIT, usageError } from "./failures.ts";
import { fileError } from "./files.ts";
import { oneLine } from "./text-width.ts";

const MAX_ATTEMPTS = 3;
const PAUSE_MS = 1_000;
/** An inspection takes seconds; a large video is uploaded before it. */
const INSPECTION_DEADLINE_MS = 5 * 60_000;

const MEDIA_TYPES = createMediaBody.shape.type.options;
type MediaType = (typeof MEDIA_TYPES)[number];

const EXTENSIONS: Readonly<Record<string, MediaType>> = {
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".png": "image/png",
  ".webp": "image/webp",
  ".gif": "image/gif",
  ".mp4": "video/mp4",
  ".m4v": "video/mp4",
  ".mov": "video/quicktime",
};

export const isMediaName = (name: string): boolean => extname(name).toLowerCase() in EXTENSIONS;

export interface MediaFile {
  readonly path: string;
  readonly name: string;
  readonly type: MediaType;
  readonly sizeBytes: number;
}

/** @throws CliError for what is no media file */
export async function openMedia(path: string, directory: string): Promise<MediaFile> {
  const full = resolve(directory, path);
  const type = EXTENSIONS[extname(full).toLowerCase()];
  if (!type)
    throw usageError(
      `${path} is no medium that X takes.`,
      `Give one of ${Object.keys(EXTENSIONS).join(", ")}.`,
    );
  try {
    const found = await stat(full);
    if (!found.isFile()) throw usageError(`${path} is no file.`, "Check the name.", "bad-file");
    if (found.size === 0) throw usageError(`${path} is empty.`, "Export it again.", "bad-file");
    return { path: full, name: basename(full), type, sizeBytes: found.size };
  } catch (error) {
    throw fileError(error, path);
  }
}

export interface UploadForm {
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** What a form field or a file name may not have in it. */
const headerSafe = (text: string): string => text.replaceAll(/["\r\n\\]/g, "_");

async function* formBody(
  { fields }: UploadForm,
  file: MediaFile,
  boundary: string,
): AsyncGenerator<Buffer, void, undefined> {
  yield formHead(fields, file, boundary);
  yield* createReadStream(file.path, { highWaterMark: 256 * 1024, end: file.sizeBytes - 1 });
  yield formTail(boundary);
}

const formHead = (fields: UploadForm["fields"], file: MediaFile, boundary: string): Buffer =>
  Buffer.from(
    `${Object.entries(fields)
      .map(
        ([name, value]) =>
          `--${boundary}\r\nContent-Disposition: form-data; name="${headerSafe(name)}"\r\n\r\n${value}\r\n`,
      )
      .join(
        "",
      )}--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${headerSafe(file.name)}"\r\nContent-Type: ${file.type}\r\n\r\n`,
  );

const formTail = (boundary: string): Buffer => Buffer.from(`\r\n--${boundary}--\r\n`);

/** The bucket said no, or nothing. */
class UploadFault extends Error {
  override readonly name = "UploadFault";
  readonly mayRepeat: boolean;

  constructor(message: string, mayRepeat: boolean, options?: ErrorOptions) {
    super(message, options);
    this.mayRepeat = mayRepeat;
  }
}

/**
 * Sends a file by a presigned form. Only a part of it is in memory at any time.
 *
 * @param onSent - told bytes as they leave
 */
async function sendForm(
  form: UploadForm,
  file: MediaFile,
  onSent: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const boundary = `punctual-${randomUUID()}`;
  const length = formHead(form.fields, file, boundary).length + file.sizeBytes + formTail(boundary).length;
  const send = form.url.startsWith("https:") ? httpsRequest : httpRequest;
  const request = send(form.url, {
    method: "POST",
    headers: { "content-type": `multipart/form-data; boundary=${boundary}`, "content-length": length },
    ...(signal && { signal }),
  });
  const answered = new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
    request.once("error", reject).once("response", (response) => {
      let text = "";
      response
        .setEncoding("utf8")
        .on("data", (chunk: string) => {
          text += chunk;
        })
        .once("error", reject)
        .once("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
  });
  const counted = async function* (source: AsyncIterable<Buffer>) {
    for await (const chunk of source) {
      yield chunk;
      onSent(chunk.length);
    }
  };
  // A bucket that refuses answers before it has everything: then its answer is what counts.
  const sent = pipeline(Readable.from(formBody(form, file, boundary)), counted, request).catch(
    () => undefined,
  );
  let answer: { readonly status: number; readonly text: string };
  try {
    answer = await answered;
  } catch (error) {
    signal?.throwIfAborted();
    throw new UploadFault(`The upload of ${file.name} broke off.`, true, { cause: error });
  } finally {
    // Of a refused file the rest is not sent; whoever waits for it would wait for long.
    request.destroy();
    await sent;
  }
  if (answer.status >= 200 && answer.status < 300) return;
  const [, code = `HTTP ${answer.status}`] = /<Code>(\w+)<\/Code>/.exec(answer.text) ?? [];
  throw new UploadFault(`The bucket refused ${file.name}: ${code}.`, answer.status >= 500);
}

type Medium = CallAnswer<"readMedia">;

async function sendWithRepeats(
  form: UploadForm,
  file: MediaFile,
  counter: Counter,
  title: string,
): Promise<void> {
  const signal = counter.surroundings.interruption;
  const bar = counter.bar(title, file.sizeBytes);
  try {
    for (let attempt = 1; ; attempt++) {
      let sent = 0;
      try {
        const onSent = (bytes: number) => {
          sent += bytes;
          bar.update(sent, `${megabytes(Math.min(sent, file.sizeBytes))} of ${megabytes(file.sizeBytes)}`);
        };
        return await sendForm(form, file, onSent, signal);
      } catch (error) {
        if (!(error instanceof UploadFault)) throw error;
        if (!error.mayRepeat || attempt === MAX_ATTEMPTS)
          throw new CliError(error.message, {
            code: "upload-failed",
            remedy: "Repeat the command; if it stays so, check the network and the size of the file.",
          });
        await counter.sleep(attempt * PAUSE_MS);
      }
    }
  } finally {
    bar.stop();
  }
}

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;

async function waitUntilReady(id: string, file: MediaFile, counter: Counter): Promise<Medium> {
  const endsAt = counter.surroundings.now().getTime() + INSPECTION_DEADLINE_MS;
  const bar = counter.bar(`Inspecting ${oneLine(file.name)}`, 1);
  try {
    for (;;) {
      const medium = await counter.client.call("readMedia", { params: { id } });
      const { status, reason } = medium;
      if (status === "ready") return medium;
      if (status === "refused" || status === "expired")
        throw new CliError(
          `${file.name} is ${status}: ${oneLine(reason?.message ?? "the upload did not arrive.")}`,
          {
            code: reason?.code ?? "upload-expired",
            remedy: oneLine(reason?.remedy ?? "Upload it again."),
          },
        );
      if (counter.surroundings.now().getTime() >= endsAt)
        throw new CliError(`${file.name} is still ${status}.`, {
          code: "inspection-late",
          remedy: "Look at `punctual health`, then repeat the command.",
          exitCode: EXIT.failed,
        });
      bar.update(0, status);
      await counter.sleep(PAUSE_MS);
    }
  } finally {
    bar.stop();
  }
}

export interface UploadOptions {
  readonly project?: string;
  /** The same key uploads once, however often the command runs. */
  readonly idempotencyKey?: string;
  /** Shown before the bar. @default the name of the file */
  readonly title?: string;
}

/** What became of an upload with this key; `undefined`: it is gone, and another one is needed. */
async function readEarlier(id: string, counter: Counter): Promise<Medium | undefined> {
  try {
    const medium = await counter.client.call("readMedia", { params: { id } });
    return medium.status === "expired" || medium.status === "refused" ? undefined : medium;
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 404) return undefined;
    throw error;
  }
}

/** Uploads a file and waits until posts can have it. What is there already is not sent again. */
export async function uploadMedia(
  file: MediaFile,
  counter: Counter,
  options: UploadOptions = {},
): Promise<Medium> {
  const { idempotencyKey, title = `Uploading ${oneLine(file.name)}`, ...rest } = options;
  const { name, type, sizeBytes } = file;
  const created = await counter.client.call("createMedia", {
    body: { name, type, sizeBytes, ...rest },
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  });
  // With a key of an earlier run the answer is of then.
  const current = idempotencyKey === undefined ? created : await readEarlier(created.id, counter);
  if (!current) return uploadMedia(file, counter, { title, ...rest });
  if (current.status === "awaiting-upload") await sendWithRepeats(created.upload, file, counter, title);
  return waitUntilReady(created.id, file, counter);
}
