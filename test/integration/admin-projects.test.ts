import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runAdmin } from "#infra/admin.ts";
import { SANDBOX_APPS, SANDBOX_OAUTH1, SANDBOX_USERS } from "#infra/local/sandbox/credentials.ts";
import { type Sandbox, startSandbox } from "#infra/local/sandbox/sandbox.ts";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { accountIdFor } from "#shared/domain/account.ts";
import { PRESETS } from "#shared/domain/planning/presets.ts";
import { WAKE_SHARDS } from "#shared/ports/task-store.ts";
import { FIRST_OWNER } from "#shared/usecases/initialize-service.ts";
import { startTestTable, type TestTable } from "#test/support/dynamodb.ts";
import { type KeyService, startKeyService } from "#test/support/key-service.ts";

let table: TestTable;
let keyService: KeyService;
let sandbox: Sandbox;
let directory: string;
let variables: Record<string, string>;

const FIRST = {
  X_API_KEY: SANDBOX_OAUTH1.apiKey,
  X_API_SECRET: SANDBOX_OAUTH1.apiSecret,
  X_ACCESS_TOKEN: SANDBOX_OAUTH1.accessToken,
  X_ACCESS_SECRET: SANDBOX_OAUTH1.accessSecret,
};
const SECOND = { ...FIRST, X_ACCESS_TOKEN: "1500000000000000002-kites", X_ACCESS_SECRET: "kites-secret" };
/** Other tokens of the first user. */
const RENEWED = {
  ...FIRST,
  X_ACCESS_TOKEN: "1500000000000000001-renewed",
  X_ACCESS_SECRET: "renewed-secret",
};
const tokens = ({ X_API_KEY, X_ACCESS_TOKEN, X_ACCESS_SECRET }: typeof SECOND) => ({
  apiKey: X_API_KEY,
  accessToken: X_ACCESS_TOKEN,
  accessSecret: X_ACCESS_SECRET,
});

beforeAll(async () => {
  const [dev] = SANDBOX_USERS;
  if (!dev) throw new Error("the sandbox has no user");
  [table, sandbox] = await Promise.all([
    startTestTable(),
    startSandbox({
      apps: SANDBOX_APPS,
      users: [
        { ...dev, oauth1: [tokens({ ...SECOND, ...FIRST }), tokens(RENEWED)] },
        { id: "1500000000000000002", username: "kites", name: "Kites", oauth1: [tokens(SECOND)] },
      ],
    }),
  ]);
  const endpoint = await table.client.config.endpoint?.();
  keyService = await startKeyService(`http://${endpoint?.hostname}:${endpoint?.port}`);
  directory = await mkdtemp(join(tmpdir(), "punctual-projects-"));
  await mkdir(join(directory, ".punctual"));
  await writeFile(
    join(directory, ".punctual", "outputs.json"),
    JSON.stringify({
      PunctualData: { TableName: table.tableName, CredentialsKeyId: keyService.keyId },
      PunctualService: { ApiUrl: "https://api.example" },
    }),
  );
});
afterAll(async () => {
  await Promise.all([sandbox?.close(), keyService?.close()]);
  await table?.close();
  if (directory) await rm(directory, { recursive: true, force: true });
});

beforeEach(async () => {
  variables = { AWS_ENDPOINT_URL: keyService.url, X_ENDPOINT: sandbox.url };
  await admin(FIRST, "init", "--preset", "open", "--time-zone", "Europe/Berlin");
});

async function admin(credentials: Record<string, string>, ...args: string[]) {
  const out: string[] = [];
  const errors: string[] = [];
  const code = await runAdmin({
    args,
    variables: { ...variables, ...credentials },
    directory,
    out: (line) => out.push(line),
    err: (line) => errors.push(line),
  });
  const result = { code, out: out.join("\n"), err: errors.join("\n") };
  for (const secret of [SANDBOX_OAUTH1.apiSecret, "kites-secret", "renewed-secret"])
    expect(result.out + result.err).not.toContain(secret);
  return { ...result, json: () => JSON.parse(result.out) };
}

const store = () => createDynamoAccountStore({ ...table, clock, entropy });
const MAIN = accountIdFor(FIRST_OWNER, "main");
const account = async (id = MAIN) => {
  const found = await store().getAccount(id);
  if (!found) throw new Error(`there is no account ${id}`);
  return found;
};
const project = async () => {
  const found = await store().getProjectByFolder("default");
  if (!found) throw new Error("there is no project");
  return found;
};
/** What the sweeper would look at now. */
async function due() {
  const tasks = createDynamoTaskStore({ ...table, clock, entropy });
  const shards = Array.from({ length: WAKE_SHARDS }, (_, shard) => tasks.listDue(shard, clock.now(), 100));
  return (await Promise.all(shards)).flat();
}
const REASON = { code: "credits-depleted", message: "No credits.", remedy: "Buy some." };

