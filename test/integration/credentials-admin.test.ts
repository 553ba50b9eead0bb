import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runAdmin } from "#infra/admin.ts";
import { SANDBOX_OAUTH1, SANDBOX_OAUTH2 } from "#infra/local/sandbox/credentials.ts";
import { type Sandbox, startSandbox } from "#infra/local/sandbox/sandbox.ts";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoWriterKeyVault } from "#shared/adapters/dynamodb/writer-key-vault.ts";
import { createKmsEnvelope } from "#shared/adapters/kms/envelope.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { accountIdFor } from "#shared/domain/account.ts";
import { parseApiKey } from "#shared/domain/api-key.ts";
import { FIRST_OWNER } from "#shared/usecases/initialize-service.ts";
import { startTestTable, type TestTable } from "#test/support/dynamodb.ts";
import { type KeyService, startKeyService } from "#test/support/key-service.ts";

let table: TestTable;
let keyService: KeyService;
let sandbox: Sandbox;
let directory: string;
let variables: Record<string, string>;

beforeAll(async () => {
  [table, sandbox] = await Promise.all([startTestTable(), startSandbox()]);
  const endpoint = await table.client.config.endpoint?.();
  keyService = await startKeyService(`http://${endpoint?.hostname}:${endpoint?.port}`);
  directory = await mkdtemp(join(tmpdir(), "punctual-admin-"));
  await mkdir(join(directory, ".punctual"));
  await writeFile(
    join(directory, ".punctual", "outputs.json"),
    JSON.stringify({
      PunctualData: { TableName: table.tableName, CredentialsKeyId: keyService.keyId, BucketName: "b" },
      PunctualService: { ApiUrl: "https://api.example" },
    }),
  );
});
afterAll(async () => {
  await Promise.all([sandbox?.close(), keyService?.close()]);
  await table?.close();
  if (directory) await rm(directory, { recursive: true, force: true });
});

const OAUTH1 = {
  X_API_KEY: SANDBOX_OAUTH1.apiKey,
  X_API_SECRET: SANDBOX_OAUTH1.apiSecret,
  X_ACCESS_TOKEN: SANDBOX_OAUTH1.accessToken,
  X_ACCESS_SECRET: SANDBOX_OAUTH1.accessSecret,
};
const SECRETS = [
  SANDBOX_OAUTH1.apiSecret,
  SANDBOX_OAUTH1.accessToken,
  SANDBOX_OAUTH1.accessSecret,
  SANDBOX_OAUTH2.clientSecret,
  SANDBOX_OAUTH2.refreshToken,
];

beforeEach(() => {
  variables = { AWS_ENDPOINT_URL: keyService.url, X_ENDPOINT: sandbox.url };
});

async function admin(...args: string[]) {
  const out: string[] = [];
  const errors: string[] = [];
  const code = await runAdmin({
    args,
    variables,
    directory,
    out: (line) => out.push(line),
    err: (line) => errors.push(line),
  });
  const result = { code, out: out.join("\n"), err: errors.join("\n") };
  for (const secret of SECRETS) expect(result.out + result.err).not.toContain(secret);
  return { ...result, json: () => JSON.parse(result.out) };
}

describe("npm run admin -- --local", () => {
  it("finds what npm start wrote down, and says what to do when there is nothing", async () => {
    const local = ["--local", directory];
    variables = {};
    const missing = await admin(...local, "accounts");
    expect(missing).toMatchObject({ code: 1, err: expect.stringContaining("npm start") });

    await mkdir(join(directory, "state"), { recursive: true });
    const written = {
      endpoint: keyService.url,
      xEndpoint: sandbox.url,
      table: table.tableName,
      credentialsKey: keyService.keyId,
    };
    await writeFile(join(directory, "state", "local.json"), JSON.stringify(written));
    const found = await admin(...local, "keys", "list");
    expect(found).toMatchObject({ code: 0, err: "" });
  });
});

