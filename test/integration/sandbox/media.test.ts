import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { parseMultipart } from "#infra/local/sandbox/multipart.ts";
import {
  append,
  aSandbox,
  asOwner,
  fileOf,
  finalize,
  idOf,
  initialize,
  multipart,
  OTHER_USER,
  TWO_USERS,
  upload,
} from "./support.ts";

const hashOf = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const split = (bytes: Buffer, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
const dataOf = (reply: { readonly json: unknown }) => (reply.json as { data: Record<string, unknown> }).data;

const DO_NOT_ADD_UP = {
  status: 400,
  json: {
    errors: [{ message: "Segments do not add up to provided total file size." }],
    title: "Invalid Request",
  },
};

describe("initialize", () => {
  it("gives an id, a key and the time that is left", async () => {
    const owner = await asOwner(await aSandbox({ mediaLifetimeMs: 5_000 }));

    const body = { media_type: "video/mp4", media_category: "tweet_video", total_bytes: 10 };
    const answer = await owner({ path: "/2/media/upload/initialize", body });

    expect(answer.status).toBe(200);
    expect(dataOf(answer)).toEqual({
      id: idOf(answer),
      media_key: `13_${idOf(answer)}`,
      expires_after_secs: 5,
    });
  });

  it.each([
    { what: "a type of another category", change: { media_type: "image/png" } },
    {
      what: "a type that X does not take",
      change: { media_type: "image/tiff", media_category: "tweet_image" },
    },
    { what: "an unknown category", change: { media_category: "tweet_film" } },
    { what: "no size", change: { total_bytes: 0 } },
    { what: "a size in words", change: { total_bytes: "10" } },
    {
      what: "a photo over 5 MiB",
      change: { media_type: "image/png", media_category: "tweet_image", total_bytes: 5 * 2 ** 20 + 1 },
    },
    {
      what: "a GIF over 15 MiB",
      change: { media_type: "image/gif", media_category: "tweet_gif", total_bytes: 15 * 2 ** 20 + 1 },
    },
    { what: "a video over 512 MiB", change: { total_bytes: 512 * 2 ** 20 + 1 } },
    { what: "an unknown field", change: { name: "clip.mp4" } },
  ])("refuses $what", async ({ change }) => {
    const owner = await asOwner(await aSandbox());
    const body = { media_type: "video/mp4", media_category: "tweet_video", total_bytes: 10, ...change };

    expect((await owner({ path: "/2/media/upload/initialize", body })).status).toBe(400);
  });
});

describe("append", () => {
  it.each([
    { what: "5,000,000 bytes", sizeBytes: 5_000_000, status: 200 },
    { what: "one byte more", sizeBytes: 5_000_001, status: 413 },
    { what: "5 MiB", sizeBytes: 5 * 2 ** 20, status: 413 },
    { what: "8 MiB", sizeBytes: 8 * 2 ** 20, status: 413 },
  ])("answers $status to a segment of $what", async ({ sizeBytes, status }) => {
    const owner = await asOwner(await aSandbox());
    const id = await initialize(owner, "video/mp4", 20_000_000);

    const answer = await append(owner, id, 0, Buffer.alloc(sizeBytes));

    expect(answer.status).toBe(status);
    if (status === 413) expect([answer.text, answer.headers["content-length"]]).toEqual(["", "0"]);
  });

  it.each([-1, 1_000, "1.5", "", "0x1", "٣"])("refuses the index %j", async (index) => {
    const owner = await asOwner(await aSandbox());
    const id = await initialize(owner, "video/mp4", 100);

    expect(await append(owner, id, index, Buffer.alloc(10))).toMatchObject({
      status: 400,
      json: { errors: [{ message: "SegmentIndex must be between 0 and 999." }] },
    });
  });

  it("takes the last index there is", async () => {
    const owner = await asOwner(await aSandbox());
    const id = await initialize(owner, "video/mp4", 100);

    expect((await append(owner, id, 999, Buffer.alloc(10))).status).toBe(200);
  });

  it("refuses an empty segment, a missing one and a field too many", async () => {
    const owner = await asOwner(await aSandbox());
    const path = `/2/media/upload/${await initialize(owner, "video/mp4", 100)}/append`;
    const tries = [
      { segment_index: "0", media: "" },
      { segment_index: "0" },
      { segment_index: "0", media: "a", more: "b" },
    ];

    const statuses = [];
    for (const fields of tries) statuses.push((await owner({ path, ...multipart(fields) })).status);
    statuses.push((await owner({ path, body: { segment_index: 0, media: "YQ==" } })).status);

    expect(statuses).toEqual([400, 400, 400, 400]);
  });

  it("refuses an upload of another account, an unknown one, an expired one and a finished one", async () => {
    let now = Date.now();
    const sandbox = await aSandbox({ users: TWO_USERS, clock: () => now, mediaLifetimeMs: 60_000 });
    const owner = await asOwner(sandbox);
    const other = await asOwner(sandbox, OTHER_USER.oauth2[0].refreshToken);
    const [open, done] = [
      await initialize(owner, "video/mp4", 100),
      await upload(owner, "image/png", fileOf("image/png", 50)),
    ];
    const bytes = Buffer.alloc(10);

    const foreign = await append(other, open, 0, bytes);
    const unknown = await append(owner, "42", 0, bytes);
    const finished = await append(owner, done, 1, bytes);
    now += 60_000;
    const expired = await append(owner, open, 0, bytes);

    const answers = [foreign, unknown, finished, expired];
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400]);
    expect(answers.map(({ headers }) => headers["x-sandbox-reason"])).toEqual([
      "media-foreign",
      "media-unknown",
      undefined,
      "media-expired",
    ]);
  });
});

