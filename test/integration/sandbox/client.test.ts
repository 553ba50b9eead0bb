import { createHash } from "node:crypto";
import { ApiResponseError, TwitterApi } from "twitter-api-v2";
import { describe, expect, it } from "vitest";
import { SANDBOX_OAUTH2, SANDBOX_USER_ID } from "#infra/local/sandbox/credentials.ts";
import { agentTo, aSandbox, clientOf, fileOf } from "./support.ts";

const hashOf = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

async function refusalOf(attempt: Promise<unknown>): Promise<ApiResponseError> {
  const error = await attempt.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof ApiResponseError)) throw new Error(`expected a refusal, got ${error}`);
  return error;
}

interface Uploaded {
  readonly data: {
    readonly id: string;
    readonly media_key: string;
    readonly processing_info?: { readonly state: string };
  };
}

describe("the real client against the sandbox", () => {
  it("signs with OAuth 1.0a and learns who it is", async () => {
    const sandbox = await aSandbox();

    const { data } = await clientOf(sandbox).v2.me({ "user.fields": ["verified"] });

    expect(data).toEqual({ id: SANDBOX_USER_ID, name: "Punctual Sandbox", username: "punctual_dev" });
    expect(sandbox.requests()).toEqual([
      {
        method: "GET",
        path: "/2/users/me",
        status: 200,
        arrivedAtMs: expect.closeTo(Date.now(), -4),
        host: "api.x.com",
        userId: SANDBOX_USER_ID,
      },
    ]);
  });

  it("posts, and reads the post back from the timeline with its entities", async () => {
    const sandbox = await aSandbox();
    const client = clientOf(sandbox);
    const text = "Tom & Jerry (it's <fun>!) https://example.com/a?b=1&c=2 *done* 你好";

    const { data } = await client.v2.post<{ data: { id: string } }>("tweets", { text });
    const timeline = await client.v2.userTimeline(SANDBOX_USER_ID, {
      max_results: 10,
      "tweet.fields": ["created_at", "entities"],
    });

    expect(sandbox.posts()).toMatchObject([{ id: data.id, text, userId: SANDBOX_USER_ID }]);
    const [shown] = timeline.tweets;
    expect(shown?.id).toBe(data.id);
    expect(shown?.text).toMatch(
      /^Tom &amp; Jerry \(it's &lt;fun&gt;!\) https:\/\/t\.co\/\w{10} \*done\* 你好$/,
    );
    expect(shown?.entities?.urls).toMatchObject([{ expanded_url: "https://example.com/a?b=1&c=2" }]);
  });

  it("uploads a video in parallel segments, waits for it and posts it with alt text", async () => {
    const sandbox = await aSandbox({ processingMs: 0 });
    const { v2 } = clientOf(sandbox);
    const file = fileOf("video/mp4", 2_500_000);
    const size = 400_000;

    const { data } = await v2.post<Uploaded>("media/upload/initialize", {
      media_type: "video/mp4",
      media_category: "tweet_video",
      total_bytes: file.length,
    });
    const segments = Array.from({ length: Math.ceil(file.length / size) }, (_, index) => index);
    await Promise.all(
      segments
        .reverse()
        .map((index) =>
          v2.post(
            `media/upload/${data.id}/append`,
            { segment_index: index, media: file.subarray(index * size, (index + 1) * size) },
            { forceBodyMode: "form-data" },
          ),
        ),
    );
    await v2.post(`media/upload/${data.id}/finalize`);
    const status = await v2.get<Uploaded>("media/upload", { command: "STATUS", media_id: data.id });
    await v2.createMediaMetadata(data.id, { alt_text: { text: "A kite" } });
    await v2.post("tweets", { text: "", media: { media_ids: [data.id] } });

    expect(status.data.processing_info?.state).toBe("succeeded");
    expect(sandbox.media(data.id)).toMatchObject({
      type: "video/mp4",
      sizeBytes: file.length,
      sha256: hashOf(file),
      altText: "A kite",
    });
    expect(await sandbox.media(data.id)?.bytes?.()).toEqual(file);
    const timeline = await v2.userTimeline(SANDBOX_USER_ID, { "tweet.fields": ["attachments"] });
    expect(timeline.tweets[0]?.attachments?.media_keys).toEqual([data.media_key]);
  });

  it("serves the library's own uploadMedia", async () => {
    const sandbox = await aSandbox({ processingMs: 0 });
    const file = fileOf("image/png", 3_000_000);

    const id = await clientOf(sandbox).v2.uploadMedia(file, { media_type: "image/png" });

    expect(sandbox.media(id)?.sha256).toBe(hashOf(file));
  });

  it.each(["apiSecret", "accessSecret", "accessToken", "apiKey"] as const)(
    "is refused with a wrong %s",
    async (key) => {
      const sandbox = await aSandbox();

      const refusal = await refusalOf(
        clientOf(sandbox, { [key]: "wrong" }).v2.post("tweets", { text: "hello" }),
      );

      expect(refusal.code).toBe(401);
      expect(refusal.data).toEqual({
        title: "Unauthorized",
        detail: "Unauthorized",
        type: "about:blank",
        status: 401,
      });
      expect(sandbox.posts()).toEqual([]);
      expect(sandbox.requests()[0]).not.toHaveProperty("userId");
    },
  );

  it("refreshes an OAuth 2.0 pair once, and posts with the new token", async () => {
    const sandbox = await aSandbox();
    const { clientId, clientSecret, refreshToken } = SANDBOX_OAUTH2;
    const app = new TwitterApi({ clientId, clientSecret }, { httpAgent: agentTo(sandbox) });

    const pair = await app.refreshOAuth2Token(refreshToken);
    await pair.client.v2.post("tweets", { text: "with a bearer" });
    const again = await refusalOf(app.refreshOAuth2Token(refreshToken));
    const next = await app.refreshOAuth2Token(pair.refreshToken ?? "");

    expect(pair).toMatchObject({
      expiresIn: 7_200,
      scope: expect.arrayContaining(["media.write", "offline.access"]),
    });
    expect(sandbox.posts()).toHaveLength(1);
    expect(again.code).toBe(400);
    expect(again.data).toMatchObject({
      error: "invalid_request",
      error_description: "Value passed for the token was invalid.",
    });
    expect(next.accessToken).not.toBe(pair.accessToken);
  });

  it("sees the rate limit that the headers tell", async () => {
    const sandbox = await aSandbox();

    const { rateLimit } = await clientOf(sandbox).v2.post<{ rateLimit: unknown; data: unknown }>(
      "tweets",
      { text: "first" },
      { fullResponse: true },
    );

    expect(rateLimit).toMatchObject({
      limit: 100,
      remaining: 99,
      day: { limit: 10_000, remaining: 9_999, reset: expect.closeTo(Date.now() / 1_000 + 86_400, -2) },
    });
  });
});
