import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { formatApiKey, type KeyScope } from "#shared/domain/api-key.ts";
import { asOwnerId, type OwnerId } from "#shared/domain/ids.ts";
import { inspected, parseMediaKey } from "#shared/domain/stored-media.ts";
import { aMedium } from "#test/support/builders.ts";
import { type ApiRequest, BELA, setUpApi } from "#test/unit/functions/serve-api-setup.ts";

const ANNE = asOwnerId("anne");

const keyOf = (seed: number) => formatApiKey(new Uint8Array(24).fill(seed));
export const KEYS = { anne: keyOf(1), reader: keyOf(2), bela: keyOf(3), stranger: keyOf(9) } as const;

const CALLERS: Readonly<Record<string, { readonly owner: OwnerId; readonly scopes: readonly KeyScope[] }>> = {
  [KEYS.anne]: { owner: ANNE, scopes: ["admin"] },
  [KEYS.reader]: { owner: ANNE, scopes: ["read"] },
  [KEYS.bela]: { owner: BELA, scopes: ["admin"] },
};

type Fate = "answer" | "lose-answer" | "throttle";
/** `refuse`: as S3 does, before it has read the file. */
type UploadFate = "take" | "refuse" | "break";

/** The real API in memory behind real HTTP, with a bucket for uploads, and answers that get lost on demand. */
export async function startApi() {
  const api = await setUpApi();
  const requests: { readonly method: string; readonly path: string; readonly key: string | undefined }[] = [];
  const uploads: { readonly key: string; readonly bytes: number; readonly name: string }[] = [];
  const fates: Fate[] = [];
  const uploadFates: UploadFate[] = [];
  let url = "";

  /** What S3 and the function behind it do with an upload. */
  async function takeUpload(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fate = uploadFates.shift() ?? "take";
    if (fate === "break") return void request.socket.destroy();
    if (fate === "refuse")
      return void response.writeHead(403).end("<Error><Code>EntityTooLarge</Code></Error>");
    const form = await new Response(await buffer(request), {
      headers: { "content-type": request.headers["content-type"] ?? "" },
    }).formData();
    const key = String(form.get("key"));
    const file = form.get("file");
    if (!(file instanceof File)) throw new Error("the form has no file");
    const bytes = Buffer.from(await file.arrayBuffer());
    uploads.push({ key, bytes: bytes.length, name: file.name });
    const whose = parseMediaKey(key);
    const medium = whose && (await api.media.get(whose.ownerId, whose.id));
    if (!medium) throw new Error(`nobody announced ${key}`);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const found = aMedium({ key, name: medium.name, type: medium.type, sizeBytes: bytes.length, sha256 });
    await api.media.save(inspected(medium, found, api.clock.now()));
    response.writeHead(204).end();
  }

  async function takeRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", headers } = request;
    const { pathname, searchParams } = new URL(request.url ?? "/", url);
    const body = (await buffer(request)).toString();
    const caller = CALLERS[headers.authorization?.replace(/^Bearer /, "") ?? ""];
    const idempotencyKey = headers["idempotency-key"];
    requests.push({ method, path: pathname, key: idempotencyKey as string | undefined });
    const send = (status: number, value: unknown, more: Readonly<Record<string, string>> = {}) =>
      response.writeHead(status, { "content-type": "application/json", ...more }).end(JSON.stringify(value));

    const fate = fates.shift() ?? "answer";
    if (fate === "throttle") return void send(429, { message: "Too Many Requests" }, { "retry-after": "1" });
    // As API Gateway answers for the authorizer.
    if (!caller) return void send(401, { message: "Unauthorized" }, { "apigw-requestid": "gateway-1" });
    const asked: ApiRequest = {
      method,
      path: pathname,
      ...([...searchParams].length > 0 && { query: Object.fromEntries(searchParams) }),
      headers: headers as Readonly<Record<string, string>>,
      ...(body !== "" && { body }),
      ...caller,
    };
    const answer = await api.call(asked);
    if (fate === "lose-answer") return void request.socket.destroy();
    const { upload } = (answer.body ?? {}) as { readonly upload?: object };
    const shown = upload ? { ...answer.body, upload: { ...upload, url: `${url}/bucket` } } : answer.body;
    send(answer.status, shown, answer.headers);
  }

  const server = createServer((request, response) => {
    const take = request.url === "/bucket" ? takeUpload : takeRequest;
    take(request, response).catch((error: unknown) => {
      response.writeHead(599).end(String(error));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    ...api,
    url,
    requests,
    uploads,
    /** What happens to the requests to come, one after the other. */
    next: (...coming: readonly Fate[]) => {
      fates.push(...coming);
    },
    /** The same for uploads. */
    nextUpload: (...coming: readonly UploadFate[]) => {
      uploadFates.push(...coming);
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export type TestApi = Awaited<ReturnType<typeof startApi>>;