describe("npm run admin -- projects", () => {
  it("lists projects with their accounts and rules", async () => {
    const list = await admin({}, "projects");
    expect(list).toMatchObject({ code: 0, err: "" });
    expect(list.out).toMatch(/^default {2}drop\/default\/ {2}Europe\/Berlin {2}accounts: main/m);
    expect(list.out).toMatch(/posts a day +as X allows/);
    expect((await admin({}, "projects", "list", "--json")).json()).toContainEqual({
      name: "default",
      timeZone: "Europe/Berlin",
      accounts: ["main"],
      policy: {},
      weight: 5,
      version: expect.any(Number),
    });
  });

  it("changes what is given, and shows it before and after", async () => {
    const all = ["--interval", "90m", "--daily-max", "10", "--blackout", "22-7", "--budget", "5.00"];
    const set = await admin({}, "projects", "policy", "default", ...all, "--weight", "3");
    expect(set).toMatchObject({ code: 0, err: "" });
    expect(set.out).toMatch(/^ {2}interval between posts +none +→ {2}90 minutes$/m);
    expect(set.out).toMatch(/^ {2}blackout +none +→ {2}22:00 to 7:00 Europe\/Berlin$/m);
    expect(set.out).toMatch(/^ {2}budget a month +none +→ {2}\$5\.00$/m);
    expect(set.out).toMatch(/^ {2}weight +5 +→ {2}3$/m);
    const policy = {
      minIntervalMs: 5_400_000,
      dailyMax: 10,
      blackout: { fromHour: 22, toHour: 7 },
      monthlyBudgetMicros: 5_000_000,
    };
    expect(await project()).toMatchObject({ policy, weight: 3 });

    const frozen = await admin({}, "projects", "policy", "default", "--freeze", "--json");
    expect(frozen.json()).toMatchObject({
      before: { policy, weight: 3 },
      after: { policy: { ...policy, frozen: true }, weight: 3 },
    });
    await admin({}, "projects", "policy", "default", "--unfreeze", "--interval", "none");
    const { minIntervalMs: _, ...rest } = policy;
    expect((await project()).policy).toEqual(rest);

    const shown = await admin({}, "projects", "policy", "default");
    expect(shown.out).not.toContain("→");
    expect((await project()).policy).toEqual(rest);

    await admin({}, "projects", "policy", "default", "--clear", "--daily-max", "2");
    expect(await project()).toMatchObject({ policy: { dailyMax: 2 } });
    expect(await project()).not.toHaveProperty("weight");
    await admin({}, "projects", "policy", "default", "--clear");
    expect(await project()).not.toHaveProperty("policy");
  });

  it.each([
    [["--interval", "90"], /Give a number and s, m, h or d, such as 90m, or none/],
    [["--interval", "2d"], /Give at most 1d/],
    [["--daily-max", "0"], /whole number from 1/],
    [["--daily-max", "1.5"], /whole number from 1/],
    [["--blackout", "7"], /Give two hours/],
    [["--blackout", "24-7"], /Give two hours/],
    [["--blackout", "0-24"], /leaves some hours/],
    [["--blackout", "7-7"], /leaves some hours/],
    [["--budget", "-5"], /Give US dollars/],
    [["--budget", "5,00"], /Give US dollars/],
    [["--weight", "11"], /whole number from 1 to 10/],
    [["--preset", "stedy"], /Allowed choices are steady/],
    [["--preset", "steady", "--clear"], /cannot be used with/],
    [["--optimal-hours", "9;12"], /Give hours/],
    [["--blackout-dates", "Christmas"], /Give dates/],
    [["--set", "jitter=20m"], /Give a JSON object/],
    [["--set", '{"jiter":"20m"}'], /jiter/],
    [["--set", '{"lead":20}'], /lead: /],
    [["--freeze", "--unfreeze"], /cannot be used with/],
  ])("answers 2 to %j, and changes nothing", async (args, message) => {
    const before = await project();
    const run = await admin({}, "projects", "policy", "default", ...args);
    expect(run.code).toBe(2);
    expect(run.err).toMatch(message);
    expect(await project()).toEqual(before);
  });

  it("starts from a preset, sets every field there is, and keeps each change as a version", async () => {
    await admin({}, "projects", "policy", "default", "--clear", "--budget", "5");
    const { policyVersion = 0 } = await project();
    const holidays = [{ name: "DE", dates: ["2026-12-25", "2026-12-26"] }];
    const set = await admin(
      {},
      ...["projects", "policy", "default", "--preset", "conservative", "--daily-min", "2"],
      ...["--optimal-hours", "9,15,21", "--blackout-dates", "2026-12-24", "--time-zone", "Asia/Shanghai"],
      ...[
        "--set",
        JSON.stringify({ holidays, jitter: "20m", latePolicy: { postWithin: "2h", then: "hold" } }),
      ],
    );
    expect(set).toMatchObject({ code: 0, err: "" });
    expect(set.out).toMatch(/^ {2}posts a day +as X allows +→ {2}2 to 5$/m);
    expect(set.out).toMatch(/^ {2}holidays +none +→ {2}“DE” \(2 days\)$/m);
    expect(set.out).toMatch(/^ {2}jitter, lead +40 minutes, 1 minute +→ {2}20 minutes, 1 minute$/m);
    expect(set.out).toMatch(/^ {2}budget a month +\$5\.00$/m);
    expect(await project()).toMatchObject({
      timeZone: "Asia/Shanghai",
      policyVersion: policyVersion + 1,
      policy: {
        ...PRESETS.conservative,
        dailyMin: 2,
        optimalHours: [9, 15, 21],
        blackoutDates: ["2026-12-24"],
        holidays,
        jitterMs: 1_200_000,
        latePolicy: { postWithinMs: 7_200_000, then: "hold" },
        monthlyBudgetMicros: 5_000_000,
      },
    });

    const versions = await admin({}, "projects", "versions", "default");
    expect(versions.out).toMatch(new RegExp(`^Version ${policyVersion + 1}, \\d{4}-.*, by admin$`, "m"));
    expect(versions.out.indexOf(`Version ${policyVersion + 1},`)).toBeLessThan(
      versions.out.indexOf(`Version ${policyVersion},`),
    );
    expect((await admin({}, "projects", "versions", "default", "--json")).json()[0]).toMatchObject({
      version: policyVersion + 1,
      minInterval: "4h",
      savedBy: "admin",
    });
    await admin({}, "projects", "policy", "default", "--clear", "--time-zone", "Europe/Berlin");
  });

  it("refuses what cannot be kept, with the arithmetic, and changes nothing", async () => {
    await admin({}, "projects", "policy", "default", "--preset", "steady");
    const before = await project();
    const run = await admin({}, "projects", "policy", "default", "--interval", "4h");
    expect(run).toMatchObject({ code: 1, out: "" });
    expect(run.err).toContain("at most 5 posts a day, and the daily minimum is 6");
    expect(run.err).toContain("leave 9, 15, 21 of the optimal hours 9, 12, 15, 18, 21");
    expect(run.err).toContain("Remedy: ");
    expect(await project()).toEqual(before);
    const warned = await admin(
      {},
      "projects",
      "policy",
      "default",
      "--clear",
      "--interval",
      "4h",
      "--daily-max",
      "9",
    );
    expect(warned).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Warning: .*at most 6 posts a day/m),
    });
    await admin({}, "projects", "policy", "default", "--clear");
  });

  it("names the projects there are, and teaches", async () => {
    const run = await admin({}, "projects", "policy", "nowhere", "--freeze");
    expect(run).toMatchObject({
      code: 1,
      err: expect.stringMatching(/no project nowhere\. Remedy: .*default/),
    });
    const help = await admin({}, "projects", "policy", "--help");
    expect(help.out).toContain("--blackout 0-7 --budget 5.00");
  });
});

