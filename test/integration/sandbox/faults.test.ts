import { ApiPartialResponseError, ApiRequestError } from "twitter-api-v2";
import { describe, expect, it } from "vitest";
import { createFaults } from "#infra/local/sandbox/faults.ts";
import type { Sandbox } from "#infra/local/sandbox/sandbox.ts";
import { waitFor } from "#test/support/wait-for.ts";
import { aSandbox, asOwner, type Call, call, clientOf, post } from "./support.ts";

const tweets = { method: "POST", path: "/2/tweets" };
const control = (sandbox: Sandbox, what: Call) =>
  call(sandbox, { host: `127.0.0.1:${sandbox.port}`, ...what });

async function timed<Value>(work: () => Promise<Value>): Promise<{ value: Value; tookMs: number }> {
  const start = performance.now();
  return { value: await work(), tookMs: performance.now() - start };
}

describe("scripted faults", () => {
  it("answers what the rule says, and does nothing", async () => {
    const sandbox = await aSandbox();
    const owner = await asOwner(sandbox);
    const body = { title: "CreditsDepleted", type: "https://api.x.com/2/problems/credits", status: 402 };
    sandbox.addFault({ match: tweets, action: { status: 402, body, headers: { "x-extra": "1" } } });

    const answer = await post(owner, { text: "a" });

    expect([answer.status, answer.json, answer.headers["x-extra"]]).toEqual([402, body, "1"]);
    expect(sandbox.posts()).toEqual([]);
    expect((await post(owner, { text: "a" })).status).toBe(201);
  });

  it("can answer a page of HTML with 200", async () => {
    const sandbox = await aSandbox();
    sandbox.addFault({ match: tweets, action: { status: 200, body: "<html>down</html>" } });

    expect(await clientOf(sandbox).v2.post("tweets", { text: "a" })).toBe("<html>down</html>");
  });

  it("cuts the body after committing", async () => {
    const sandbox = await aSandbox();
    sandbox.addFault({ match: tweets, action: { cutBody: true } });

    await expect(clientOf(sandbox).v2.post("tweets", { text: "a" })).rejects.toThrow(ApiPartialResponseError);

    expect(sandbox.posts()).toHaveLength(1);
  });

  it.each([
    { drop: "before-commit", posts: 0 },
    { drop: "after-commit", posts: 1 },
  ] as const)("drops the connection $drop", async ({ drop, posts }) => {
    const sandbox = await aSandbox();
    sandbox.addFault({ match: tweets, action: { drop } });

    await expect(clientOf(sandbox).v2.post("tweets", { text: "a" })).rejects.toThrow(ApiRequestError);

    expect(sandbox.posts()).toHaveLength(posts);
    expect(sandbox.requests().map(({ status }) => status)).toEqual([0]);
  });

  it("does the work later, for a client that has long left", async () => {
    const sandbox = await aSandbox();
    const owner = await asOwner(sandbox);
    sandbox.addFault({ match: tweets, action: { drop: "before-commit", landsAfterMs: 120 } });

    await expect(clientOf(sandbox).v2.post("tweets", { text: "a" })).rejects.toThrow(ApiRequestError);

    expect(sandbox.posts()).toEqual([]);
    const [request] = sandbox.requests();
    const landed = await waitFor("the post to land", () => sandbox.posts()[0]);
    expect(landed.createdAtMs - (request?.arrivedAtMs ?? 0)).toBeGreaterThanOrEqual(115);
    expect((await post(owner, { text: "a" })).status).toBe(403);
    expect(sandbox.posts()).toHaveLength(1);
  });

  it("shows a timeline that lags", async () => {
    let now = Date.now();
    const sandbox = await aSandbox({ clock: () => now });
    const client = clientOf(sandbox);
    const { data } = await client.v2.me();
    const shown = async () => {
      const answer = await client.v2.get(`users/${data.id}/tweets`);
      return (answer as { data?: { text: string }[] }).data?.map(({ text }) => text) ?? [];
    };
    await client.v2.post("tweets", { text: "old" });
    now += 60_000;
    await client.v2.post("tweets", { text: "new" });
    const timeline = { method: "GET", path: /\/tweets$/ };
    sandbox.addFault({ match: timeline, action: { timelineLagMs: 120_000 } });
    sandbox.addFault({ match: timeline, action: { timelineLagMs: 30_000 } });

    expect(await shown()).toEqual([]);
    expect(await shown()).toEqual(["old"]);
    expect(await shown()).toEqual(["new", "old"]);
  });

  it("answers late, after the work is done or before it began", async () => {
    const sandbox = await aSandbox();
    const owner = await asOwner(sandbox);
    sandbox.addFault({ match: tweets, action: { delayMs: 120 } });
    sandbox.addFault({ match: tweets, action: { delayMs: 120, when: "before-commit" } });

    const [late, delayed] = [
      await timed(() => post(owner, { text: "a" })),
      await timed(() => post(owner, { text: "b" })),
    ];

    expect([late.value.status, delayed.value.status]).toEqual([201, 201]);
    expect(Math.min(late.tookMs, delayed.tookMs)).toBeGreaterThanOrEqual(119);
    const [first, second] = sandbox.posts();
    const [, firstRequest, secondRequest] = sandbox.requests();
    expect((first?.createdAtMs ?? 0) - (firstRequest?.arrivedAtMs ?? 0)).toBeLessThan(100);
    expect((second?.createdAtMs ?? 0) - (secondRequest?.arrivedAtMs ?? 0)).toBeGreaterThanOrEqual(115);
  });

  it("meets the nth request, as many times as it says", () => {
    const faults = createFaults();
    faults.add({ match: { nth: 2, times: 2 }, action: { status: 500 } });
    faults.add({ match: { path: /^\/2\/media/, times: "always" }, action: { status: 503 } });
    const take = (path: string) => {
      const action = faults.take("GET", path);
      return action !== undefined && "status" in action ? action.status : undefined;
    };

    expect(["/a", "/a", "/2/media/upload", "/2/media/upload", "/a"].map(take)).toEqual([
      undefined,
      500,
      500,
      503,
      undefined,
    ]);
  });

  it("tells methods and paths apart", () => {
    const faults = createFaults();
    faults.add({ match: { method: "post", path: "/2/tweets" }, action: { status: 500 } });

    expect(faults.take("GET", "/2/tweets")).toBeUndefined();
    expect(faults.take("POST", "/2/tweets/1")).toBeUndefined();
    expect(faults.take("POST", "/2/tweets")).toEqual({ status: 500 });
  });

  it("is scripted by other processes over HTTP", async () => {
    const sandbox = await aSandbox();
    const owner = await asOwner(sandbox);
    const match = { path: { pattern: "TWEETS$", flags: "i" }, times: "always" };

    const added = await control(sandbox, {
      path: "/sandbox/faults",
      body: { match, action: { status: 503 } },
    });
    const failed = await post(owner, { text: "a" });
    const listed = await control(sandbox, { path: "/sandbox/faults" });
    await control(sandbox, { method: "DELETE", path: "/sandbox/faults" });

    expect([added.status, failed.status]).toEqual([204, 503]);
    expect(listed.json).toEqual({ faults: [{ match, action: { status: 503 } }] });
    expect((await post(owner, { text: "a" })).status).toBe(201);
  });

  it.each([
    { match: {}, action: { explode: true } },
    { match: { path: { pattern: "(" } }, action: { status: 500 } },
    { match: { nth: 0 }, action: { status: 500 } },
    { match: {}, action: { status: 99 } },
  ])("refuses the rule %j", async (rule) => {
    const sandbox = await aSandbox();

    expect((await control(sandbox, { path: "/sandbox/faults", body: rule })).status).toBe(400);
  });

  it("is not steered by a form that another site sends", async () => {
    const sandbox = await aSandbox();
    const body = JSON.stringify({ match: {}, action: { status: 500 } });

    const answer = await control(sandbox, {
      path: "/sandbox/faults",
      body,
      headers: { "content-type": "text/plain" },
    });

    expect(answer.status).toBe(400);
  });
});

