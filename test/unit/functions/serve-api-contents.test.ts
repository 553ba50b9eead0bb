import { beforeEach, describe, expect, it } from "vitest";
import { asTaskId } from "#shared/domain/ids.ts";
import { asMediaId, inspected } from "#shared/domain/stored-media.ts";
import { aMedium } from "#test/support/builders.ts";
import { type ApiRequest, BELA, setUpApi } from "./serve-api-setup.ts";

const CONTENTS = "/api/v1/contents";
const POOL = "/api/v1/publish-pool";
const NOBODYS = "01KBBBBBBBBBBBBBBBBBBBBBBZ";

type Api = Awaited<ReturnType<typeof setUpApi>>;
let api: Api;
beforeEach(async () => {
  api = await setUpApi();
});

const send = (method: string, path: string, json?: object, over: Partial<ApiRequest> = {}) =>
  api.call({ method, path, ...(json && { json }), ...over });
const draft = async (json: object = { text: "The harbour" }) => (await send("POST", CONTENTS, json)).body;

/** A medium that went the whole way. */
async function aReadyMedium(json: object = {}): Promise<string> {
  const announced = { name: "kite.jpg", type: "image/jpeg", sizeBytes: 48_213, ...json };
  const { body } = await send("POST", "/api/v1/media", announced);
  const stored = await api.media.get("anne" as never, asMediaId(body.id));
  if (!stored) throw new Error("it was not stored");
  const found = aMedium({ key: `media/anne/${body.id}` });
  await api.media.save(inspected(stored, found, api.clock.now()));
  return body.id;
}

