/** Accounts come, go and come back by the API, with the sandbox in the place of X. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SANDBOX_OAUTH2, SANDBOX_SECOND_USER } from "#infra/local/sandbox/credentials.ts";
import { accountHealthView, accountView } from "#shared/contract/account-view.ts";
import { connectionStarted } from "#shared/contract/connection-view.ts";
import { taskCreated } from "#shared/contract/task-answer.ts";
import { taskDetail } from "#shared/contract/task-detail.ts";
import { startPunctual, type TestPunctual } from "#test/support/punctual.ts";
import { waitFor } from "#test/support/wait-for.ts";

let punctual: TestPunctual;

beforeAll(async () => {
  punctual = await startPunctual();
});
afterAll(() => punctual?.close());

const { clientId, clientSecret } = SANDBOX_OAUTH2;
const callbackUrl = () => `${punctual.apiUrl}/api/v1/oauth/x/callback`;
const send = (path: string, method: string, body?: unknown) =>
  punctual.api(path, {
    method,
    ...(body !== undefined && {
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  });

/** @returns the page that the person opens */
async function start(over: object = {}): Promise<URL> {
  const wish = { account: "second", clientId, clientSecret, callbackUrl: callbackUrl(), ...over };
  const answer = await send("/accounts/connect/oauth2", "POST", wish);
  const text = await answer.text();
  expect([answer.status, text]).toEqual([201, expect.not.stringContaining(clientSecret)]);
  return new URL(connectionStarted.parse(JSON.parse(text)).authorizeUrl);
}

/** What a person does on that page. @returns where X sends the browser */
async function agree(page: URL, user: string = SANDBOX_SECOND_USER.id): Promise<URL> {
  expect((await fetch(page)).status).toBe(200);
  const answer = await fetch(new URL(page.pathname, page), {
    method: "POST",
    body: new URLSearchParams([...page.searchParams, ["user", user], ["decision", "allow"]]),
    redirect: "manual",
  });
  return new URL(answer.headers.get("location") ?? "");
}

/** As a browser: nobody has a key there. */
async function comeBack(to: URL): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(to);
  expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
  return { status: answer.status, text: await answer.text() };
}

const readAccount = async (name: string) =>
  accountView.parse(await (await punctual.api(`/accounts/${name}`)).json());

async function create(text: string, inMs: number): Promise<string> {
  const answer = await send("/scheduling/tasks", "POST", {
    text,
    account: "second",
    publishAt: new Date(Date.now() + inMs).toISOString(),
    latePolicy: { postWithin: "forever", then: "hold" },
  });
  return taskCreated.parse(await answer.json()).id;
}

const statusOf = (id: string, status: string) =>
  waitFor(`the task to be ${status}`, async () => {
    const task = taskDetail.parse(await (await punctual.api(`/scheduling/tasks/${id}`)).json());
    return task.status === status ? task : undefined;
  });

const postOf = (text: string) => punctual.sandbox?.posts().find((post) => post.text === text);

describe("an account that is connected by consent", () => {
  it("posts, as the user who gave leave", async () => {
    const back = await agree(await start({ project: "default" }));
    const { status, text } = await comeBack(back);
    expect([status, text]).toEqual([200, expect.stringContaining("@punctual_two is connected")]);
    expect(text).not.toContain(back.searchParams.get("code") ?? "");
    expect(await readAccount("second")).toMatchObject({ status: "active", username: "punctual_two" });

    await statusOf(await create("Posted by consent", 2_000), "published");
    expect(postOf("Posted by consent")).toMatchObject({ userId: SANDBOX_SECOND_USER.id });
  });

  it("is connected once by each state, and by no code of another", async () => {
    const used = await agree(await start());
    expect((await comeBack(used)).status).toBe(200);
    expect(await comeBack(used)).toMatchObject({
      status: 400,
      text: expect.stringContaining("does not work any more"),
    });
    const [one, other] = [await agree(await start()), await agree(await start())];
    const mixed = new URL(one);
    mixed.searchParams.set("code", other.searchParams.get("code") ?? "");
    // The verifier of one does not fit the code of the other.
    expect((await comeBack(mixed)).status).toBe(422);
    expect((await comeBack(one)).status).toBe(400);
    expect((await comeBack(new URL(callbackUrl()))).status).toBe(400);
  });

  it("is not connected as somebody who is another account already", async () => {
    const [main] = [await readAccount("main")];
    const { status, text } = await comeBack(await agree(await start({ account: "third" }), main.userId));
    expect([status, text]).toEqual([409, expect.stringContaining("“main”")]);
    expect((await punctual.api("/accounts/third")).status).toBe(404);
  });

  it("keeps its queue while it is away, and goes on when it is back", async () => {
    const away = await create("Held while away", 4_000);
    const gone = await send("/accounts/second", "DELETE");
    expect(accountView.parse(await gone.json())).toMatchObject({
      status: "needs-reconnect",
      reason: { code: "account-disconnected" },
    });
    const health = accountHealthView.parse(await (await punctual.api("/accounts/second/health")).json());
    expect(health.credentials).toEqual({ stored: false, kind: null, needsReconnect: true });
    expect((await statusOf(away, "held")).reason).toMatchObject({ code: "account-disconnected" });
    expect((await send("/accounts/second/resume", "POST")).status).toBe(409);

    expect((await comeBack(await agree(await start()))).status).toBe(200);
    await punctual.sweep();
    await statusOf(away, "published");
    expect(postOf("Held while away")).toMatchObject({ userId: SANDBOX_SECOND_USER.id });
    expect(punctual.sandbox?.posts().filter(({ text }) => text === "Held while away")).toHaveLength(1);
  });
});

describe("an account with tokens", () => {
  it("is stored only if X vouches for them, and verified whenever somebody asks", async () => {
    const refused = await send("/accounts/connect/oauth1", "POST", {
      account: "fourth",
      oauth1: { apiKey: "a", apiSecret: "b", accessToken: "c", accessSecret: "d" },
    });
    expect([refused.status, await refused.json()]).toMatchObject([422, { code: "credentials-refused" }]);
    const verified = await send("/accounts/main/verify", "POST");
    expect([verified.status, await verified.json()]).toMatchObject([
      200,
      { verified: true, account: { username: "punctual_dev" } },
    ]);
  });

  it("is left alone while it is paused", async () => {
    const paused = await send("/accounts/second/pause", "POST");
    expect(accountView.parse(await paused.json()).status).toBe("paused");
    const waiting = await create("Held by a pause", 3_000);
    expect((await statusOf(waiting, "held")).reason).toMatchObject({ code: "paused-by-owner" });
    expect((await send("/accounts/second/resume", "POST")).status).toBe(200);
    await punctual.sweep();
    await statusOf(waiting, "published");
  });
});
