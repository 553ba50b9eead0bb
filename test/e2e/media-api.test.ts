import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contentView } from "#shared/contract/content-view.ts";
import { mediaCreated, mediaView } from "#shared/contract/media-view.ts";
import { taskDetail } from "#shared/contract/task-detail.ts";
import { startPunctual, type TestPunctual } from "#test/support/punctual.ts";
import { waitFor } from "#test/support/wait-for.ts";

const SAMPLES = join(import.meta.dirname, "../../infra/local/samples");
const PHOTO = readFileSync(join(SAMPLES, "harbour.jpg"));
const CLIP = readFileSync(join(SAMPLES, "clip.mp4"));
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

let punctual: TestPunctual;
beforeAll(async () => {
  punctual = await startPunctual();
});
afterAll(() => punctual?.close());

async function send(method: string, path: string, json?: object) {
  const answer = await punctual.api(path, {
    method,
    ...(json && { headers: { "content-type": "application/json" }, body: JSON.stringify(json) }),
  });
  return { status: answer.status, body: (await answer.json()) as unknown };
}

async function announce(file: { name: string; type: string; sizeBytes: number }) {
  const { status, body } = await send("POST", "/media", file);
  expect(status).toBe(201);
  return mediaCreated.parse(body);
}

/** As a browser does it: the fields, and then the file. */
async function upload(
  { upload: { url, fields } }: Awaited<ReturnType<typeof announce>>,
  bytes: Uint8Array,
  over: Readonly<Record<string, string>> = {},
) {
  const form = new FormData();
  for (const [name, value] of Object.entries({ ...fields, ...over })) form.append(name, value);
  form.append("file", new Blob([Uint8Array.from(bytes)]), "file");
  const answer = await fetch(url, { method: "POST", body: form });
  return { status: answer.status, body: await answer.text() };
}

const inspected = (id: string) =>
  waitFor(`the inspection of ${id}`, async () => {
    const medium = mediaView.parse((await send("GET", `/media/${id}`)).body);
    return ["ready", "refused"].includes(medium.status) ? medium : undefined;
  });

const published = (id: string) =>
  waitFor(
    `the task ${id} to be published`,
    async () => {
      const task = taskDetail.parse((await send("GET", `/scheduling/tasks/${id}`)).body);
      return task.status === "published" ? task : undefined;
    },
    60_000,
  );

const postOf = (text: string) => punctual.sandbox?.posts().find((post) => post.text === text);

describe("a file that is uploaded past the API", () => {
  it("is inspected, and goes out with a post", async () => {
    const announced = await announce({ name: "harbour.jpg", type: "image/jpeg", sizeBytes: PHOTO.length });
    expect(announced.status).toBe("awaiting-upload");
    const early = await send("POST", "/scheduling/tasks", { text: "early", media: [{ id: announced.id }] });
    expect(early).toMatchObject({ status: 409, body: { code: "media-not-ready" } });
    expect((await upload(announced, PHOTO)).status).toBe(204);
    expect(await inspected(announced.id)).toMatchObject({
      status: "ready",
      probe: { type: "image/jpeg", sizeBytes: PHOTO.length, sha256: sha256(PHOTO) },
    });
    const media = [{ id: announced.id, altText: "A calm harbour" }];
    const made = await send("POST", "/scheduling/tasks", { text: "By the API", media });
    expect(made.status).toBe(202);
    const { id } = made.body as { id: string };
    const busy = await send("DELETE", `/media/${announced.id}`);
    expect(busy).toMatchObject({ status: 409, body: { code: "media-in-use" } });
    await published(id);
    expect(postOf("By the API")?.media).toMatchObject([{ sha256: sha256(PHOTO), altText: "A calm harbour" }]);
    expect((await send("DELETE", `/media/${announced.id}`)).status).toBe(200);
    expect((await send("GET", `/media/${announced.id}`)).status).toBe(404);
    expect(await punctual.keys("media/")).toEqual([]);
  });

  it("goes out with a draft that is approved, once", async () => {
    const announced = await announce({ name: "clip.mp4", type: "video/mp4", sizeBytes: CLIP.length });
    await upload(announced, CLIP);
    expect(await inspected(announced.id)).toMatchObject({ status: "ready", probe: { type: "video/mp4" } });
    const kept = await send("POST", "/contents", {
      text: "From a draft",
      media: [{ id: announced.id }],
      notes: "never seen on X",
    });
    const draft = contentView.parse(kept.body);
    const approvals = await Promise.all(
      [1, 2].map(() => send("POST", `/contents/${draft.id}/approve`, { publishAt: "now" })),
    );
    const accepted = approvals.filter(({ status }) => status === 202);
    const [id = "", ...others] = new Set(accepted.map(({ body }) => (body as { id: string }).id));
    expect(others).toEqual([]);
    await published(id);
    expect(contentView.parse((await send("GET", `/contents/${draft.id}`)).body)).toMatchObject({
      status: "approved",
      taskId: id,
    });
    const posts = punctual.sandbox?.posts().filter(({ text }) => text === "From a draft") ?? [];
    expect(posts).toMatchObject([{ media: [{ sha256: sha256(CLIP), type: "video/mp4" }] }]);
    expect(JSON.stringify(punctual.sandbox?.posts())).not.toContain("never seen on X");
    const stats = await send("GET", "/publish-pool/stats");
    expect(stats.body).toMatchObject({ complete: true });
  });

  it("is refused by the bucket when it is larger than announced, or sent elsewhere", async () => {
    const announced = await announce({ name: "big.jpg", type: "image/jpeg", sizeBytes: PHOTO.length - 1 });
    const large = await upload(announced, PHOTO);
    expect(large.status).toBe(400);
    expect(large.body).toContain("EntityTooLarge");
    const key = announced.upload.fields["key"] ?? "";
    const elsewhere = await upload(announced, PHOTO.subarray(0, 100), {
      key: key.replace("media/", "drop/"),
    });
    expect(elsewhere.status).toBe(403);
    const otherType = await upload(announced, PHOTO.subarray(0, 100), { "Content-Type": "text/html" });
    expect(otherType.status).toBe(403);
    expect(mediaView.parse((await send("GET", `/media/${announced.id}`)).body).status).toBe(
      "awaiting-upload",
    );
    expect(await punctual.keys("media/")).not.toContain(key);
  });

  it("is refused with a reason when it is not what it was said to be, and its file is deleted", async () => {
    const announced = await announce({ name: "wrong.jpg", type: "image/jpeg", sizeBytes: 5_000 });
    expect((await upload(announced, new TextEncoder().encode("a text, not a picture"))).status).toBe(204);
    const refused = await inspected(announced.id);
    expect(refused).toMatchObject({ status: "refused", reason: { code: "media-type-mismatch" } });
    const post = await send("POST", "/scheduling/tasks", { text: "wrong", media: [{ id: announced.id }] });
    expect(post).toMatchObject({ status: 422, body: { code: "media-unusable" } });
    const key = announced.upload.fields["key"] ?? "";
    await waitFor(
      "the file to be gone",
      async () => !(await punctual.keys("media/")).includes(key) || undefined,
    );
  });

  it("is refused before it is sent when X would not take its size", async () => {
    const large = { name: "huge.mp4", type: "video/mp4", sizeBytes: 1024 ** 3 };
    expect(await send("POST", "/media", large)).toMatchObject({
      status: 422,
      body: { code: "media-too-large", errors: [{ pointer: "/sizeBytes" }] },
    });
  });
});
