import { describe, expect, it, vi } from "vitest";
import { ROUTES } from "#shared/contract/routes.ts";
import { asJobId, asProjectId, asRecurrenceId } from "#shared/domain/ids.ts";
import { newJob } from "#shared/domain/job.ts";
import { createCursorSeal } from "#shared/usecases/cursor-seal.ts";
import { aRecurrence, aRecurrenceContent } from "#test/support/recurrences.ts";
import { ANNE, ANNES_JOB, ANNES_RUN, BELA, START, setUpApi, TASKS } from "./serve-api-setup.ts";

const POLICY = "/api/v1/projects/default/policy";
const HISTORY = `/api/v1/scheduling/jobs/${ANNES_JOB}/history`;

type Api = Awaited<ReturnType<typeof setUpApi>>;
interface List {
  readonly name: string;
  readonly path: string;
  /** Stores what has several pages. @returns what tells its items apart, in order */
  fill(api: Api): Promise<readonly unknown[]>;
  readonly keyOf: (item: Readonly<Record<string, unknown>>) => unknown;
}

const COUNT = 5;
const indexes = Array.from({ length: COUNT }, (_, index) => index);

const LISTS: readonly List[] = [
  {
    name: "listTasks",
    path: TASKS,
    keyOf: ({ id }) => id,
    async fill({ put }) {
      const slotAt = (index: number) => new Date(START.getTime() + (index + 1) * 60_000);
      return Promise.all(indexes.map(async (index) => (await put({ slotAt: slotAt(index) })).id));
    },
  },
  {
    name: "readJobHistory",
    path: HISTORY,
    keyOf: ({ number }) => number,
    async fill({ jobs }) {
      const job = await jobs.get(ANNES_JOB);
      if (!job) throw new Error("Anne has no job");
      const run = { jobId: ANNES_JOB, type: "publishing-run", via: "schedule", plannedAt: START } as const;
      for (const index of indexes)
        await jobs.save(
          { ...job, version: job.version + 1 + index },
          { run: { ...run, number: index + 1, startedAt: START } },
        );
      return indexes.map((index) => COUNT - index);
    },
  },
  {
    name: "listPolicyVersions",
    path: `${POLICY}/versions`,
    keyOf: ({ version }) => version,
    async fill({ call }) {
      for (const version of indexes)
        await call({ method: "PUT", path: POLICY, json: { version, dailyMax: version + 1 } });
      return indexes.map((index) => COUNT - index);
    },
  },
  {
    name: "listRecurrences",
    path: "/api/v1/scheduling/recurrences",
    keyOf: ({ id }) => id,
    async fill({ recurrences }) {
      const ids = indexes.map((index) => asRecurrenceId(`01KS${String(index).repeat(22)}`));
      for (const id of ids) {
        const recurrence = aRecurrence({ id, ownerId: ANNE, projectId: asProjectId("anne-project") });
        await recurrences.save(recurrence, { content: aRecurrenceContent(recurrence) });
      }
      const all = await recurrences.listByOwner(ANNE, { limit: 100 });
      return all.items.map(({ id }) => id);
    },
  },
];

describe.each(LISTS)("$name", ({ path, fill, keyOf }) => {
  it("shows everything once, page by page, also when the pages are not of one size", async () => {
    const api = await setUpApi();
    const all = await fill(api);
    const seen: unknown[] = [];
    let cursor: string | undefined;
    for (let limit = 1; ; limit++) {
      const query = { limit: String(limit), ...(cursor !== undefined && { cursor }) };
      const { status, body } = await api.call({ path, query });
      expect(status).toBe(200);
      seen.push(...body.items.map(keyOf));
      if (body.next === undefined) break;
      cursor = body.next;
    }
    expect(seen).toEqual(all);
  });

  it("takes no cursor that is cut, altered, of another list, of another owner, or none", async () => {
    const api = await setUpApi();
    await fill(api);
    const next: string = (await api.call({ path, query: { limit: "1" } })).body.next;
    const other = LISTS.find((list) => list.path !== path) ?? LISTS[0];
    const elsewhere: string = await (async () => {
      const fresh = await setUpApi();
      await other?.fill(fresh);
      return (await fresh.call({ path: other?.path ?? "", query: { limit: "1" } })).body.next;
    })();
    const first = next.startsWith("A") ? "B" : "A";
    for (const cursor of [
      next.slice(1),
      next.slice(0, -1),
      first + next.slice(1),
      `${next}A`,
      "1",
      "",
      elsewhere,
    ]) {
      const { status, body } = await api.call({ path, query: { cursor } });
      expect([cursor, status, body.code]).toEqual([cursor, 400, "invalid-cursor"]);
      expect(body.errors[0].parameter).toBe("cursor");
    }
    const belas = await api.call({ path, query: { cursor: next }, owner: BELA });
    expect(belas.body.code).toBe("invalid-cursor");
    expect((await api.call({ path, query: { cursor: next } })).status).toBe(200);
  });
});