describe("npm run admin -- init", () => {
  const CLIENT = { X_CLIENT_ID: "client", X_CLIENT_SECRET: "renewed-secret", X_REFRESH_TOKEN: "refresh" };
  const made = async (name: string) => (await store().getProjectByFolder(name))?.policy;

  it("gives a new project the preset steady, as the first version of its policy", async () => {
    const run = await admin(CLIENT, "init", "--project", "shop", "--account", "shop");
    expect(run.out).toMatch(/^Rules +the preset steady; `projects policy shop`/m);
    expect(await made("shop")).toEqual(PRESETS.steady);
    expect((await admin({}, "projects", "versions", "shop")).out).toMatch(/^Version 1, .* by admin init$/m);

    const again = await admin({}, "init", "--project", "shop", "--account", "shop", "--preset", "quiet");
    expect(again.out).toMatch(/^Rules +as before;/m);
    expect(await made("shop")).toEqual(PRESETS.steady);
  });

  it("takes another one by name, or none", async () => {
    await admin(CLIENT, "init", "--project", "rare", "--account", "rare", "--preset", "quiet");
    expect(await made("rare")).toEqual(PRESETS.quiet);
    expect(
      await admin(CLIENT, "init", "--project", "typo", "--account", "typo", "--preset", "qiet"),
    ).toMatchObject({
      code: 2,
    });
    expect(await store().getProjectByFolder("typo")).toBeUndefined();
  });
});