describe("npm run admin -- init", () => {
  it("sets a deployment up from .env, and changes nothing the second time", async () => {
    const dotEnv = join(directory, ".env");
    await writeFile(
      dotEnv,
      Object.entries(OAUTH1)
        .map((pair) => pair.join("="))
        .join("\n"),
    );
    const first = await admin("init", "--json", "--time-zone", "Europe/Berlin");
    expect(first).toMatchObject({ code: 0, err: "" });
    expect(first.json()).toEqual({
      project: { name: "default", timeZone: "Europe/Berlin" },
      account: { name: "main", status: "active", username: "punctual_dev" },
      credentials: "stored",
      verified: true,
      apiKey: expect.stringMatching(/^pnc_/),
      warnings: [],
      geminiKey: "none",
      job: "fill-days-default",
    });
    expect(parseApiKey(first.json().apiKey).ok).toBe(true);

    const second = await admin("init", "--json");
    expect(second.json()).toMatchObject({ credentials: "unchanged", verified: true, warnings: [] });
    expect(second.json()).not.toHaveProperty("apiKey");
    const third = await admin("init");
    expect(third.out).toMatch(/Project +default .*Europe\/Berlin/);
    expect(third.out).toMatch(/Account +main .*@punctual_dev, checked with X/);
    await rm(dotEnv);
  });

  it("prefers variables of the shell, and takes OAuth 2.0", async () => {
    Object.assign(variables, {
      X_CLIENT_ID: SANDBOX_OAUTH2.clientId,
      X_CLIENT_SECRET: SANDBOX_OAUTH2.clientSecret,
      X_REFRESH_TOKEN: SANDBOX_OAUTH2.refreshToken,
    });
    const first = await admin("init", "--project", "shop", "--account", "shop", "--json");
    expect(first.json()).toMatchObject({ credentials: "stored", verified: true });
    // The refresh token is used up now; the renewed pair must survive.
    const second = await admin("init", "--project", "shop", "--account", "shop", "--json");
    expect(second.json()).toMatchObject({ credentials: "unchanged", verified: true, warnings: [] });
  });

  it("stores the key of Gemini, and never shows it", async () => {
    Object.assign(variables, OAUTH1, { GEMINI_API_KEY: " AIza-secret " });
    const first = await admin("init", "--project", "wrote", "--account", "wrote", "--json");
    expect(first.json()).toMatchObject({ geminiKey: "stored" });
    expect(first.out).not.toContain("AIza");
    delete variables["GEMINI_API_KEY"];
    expect((await admin("init", "--project", "wrote", "--account", "wrote")).out).toMatch(
      /Gemini key +as before/,
    );
    const stored = createDynamoWriterKeyVault({ ...table, envelope: createKmsEnvelope(keyService) });
    expect(await stored.load()).toBe("AIza-secret");
  });

  it("warns about credentials that X refuses, and is done", async () => {
    Object.assign(variables, OAUTH1, { X_ACCESS_SECRET: "mistyped" });
    const run = await admin("init", "--project", "typo", "--account", "typo");
    expect(run.code).toBe(0);
    expect(run.out).toContain("Warning: The account typo could not be checked.");
    expect(run.out).toContain("Remedy: ");
  });

  it.each<[string, Record<string, string>, string[], RegExp]>([
    ["half a set", { ...OAUTH1, X_ACCESS_SECRET: "" }, ["init"], /^X_ACCESS_SECRET is missing/],
    ["a key with spaces", { ...OAUTH1, GEMINI_API_KEY: "two words" }, ["init"], /^GEMINI_API_KEY is not/],
    ["a strange name", OAUTH1, ["init", "--project", "../x"], /cannot be the name of a project/],
    ["no time zone", OAUTH1, ["init", "--time-zone", "Berlin"], /There is no time zone/],
    ["a taken project", OAUTH1, ["init", "--account", "other"], /posts with main\. Remedy/],
    ["an unknown file", {}, ["init", "--env-file", "/nowhere/.env"], /cannot be read\. Remedy/],
    ["an unknown stage", OAUTH1, ["init", "--stage", "beta"], /No deployment of the stage beta is known/],
    ["an unknown table", OAUTH1, ["init", "--table", "nowhere"], /AWS does not know the table/],
    ["a dead endpoint", OAUTH1, ["init", "--endpoint", "http://127.0.0.1:1"], /AWS cannot be reached/],
  ])("refuses %s with a remedy", async (_, over, args, message) => {
    Object.assign(variables, over);
    const run = await admin(...args);
    expect(run).toMatchObject({ code: 1, out: "" });
    expect(run.err).toMatch(message);
    expect(run.err).toContain("Remedy: ");
  });

  it("never hands the shell's AWS keys to the local cloud", async () => {
    const seen: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response
        .writeHead(400, { "content-type": "application/x-amz-json-1.0" })
        .end('{"__type":"AccessDeniedException"}');
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    Object.assign(variables, { AWS_ACCESS_KEY_ID: "AKIAREAL", AWS_SECRET_ACCESS_KEY: "real" });
    const run = await admin("accounts", "--endpoint", `http://localhost:${port}`);
    await new Promise((resolve) => server.close(resolve));
    expect(run.code).toBe(1);
    expect(seen.length).toBeGreaterThan(0);
    for (const header of seen) expect(header).toContain("Credential=OPERATOR/");
  });
});

