import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Problem, type ProblemCode, problemSchema } from "#shared/contract/problem.ts";
import { type OutcomeView, outcomeViewSchema } from "#shared/contract/task-view.ts";
import { accountIdFor } from "#shared/domain/account.ts";
import { asOwnerId, asProjectId, type OwnerId } from "#shared/domain/ids.ts";
import { createIssueKey, FIRST_OWNER } from "#shared/usecases/initialize-service.ts";
import { readFixture } from "#test/support/media-files.ts";
import { changesBetween, createOperator, type Operator } from "#test/support/operator.ts";
import { FAST, startPunctual, type TestPunctual } from "#test/support/punctual.ts";
import { createSteering, type Steering } from "#test/support/steering.ts";
import { waitFor } from "#test/support/wait-for.ts";

const STRANGER = asOwnerId("stranger");
const HOUR_MS = 3_600_000;
const PHOTO = readFixture("photo.jpg");
const CLIP = readFixture("clip.mp4");
/** What every Windows program begins with. */
const PROGRAM = Buffer.concat([
  Buffer.from("MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8\0\0\0", "latin1"),
  Buffer.alloc(4_000),
]);
/** 300 weighted characters: Chinese ones count 2. */
const TOO_LONG = "港".repeat(150);

type Body = string | Uint8Array;
type Reason = NonNullable<OutcomeView["reason"]>;

let punctual: TestPunctual;
let operator: Operator;
let steering: Steering;
let strangersKey: string;
let errorsPage: string;

async function addProject(ownerId: OwnerId, project: string, account: string): Promise<void> {
  const id = accountIdFor(ownerId, account);
  await operator.accounts.saveAccount({
    id,
    ownerId,
    name: account,
    maxTextLength: 280,
    status: "active",
    version: 1,
  });
  await operator.accounts.addProject({
    id: asProjectId(`${ownerId}.${project}`),
    ownerId,
    name: project,
    timeZone: "UTC",
    accountIds: [id],
    defaultAccountId: id,
  });
}

beforeAll(async () => {
  errorsPage = await readFile(join(import.meta.dirname, "../../docs/errors.md"), "utf8");
  // Time enough to drop several files of one post.
  punctual = await startPunctual({ parameters: { ...FAST, SettleSeconds: "3" } });
  operator = createOperator(punctual);
  steering = createSteering(punctual);
  await addProject(FIRST_OWNER, "shop", "shop-account");
  await addProject(STRANGER, "elsewhere", "strangers-account");
  const issueKey = createIssueKey({ keys: operator.keys, clock: { now: () => new Date() }, randomBytes });
  const issued = await issueKey({ ownerId: STRANGER, name: "test", scopes: ["admin"] });
  strangersKey = issued.key;

  // What happens once an hour happens now, and not in the middle of a test: scans, and notes that a key is used.
  await steering.sweep();
  for (const key of [undefined, strangersKey]) {
    const answer = await punctual.api("/scheduling/tasks", key === undefined ? {} : { key });
    expect(answer.status).toBe(200);
  }
  await operator.idle();
});
afterAll(async () => {
  steering?.close();
  operator?.close();
  await punctual?.close();
});

/** Waits until nothing more will happen to a drop, and its outcome tells of its last change. */
async function settled(base: string, project: string): Promise<OutcomeView> {
  await operator.idle();
  return waitFor(`the last outcome of ${base}`, async () => {
    const drop = (await operator.items()).find(({ pk }) => pk === `DROP#${project}/${base}`);
    const outcome = await punctual.outcome(base, project);
    return outcome?.version === `${drop?.["version"]}.0` ? outcome : undefined;
  });
}

interface Refused {
  readonly files: Readonly<Record<string, Body>>;
  readonly code: string;
  /** What its message names. */
  readonly says: readonly (string | RegExp)[];
  readonly project?: string;
  /** @default - the base name of the last file */
  readonly base?: string;
}

function expectExplained({ reason }: OutcomeView, { code, says }: Pick<Refused, "code" | "says">): void {
  const { message, remedy } = reason as Reason;
  expect(reason?.code).toBe(code);
  for (const words of says) expect(message).toMatch(words);
  expect(remedy).toMatch(/\w.*\.$/s);
  expect(errorsPage, `docs/errors.md has no ${code}`).toContain(`| \`${code}\` |`);
}

