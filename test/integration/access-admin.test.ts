import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runAdmin } from "#infra/admin.ts";
import { createDynamoAuditStore } from "#shared/adapters/dynamodb/audit-store.ts";
import { createDynamoKeyStore } from "#shared/adapters/dynamodb/key-store.ts";
import { createDynamoUserStore } from "#shared/adapters/dynamodb/user-store.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { isInvited, parseInvitation } from "#shared/domain/user.ts";
import { createAuthorizeRequest } from "#shared/usecases/authorize-request.ts";
import { createRecordAudit } from "#shared/usecases/record-audit.ts";
import { anAuditEntry } from "#test/contracts/audit-store.ts";
import { startTestTable, type TestTable } from "#test/support/dynamodb.ts";

let table: TestTable;
let directory: string;
let endpoint: string;

beforeAll(async () => {
  table = await startTestTable();
  directory = await mkdtemp(join(tmpdir(), "punctual-admin-"));
  const at = await table.client.config.endpoint?.();
  endpoint = `http://${at?.hostname}:${at?.port}`;
});
afterAll(async () => {
  await table?.close();
  if (directory) await rm(directory, { recursive: true, force: true });
});

async function admin(...args: string[]) {
  const out: string[] = [];
  const errors: string[] = [];
  const code = await runAdmin({
    args: ["--endpoint", endpoint, "--table", table.tableName, "--credentials-key", "unused", ...args],
    variables: {},
    directory,
    out: (line) => out.push(line),
    err: (line) => errors.push(line),
  });
  return { code, out: out.join("\n"), err: errors.join("\n"), json: () => JSON.parse(out.join("\n")) };
}
const stores = () => {
  const options = { ...table, clock, entropy };
  return { users: createDynamoUserStore(options), keys: createDynamoKeyStore(options) };
};

describe("npm run admin -- users", () => {
  it("invites the first administrator, who needs nobody to be let in", async () => {
    const { users } = stores();
    const run = await admin(
      "--json",
      "users",
      "invite",
      "ann@example.org",
      "--role",
      "admin",
      "--name",
      "Ann",
    );
    expect(run).toMatchObject({ code: 0, err: "" });
    const { id, invitationCode } = run.json();
    const read = parseInvitation(invitationCode);
    expect(read).toMatchObject({ ownerId: "main", id });
    const user = read && (await users.get(read.ownerId, read.id));
    expect(user).toMatchObject({ name: "Ann", email: "ann@example.org", role: "admin" });
    expect(read && isInvited(user, read, new Date())).toBe(true);

    const list = await admin("users");
    expect(list.out).toBe(`${id}  Ann  ann@example.org  admin  invited`);
    expect(await admin("users", "invite", "ANN@example.org")).toMatchObject({
      code: 1,
      err: expect.stringMatching(/invited already\. Remedy/),
    });
  });

  it.each([
    [["users", "invite", "no-address"], /Give an e-mail address/],
    [["users", "invite", "a@example.org", "--role", "king"], /Allowed choices are viewer, editor/],
  ])("answers 2 to %j", async (args, message) => {
    const run = await admin(...args);
    expect(run.code).toBe(2);
    expect(run.err).toMatch(message);
  });
});

describe("npm run admin -- owners", () => {
  it("makes a tenant with an admin key that works for it alone", async () => {
    const made = (await admin("--json", "owners", "add", "second")).json();
    const authorize = createAuthorizeRequest({ ...stores(), clock, report: () => {} });
    expect(await authorize(`Bearer ${made.apiKey}`)).toMatchObject({
      value: { ownerId: "second", scopes: ["admin"], keyId: made.keyId },
    });
    expect((await admin("owners")).out).toBe("main\nsecond");
    expect((await admin("keys", "list", "--owner", "second")).out).toContain(made.keyId);
    expect((await admin("keys", "list")).out).not.toContain(made.keyId);
    for (const taken of ["second", "main"])
      expect((await admin("owners", "add", taken)).err).toMatch(/There is a tenant .* Remedy/);
    expect((await admin("owners", "add", "Bad Name")).err).toMatch(/cannot be the name of a tenant.*Remedy/);
  });
});

describe("npm run admin -- audit verify", () => {
  it("finds nothing wrong, until somebody alters an entry", async () => {
    const audit = createDynamoAuditStore({ ...table, clock, entropy });
    const record = createRecordAudit({ audit, clock, entropy });
    const ownerId = "main" as never;
    for (let made = 0; made < 5; made++) await record(anAuditEntry(ownerId, { requestId: `admin-${made}` }));
    const fine = await admin("--json", "audit", "verify");
    expect(fine).toMatchObject({ code: 0 });
    expect(fine.json()).toMatchObject({ ok: true, checked: 5 });
    const { chain } = fine.json().ends[0];
    await table.documents.send(
      new UpdateCommand({
        TableName: table.tableName,
        Key: { pk: `AUDIT#main#${chain}`, sk: `ENTRY#${"1".padStart(12, "0")}` },
        UpdateExpression: "SET #text = :text",
        ExpressionAttributeNames: { "#text": "text" },
        ExpressionAttributeValues: {
          ":text": JSON.stringify({ ownerId: "main", chain, number: 1, status: 200 }),
        },
      }),
    );
    const broken = await admin("audit");
    expect(broken.code).toBe(1);
    expect(broken.out).toBe(`Entry 1 of chain ${chain} is wrong: its text is not the one that was written.`);
  });
});
