import { beforeEach, describe, expect, it } from "vitest";
import { asOwnerId } from "#shared/domain/ids.ts";
import { asMediaId, inspected, inspecting, refused } from "#shared/domain/stored-media.ts";
import { aMedium } from "#test/support/builders.ts";
import { BELA, setUpApi } from "./serve-api-setup.ts";

const MEDIA = "/api/v1/media";
const FILE = { name: "kite.jpg", type: "image/jpeg", sizeBytes: 48_213 };
const ANNE = asOwnerId("anne");
const NOBODYS = "01KBBBBBBBBBBBBBBBBBBBBBBZ";

let api: Awaited<ReturnType<typeof setUpApi>>;
beforeEach(async () => {
  api = await setUpApi();
});

const announce = (json: object = FILE, headers: Record<string, string> = {}) =>
  api.call({ method: "POST", path: MEDIA, json, headers });
const read = (id: string) => api.call({ path: `${MEDIA}/${id}` });
const stored = async (id: string) => {
  const medium = await api.media.get(ANNE, asMediaId(id));
  if (!medium) throw new Error("it is not there");
  return medium;
};

describe("uploaded media", () => {
  it("are announced, and uploaded by a form that takes just that", async () => {
    const made = await announce();
    const { id } = made.body;
    expect(made).toMatchObject({
      status: 201,
      headers: { location: `${MEDIA}/${id}` },
      body: {
        ...FILE,
        project: "default",
        status: "awaiting-upload",
        upload: { fields: { key: `media/anne/${id}` }, expiresAt: "2026-12-01T01:15:00Z" },
      },
    });
    expect(api.forms.made).toEqual([
      { key: `media/anne/${id}`, type: "image/jpeg", maxBytes: 48_213, validMs: 900_000 },
    ]);
    const { upload: _, ...medium } = made.body;
    expect((await read(id)).body).toEqual(medium);
  });

  it("are the same ones, with a new form, when the same request is sent again after a failure", async () => {
    const { create } = api.forms;
    api.forms.create = () => Promise.reject(new Error("no credentials"));
    const key = { "idempotency-key": "upload-1" };
    expect((await announce(FILE, key)).status).toBe(500);
    api.forms.create = create;
    api.clock.advance(60_000);
    const made = await announce(FILE, key);
    expect(made.status).toBe(201);
    expect((await api.call({ path: MEDIA })).body.items).toMatchObject([{ id: made.body.id }]);
  });

  it("tell what became of them", async () => {
    const { id } = (await announce()).body;
    await api.media.save(inspecting(await stored(id), api.clock.now()));
    expect((await read(id)).body).toMatchObject({ status: "inspecting" });
    await api.media.save(inspected(await stored(id), aMedium(), api.clock.now()));
    const ready = (await read(id)).body;
    expect(ready).toMatchObject({
      status: "ready",
      probe: { type: "image/jpeg", sizeBytes: 48_213, width: 1200, height: 800, sha256: "ab".repeat(32) },
    });
    expect(JSON.stringify(ready)).not.toContain("etag");
    const why = { code: "media-invalid", message: "It cannot be read.", remedy: "Upload it again." };
    await api.media.save(refused(await stored(id), why, '"e"', api.clock.now()));
    const no = (await read(id)).body;
    expect(no).toMatchObject({ status: "refused", reason: why });
    expect(no).not.toHaveProperty("probe");
  });

  it("expire when nothing comes", async () => {
    const { id } = (await announce()).body;
    api.clock.advance(3_600_000);
    expect((await read(id)).body.status).toBe("expired");
  });

  it.each([
    ["a large photo", { sizeBytes: 5 * 1024 * 1024 + 1 }, 422, "media-too-large", "/sizeBytes"],
    [
      "a large video",
      { type: "video/mp4", sizeBytes: 512 * 1024 * 1024 + 1 },
      422,
      "media-too-large",
      "/sizeBytes",
    ],
    ["no bytes", { sizeBytes: 0 }, 400, "invalid-input", "/sizeBytes"],
    ["another type", { type: "application/pdf" }, 400, "invalid-input", "/type"],
    ["a folder", { name: "../kite.jpg" }, 400, "invalid-input", "/name"],
    ["a control character", { name: "a\u0000b" }, 400, "invalid-input", "/name"],
    ["a long name", { name: "港".repeat(81) }, 400, "invalid-input", "/name"],
    ["a key of their own", { key: "media/bela/1" }, 400, "invalid-input", "/key"],
    ["another owner's project", { project: "bakery" }, 422, "unknown-project", "/project"],
  ])("are refused before a byte is sent: %s", async (_, over, status, code, pointer) => {
    expect(await announce({ ...FILE, ...over })).toMatchObject({
      status,
      body: { code, errors: [{ pointer }] },
    });
    expect(api.forms.made).toEqual([]);
    expect((await api.call({ path: MEDIA })).body.items).toEqual([]);
  });

  it("are listed newest first, by project if wanted, in pages", async () => {
    const ids: string[] = [];
    for (let index = 0; index < 3; index++) ids.unshift((await announce()).body.id);
    const query = { limit: "2", project: "default" };
    const page = await api.call({ path: MEDIA, query });
    const rest = await api.call({ path: MEDIA, query: { ...query, cursor: page.body.next } });
    const found = [...page.body.items, ...rest.body.items].map(({ id }: { id: string }) => id);
    expect(found).toEqual(ids);
    expect(rest.body).not.toHaveProperty("next");
    expect(await api.call({ path: MEDIA, query: { cursor: "nonsense" } })).toMatchObject({ status: 400 });
  });

  it("are deleted with their file", async () => {
    const { id } = (await announce()).body;
    expect((await api.call({ method: "DELETE", path: `${MEDIA}/${id}` })).status).toBe(200);
    expect(api.mediaBucket.removed).toEqual([`media/anne/${id}`]);
    expect((await read(id)).status).toBe(404);
    expect((await api.call({ path: MEDIA })).body.items).toEqual([]);
  });

  it("of another owner do not exist", async () => {
    const { id } = (await announce()).body;
    for (const method of ["GET", "DELETE"]) {
      const his = await api.call({ method, path: `${MEDIA}/${id}`, owner: BELA });
      const none = await api.call({ method, path: `${MEDIA}/${NOBODYS}`, owner: BELA });
      expect(his.status).toBe(404);
      expect({ ...his.body, requestId: "" }).toEqual({ ...none.body, requestId: "" });
    }
    expect((await api.call({ path: MEDIA, owner: BELA })).body.items).toEqual([]);
    expect(api.mediaBucket.removed).toEqual([]);
  });
});