describe("drafts", () => {
  it("are kept with notes, read, listed newest first, and never published", async () => {
    const made = await send("POST", CONTENTS, { thread: ["one", "two"], notes: "ask Bela", language: "cn" });
    expect(made).toMatchObject({
      status: 201,
      headers: { location: `${CONTENTS}/${made.body.id}`, etag: expect.stringMatching(/^"1\b/) },
      body: {
        project: "default",
        status: "draft",
        thread: ["one", "two"],
        notes: "ask Bela",
        language: "zh",
        media: [],
        version: 1,
      },
    });
    const second = await draft();
    expect((await send("GET", `${CONTENTS}/${made.body.id}`)).body).toEqual(made.body);
    const first = await send("GET", CONTENTS, undefined, { query: { limit: "1", project: "default" } });
    expect(first.body.items).toEqual([second]);
    const rest = await send("GET", CONTENTS, undefined, {
      query: { limit: "1", project: "default", cursor: first.body.next },
    });
    expect(rest.body).toEqual({ items: [made.body] });
    expect((await send("GET", "/api/v1/scheduling/tasks")).body.items).toEqual([]);
  });

  it("change field by field, on the version that was seen", async () => {
    const made = await send("POST", CONTENTS, { text: "one", notes: "n" });
    const path = `${CONTENTS}/${made.body.id}`;
    const seen = { headers: { "if-match": made.headers["etag"] ?? "" } };
    const changed = await send("PATCH", path, { thread: ["two"], notes: null }, seen);
    expect(changed).toMatchObject({
      status: 200,
      headers: { etag: expect.stringMatching(/^"2\b/) },
      body: { thread: ["two"], version: 2 },
    });
    for (const field of ["text", "notes"]) expect(changed.body).not.toHaveProperty(field);
    const late = await send("PATCH", path, { text: "late" }, seen);
    expect(late).toMatchObject({ status: 412, body: { code: "precondition-failed" } });
    expect((await send("DELETE", path, undefined, seen)).status).toBe(412);
    expect((await send("GET", path)).body).toEqual(changed.body);
    expect((await send("DELETE", path)).body).toEqual(changed.body);
    expect((await send("GET", path)).status).toBe(404);
    expect((await send("DELETE", path)).status).toBe(404);
  });

  it.each([
    ["nothing", {}, 422, "empty-content"],
    ["a text and a thread", { text: "a", thread: ["b"] }, 400, "invalid-input"],
    ["a text that is too long", { text: "x".repeat(50_001) }, 422, "content-too-long"],
    ["notes that are too long", { notes: "x".repeat(10_001) }, 400, "invalid-input"],
    ["another owner's project", { text: "a", project: "bakery" }, 422, "unknown-project"],
    ["nobody's medium", { text: "a", media: [{ id: NOBODYS }] }, 422, "unknown-media"],
    ["what is decided elsewhere", { text: "a", status: "approved" }, 400, "invalid-input"],
  ])("refuse %s", async (_, json, status, code) => {
    expect(await send("POST", CONTENTS, json)).toMatchObject({ status, body: { code } });
    const { id } = await draft();
    if (Object.keys(json).length === 0) return;
    expect(await send("PATCH", `${CONTENTS}/${id}`, json)).toMatchObject({ status, body: { code } });
  });

  it("of another owner do not exist", async () => {
    const { id } = await draft();
    const bela = { owner: BELA };
    for (const [method, path, json] of [
      ["GET", `${CONTENTS}/${id}`],
      ["PATCH", `${CONTENTS}/${id}`, { text: "mine" }],
      ["DELETE", `${CONTENTS}/${id}`],
      ["POST", `${CONTENTS}/${id}/approve`, {}],
    ] as const) {
      const nobodys = path.replace(id, NOBODYS);
      const [his, none] = [await send(method, path, json, bela), await send(method, nobodys, json, bela)];
      expect(his.status).toBe(404);
      expect({ ...his.body, requestId: "" }).toEqual({ ...none.body, requestId: "" });
    }
    expect((await send("GET", CONTENTS, undefined, bela)).body).toEqual({ items: [] });
    const added = await send(
      "POST",
      `${POOL}/add`,
      { contentId: id, account: "main", project: undefined },
      bela,
    );
    expect(added).toMatchObject({ status: 422, body: { code: "unknown-content" } });
  });

  it("become a task once, and remember it", async () => {
    const { id } = await draft({ text: "The harbour", language: "en" });
    const path = `${CONTENTS}/${id}/approve`;
    const made = await send("POST", path, { publishAt: "2026-12-02T01:00:00Z", priority: 2 });
    expect(made).toMatchObject({
      status: 202,
      headers: { location: `/api/v1/scheduling/tasks/${made.body.id}` },
      body: { status: "pending", priority: 2, language: "en", parts: [{ text: "The harbour" }] },
    });
    expect((await send("GET", `${CONTENTS}/${id}`)).body).toMatchObject({
      status: "approved",
      taskId: made.body.id,
    });
    const twice = await send("POST", path, {});
    expect(twice).toMatchObject({ status: 409, body: { code: "draft-approved", retryable: false } });
    expect(twice.body.detail).toContain(made.body.id);
    const again = await send("POST", path, { again: true });
    expect(again.status).toBe(202);
    expect(again.body.id).not.toBe(made.body.id);
  });

  it("become one task however often the same request is sent", async () => {
    const { id } = await draft();
    const same = { headers: { "idempotency-key": "approve-1" } };
    const [one, two] = [
      await send("POST", `${CONTENTS}/${id}/approve`, undefined, same),
      await send("POST", `${CONTENTS}/${id}/approve`, undefined, same),
    ];
    expect(one.status).toBe(202);
    expect(two.body).toEqual(one.body);
  });

  it("that X would not take are refused without a pointer into the request", async () => {
    const { id } = await draft({ text: "x".repeat(281) });
    const refused = await send("POST", `${CONTENTS}/${id}/approve`, {});
    expect(refused).toMatchObject({ status: 422, body: { code: "text-too-long" } });
    expect(refused.body).not.toHaveProperty("errors");
    const unknown = await send("POST", `${CONTENTS}/${id}/approve`, { account: "nobody" });
    expect(unknown.body).toMatchObject({ code: "unknown-account", errors: [{ pointer: "/account" }] });
    expect(unknown.body.detail).toContain("default");
  });

  it("need the scope publish to be approved", async () => {
    const { id } = await draft();
    const refused = await send("POST", `${CONTENTS}/${id}/approve`, {}, { scopes: ["read", "write"] });
    expect(refused).toMatchObject({ status: 403, body: { code: "missing-scope" } });
  });
});

describe("the pool", () => {
  it("takes a draft, or a text", async () => {
    const { id } = await draft();
    const added = await send("POST", `${POOL}/add`, { contentId: id, scheduledAt: "2026-12-02T01:00:00Z" });
    expect(added).toMatchObject({ status: 202, body: { slotAt: "2026-12-02T01:00:00Z" } });
    expect(await send("POST", `${POOL}/add`, { contentId: id })).toMatchObject({
      status: 409,
      body: { code: "draft-approved" },
    });
    const inline = await send("POST", `${POOL}/add`, {
      thread: ["one", "two"],
      priority: 1,
      account: "main",
    });
    expect(inline).toMatchObject({ status: 202, body: { priority: 1, language: "zh" } });
    expect(inline.body.parts).toHaveLength(2);
  });

  it("adds one task however often the same request is sent", async () => {
    const same = { headers: { "idempotency-key": "add-1" } };
    const one = await send("POST", `${POOL}/add`, { text: "once" }, same);
    expect((await send("POST", `${POOL}/add`, { text: "once" }, same)).body).toEqual(one.body);
    expect((await send("GET", `${POOL}/list`)).body.items).toHaveLength(1);
  });

  it.each([
    [{}, "/contentId"],
    [{ contentId: NOBODYS, text: "a" }, "/contentId"],
    [{ contentId: NOBODYS, project: "default" }, "/contentId"],
    [{ text: "a", publishAt: "now", scheduledAt: "now" }, "/scheduledAt"],
    [{ text: "a", thread: ["b"] }, "/thread"],
    [{ text: "a", again: true }, "/again"],
  ])("refuses %j", async (json, pointer) => {
    expect(await send("POST", `${POOL}/add`, json)).toMatchObject({
      status: 400,
      body: { errors: [{ pointer }] },
    });
  });

  it("lists what waits, by slot, and counts all", async () => {
    const held = await api.put({ status: "held", slotAt: new Date("2026-12-01T03:00:00Z") });
    const first = await api.put({ slotAt: new Date("2026-12-01T02:00:00Z") });
    await api.put({ status: "published" });
    await api.put({ status: "unknown" });
    await api.put({ status: "missed" });
    await api.put({ status: "cancelled" });
    const page = await send("GET", `${POOL}/list`, undefined, { query: { limit: "1" } });
    expect(page.body.items).toMatchObject([{ id: first.id }]);
    const next = await send("GET", `${POOL}/list`, undefined, {
      query: { limit: "1", cursor: page.body.next },
    });
    expect(next.body).toMatchObject({ items: [{ id: held.id }] });
    expect(next.body).not.toHaveProperty("next");
    expect((await send("GET", `${POOL}/stats`)).body).toEqual({
      total: 5,
      pending: 2,
      publishing: 1,
      published: 1,
      failed: 1,
      complete: true,
    });
    expect((await send("GET", `${POOL}/stats`, undefined, { owner: BELA })).body.total).toBe(0);
    const his = await send("GET", `${POOL}/stats`, undefined, { owner: BELA, query: { project: "default" } });
    expect(his).toMatchObject({ status: 422, body: { code: "unknown-project" } });
  });
});

describe("a post with uploaded media", () => {
  const create = (json: object) => send("POST", "/api/v1/scheduling/tasks", json);

  it("has them, in order, without a text if wanted", async () => {
    const [one, two] = [await aReadyMedium(), await aReadyMedium()];
    const made = await create({ media: [{ id: two, altText: "a kite" }, { id: one }] });
    expect(made).toMatchObject({
      status: 202,
      body: { parts: [{ text: "" }], media: [{ name: "kite.jpg", altText: "a kite" }, { name: "kite.jpg" }] },
    });
    const task = await api.read({ id: asTaskId(made.body.id) });
    expect(task.mediaCount).toBe(2);
    const content = await api.tasks.getContent(task);
    expect(content?.media.map(({ key, etag }) => [key, etag])).toEqual([
      [`media/anne/${two}`, aMedium().etag],
      [`media/anne/${one}`, aMedium().etag],
    ]);
    for (const id of [one, two]) {
      const stored = await api.media.get("anne" as never, asMediaId(id));
      expect(Object.keys(stored?.uses ?? {})).toEqual([made.body.id]);
      expect(await send("DELETE", `/api/v1/media/${id}`)).toMatchObject({
        status: 409,
        body: { code: "media-in-use" },
      });
    }
    await send("DELETE", `/api/v1/scheduling/tasks/${made.body.id}`);
    expect((await send("DELETE", `/api/v1/media/${one}`)).status).toBe(200);
  });

  it("may be posted by several tasks, unless the project says once", async () => {
    const id = await aReadyMedium();
    for (const text of ["one", "two"]) expect((await create({ text, media: [{ id }] })).status).toBe(202);
    await api.accounts.setPolicy("anne-project" as never, { uniqueMedia: true });
    const other = await aReadyMedium();
    expect((await create({ text: "three", media: [{ id: other }] })).status).toBe(202);
    const repeated = await create({ text: "four", media: [{ id: other }] });
    expect(repeated).toMatchObject({ status: 409, body: { code: "media-used" } });
    const wanted = await create({ text: "five", media: [{ id: other }], reuseMedia: true });
    expect(wanted.status).toBe(202);
  });

  it("is refused where it cannot be, and says which medium", async () => {
    const ready = await aReadyMedium();
    const { body } = await send("POST", "/api/v1/media", { name: "k.jpg", type: "image/jpeg", sizeBytes: 9 });
    const post = (id: string) => create({ text: "a", media: [{ id: ready }, { id }] });
    const pointer = (at: string) => ({ errors: [{ pointer: at }] });
    expect(await post(NOBODYS)).toMatchObject({
      status: 422,
      body: { code: "unknown-media", ...pointer("/media/1") },
    });
    expect(await post(body.id)).toMatchObject({
      status: 409,
      body: { code: "media-not-ready", retryable: true, ...pointer("/media/1") },
    });
    expect(await post(ready)).toMatchObject({ status: 400, body: { code: "invalid-input" } });
    const photos = await Promise.all(Array.from({ length: 5 }, () => aReadyMedium()));
    expect(await create({ media: photos.map((id) => ({ id })) })).toMatchObject({
      status: 422,
      body: { code: "too-many-photos", ...pointer("/media") },
    });
    const his = await api.call({
      method: "POST",
      owner: BELA,
      json: { project: "bakery", text: "a", media: [{ id: ready }] },
    });
    expect(his).toMatchObject({ status: 422, body: { code: "unknown-media" } });
  });

  it("is simulated with them, and takes none", async () => {
    const id = await aReadyMedium();
    const simulate = (mediaId: string) =>
      send("POST", "/api/v1/scheduling/simulate", { drafts: [{ media: [{ id: mediaId }] }] });
    const dry = await simulate(id);
    expect(dry.status).toBe(200);
    expect(JSON.stringify(dry.body)).not.toContain("unknown-media");
    expect(JSON.stringify((await simulate(NOBODYS)).body)).toContain("unknown-media");
    expect((await api.media.get("anne" as never, asMediaId(id)))?.uses).toEqual({});
  });

  it("is answered in its place among others", async () => {
    const id = await aReadyMedium();
    const made = await send("POST", "/api/v1/scheduling/tasks/batch", {
      tasks: [
        { text: "one", media: [{ id }] },
        { text: "two", media: [{ id: NOBODYS }] },
      ],
    });
    expect(made.body).toMatchObject({
      accepted: 1,
      results: [
        { task: { media: [{ name: "kite.jpg" }] } },
        { code: "unknown-media", errors: [{ pointer: "/tasks/1/media/0" }] },
      ],
    });
  });
});
