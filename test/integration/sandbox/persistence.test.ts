import { createHash } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { SANDBOX_USER_ID, SANDBOX_USERS } from "#infra/local/sandbox/credentials.ts";
import { createMediaStore } from "#infra/local/sandbox/media-store.ts";
import { startSandbox } from "#infra/local/sandbox/sandbox.ts";
import { createIdSource } from "#infra/local/sandbox/snowflake.ts";
import {
  append,
  aSandbox,
  asOwner,
  call,
  clientOf,
  fileOf,
  finalize,
  initialize,
  post,
  upload,
} from "./support.ts";

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sandbox-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe("a restart with a state folder", () => {
  it("finds posts, media and their bytes, and still knows duplicates", async () => {
    const stateDir = await aFolder();
    const first = await aSandbox({ stateDir, processingMs: 0 });
    const owner = await asOwner(first);
    const file = fileOf("video/mp4", 5_000);
    const id = await upload(owner, "video/mp4", file);
    await owner({ path: "/2/media/metadata", body: { id, metadata: { alt_text: { text: "A kite" } } } });
    await post(owner, { text: "before 你好", media: { media_ids: [id] } });
    const posts = first.posts();
    await first.close();

    const second = await aSandbox({ stateDir, processingMs: 0 });
    const client = clientOf(second);
    await expect(client.v2.post("tweets", { text: "before 你好" })).rejects.toMatchObject({ code: 403 });
    await client.v2.post("tweets", { text: "after" });

    expect(second.posts().slice(0, 1)).toEqual(posts);
    expect(second.media(id)).toMatchObject({
      altText: "A kite",
      sha256: createHash("sha256").update(file).digest("hex"),
    });
    expect(await second.media(id)?.bytes?.()).toEqual(file);
    const timeline = await client.v2.userTimeline(SANDBOX_USER_ID, { max_results: 5 });
    expect(timeline.tweets.map(({ text }) => text)).toEqual(["after", expect.stringContaining("before")]);
    expect(BigInt(second.posts()[1]?.id ?? 0)).toBeGreaterThan(BigInt(posts[0]?.id ?? 0));
  });

  it("goes on with an upload that was in the middle", async () => {
    const stateDir = await aFolder();
    const file = fileOf("image/png", 3_000);
    const first = await aSandbox({ stateDir });
    const owner = await asOwner(first);
    const id = await initialize(owner, "image/png", file.length);
    await append(owner, id, 1, file.subarray(1_000));
    await first.close();

    const second = await aSandbox({ stateDir });
    const again = await asOwner(second, refreshTokenIn(stateDir));
    await append(again, id, 0, file.subarray(0, 1_000));
    const answer = await finalize(again, id);

    expect(answer.status).toBe(200);
    expect(await second.media(id)?.bytes?.()).toEqual(file);
  });

  it("gives larger ids than before, although the clock went back", async () => {
    const stateDir = await aFolder();
    let now = Date.now();
    const first = await aSandbox({ stateDir, clock: () => now });
    await clientOf(first).v2.post("tweets", { text: "before" });
    await first.close();

    now -= 60_000;
    const second = await aSandbox({ stateDir, clock: () => now });
    await clientOf(second).v2.post("tweets", { text: "after" });

    const [before, after] = second.posts().map(({ id }) => BigInt(id));
    expect(after).toBeGreaterThan(before ?? 0n);
  });

  it("keeps refresh tokens used and the new pair good", async () => {
    const stateDir = await aFolder();
    const first = await aSandbox({ stateDir });
    const owner = await asOwner(first);
    await first.close();

    const second = await aSandbox({ stateDir });

    await expect(asOwner(second)).rejects.toThrow("Value passed for the token was invalid.");
    await expect(asOwner(second, refreshTokenIn(stateDir))).resolves.toBeTypeOf("function");
    expect(owner).toBeTypeOf("function");
  });

  it("cuts off the half line that a crash left, and nothing else", async () => {
    const stateDir = await aFolder();
    const first = await aSandbox({ stateDir });
    await post(await asOwner(first), { text: "whole 你好" });
    await first.close();
    appendFileSync(join(stateDir, "posts.jsonl"), '{"id":"19');

    const second = await aSandbox({ stateDir });
    await clientOf(second).v2.post("tweets", { text: "next" });
    await second.close();
    const third = await aSandbox({ stateDir });

    expect(third.posts().map(({ text }) => text)).toEqual(["whole 你好", "next"]);
  });
});

function refreshTokenIn(stateDir: string): string {
  const { refresh } = JSON.parse(readFileSync(join(stateDir, "tokens.json"), "utf8")) as {
    refresh: Record<string, { used: boolean }>;
  };
  const [unused] = Object.entries(refresh).find(([, { used }]) => !used) ?? [];
  if (unused === undefined) throw new Error("every refresh token is used");
  return unused;
}

describe("an upload on disk", () => {
  it("is not put together before a segment that is still being written", async () => {
    const clock = Date.now;
    const [owner] = SANDBOX_USERS;
    if (owner === undefined) throw new Error("no default account");
    const store = createMediaStore({
      ids: createIdSource(clock),
      clock,
      processingMs: 0,
      lifetimeMs: 60_000,
      keep: "bytes",
      stateDir: await aFolder(),
    });
    const file = fileOf("image/png", 2_000_000);
    const input = { mediaType: "image/png", category: "tweet_image", totalBytes: file.length } as const;
    const id = String(store.initialize(owner, input)["id"]);

    await Promise.all([
      store.append(owner, id, 0, file.subarray(0, 1_000_000)),
      store.append(owner, id, 1, file.subarray(1_000_000)),
      store.finalize(owner, id),
    ]);

    expect(await store.bytes(id)?.all()).toEqual(file);
  });
});

describe("start and close", () => {
  it("says which port is taken", async () => {
    const { port } = await aSandbox();

    await expect(startSandbox({ port })).rejects.toMatchObject({ code: "EADDRINUSE", port });
  });

  it("can be closed twice, and answers nothing afterwards", async () => {
    const sandbox = await aSandbox();

    await Promise.all([sandbox.close(), sandbox.close()]);

    await expect(call(sandbox, { path: "/2/users/me" })).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});