describe("npm run admin -- accounts", () => {
  it("lists accounts with their state, and lets a paused one post again", async () => {
    Object.assign(variables, OAUTH1);
    await admin("init");
    const store = createDynamoAccountStore({ ...table, clock, entropy });
    const reason = { code: "credits-depleted", message: "No credits.", remedy: "Buy some." };
    await store.deactivateAccount(accountIdFor(FIRST_OWNER, "main"), { status: "paused", reason });
    expect((await admin("accounts")).out).toMatch(
      /^main {2}paused {2}@punctual_dev {2}No credits\. Buy some\.$/m,
    );
    expect((await admin("accounts", "resume", "main")).out).toBe("main may post again.");
    expect((await admin("accounts", "list", "--json")).json()).toContainEqual(
      expect.objectContaining({ name: "main", status: "active" }),
    );
    expect((await admin("accounts", "resume", "nobody")).err).toMatch(/There is no account nobody\. Remedy/);
  });
});

describe("npm run admin -- keys", () => {
  it("makes a key, shows it once, and ends it", async () => {
    const made = (
      await admin("keys", "create", "ci", "--scopes", "read,write", "--expires-in-days", "90", "--json")
    ).json();
    expect(made).toMatchObject({
      name: "ci",
      scopes: ["read", "write"],
      apiKey: expect.stringMatching(/^pnc_/),
    });
    const lasts = Date.parse(made.expiresAt) - Date.parse(made.createdAt);
    expect(Math.round(lasts / 86_400_000)).toBe(90);

    const list = await admin("keys");
    expect(list.out).toContain(`${made.id}  ci  read,write  valid  never used`);
    expect(list.out).not.toContain(made.apiKey);

    expect(await admin("keys", "revoke", made.id)).toMatchObject({
      code: 0,
      out: `ci (${made.id}) no longer works.`,
    });
    expect((await admin("keys", "list")).out).not.toContain(made.id);
    expect((await admin("keys", "revoke", made.id)).err).toMatch(/There is no key .* Remedy/);
  });
});

describe("npm run admin", () => {
  it.each([
    [["--help"], "npm run admin -- init"],
    [["init", "--help"], "--new-key"],
    [["keys", "create", "--help"], "--expires-in-days"],
  ])("teaches with %j", async (args, taught) => {
    const run = await admin(...args);
    expect(run).toMatchObject({ code: 0, err: "" });
    expect(run.out).toContain(taught);
  });

  it.each([
    [["bogus"], /unknown command/],
    [["init", "--bogus"], /unknown option/],
    [["keys", "create"], /missing required argument/],
    [["keys", "create", "x", "--scopes", "root"], /Known scopes: read, write/],
    [["keys", "create", "x", "--expires-in-days", "0"], /Give whole days/],
    [["init", "--endpoint", "http://user:secret@127.0.0.1"], /Give an http or https address/],
  ])("answers 2 to %j", async (args, message) => {
    const run = await admin(...args);
    expect(run.code).toBe(2);
    expect(run.err).toMatch(message);
  });
});
