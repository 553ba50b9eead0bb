import { describe, expect, it } from "vitest";
import { SANDBOX_USERS } from "#infra/local/sandbox/credentials.ts";
import type { Sandbox } from "#infra/local/sandbox/sandbox.ts";
import { aSandbox, asOwner, type Call, call, fileOf, idOf, post, upload } from "./support.ts";

const browse = (sandbox: Sandbox, what: Call) =>
  call(sandbox, { host: `127.0.0.1:${sandbox.port}`, ...what });
const HOSTILE = `<script>alert(1)</script> "><img src=x onerror=alert(2)> 'x' & https://e.com/"onmouseover=alert(3) <b>end</b>`;

describe("the timeline page", () => {
  it("says what to do while nothing is posted", async () => {
    const sandbox = await aSandbox({ dropFolder: "here/drop/default/" });

    const { text } = await browse(sandbox, { path: "/" });

    expect(text).toContain("Nothing posted yet");
    expect(text).toContain("here/drop/default/");
  });

  it("escapes every character of a hostile text, alt text and name", async () => {
    const users = SANDBOX_USERS.map((user) => ({ ...user, name: HOSTILE }));
    const sandbox = await aSandbox({ users });
    const owner = await asOwner(sandbox);
    const id = await upload(owner, "image/png", fileOf("image/png", 50));
    await owner({ path: "/2/media/metadata", body: { id, metadata: { alt_text: { text: HOSTILE } } } });
    await post(owner, { text: HOSTILE, media: { media_ids: [id] } });

    const { text } = await browse(sandbox, { path: "/" });

    expect(text.match(/<script/g)).toHaveLength(1); // the page's own
    expect(text.match(/<img/g)).toHaveLength(1); // the photo
    expect(text).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(text).toContain("&quot;&gt;&lt;img src=x onerror=alert(2)&gt; &#39;x&#39; &amp; ");
    expect(text).not.toContain("<b>end");
    // Between the quotes of every attribute there is no quote left that could end it early.
    const tags = text.match(/<[a-z][^>]*>/g) ?? [];
    expect(tags.filter((tag) => !/^<[a-z0-9]+(\s+[a-z-]+(="[^"<>]*")?)*\s*>$/.test(tag))).toEqual([]);
    expect(tags.filter((tag) => /\son\w+/.test(tag.replace(/="[^"]*"/g, "")))).toEqual([]);
  });

  it("lets a browser load nothing but this server's own files", async () => {
    const { headers, text } = await browse(await aSandbox(), { path: "/" });

    const policy = String(headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
    expect(text).not.toMatch(/<style|style="|<script(?![^>]* src="\/sandbox\/)/);
  });

  it.each(["/sandbox/timeline.css", "/sandbox/timeline.js", "/favicon.ico"])("serves %s", async (path) => {
    const { status, headers } = await browse(await aSandbox(), { path });

    expect([status, headers["x-content-type-options"]]).toEqual([200, "nosniff"]);
  });

  it("shows a thread as one, its parts in order, newest thread first", async () => {
    const sandbox = await aSandbox();
    const owner = await asOwner(sandbox);
    const root = idOf(await post(owner, { text: "part one" }));
    await post(owner, { text: "between" });
    await post(owner, { text: "part two", reply: { in_reply_to_tweet_id: root } });

    const { text } = await browse(sandbox, { path: "/" });

    const order = ["Thread of 2 posts", "part one", "part two", "between"].map((words) =>
      text.indexOf(words),
    );
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(Math.min(...order)).toBeGreaterThan(0);
  });

  it("does not answer to a name of another site that points here", async () => {
    const sandbox = await aSandbox();

    expect((await call(sandbox, { path: "/sandbox/posts", host: "evil.example" })).status).toBe(421);
  });
});

describe("/sandbox/posts", () => {
  it("lists posts newest first with author and media, and knows when nothing changed", async () => {
    const sandbox = await aSandbox();
    const owner = await asOwner(sandbox);
    const id = await upload(owner, "image/png", fileOf("image/png", 50));
    await post(owner, { text: "older", media: { media_ids: [id] } });
    await post(owner, { text: "newer" });

    const first = await browse(sandbox, { path: "/sandbox/posts" });
    const etag = String(first.headers["etag"]);
    const unchanged = await browse(sandbox, { path: "/sandbox/posts", headers: { "if-none-match": etag } });
    await owner({ path: "/2/media/metadata", body: { id, metadata: { alt_text: { text: "new" } } } });
    const changed = await browse(sandbox, {
      path: "/sandbox/posts?limit=1",
      headers: { "if-none-match": etag },
    });

    expect(first.json).toMatchObject({
      posts: [
        { text: "newer" },
        { text: "older", author: { username: "punctual_dev" }, media: [{ id, type: "image/png" }] },
      ],
    });
    expect([unchanged.status, unchanged.text]).toEqual([304, ""]);
    expect(changed).toMatchObject({ status: 200, json: { posts: [{ text: "newer" }] } });
  });
});

describe("/sandbox/requests", () => {
  it("tells other processes what arrived", async () => {
    const sandbox = await aSandbox();
    await post(await asOwner(sandbox), { text: "a" });

    const { json } = await browse(sandbox, { path: "/sandbox/requests" });

    expect(json).toMatchObject({
      requests: [
        { path: "/2/oauth2/token", status: 200 },
        { path: "/2/tweets", status: 201 },
      ],
    });
  });
});

describe("/sandbox/media/:id", () => {
  const file = fileOf("video/mp4", 1_000);

  it.each([
    { range: undefined, status: 200, part: file },
    { range: "bytes=0-99", status: 206, part: file.subarray(0, 100) },
    { range: "bytes=900-", status: 206, part: file.subarray(900) },
    { range: "bytes=-10", status: 206, part: file.subarray(990) },
    { range: "bytes=990-5000", status: 206, part: file.subarray(990) },
    { range: "bytes=0-1,5-6", status: 200, part: file },
  ])("sends $range with $status", async ({ range, status, part }) => {
    const sandbox = await aSandbox({ processingMs: 0 });
    const id = await upload(await asOwner(sandbox), "video/mp4", file);

    const answer = await browse(sandbox, {
      path: `/sandbox/media/${id}`,
      headers: range === undefined ? {} : { range },
    });

    expect([answer.status, Number(answer.headers["content-length"])]).toEqual([status, part.length]);
    expect(answer.text).toBe(part.toString());
    expect(answer.headers["content-type"]).toBe("video/mp4");
  });

  it.each([
    { path: "/sandbox/media/1", range: "bytes=0-1", status: 404 },
    { path: "/sandbox/media/..%2f..%2fposts.jsonl", range: "bytes=0-1", status: 404 },
  ])("answers $status to $path", async ({ path, range, status }) => {
    expect((await browse(await aSandbox(), { path, headers: { range } })).status).toBe(status);
  });

  it("answers 416 to a range behind the end", async () => {
    const sandbox = await aSandbox({ processingMs: 0 });
    const id = await upload(await asOwner(sandbox), "video/mp4", file);

    expect(
      (await browse(sandbox, { path: `/sandbox/media/${id}`, headers: { range: "bytes=1000-" } })).status,
    ).toBe(416);
  });
});