describe("latency", () => {
  it("is added to every answer of the API, can change, and spares the page", async () => {
    const sandbox = await aSandbox();
    const owner = await asOwner(sandbox);
    const me = () => timed(() => owner({ path: "/2/users/me" }));

    await control(sandbox, { method: "PUT", path: "/sandbox/latency", body: { latencyMs: 150 } });
    const slow = await me();
    const page = await timed(() => control(sandbox, { path: "/sandbox/posts" }));
    sandbox.setLatency(0);
    const fast = await me();

    expect(slow.tookMs).toBeGreaterThanOrEqual(149);
    expect(Math.max(fast.tookMs, page.tookMs)).toBeLessThan(149);
  });

  it("does not hold back the end", async () => {
    const sandbox = await aSandbox({ latencyMs: 60_000 });
    const waiting = call(sandbox, { path: "/2/users/me" }).catch((error: unknown) => error);
    await expect.poll(() => sandbox.requests().length).toBe(1);

    await sandbox.close();

    expect(await waiting).toBeInstanceOf(Error);
  });
});

describe("rate limits", () => {
  it("counts down, refuses with 429, and starts again at the reset that the header names", async () => {
    let now = 1_800_000_000_300;
    const sandbox = await aSandbox({ clock: () => now, limits: { me: { limit: 2, windowMs: 60_000 } } });
    const owner = await asOwner(sandbox);
    const me = async () => {
      const { status, headers, json } = await owner({ path: "/2/users/me" });
      return {
        status,
        json,
        remaining: headers["x-rate-limit-remaining"],
        reset: Number(headers["x-rate-limit-reset"]),
      };
    };

    const answers = [await me(), await me(), await me()];

    expect(answers.map(({ status, remaining }) => [status, remaining])).toEqual([
      [200, "1"],
      [200, "0"],
      [429, "0"],
    ]);
    expect(answers[2]?.json).toEqual({
      title: "Too Many Requests",
      detail: "Too Many Requests",
      type: "about:blank",
      status: 429,
    });
    const reset = answers[2]?.reset ?? 0;
    expect(reset).toBe(1_800_000_061);
    now = reset * 1_000 - 1;
    expect((await me()).status).toBe(429);
    now += 1;
    expect(await me()).toMatchObject({ status: 200, remaining: "1" });
  });

  it("counts refused posts, and posts of all accounts of an app", async () => {
    const limits = { createPostPerApp: { limit: 2, windowMs: 86_400_000 } };
    const sandbox = await aSandbox({ limits });
    const owner = await asOwner(sandbox);

    const statuses = [];
    for (const text of ["a", "a", "b"]) statuses.push((await post(owner, { text })).status);

    expect(statuses).toEqual([201, 403, 429]);
  });
});
