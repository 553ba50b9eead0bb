/** Projects, accounts, keys, users, audit and webhooks as people type them, answered by the real API in memory. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aTerminal, type Typed } from "../../unit/cli/surroundings.ts";
import { KEYS, startApi, type TestApi } from "./api-server.ts";

let api: TestApi;
let home: string;
let punctual: (line: string, typed?: Typed) => ReturnType<ReturnType<typeof aTerminal>["run"]>;

const as = (key: string) => ({ PUNCTUAL_URL: api.url, PUNCTUAL_KEY: key });

beforeEach(async () => {
  api = await startApi();
  home = await mkdtemp(join(tmpdir(), "punctual-cli-"));
  const terminal = aTerminal(home, { fetch, now: () => api.clock.now() });
  punctual = (line, typed = {}) => terminal.run(line.split(" "), { variables: as(KEYS.anne), ...typed });
});
afterEach(async () => {
  await api.close();
  await rm(home, { recursive: true, force: true });
});

describe("projects", () => {
  it("are made, shown, changed and deleted", async () => {
    const made = await punctual(
      "projects create shop --account main --time-zone Europe/Berlin --preset open",
    );
    expect(made).toMatchObject({ code: 0, out: expect.stringContaining("Time zone  Europe/Berlin") });
    expect((await punctual("projects list -q")).out.split("\n").toSorted()).toEqual(["default", "shop"]);
    const changed = await punctual(
      "projects update shop --account second --account main --default-account second --json",
    );
    expect(JSON.parse(changed.out)).toMatchObject({ accounts: ["second", "main"], defaultAccount: "second" });
    expect(await punctual("projects delete shop")).toMatchObject({ code: 2 });
    expect(await punctual("projects delete shop --yes")).toMatchObject({ code: 0 });
    expect(await punctual("projects show shop")).toMatchObject({
      code: 4,
      err: expect.stringContaining("projects list"),
    });
    expect(await punctual("projects create default --account main")).toMatchObject({ code: 5 });
  });
});

describe("accounts", () => {
  it("are listed, paused until a time, and resumed unless they have no access", async () => {
    expect(await punctual("accounts list")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/main +active/),
    });
    const paused = await punctual("accounts pause main --until +2h");
    expect(paused).toMatchObject({
      code: 0,
      out: expect.stringContaining("until 2026-12-01 11:00:00 Asia/Shanghai"),
    });
    // Nothing is stored here that X would accept.
    expect(await punctual("accounts resume main")).toMatchObject({
      code: 5,
      err: expect.stringContaining("Remedy: `punctual accounts connect`"),
    });
    expect(await punctual("accounts show main")).toMatchObject({
      code: 0,
      out: expect.stringContaining("Circuit"),
    });
    expect(await punctual("accounts quota main")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/15 min +0 of/),
    });
    expect(await punctual("accounts show nobody")).toMatchObject({ code: 4 });
  });

  it("take no tokens where nobody can be asked, and none that are no JSON", async () => {
    expect(await punctual("accounts connect third --tokens")).toMatchObject({ code: 2 });
    expect(await punctual("accounts connect third --tokens-stdin", { input: "apiKey=1" })).toMatchObject({
      code: 2,
    });
  });
});

describe("keys", () => {
  it("are shown once, rotated and revoked by their names", async () => {
    const made = await punctual("keys create ci --scopes read,write --expires-in-days 90");
    expect(made).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^pnc_[0-9A-Za-z]{33}_[0-9A-Za-z]{6}\nShown only now/),
    });
    const [key = ""] = made.out.split("\n");
    expect((await punctual("keys list --json")).out).not.toContain(key);
    expect(await punctual("keys list")).toMatchObject({
      out: expect.stringMatching(/ci +read,write +2027-03-01/),
    });
    expect((await punctual("keys create shop -q")).out).toMatch(/^pnc_\S+$/);
    const rotated = await punctual("keys rotate ci");
    expect(rotated).toMatchObject({ code: 0, out: expect.stringContaining("The old one works until") });
    expect(await punctual("keys revoke shop")).toMatchObject({ code: 2 });
    expect(await punctual("keys revoke shop --yes")).toMatchObject({ code: 0 });
    expect(await punctual("keys revoke nothing --yes")).toMatchObject({ code: 4 });
    expect(await punctual("keys create x --scopes fly")).toMatchObject({ code: 2 });
  });
});

describe("users", () => {
  it("are invited, changed by name or e-mail, and deleted", async () => {
    const invited = await punctual("users create Carla carla@example.com --role editor");
    expect(invited).toMatchObject({ code: 0, out: expect.stringContaining("Shown only now") });
    expect(await punctual("users create carla other@example.com")).toMatchObject({ code: 5 });
    const changed = await punctual("users update carla@example.com --role publisher --json");
    expect(JSON.parse(changed.out)).toMatchObject({ role: "publisher" });
    expect(await punctual("users update Carla --disable")).toMatchObject({ code: 2 });
    expect(await punctual("users list")).toMatchObject({
      out: expect.stringMatching(/Carla +carla@example.com +publisher/),
    });
    expect(await punctual("users delete Carla --yes")).toMatchObject({ code: 0 });
    expect(await punctual("users delete Carla --yes")).toMatchObject({ code: 4 });
  });
});

describe("audit", () => {
  it("lists what was changed, and shows that nothing is missing", async () => {
    await punctual("keys create ci");
    expect(await punctual("audit list")).toMatchObject({ code: 0 });
    const { code, out } = await punctual("audit verify --json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ ok: true });
  });
});

describe("webhooks", () => {
  it("are listed, pinged, followed and deleted", async () => {
    const { out: id } = await punctual("webhooks list -q");
    expect(await punctual("webhooks list")).toMatchObject({
      out: expect.stringMatching(/active +0 +https:/),
    });
    // Nobody delivers here: it is on its way when the waiting ends.
    let now = api.clock.now().getTime();
    const pinged = await punctual(`webhooks ping ${id} --json`, {
      over: {
        now: () => new Date(now),
        sleep: async (ms) => {
          now += ms;
        },
      },
    });
    expect(pinged).toMatchObject({ code: 0, err: "" });
    const { id: deliveryId } = JSON.parse(pinged.out);
    expect(await punctual(`webhooks deliveries ${id}`)).toMatchObject({
      code: 0,
      out: "Nothing was sent yet.",
    });
    expect(await punctual(`webhooks replay ${id} ${deliveryId}`)).toMatchObject({ code: 4 });
    expect(await punctual(`webhooks delete ${id}`)).toMatchObject({ code: 2 });
    expect(await punctual(`webhooks delete ${id} --yes`)).toMatchObject({ code: 0 });
    expect(await punctual(`webhooks delete ${id} --yes`)).toMatchObject({ code: 4 });
    expect(await punctual("webhooks list")).toMatchObject({ out: expect.stringContaining("No webhooks") });
  });
});