describe("npm run admin -- accounts add", () => {
  it("connects one more account, from its own file, and lets the project post with it", async () => {
    const file = join(directory, ".env.second");
    await writeFile(
      file,
      Object.entries(SECOND)
        .flatMap((pair) => pair.join("="))
        .join("\n"),
    );
    const added = await admin({}, "--env-file", file, "accounts", "add", "second");
    expect(added).toMatchObject({ code: 0, err: "" });
    expect(added.out).toMatch(/Account +second \(new, @kites, checked with X\)/);
    expect(added.out).toMatch(/Project +default may post with it now, and has 2 accounts/);
    const id = accountIdFor(FIRST_OWNER, "second");
    expect(await project()).toMatchObject({ accountIds: [MAIN, id], defaultAccountId: MAIN });
    expect(await account(id)).toMatchObject({ status: "active", username: "kites" });

    const again = await admin(SECOND, "accounts", "add", "second", "--json");
    expect(again.json()).toMatchObject({
      credentials: "unchanged",
      verified: true,
      project: { accounts: 2 },
    });
    expect((await project()).accountIds).toEqual([MAIN, id]);
    expect((await admin({}, "accounts")).out).toMatch(/^second {2}active {2}@kites$/m);
  });

  it.each<[string, Record<string, string>, string[], RegExp]>([
    [
      "the tokens of an account that is there",
      FIRST,
      ["third"],
      /belong to the account main \(@punctual_dev\)/,
    ],
    ["other tokens of the same user", RENEWED, ["third"], /belong to the account main \(@punctual_dev\)/],
    ["no tokens", {}, ["fourth"], /has no credentials of X/],
    ["half of the tokens", { ...SECOND, X_ACCESS_SECRET: "" }, ["third"], /X_ACCESS_SECRET is missing/],
    ["a strange name", SECOND, ["../x"], /cannot be the name of an account/],
    ["the name that stands for all", SECOND, ["any"], /cannot be the name of an account.*“any”/],
    ["an unknown project", SECOND, ["third", "--project", "nowhere"], /no project nowhere.*default/],
  ])("refuses %s with a remedy, and adds nothing to the project", async (_, given, args, message) => {
    const before = await project();
    const run = await admin(given, "accounts", "add", ...args);
    expect(run).toMatchObject({ code: 1, out: "" });
    expect(run.err).toMatch(message);
    expect(run.err).toContain("Remedy: ");
    expect(await project()).toEqual(before);
  });
});

describe("an account that was stopped", () => {
  it("goes on by itself after it is resumed", async () => {
    const until = new Date(clock.now().getTime() + 3_600_000);
    await store().deactivateAccount(MAIN, { status: "paused", reason: REASON, until });
    expect(await due()).not.toContainEqual(expect.objectContaining({ kind: "account", id: MAIN }));
    expect((await admin({}, "accounts", "resume", "main")).out).toMatch(/^main may post again\./);
    const { reason, pausedUntil, ...resumed } = await account();
    expect({ reason, pausedUntil }).toEqual({});
    expect(resumed).toMatchObject({ status: "active", wakeAt: expect.any(Date) });
    expect(await due()).toContainEqual({ kind: "account", id: MAIN, wakeAt: resumed.wakeAt });
  });

  it("goes on by itself after new tokens", async () => {
    await store().deactivateAccount(MAIN, { status: "needs-reconnect", reason: REASON });
    expect((await admin(RENEWED, "init", "--json")).json()).toMatchObject({
      credentials: "stored",
      account: { status: "active" },
    });
    const connected = await account();
    expect(connected).not.toHaveProperty("reason");
    expect(await due()).toContainEqual({ kind: "account", id: MAIN, wakeAt: connected.wakeAt });
  });

  it("stays paused when X only says who it is", async () => {
    await store().deactivateAccount(MAIN, { status: "paused", reason: REASON });
    await admin(FIRST, "init");
    expect(await account()).toMatchObject({ status: "paused", reason: REASON });
  });
});

describe("npm run admin -- check", () => {
  it("says what is missing to find the schedules", async () => {
    const run = await admin({}, "check");
    expect(run).toMatchObject({ code: 1, out: "", err: expect.stringMatching(/schedule group .* Remedy: /) });
  });

  it("says which rights it needs", async () => {
    const { out } = await admin({}, "check", "--help");
    for (const right of ["dynamodb:Scan", "scheduler:ListSchedules", "scheduler:DeleteSchedule"])
      expect(out).toContain(right);
  });
});