describe("a cursor", () => {
  it("goes on in its own list only: other filters are another list", async () => {
    const api = await setUpApi();
    for (const minute of [1, 2, 3]) await api.put({ slotAt: new Date(START.getTime() + minute * 60_000) });
    const { next } = (await api.call({ query: { limit: "1", account: "main" } })).body;
    expect((await api.call({ query: { cursor: next } })).body.code).toBe("invalid-cursor");
    expect((await api.call({ query: { cursor: next, account: "second" } })).body.code).toBe("invalid-cursor");
    expect((await api.call({ query: { cursor: next, account: "main" } })).status).toBe(200);
  });

  it("belongs to one of several things of a kind", async () => {
    const api = await setUpApi();
    await LISTS[1]?.fill(api);
    const first = await api.jobs.get(ANNES_JOB);
    if (!first) throw new Error("Anne has no job");
    const second = newJob(asJobId("01KDDDDDDDDDDDDDDDDDDDDDDD"), ANNE, { ...first, name: "second" }, START);
    await api.jobs.save(second);
    const { next } = (await api.call({ path: HISTORY, query: { limit: "1" } })).body;
    const other = HISTORY.replace(ANNES_JOB, second.id);
    expect((await api.call({ path: other, query: { cursor: next } })).body.code).toBe("invalid-cursor");
    expect((await api.call({ path: other })).status).toBe(200);
  });

  it("of a run's items goes on where they ended", async () => {
    const { call, runs, annesRun } = await setUpApi();
    const items = [
      { taskId: annesRun.id as never, state: "waiting", status: "pending", mediaIds: [] },
    ] as const;
    for (const index of [0, 1]) await runs.savePage(annesRun, { runId: ANNES_RUN, version: 1, index, items });
    await runs.save({ ...annesRun, status: "running", startedAt: START, total: 2, pages: 2, version: 2 });
    const path = `/api/v1/publish-pool/runs/${ANNES_RUN}`;
    const { next } = (await call({ path })).body;
    expect((await call({ path, query: { cursor: next } })).body).not.toHaveProperty("next");
    expect((await call({ path, query: { cursor: "1" } })).body.code).toBe("invalid-cursor");
  });

  it.each(Object.entries(ROUTES).filter(([, { query }]) => "cursor" in query.shape))(
    "is sealed wherever one is taken: %s",
    (_, route) => expect(route).toHaveProperty("paged", true),
  );
});

describe("the key that seals", () => {
  const list = { route: "listTasks", ownerId: ANNE, params: {}, query: {} };

  it("is read once, when it is needed", async () => {
    const read = vi.fn(async () => new Uint8Array(32));
    const seal = createCursorSeal({ sealKey: { read } });
    expect(read).not.toHaveBeenCalled();
    const cursors = await Promise.all([seal.seal(list, "1"), seal.seal(list, "2")]);
    expect(await seal.open(list, cursors[1] ?? "")).toBe("2");
    expect(read).toHaveBeenCalledOnce();
  });

  it("is read again after a failure", async () => {
    const read = vi.fn(async () => new Uint8Array(32)).mockRejectedValueOnce(new Error("throttled"));
    const seal = createCursorSeal({ sealKey: { read } });
    await expect(seal.seal(list, "1")).rejects.toThrow("throttled");
    expect(await seal.open(list, await seal.seal(list, "1"))).toBe("1");
  });
});
