import { randomBytes } from "node:crypto";
import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { TwitterApi } from "twitter-api-v2";
import { onTestFinished } from "vitest";
import { SANDBOX_OAUTH1, SANDBOX_OAUTH2, SANDBOX_USERS } from "#infra/local/sandbox/credentials.ts";
import { type Sandbox, type SandboxOptions, startSandbox } from "#infra/local/sandbox/sandbox.ts";

/** A sandbox that ends with the test. What breaks inside it fails the test. */
export async function aSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const broken: unknown[] = [];
  const sandbox = await startSandbox({ onError: (error) => broken.push(error), ...options });
  onTestFinished(async () => {
    await sandbox.close();
    if (broken.length > 0) throw new AggregateError(broken, "the sandbox broke");
  });
  return sandbox;
}

/** Lets a client of https://api.x.com reach the stand-in over plain HTTP. */
export function agentTo({ port }: { readonly port: number }): Agent {
  class StandInAgent extends Agent {
    readonly protocol = "https:";
    override createConnection() {
      return connect(port, "127.0.0.1");
    }
  }
  return new StandInAgent();
}

/** The real library, with the OAuth 1.0a keys of the default account. */
export const clientOf = (sandbox: Sandbox, keys: Partial<typeof SANDBOX_OAUTH1> = {}) => {
  const { apiKey, apiSecret, accessToken, accessSecret } = { ...SANDBOX_OAUTH1, ...keys } as Record<
    string,
    string
  >;
  return new TwitterApi(
    {
      appKey: apiKey ?? "",
      appSecret: apiSecret ?? "",
      accessToken: accessToken ?? "",
      accessSecret: accessSecret ?? "",
    },
    { httpAgent: agentTo(sandbox) },
  );
};

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: unknown;
}

export interface Call {
  readonly method?: string;
  readonly path: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: object | string | Buffer;
}

/** One bare request on a connection of its own; rejects when the connection breaks. */
export function call(
  sandbox: Sandbox,
  { method, path, host = "api.x.com", headers = {}, body }: Call,
): Promise<Reply> {
  const raw = body === undefined || typeof body === "string" || Buffer.isBuffer(body);
  const bytes = raw ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        port: sandbox.port,
        host: "127.0.0.1",
        agent: false,
        method: method ?? (body === undefined ? "GET" : "POST"),
        path,
        headers: {
          host,
          ...(raw ? {} : { "content-type": "application/json" }),
          ...(bytes === undefined ? {} : { "content-length": Buffer.byteLength(bytes) }),
          ...headers,
        },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const isJson = /json/.test(answer.headers["content-type"] ?? "");
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            text,
            json: isJson && text !== "" ? JSON.parse(text) : undefined,
          });
        });
      },
    );
    sent.on("error", reject).end(bytes);
  });
}

/** Calls as the default account, with a fresh OAuth 2.0 token. */
export async function asOwner(sandbox: Sandbox, refreshToken: string = SANDBOX_OAUTH2.refreshToken) {
  const { clientId, clientSecret } = SANDBOX_OAUTH2;
  const answer = await call(sandbox, {
    path: "/2/oauth2/token",
    headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}` },
    body: { grant_type: "refresh_token", refresh_token: refreshToken },
  });
  const token = (answer.json as { access_token?: string }).access_token;
  if (token === undefined) throw new Error(`no token: ${answer.text}`);
  return (what: Call): Promise<Reply> =>
    call(sandbox, { ...what, headers: { authorization: `Bearer ${token}`, ...what.headers } });
}
export type Caller = Awaited<ReturnType<typeof asOwner>>;

/** A second account of the same app. */
export const OTHER_USER = {
  id: "1500000000000000002",
  username: "other",
  name: "Other",
  oauth2: [{ clientId: SANDBOX_OAUTH2.clientId, refreshToken: "other-refresh-token" }],
} as const;
export const TWO_USERS = [...SANDBOX_USERS, OTHER_USER];

export function multipart(fields: Readonly<Record<string, string | Buffer>>): Pick<Call, "headers" | "body"> {
  const boundary = `test-${randomBytes(12).toString("hex")}`;
  const parts = Object.entries(fields).flatMap(([name, value]) => [
    Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n`),
    Buffer.from(value),
    Buffer.from("\r\n"),
  ]);
  return {
    headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
  };
}

const START_OF: Readonly<Record<string, Buffer>> = {
  "image/jpeg": Buffer.from("ffd8ffe000104a46494600010100", "hex"),
  "image/png": Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"),
  "image/gif": Buffer.from("GIF89a"),
  "video/mp4": Buffer.from("\0\0\0\x18ftypmp42\0\0\0\0"),
};

/** Random bytes that begin like a file of the type. */
export function fileOf(type: string, sizeBytes: number): Buffer {
  const start = START_OF[type];
  if (start === undefined) throw new RangeError(`no sample of ${type}`);
  return Buffer.concat([start, randomBytes(Math.max(0, sizeBytes - start.length))]);
}

const CATEGORY_OF: Readonly<Record<string, string>> = {
  "image/gif": "tweet_gif",
  "video/mp4": "tweet_video",
};

export const idOf = (reply: Reply): string => {
  const id = (reply.json as { data?: { id?: string } }).data?.id;
  if (id === undefined) throw new Error(`no id: ${reply.status} ${reply.text}`);
  return id;
};

export async function initialize(as: Caller, type: string, totalBytes: number): Promise<string> {
  const category = CATEGORY_OF[type] ?? "tweet_image";
  const body = { media_type: type, media_category: category, total_bytes: totalBytes };
  return idOf(await as({ path: "/2/media/upload/initialize", body }));
}

export const append = (as: Caller, id: string, index: number | string, bytes: Buffer) =>
  as({ path: `/2/media/upload/${id}/append`, ...multipart({ segment_index: String(index), media: bytes }) });

export const finalize = (as: Caller, id: string) => as({ path: `/2/media/upload/${id}/finalize`, body: {} });

/** One segment, finalized. */
export async function upload(as: Caller, type: string, bytes: Buffer): Promise<string> {
  const id = await initialize(as, type, bytes.length);
  await append(as, id, 0, bytes);
  await finalize(as, id);
  return id;
}

export const post = (as: Caller, body: object) => as({ path: "/2/tweets", body });