describe.each(["bytes", "hash"] as const)("finalize, keeping %s", (keepMedia) => {
  it("puts segments together by index, whatever order they came in", async () => {
    const sandbox = await aSandbox({ keepMedia });
    const owner = await asOwner(sandbox);
    const file = fileOf("video/mp4", 30_011);
    const id = await initialize(owner, "video/mp4", file.length);
    const segments = split(file, 1_000);

    // Last first: more of them wait for the first one than may wait in memory.
    for (const [index, bytes] of [...segments.entries()].reverse()) await append(owner, id, index, bytes);
    const answer = await finalize(owner, id);

    expect(answer).toMatchObject({ status: 200, json: { data: { id, size: file.length } } });
    expect(sandbox.media(id)).toMatchObject({ sha256: hashOf(file), sizeBytes: file.length });
    expect(await sandbox.media(id)?.bytes?.()).toEqual(keepMedia === "bytes" ? file : undefined);
  });

  it("takes the same segment twice, since the first answer may have been lost", async () => {
    const sandbox = await aSandbox({ keepMedia });
    const owner = await asOwner(sandbox);
    const file = fileOf("image/png", 3_000);
    const id = await initialize(owner, "image/png", file.length);

    for (const index of [0, 1, 1, 0, 2]) await append(owner, id, index, split(file, 1_000)[index] ?? file);

    expect((await finalize(owner, id)).status).toBe(200);
    expect(sandbox.media(id)?.sha256).toBe(hashOf(file));
  });

  it("refuses a gap, and takes the upload when it is closed", async () => {
    const sandbox = await aSandbox({ keepMedia });
    const owner = await asOwner(sandbox);
    const file = fileOf("image/png", 3_000);
    const [a, b, c] = split(file, 1_000) as [Buffer, Buffer, Buffer];
    const id = await initialize(owner, "image/png", file.length);
    await append(owner, id, 0, a);
    await append(owner, id, 2, c);

    expect(await finalize(owner, id)).toMatchObject(DO_NOT_ADD_UP);
    expect(sandbox.media(id)).toBeUndefined();
    await append(owner, id, 1, b);
    expect((await finalize(owner, id)).status).toBe(200);
    expect(sandbox.media(id)?.sha256).toBe(hashOf(file));
  });

  it.each([
    { what: "a gap that the sizes hide", segments: { 0: 1_000, 2: 2_000 } },
    { what: "too few bytes", segments: { 0: 1_000, 1: 1_999 } },
    { what: "too many bytes", segments: { 0: 1_000, 1: 2_001 } },
    { what: "a first segment that is not 0", segments: { 1: 3_000 } },
    { what: "nothing", segments: {} },
  ])("refuses $what", async ({ segments }) => {
    const owner = await asOwner(await aSandbox({ keepMedia }));
    const id = await initialize(owner, "image/png", 3_000);
    for (const [index, size] of Object.entries(segments))
      await append(owner, id, index, fileOf("image/png", size));

    expect(await finalize(owner, id)).toMatchObject(DO_NOT_ADD_UP);
  });

  it("refuses overlapping segments: one index with two contents", async () => {
    const owner = await asOwner(await aSandbox({ keepMedia }));
    const id = await initialize(owner, "image/png", 1_000);
    await append(owner, id, 0, fileOf("image/png", 1_000));
    await append(owner, id, 0, fileOf("image/png", 1_000));

    expect(await finalize(owner, id)).toMatchObject(DO_NOT_ADD_UP);
  });

  it("leaves no temporary file behind when it closes in the middle of an upload", async () => {
    const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith("sandbox-segments-"));
    const before = leftovers();
    const sandbox = await aSandbox({ keepMedia });
    const owner = await asOwner(sandbox);
    const id = await initialize(owner, "video/mp4", 20_000);
    for (let index = 12; index > 0; index -= 1) await append(owner, id, index, Buffer.alloc(1_000));

    await sandbox.close();

    expect(leftovers().filter((name) => !before.includes(name))).toEqual([]);
  });
});

