import { describe, expect, it } from "vitest";
import { ANNE, ANNES_JOB, ANNES_RECURRENCE, type ApiRequest, setUpApi } from "./serve-api-setup.ts";

const UNKNOWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const JOB = `/api/v1/scheduling/jobs/${ANNES_JOB}`;
const RECURRENCE = `/api/v1/scheduling/recurrences/${ANNES_RECURRENCE}`;
const POLICY = "/api/v1/projects/default/policy";
const A_JOB = { name: "nightly", type: "publishing-run", intervalSeconds: 3_600 };
const A_RECURRENCE = {
  name: "weekly",
  texts: ["hello"],
  rule: "FREQ=WEEKLY",
  dtStart: "2026-12-02 09:00",
};

/** Every change that takes a version, of something whose version is the one given. */
const CHANGES: readonly (readonly [name: string, read: string, change: ApiRequest])[] = [
  ["changeJob", JOB, { method: "PUT", path: JOB, json: A_JOB }],
  ["deleteJob", JOB, { method: "DELETE", path: JOB }],
  ["pauseJob", JOB, { method: "POST", path: `${JOB}/pause` }],
  ["resumeJob", JOB, { method: "POST", path: `${JOB}/resume` }],
  ["triggerJob", JOB, { method: "POST", path: `${JOB}/trigger` }],
  ["changeRecurrence", RECURRENCE, { method: "PUT", path: RECURRENCE, json: A_RECURRENCE }],
  ["deleteRecurrence", RECURRENCE, { method: "DELETE", path: RECURRENCE }],
  [
    "skipOccurrence",
    RECURRENCE,
    { method: "POST", path: `${RECURRENCE}/skip`, json: { occurrence: "2026-12-05 09:00" } },
  ],
  [
    "overrideOccurrence",
    RECURRENCE,
    { method: "POST", path: `${RECURRENCE}/override`, json: { occurrence: "2026-12-05 09:00", text: "hi" } },
  ],
  ["writePolicy", POLICY, { method: "PUT", path: POLICY, json: { version: 0, preset: "steady" } }],
];

describe("what has a version", () => {
  it.each([JOB, RECURRENCE, POLICY])("%s says it as an ETag, and 304 to whoever has it", async (path) => {
    const { call } = await setUpApi();
    const { headers, body } = await call({ path });
    const etag = headers["etag"] ?? "";
    expect(etag).toMatch(new RegExp(`^"${body.version}\\.[\\w-]{12}"$`));
    for (const given of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const known = await call({ path, headers: { "if-none-match": given } });
      expect([known.status, known.headers["etag"], known.body]).toEqual([304, etag, undefined]);
      expect(known.headers).toMatchObject({
        "x-request-id": expect.any(String),
        "x-content-type-options": "nosniff",
        ratelimit: expect.any(String),
      });
    }
    for (const given of ['"other"', `"${body.version}"`, etag.slice(1), ""])
      expect((await call({ path, headers: { "if-none-match": given } })).status).toBe(200);
  });

  it("has another ETag when something else in it changes with time", async () => {
    const { call, clock } = await setUpApi();
    const first = await call({ path: RECURRENCE });
    clock.advance(40 * 86_400_000);
    const later = await call({ path: RECURRENCE, headers: { "if-none-match": first.headers["etag"] ?? "" } });
    expect([later.status, later.body.version]).toEqual([200, first.body.version]);
    expect(later.body.coming).not.toEqual(first.body.coming);
  });

  it("has none where nothing has a version", async () => {
    const { call } = await setUpApi();
    for (const path of ["/api/v1/scheduling/jobs", "/api/v1/system/health", `${JOB}/history`])
      expect((await call({ path })).headers).not.toHaveProperty("etag");
  });

  it("says nothing of a version when it is refused", async () => {
    const { call } = await setUpApi();
    const { status, headers } = await call({ path: `${JOB.slice(0, -26)}${UNKNOWN}` });
    expect([status, headers["etag"]]).toEqual([404, undefined]);
  });
});

describe("a change with If-Match", () => {
  it.each(CHANGES)("%s is made when it is the version, and has the next one", async (_, read, change) => {
    const { call } = await setUpApi();
    const { headers } = await call({ path: read });
    const etag = headers["etag"] ?? "";
    const changed = await call({ ...change, headers: { "if-match": etag } });
    expect(changed.status).toBeLessThan(300);
    expect(changed.headers["etag"]).not.toBe(etag);
  });

  it.each(CHANGES)("%s is made by the version alone, and by *", async (_, read, change) => {
    for (const given of [undefined, "*"]) {
      const { call } = await setUpApi();
      const { body } = await call({ path: read });
      const changed = await call({ ...change, headers: { "if-match": given ?? `"${body.version}"` } });
      expect(changed.status).toBeLessThan(300);
    }
  });

  it.each(CHANGES)(
    "%s is refused for another version, a weak one, and one of somebody else",
    async (_, read, change) => {
      const { call, snapshot, jobs, recurrences, accounts } = await setUpApi();
      const { headers, body } = await call({ path: read });
      const stored = async () => [
        snapshot(),
        await jobs.get(ANNES_JOB),
        await recurrences.get(ANNES_RECURRENCE),
        await accounts.listProjects(ANNE),
      ];
      const before = await stored();
      for (const given of [`"${body.version + 1}"`, `W/${headers["etag"]}`, '"abc"', '"abc", W/"1"']) {
        const refused = await call({ ...change, headers: { "if-match": given } });
        expect([given, refused.status, refused.body.code, refused.body.retryable]).toEqual([
          given,
          412,
          "precondition-failed",
          false,
        ]);
      }
      expect(await stored()).toEqual(before);
    },
  );

  it.each(CHANGES)("%s is refused for what is no tag, and for two versions", async (_, __, change) => {
    const { call } = await setUpApi();
    for (const given of ["1", '"1', "1, 2", '"1" "2"', "**", '"1", *', "W/1", '"1", "2"', ""]) {
      const { status, body } = await call({ ...change, headers: { "if-match": given } });
      expect([given, status, body.code, body.errors?.[0].header]).toEqual([
        given,
        400,
        "invalid-input",
        "if-match",
      ]);
    }
  });

  it("is decided when it is written: whoever is faster wins", async () => {
    const { call, jobs } = await setUpApi();
    const { headers } = await call({ path: JOB });
    const { save } = jobs;
    let others = 0;
    Object.assign(jobs, {
      async save(...args: Parameters<typeof save>) {
        const [{ id }] = args;
        const job = await jobs.get(id);
        if (job && others++ === 0) await save({ ...job, name: "theirs", version: job.version + 1 });
        return save(...args);
      },
    });
    const late = await call({
      method: "PUT",
      path: JOB,
      json: A_JOB,
      headers: { "if-match": headers["etag"] ?? "" },
    });
    expect([late.status, late.body.code, others]).toEqual([412, "precondition-failed", 1]);
    expect((await jobs.get(ANNES_JOB))?.name).toBe("theirs");
  });

  it("of a policy says the same version as its body", async () => {
    const { call } = await setUpApi();
    const write = (version: number, tag: string) =>
      call({
        method: "PUT",
        path: POLICY,
        json: { version, preset: "steady" },
        headers: { "if-match": tag },
      });
    expect((await write(3, '"0"')).body.code).toBe("precondition-failed");
    expect((await write(3, '"3"')).body.code).toBe("precondition-failed");
    expect((await write(0, '"0"')).status).toBe(200);
  });
});