/** Drops files one after the other, and expects a refusal that leaves its outcome, its own record and nothing else. */
async function expectRefused({ files, code, says, project = "default", ...over }: Refused): Promise<void> {
  const names = Object.keys(files);
  const last = names.at(-1) ?? "";
  const base = over.base ?? last.slice(0, last.lastIndexOf("."));
  const before = await operator.snapshot();
  for (const [name, body] of Object.entries(files)) await punctual.put(name, body, project);

  await punctual.outcomeWhen(base, ["failed"], 60_000, project);
  const outcome = await settled(base, project);
  expect(outcome).toMatchObject({ project, status: "failed", file: expect.any(String) });
  expect(outcome).not.toHaveProperty("id");
  expectExplained(outcome, { code, says });
  expect(changesBetween(before, await operator.snapshot())).toEqual(
    [
      `item DROP#${project}/${base} DROP`,
      ...names.map((name) => `object drop/${project}/${name}`),
      `object outcome/${project}/${base}.json`,
    ].toSorted(),
  );
}

const markdown = (fields: string, text = "Hello from a test"): string => `---\n${fields}\n---\n${text}\n`;

describe("a dropped file is refused, with its outcome and nothing else", () => {
  it.each<readonly [what: string, refused: Refused]>([
    [
      "an unknown field",
      {
        files: { "field.md": markdown("acount: main") },
        code: "unknown-field",
        says: ["“acount”", "“account”"],
      },
    ],
    [
      "front matter that is no YAML",
      {
        files: { "yaml.md": markdown("media: [cover.jpg") },
        code: "malformed-front-matter",
        says: [/line \d/],
      },
    ],
    [
      "front matter that never ends",
      {
        files: { "endless.md": "---\npublishAt: now\nHello\n" },
        code: "malformed-front-matter",
        says: ["---"],
      },
    ],
    [
      "a value that the field does not take",
      {
        files: { "priority.md": markdown("priority: 11") },
        code: "invalid-field",
        says: ["“priority”", /10/],
      },
    ],
    [
      "a publishAt in the past, beyond the late policy",
      {
        files: { "past.md": markdown("publishAt: 2020-01-01T09:00:00Z\nlatePolicy: { postWithin: 2h }") },
        code: "slot-passed",
        says: ["2020-01-01", "2 hours"],
      },
    ],
    [
      "an unknown account",
      {
        files: { "nobody.md": markdown("account: nobody") },
        code: "unknown-account",
        says: ["“nobody”"],
      },
    ],
    [
      "an account of another project",
      {
        files: { "foreign.md": markdown("account: shop-account") },
        code: "foreign-account",
        says: ["“shop-account”", "“default”"],
      },
    ],
    [
      "an account of another owner, as if it did not exist",
      {
        files: { "stranger.md": markdown("account: strangers-account") },
        code: "unknown-account",
        says: ["There is no account “strangers-account”."],
      },
    ],
    [
      "an unknown project",
      {
        files: { "lost.txt": "Hello" },
        project: "nowhere",
        code: "unknown-project",
        says: ["“nowhere”", "“default”", "“shop”"],
      },
    ],
    [
      "a medium of 0 bytes",
      {
        files: { "empty.jpg": "", "empty.md": markdown("media: [empty.jpg]") },
        code: "media-empty",
        says: ["empty.jpg", "0 bytes"],
      },
    ],
    [
      "a picture that was cut off",
      {
        files: {
          "cut.jpg": PHOTO.subarray(0, PHOTO.length * 0.6),
          "cut.md": markdown("media: [cut.jpg]"),
        },
        code: "media-truncated",
        says: ["cut.jpg"],
      },
    ],
    [
      "a video that was cut off",
      {
        files: {
          "cut-clip.mp4": CLIP.subarray(0, CLIP.length * 0.6),
          "cut-clip.md": markdown("media: [cut-clip.mp4]"),
        },
        code: "media-truncated",
        says: ["cut-clip.mp4"],
      },
    ],
    [
      "a program that is called a picture",
      {
        files: { "holiday.jpg": PROGRAM, "holiday.md": markdown("media: [holiday.jpg]") },
        code: "media-type-mismatch",
        says: ["holiday.jpg", "a picture"],
      },
    ],
    [
      "five photos",
      {
        files: {
          ...Object.fromEntries([1, 2, 3, 4, 5].map((number) => [`five.${number}.jpg`, PHOTO])),
          "five.md": markdown("altText: [One, two, three, four, five]"),
        },
        code: "too-many-photos",
        says: [/4 photos/, /5/],
      },
    ],
    [
      "a photo and a video",
      {
        files: { "both.jpg": PHOTO, "both.mp4": CLIP, "both.txt": "One of each" },
        code: "mixed-media",
        says: ["1 photo and 1 video"],
      },
    ],
    [
      "300 weighted characters that are no thread",
      { files: { "long.txt": TOO_LONG }, code: "text-too-long", says: ["300", "280"] },
    ],
    [
      "half of a character in JSON",
      {
        files: { "half.json": '{ "text": "half of \\ud83e", "media": [] }' },
        code: "invalid-text",
        says: ["The text", "unpaired surrogate"],
      },
    ],
    [
      "JSON that is none",
      { files: { "broken.json": '{ "text": "Hello" ' }, code: "malformed-json", says: ["JSON"] },
    ],
    [
      "bytes that are no UTF-8",
      {
        files: { "latin.txt": Buffer.from("Gr\xfc\xdfe aus K\xf6ln", "latin1") },
        code: "invalid-utf8",
        says: ["UTF-8"],
      },
    ],
    ["a sidecar of 0 bytes", { files: { "nothing.md": "" }, code: "empty-file", says: ["0 bytes"] }],
    [
      "a text file of 1 MiB",
      {
        files: { "huge.txt": "a".repeat(1_048_576) },
        code: "sidecar-too-large",
        says: ["1048576", "131072"],
      },
    ],
    [
      "two sidecars for one post",
      {
        files: { "twins.txt": "The first", "twins.md": "The second" },
        code: "two-sidecars",
        says: ["“twins.md”", "“twins.txt”"],
      },
    ],
  ])("%s", async (_, refused) => {
    await expectRefused(refused);
  });

  it("media that are listed and never come, after a day", async () => {
    const before = await operator.snapshot();
    await punctual.put("alone.md", markdown("media: [never.jpg]"));
    const waiting = await punctual.outcomeWhen("alone", ["waiting"]);
    expect(waiting).toMatchObject({ missing: ["never.jpg"] });
    expectExplained(waiting, { code: "waiting-for-media", says: ["“never.jpg”"] });
    await operator.idle();

    await operator.ageDrop("default", "alone", 23 * HOUR_MS);
    await steering.sweep();
    await operator.idle();
    expect(await punctual.outcome("alone")).toMatchObject({ status: "waiting" });

    await operator.ageDrop("default", "alone", 2 * HOUR_MS);
    await steering.sweep();
    await punctual.outcomeWhen("alone", ["failed"]);
    expectExplained(await settled("alone", "default"), {
      code: "missing-media",
      says: ["“never.jpg”", "1 day"],
    });
    expect(changesBetween(before, await operator.snapshot())).toEqual([
      "item DROP#default/alone DROP",
      // Forgotten within a week: the note by which the arrival of that file would have been an event of this post.
      "item EXPECTED#default/never.jpg BASE#alone",
      "object drop/default/alone.md",
      "object outcome/default/alone.json",
    ]);
  });

  it("media that no text ever comes for, after a day", async () => {
    const before = await operator.snapshot();
    await punctual.put("orphan.jpg", PHOTO);
    await punctual.outcomeWhen("orphan", ["waiting"]);
    await operator.idle();
    await operator.ageDrop("default", "orphan", 25 * HOUR_MS);
    await steering.sweep();
    await punctual.outcomeWhen("orphan", ["failed"]);
    expectExplained(await settled("orphan", "default"), { code: "no-sidecar", says: ["“orphan.jpg”"] });
    expect(changesBetween(before, await operator.snapshot())).toEqual([
      "item DROP#default/orphan DROP",
      "object drop/default/orphan.jpg",
      "object outcome/default/orphan.json",
    ]);
  });

  it.each([
    ["default/../../outcome/default/hijack.txt", "default", "unsafe-name"],
    ["../outcome/default/hijack.txt", "_", "unsafe-name"],
    ["default/..\\..\\hijack.txt", "default", "unsafe-name"],
    ["default/a\u0007bell.txt", "default", "unsafe-name"],
    ["default/inner/hijack.txt", "default", "nested-folder"],
    ["hijack.txt", "_", "no-project"],
    [`default/${"名".repeat(81)}.txt`, "default", "name-too-long"],
  ])("the name %j", async (key, project, code) => {
    const before = await operator.snapshot();
    const { s3, bucket } = punctual;
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: `drop/${key}`, Body: "Hello" }));

    const outcomeKey = await waitFor("an outcome", async () => {
      const keys = await punctual.keys("outcome/");
      return keys.find((one) => !before.has(`object ${one}`));
    });
    expect(outcomeKey).toMatch(new RegExp(`^outcome/${project}/~[\\p{L}\\p{N}_-]+\\.json$`, "u"));
    const base = outcomeKey.slice(`outcome/${project}/`.length, -".json".length);
    const outcome = await settled(base, project);
    expect(outcome).toMatchObject({ project, status: "failed" });
    expectExplained(outcome, { code, says: [] });
    expect(changesBetween(before, await operator.snapshot())).toEqual(
      [`item DROP#${project}/${base} DROP`, `object drop/${key}`, `object ${outcomeKey}`].toSorted(),
    );
    await onDisk(`${project}/${base}.json`, ["failed"]);
    expect((await readdir(dirname(punctual.outcomeFolder))).toSorted()).toEqual(["drop", "outcome", "state"]);
  });
});