describe("finalize", () => {
  it("can be repeated, since its answer may be lost", async () => {
    const owner = await asOwner(await aSandbox({ clock: () => 1_800_000_000_000 }));
    const id = await upload(owner, "image/png", fileOf("image/png", 50));

    const again = await finalize(owner, id);

    expect(again.status).toBe(200);
    expect(dataOf(again)).toMatchObject({ id, size: 50 });
  });

  it("wants a JSON object, as X does since 2026", async () => {
    const owner = await asOwner(await aSandbox());
    const id = await initialize(owner, "image/png", 50);

    expect(await owner({ method: "POST", path: `/2/media/upload/${id}/finalize` })).toMatchObject({
      status: 400,
      json: { errors: [{ message: "Request body must be a JSON object." }] },
    });
  });
});

describe("processing", () => {
  const status = (id: string) => ({ path: `/2/media/upload?command=STATUS&media_id=${id}` });

  it("takes a video from pending over in_progress to succeeded", async () => {
    let now = 1_800_000_000_000;
    const owner = await asOwner(await aSandbox({ processingMs: 10_000, clock: () => now }));
    const file = fileOf("video/mp4", 50);
    const id = await initialize(owner, "video/mp4", file.length);
    await append(owner, id, 0, file);

    const infoOf = async () => dataOf(await owner(status(id)))["processing_info"];
    const finalized = await finalize(owner, id);
    expect(dataOf(finalized)["processing_info"]).toEqual({ state: "pending", check_after_secs: 10 });
    expect(await infoOf()).toEqual({ state: "pending", check_after_secs: 10 });
    now += 6_000;
    expect(await infoOf()).toEqual({ state: "in_progress", check_after_secs: 4, progress_percent: 60 });
    now += 4_000;
    expect(await infoOf()).toEqual({ state: "succeeded", progress_percent: 100 });
  });

  it("has no processing_info for a photo", async () => {
    const owner = await asOwner(await aSandbox({ processingMs: 10_000 }));
    const id = await upload(owner, "image/png", fileOf("image/png", 50));

    expect(dataOf(await owner(status(id)))).not.toHaveProperty("processing_info");
  });

  it.each([
    { declared: "video/mp4", bytes: Buffer.from("MZ this is a program, not a film") },
    { declared: "video/mp4", bytes: fileOf("image/png", 60) },
    { declared: "image/gif", bytes: fileOf("image/png", 60) },
  ])("fails for $declared that is something else", async ({ declared, bytes }) => {
    const owner = await asOwner(await aSandbox({ processingMs: 0 }));
    const id = await upload(owner, declared, bytes);

    expect(dataOf(await owner(status(id)))["processing_info"]).toEqual({
      state: "failed",
      progress_percent: 100,
      error: { code: 1, name: "InvalidMedia", message: "file is invalid" },
    });
    const post = await owner({ path: "/2/tweets", body: { text: "a", media: { media_ids: [id] } } });
    expect([post.status, post.headers["x-sandbox-reason"]]).toEqual([400, "media-failed"]);
  });

  it("refuses a photo that is something else at finalize, where a photo would be ready", async () => {
    const owner = await asOwner(await aSandbox());
    const bytes = Buffer.from("MZ this is a program, not a photo");
    const id = await initialize(owner, "image/jpeg", bytes.length);
    await append(owner, id, 0, bytes);

    expect(await finalize(owner, id)).toMatchObject({
      status: 400,
      json: { errors: [{ message: "media type unrecognized" }] },
    });
  });

  it.each([
    "?command=STATUS&media_id=1",
    "?command=LOOK&media_id=1",
    "?media_id=1",
    "?command=STATUS&media_id=1&more=1",
  ])("refuses %s", async (query) => {
    const owner = await asOwner(await aSandbox());

    expect((await owner({ path: `/2/media/upload${query}` })).status).toBe(400);
  });

  it("knows nothing of an upload before finalize", async () => {
    const owner = await asOwner(await aSandbox());

    expect((await owner(status(await initialize(owner, "video/mp4", 9)))).status).toBe(400);
  });
});

