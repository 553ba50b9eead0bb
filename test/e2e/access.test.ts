import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPunctual, type TestPunctual } from "#test/support/punctual.ts";
import { waitFor } from "#test/support/wait-for.ts";

let punctual: TestPunctual;

beforeAll(async () => {
  punctual = await startPunctual();
});
afterAll(() => punctual?.close());

const PASSWORD = "nine kites over the harbour";
const JSON_TYPE = { "content-type": "application/json" };
const OURS = { "x-punctual-console": "1" };

const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  fetch(`${punctual.apiUrl}${path}`, {
    method,
    headers: { ...(body !== undefined && JSON_TYPE), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
const byKey = () => ({ authorization: `Bearer ${punctual.apiKey}` });

describe("a person who was invited", () => {
  it("signs in, works below /console, and is out after signing out", async () => {
    const wish = { name: "Ann", email: "ann@example.org", role: "editor" };
    const invited = await send("POST", "/api/v1/users", wish, byKey());
    expect(invited.status).toBe(201);
    const { invitationCode } = (await invited.json()) as { invitationCode: string };
    const accepted = await send("POST", "/api/v1/sessions/invitations", {
      invitationCode,
      password: PASSWORD,
    });
    expect(accepted.status).toBe(200);

    const wrong = await send("POST", "/api/v1/sessions", { email: wish.email, password: `${PASSWORD}!` });
    expect(wrong.status).toBe(401);
    const signedIn = await send("POST", "/api/v1/sessions", { email: wish.email, password: PASSWORD });
    expect(signedIn.status).toBe(201);
    const cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
    expect(cookie).toMatch(/^__Host-punctual=main\./);

    const me = await send("GET", "/console/api/v1/whoami", undefined, { cookie });
    expect(await me.json()).toMatchObject({
      via: "session",
      scopes: ["read", "write"],
      user: { name: "Ann" },
    });
    const post = { text: "By cookie.", publishAt: "2099-01-01 09:00" };
    const forged = await send("POST", "/console/api/v1/scheduling/tasks", post, { cookie });
    expect(forged.status).toBe(403);
    const made = await send("POST", "/console/api/v1/contents", { text: "By cookie." }, { cookie, ...OURS });
    expect([made.status, made.headers.get("location")]).toEqual([201, expect.stringContaining("/contents/")]);
    // A cookie opens nothing else, and a key nothing there.
    expect((await send("GET", "/api/v1/whoami", undefined, { cookie })).status).toBe(401);
    expect((await send("GET", "/console/api/v1/whoami", undefined, byKey())).status).toBe(401);

    const out = await send("DELETE", "/console/api/v1/sessions/current", undefined, { cookie, ...OURS });
    expect(out.status).toBe(200);
    expect((await send("GET", "/console/api/v1/whoami", undefined, { cookie })).status).toBe(403);
  });

  it("has left a trace of everything, refusals before any route too", async () => {
    await send("GET", "/api/v1/whoami", undefined, { authorization: "Bearer pnc_nonsense" });
    const audited = await waitFor("the denial to be in the audit log", async () => {
      const { items } = (await (await send("GET", "/api/v1/audit?limit=100", undefined, byKey())).json()) as {
        items: { action: string; problem?: string; status: number }[];
      };
      const seen = items.map(({ action, status, problem }) => `${action} ${problem ?? status}`);
      return seen.includes("authorize-request malformed") ? seen : undefined;
    });
    expect(audited).toEqual(
      expect.arrayContaining([
        "createUser 201",
        "acceptInvitation 200",
        "signIn bad-credentials",
        "signIn 201",
        "authorize-request console-header-missing",
        "createContent 201",
        "signOut 200",
        "authorize-request unknown",
      ]),
    );
    const verified = await send("GET", "/api/v1/audit/verify", undefined, byKey());
    expect(await verified.json()).toMatchObject({ ok: true, checked: audited.length });
  });
});