/** An outcome where people find it, once it has one of these states. */
async function onDisk(file: string, statuses: readonly string[]): Promise<OutcomeView> {
  return waitFor(`outcome/${file} on disk to be ${statuses.join(" or ")}`, async () => {
    try {
      const text = await readFile(join(punctual.outcomeFolder, file), "utf8");
      const outcome = outcomeViewSchema.parse(JSON.parse(text));
      return statuses.includes(outcome.status) ? outcome : undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  });
}

describe("a name that looks bad and is not", () => {
  it.each([
    "two words",
    "春节 快乐 🧧",
    "100% a+b #1? & 'so' \"on\"",
    "dots.. and.. more",
    "%2e%2e%2fhijack",
    "n\u00e9e",
  ])("%j becomes a post", async (base) => {
    await punctual.put(`${base}.md`, markdown("media: []", `Text of ${base}`));
    const outcome = await punctual.outcomeWhen(base, ["published"], 60_000);
    expect(outcome).toMatchObject({ file: `${base}.md`, parts: [{ text: `Text of ${base}` }] });
    await onDisk(`default/${base}.json`, ["published"]);
  });
});

describe("the folder on disk", () => {
  const drop = async (file: string, body: Body) => {
    const path = join(punctual.dropFolder, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, body);
  };

  it("takes names with spaces and Chinese, and answers beside it", async () => {
    await drop("default/港口 早晨.jpg", PHOTO);
    await drop("default/港口 早晨.md", markdown("altText: 平静的港口", "港口的早晨"));
    const outcome = await onDisk("default/港口 早晨.json", ["published"]);
    expect(outcome).toMatchObject({
      file: "港口 早晨.md",
      parts: [{ text: "港口的早晨", link: expect.stringContaining("https://x.com/") }],
      media: [{ name: "港口 早晨.jpg", altText: "平静的港口" }],
    });
  });

  it("tells what is wrong, wherever the file was put", async () => {
    const known = new Set(await punctual.keys("outcome/"));
    await drop("default/坏 文件.md", markdown("titel: x"));
    await drop("no such project/hello there.txt", "Hello");
    await drop("default/an inner folder/hello.txt", "Hello");
    await drop("default/..\\..\\hello.txt", "Hello");
    await drop("default/empty one.txt", "");

    expectExplained(await onDisk("default/坏 文件.json", ["failed"]), {
      code: "unknown-field",
      says: ["“titel”"],
    });
    expectExplained(await onDisk("no such project/hello there.json", ["failed"]), {
      code: "unknown-project",
      says: ["“no such project”"],
    });
    expectExplained(await onDisk("default/empty one.json", ["failed"]), { code: "empty-file", says: [] });
    const codes = await waitFor("the outcomes of names that cannot be used", async () => {
      const refused = (await punctual.keys("outcome/default/~")).filter((key) => !known.has(key));
      if (refused.length < 2) return undefined;
      const outcomes = refused.map((key) => onDisk(key.slice("outcome/".length), ["failed"]));
      return (await Promise.all(outcomes)).map(({ reason }) => reason?.code).toSorted();
    });
    expect(codes).toEqual(["nested-folder", "unsafe-name"]);
    await operator.idle();
  });
});

describe("the API refuses, and nothing changes", () => {
  const TASKS = "/scheduling/tasks";
  const UNKNOWN = "01JZZZZZZZZZZZZZZZZZZZZZZZ";

  interface Request {
    readonly method?: string;
    readonly path?: string;
    readonly body?: unknown;
    readonly contentType?: string;
    readonly key?: string;
  }

  /** Noted whatever is asked: the hour's budget, the counts, the audit log; and once for all, the key that seals cursors. */
  const NOTED_OF_A_REQUEST = /^item (?:REQUESTS#|TOTALS|AUDIT#|CURSOR-SEAL )/;

  /** Sends it and expects exactly this problem. A body that is neither text nor bytes is sent as JSON. */
  async function expectProblem(request: Request, status: number, code: ProblemCode): Promise<Problem> {
    const { method = "POST", path = TASKS, body, contentType = "application/json", key } = request;
    const before = await operator.snapshot();
    const isRaw = typeof body === "string" || body instanceof Uint8Array;
    const answer = await punctual.api(path, {
      method,
      ...(key !== undefined && { key }),
      ...(body !== undefined && {
        headers: { "content-type": contentType },
        body: isRaw ? (body as NonNullable<RequestInit["body"]>) : JSON.stringify(body),
      }),
    });
    expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    const problem = problemSchema.parse(await answer.json());
    expect([answer.status, problem.status, problem.code]).toEqual([status, status, code]);
    expect(problem.detail).toMatch(/\w/);
    expect(errorsPage, `docs/errors.md has no ${code}`).toContain(`\`${code}\``);
    await operator.idle();
    const changed = changesBetween(before, await operator.snapshot());
    expect(changed.filter((name) => !NOTED_OF_A_REQUEST.test(name))).toEqual([]);
    return problem;
  }

  it("wrong types, each by its place", async () => {
    const body = { text: 5, priority: "high", latePolicy: [], thread: "no", publishAt: null };
    const { errors = [] } = await expectProblem({ body }, 400, "invalid-input");
    expect(errors.map(({ pointer }) => pointer).toSorted()).toEqual([
      "/latePolicy",
      "/priority",
      "/publishAt",
      "/text",
      "/thread",
    ]);
    for (const wrong of [[], "text", 5, null])
      await expectProblem({ body: JSON.stringify(wrong) }, 400, "invalid-input");
    await expectProblem({}, 400, "invalid-input");
  });

  it("an unknown field, with the one that was meant", async () => {
    const { errors } = await expectProblem({ body: { text: "Hello", prioriti: 1 } }, 400, "invalid-input");
    expect(errors).toEqual([{ pointer: "/prioriti", detail: expect.stringContaining("“priority”") }]);
  });

  it("a body that is broken, too large, no UTF-8, or no JSON", async () => {
    await expectProblem({ body: '{ "text": "Hello" ' }, 400, "malformed-body");
    const half = await expectProblem({ body: '{ "text": "half \\ud800" }' }, 400, "malformed-body");
    expect(half.errors).toMatchObject([{ pointer: "/text" }]);
    const latin = Buffer.from('{ "text": "Gr\xfc\xdfe" }', "latin1");
    await expectProblem({ body: latin }, 400, "malformed-body");
    const large = await expectProblem({ body: { text: "a".repeat(300_000) } }, 413, "body-too-large");
    expect(large.detail).toContain("262144");
    const plain = { body: "Hello", contentType: "text/plain" };
    await expectProblem(plain, 415, "unsupported-media-type");
  });

  it("a body that API Gateway itself does not take", async () => {
    const before = await operator.snapshot();
    const answer = await punctual.api(TASKS, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text: "a".repeat(11 * 1_048_576) }),
    });
    expect(answer.status).toBe(413);
    expect(changesBetween(before, await operator.snapshot())).toEqual([]);
  });

  it("what can be no post: text, time, account, project", async () => {
    const long = await expectProblem({ body: { text: TOO_LONG } }, 422, "text-too-long");
    expect(long.detail).toMatch(/300.*280/);
    const part = await expectProblem({ body: { thread: ["Fine", TOO_LONG] } }, 422, "text-too-long");
    expect(part.errors).toMatchObject([{ pointer: "/thread/1" }]);
    await expectProblem({ body: { text: " " } }, 422, "empty-post");
    const past = { text: "Hello", publishAt: "2020-01-01T09:00:00Z" };
    expect((await expectProblem({ body: past }, 422, "slot-passed")).errors).toMatchObject([
      { pointer: "/publishAt" },
    ]);
    await expectProblem({ body: { text: "Hello", publishAt: "tomorrow" } }, 422, "bad-time");
    for (const account of ["nobody", "shop-account", "strangers-account"]) {
      const { detail } = await expectProblem({ body: { text: "Hello", account } }, 422, "unknown-account");
      expect(detail).toBe(`The project “default” has no account “${account}”.`);
    }
    for (const project of ["nowhere", "elsewhere"]) {
      const { detail } = await expectProblem({ body: { text: "Hello", project } }, 422, "unknown-project");
      expect(detail).toContain("There is “default” and “shop”.");
    }
  });

  it("an unknown id, in every way to name one", async () => {
    for (const id of [UNKNOWN, UNKNOWN.toLowerCase(), "no-id", "..%2f..", "TASK%23x"]) {
      await expectProblem({ method: "GET", path: `${TASKS}/${id}` }, 404, "task-not-found");
      await expectProblem({ method: "DELETE", path: `${TASKS}/${id}` }, 404, "task-not-found");
      await expectProblem({ path: `${TASKS}/${id}/publish-now` }, 404, "task-not-found");
    }
    await expectProblem({ method: "GET", path: "/nothing/here" }, 404, "route-not-found");
    await expectProblem({ method: "PUT", path: TASKS, body: {} }, 405, "method-not-allowed");
    await expectProblem({ method: "GET", path: `${TASKS}?limit=many` }, 400, "invalid-input");
    await expectProblem({ method: "GET", path: `${TASKS}?cursor=none` }, 400, "invalid-cursor");
  });

  it("another owner's key, for which nothing of ours exists", async () => {
    const publishAt = new Date(Date.now() + 24 * HOUR_MS).toISOString();
    const id = await steering.create({ text: "Not yours", publishAt });
    await operator.idle();
    const key = strangersKey;
    const theirs = [
      await expectProblem({ method: "GET", path: `${TASKS}/${id}`, key }, 404, "task-not-found"),
      await expectProblem({ method: "DELETE", path: `${TASKS}/${id}`, key }, 404, "task-not-found"),
      await expectProblem({ path: `${TASKS}/${id}/publish-now`, key }, 404, "task-not-found"),
    ];
    const nobodys = await expectProblem(
      { method: "GET", path: `${TASKS}/${UNKNOWN}`, key },
      404,
      "task-not-found",
    );
    expect(new Set([...theirs, nobodys].map(({ detail }) => detail)).size).toBe(1);

    const { detail } = await expectProblem(
      { body: { text: "Hello", project: "default" }, key },
      422,
      "unknown-project",
    );
    expect(detail).toContain("There is “elsewhere”.");
    await expectProblem(
      { body: { text: "Hello", project: "elsewhere", account: "main" }, key },
      422,
      "unknown-account",
    );
    await expectProblem({ method: "GET", path: `${TASKS}?account=main`, key }, 422, "unknown-account");
    await expectProblem(
      { method: "GET", path: `${TASKS}?project=default&status=pending`, key },
      422,
      "unknown-project",
    );
    const list = await punctual.api(TASKS, { key });
    expect(await list.json()).toEqual({ items: [] });
  });
});

it("none of it is a failure of ours: no refused right, no failed invocation, no dead letter", async () => {
  expect(punctual.cloud.reports()).toEqual([]);
  await operator.idle();
  expect(await operator.queued()).toEqual({});
});