describe("alt text", () => {
  const describeIt = (id: string, text: unknown) => ({
    path: "/2/media/metadata",
    body: { id, metadata: { alt_text: { text } } },
  });

  it("is stored up to 1,000 characters", async () => {
    const sandbox = await aSandbox();
    const owner = await asOwner(sandbox);
    const id = await upload(owner, "image/png", fileOf("image/png", 50));
    const text = "😀".repeat(1_000);

    expect(await owner(describeIt(id, text))).toMatchObject({
      status: 200,
      json: { data: { id, associated_metadata: { alt_text: { text } } } },
    });
    expect((await owner(describeIt(id, `${text}!`))).status).toBe(400);
    expect((await owner(describeIt(id, 5))).status).toBe(400);
    expect((await owner(describeIt("5", "five"))).status).toBe(400);
    expect(sandbox.media(id)?.altText).toBe(text);
  });
});

describe("parseMultipart", () => {
  const type = "multipart/form-data; boundary=b";
  const parse = (text: string, contentType = type) =>
    Object.fromEntries(
      [...parseMultipart(Buffer.from(text, "latin1"), contentType)].map(([name, value]) => [
        name,
        value.toString("latin1"),
      ]),
    );
  const part = (name: string, value: string) =>
    `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

  it("keeps every byte of a value", () => {
    const value = "\r\n--\r\n-b\0\xff--b\r\n\r\n";

    expect(parse(`${part("a", value)}${part("empty", "")}--b--\r\n`)).toEqual({ a: value, empty: "" });
    expect(parse(`${part("a", "1")}--b--`, 'multipart/form-data; boundary="b"')).toEqual({ a: "1" });
  });

  it.each([
    { what: "no boundary", text: "", contentType: "multipart/form-data" },
    { what: "an empty body", text: "" },
    { what: "bytes before the first boundary", text: `x${part("a", "1")}--b--` },
    { what: "bytes after the last boundary", text: `${part("a", "1")}--b--\r\nx` },
    { what: "no last boundary", text: part("a", "1") },
    { what: "a cut value", text: part("a", "1").slice(0, -2) },
    { what: "a cut head", text: "--b\r\nContent-Disposition: form-data; name=" },
    { what: "a part without a name", text: "--b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b--" },
    { what: "a name twice", text: `${part("a", "1")}${part("a", "2")}--b--` },
  ])("refuses $what", ({ text, contentType }) => {
    expect(() => parse(text, contentType)).toThrow("answers 400");
  });
});
