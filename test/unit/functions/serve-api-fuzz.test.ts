import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROBLEMS } from "#shared/contract/problem.ts";
import {
  ANNES_BATCH,
  ANNES_RECURRENCE,
  ANNES_RUN,
  type ApiRequest,
  setUpApi,
  TASKS,
} from "./serve-api-setup.ts";

/** Something near enough to a post to come past the first check now and then. */
const nearly = fc.record(
  {
    project: fc.oneof(fc.constant("default"), fc.string(), fc.anything()),
    batch: fc.oneof(fc.constant("spring"), fc.string({ unit: "binary" }), fc.anything()),
    account: fc.oneof(fc.constant("main"), fc.string({ unit: "binary" })),
    text: fc.oneof(
      fc.string({ unit: "grapheme", size: "max", maxLength: 300 }),
      fc.string({ unit: "binary" }),
      fc.anything(),
    ),
    thread: fc.oneof(fc.array(fc.string({ unit: "grapheme" }), { maxLength: 30 }), fc.anything()),
    publishAt: fc.oneof(
      fc.constantFrom("now", "2026-12-01 10:00", "2026-13-01 10:00", "2026-12-01T10:00:00+99:00"),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      fc.string(),
    ),
    priority: fc.oneof(fc.integer({ min: 0, max: 11 }), fc.double()),
    language: fc.oneof(fc.constantFrom("zh", "cn", "en-GB"), fc.string()),
    latePolicy: fc.oneof(
      fc.record(
        { postWithin: fc.constantFrom("30m", "forever", "99d", "x"), then: fc.constantFrom("hold", "x") },
        { requiredKeys: [] },
      ),
      fc.anything(),
    ),
    maxRetries: fc.integer({ min: -1, max: 11 }),
  },
  { requiredKeys: [] },
);

/** A post, but for one field at most. */
const almost = fc
  .record({
    text: fc.string({ unit: "grapheme", minLength: 1, maxLength: 100 }),
    project: fc.constant("default"),
    account: fc.constant("main"),
    publishAt: fc.constantFrom("now", "2026-12-01 10:00", "2026-12-01T10:00:00.5+08:00"),
    priority: fc.integer({ min: 1, max: 10 }),
    maxRetries: fc.integer({ min: 0, max: 10 }),
  })
  .chain((post) =>
    fc.oneof(
      fc.constant(post),
      nearly.chain((other) => {
        const names = Object.keys(other) as (keyof typeof other)[];
        return names.length === 0
          ? fc.constant(post)
          : fc.constantFrom(...names).map((name) => ({ ...post, [name]: other[name] }));
      }),
    ),
  );

/** The place that a pointer names, or its parent: a missing field is pointed at too. */
function reaches(body: unknown, pointer: string): boolean {
  const keys = pointer
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  let value = body;
  for (const key of keys.slice(0, -1)) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return false;
    value = (value as Record<string, unknown>)[key];
  }
  return keys.length === 0 || (typeof value === "object" && value !== null);
}

describe("POST tasks, whatever comes", () => {
  it("accepts any JSON, or refuses it with a pointer into it, and stores one task or none", async () => {
    const { call, snapshot } = await setUpApi();
    let accepted = 0;
    const count = () => Object.keys(snapshot()["tasks"] as object).length;
    await fc.assert(
      fc.asyncProperty(fc.oneof(almost, nearly, fc.jsonValue(), fc.anything()), async (value) => {
        const body = JSON.stringify(value);
        if (body === undefined || body === "") return;
        const before = count();
        const answer = await call({ method: "POST", body });
        if (answer.status === 202) {
          accepted++;
          expect(count()).toBe(before + 1);
          return;
        }
        expect(count()).toBe(before);
        expect([400, 422]).toContain(answer.status);
        if (answer.body.code === "malformed-body" && !answer.body.errors) return;
        expect(answer.body.errors.length).toBeGreaterThan(0);
        for (const { pointer } of answer.body.errors)
          if (pointer.length < 100)
            expect([pointer, reaches(JSON.parse(body), pointer)]).toEqual([pointer, true]);
      }),
      { numRuns: 400 },
    );
    // Else the property would say nothing about posts that are fine.
    expect(accepted).toBeGreaterThan(20);
  });

  it("answers any text with JSON or a problem, never with a fault", async () => {
    const { call, logger } = await setUpApi();
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", minLength: 1 }), fc.boolean(), async (body, base64) => {
        const { status } = await call({ method: "POST", body, base64 });
        expect([202, 400, 413, 422]).toContain(status);
      }),
      { numRuns: 200 },
    );
    expect(logger.error).not.toHaveBeenCalled();
  });
});

describe("any address, query and method", () => {
  it("has an answer of the contract", async () => {
    const { call, logger, put } = await setUpApi();
    const { id } = await put();
    const segment = fc.oneof(
      fc.constantFrom(
        "scheduling",
        "tasks",
        "system",
        "health",
        "publish-now",
        "batches",
        "publish-pool",
        "run",
        "runs",
        id,
        "..",
        "%2e%2e",
        "%",
        "__proto__",
      ),
      fc.webSegment(),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT"),
        fc.oneof(
          fc.constantFrom(
            TASKS,
            `${TASKS}/${id}`,
            `${TASKS}/${id}/publish-now`,
            `/api/v1/batches/${ANNES_BATCH}`,
            `/api/v1/publish-pool/runs/${ANNES_RUN}`,
            `/api/v1/scheduling/recurrences/${ANNES_RECURRENCE}`,
          ),
          fc.array(segment, { maxLength: 6 }).map((parts) => `/api/v1/${parts.join("/")}`),
        ),
        fc.dictionary(
          fc.oneof(fc.constantFrom("limit", "cursor", "project", "status", "account"), fc.string()),
          fc.oneof(fc.constantFrom("10", "default", "main", "held"), fc.string({ unit: "binary" })),
          { maxKeys: 3 },
        ),
        async (method, path, query) => {
          const request: ApiRequest = { method, path, query };
          const { status, body } = await call(request);
          if (status >= 400 && method !== "HEAD") expect(PROBLEMS).toHaveProperty(body.code);
        },
      ),
      { numRuns: 400 },
    );
    expect(logger.error).not.toHaveBeenCalled();
  });
});
