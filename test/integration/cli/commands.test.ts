/** Commands as people type them, answered by the real API in memory. */
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Interrupted } from "#cli/failures.ts";
import { textWidth } from "#cli/text-width.ts";
import { asTaskId } from "#shared/domain/ids.ts";
import { stop } from "#shared/domain/moves.ts";
import { aTerminal, type Typed } from "../../unit/cli/surroundings.ts";
import { KEYS, startApi, type TestApi } from "./api-server.ts";

const UNKNOWN = "01KAN0Q6T3M6W3C8H1A9J7Z5RD";

let api: TestApi;
let home: string;
let punctual: (
  line: string | readonly string[],
  typed?: Typed,
) => ReturnType<ReturnType<typeof aTerminal>["run"]>;
let asked: readonly string[];

const as = (key: string) => ({ PUNCTUAL_URL: api.url, PUNCTUAL_KEY: key });

beforeEach(async () => {
  api = await startApi();
  home = await mkdtemp(join(tmpdir(), "punctual-cli-"));
  const terminal = aTerminal(home, { fetch, now: () => api.clock.now() });
  asked = terminal.asked;
  punctual = (line, typed = {}) =>
    terminal.run(typeof line === "string" ? line.split(" ") : line, { variables: as(KEYS.anne), ...typed });
});
afterEach(async () => {
  await api.close();
  await rm(home, { recursive: true, force: true });
});

const post = async (text: string, ...options: readonly string[]): Promise<string> =>
  (await punctual(["post", text, ...options, "-q"])).out;

describe("login", () => {
  it("asks for address and key, tries them, and saves both", async () => {
    const { code, out } = await punctual("login", {
      variables: {},
      answers: [`${api.url}/api/v1`, KEYS.anne],
    });
    expect({ code, out }).toMatchObject({
      code: 0,
      out: expect.stringContaining(`Logged in to ${api.url} as anne`),
    });
    expect((await stat(join(home, ".config/punctual/config.json"))).mode & 0o777).toBe(0o600);
    expect(out).not.toContain(KEYS.anne);
    expect((await punctual("whoami", { variables: {} })).out).toMatch(
      /Profile {4}default[\s\S]*Allows {5}admin/,
    );
  });

  it("takes the key from the input, as a second profile with its own zone", async () => {
    const { code } = await punctual(
      `login --url ${api.url} --key-stdin --profile work --time-zone Europe/Berlin`,
      {
        variables: {},
        input: `${KEYS.reader}\n`,
      },
    );
    expect(code).toBe(0);
    const { out } = await punctual("whoami --profile work --json", { variables: {} });
    expect(JSON.parse(out)).toMatchObject({ profile: "work", timeZone: "Europe/Berlin", scopes: ["read"] });
  });

  it("saves nothing that the server does not accept: 3", async () => {
    const { code, err } = await punctual(`login --url ${api.url} --key-stdin`, {
      variables: {},
      input: KEYS.stranger,
    });
    expect(code).toBe(3);
    expect(err).toContain("does not accept the key");
    expect(err).toContain("Request: gateway-1");
    expect((await punctual("whoami", { variables: {} })).code).toBe(3);
  });

  it("forgets a profile after asking", async () => {
    await punctual(`login --url ${api.url} --key-stdin`, { variables: {}, input: KEYS.anne });
    expect(await punctual("logout", { variables: {} })).toMatchObject({ code: 2 });
    expect(await punctual("logout", { variables: {}, answers: [false] })).toMatchObject({ code: 1 });
    expect(await punctual("logout --yes", { variables: {} })).toMatchObject({ code: 0 });
    expect(await punctual("whoami", { variables: {} })).toMatchObject({ code: 3 });
  });
});

describe("post", () => {
  it("is accepted at the time that the person's clocks show", async () => {
    const { code, out } = await punctual(["post", "九点的港口 😀", "--at", "2026-12-02 12:00:00"]);
    expect(code).toBe(0);
    expect(out).toContain("2026-12-02 12:00:00 Asia/Shanghai");
    expect(out).toContain("九点的港口 😀");
    const [task] = JSON.parse((await punctual("tasks list --json")).out).items;
    expect(task).toMatchObject({ slotAt: "2026-12-02T04:00:00Z" });
  });

  it("has a note when the clocks show the time twice, and is refused when they skip it", async () => {
    const zone = ["--time-zone", "Europe/Berlin"];
    const twice = await punctual(["post", "a", "--at", "2027-10-31 02:30", ...zone]);
    expect(twice).toMatchObject({ code: 0, err: expect.stringContaining("exists twice") });
    const skipped = await punctual(["post", "a", "--at", "2027-03-28 02:30", ...zone]);
    expect(skipped).toMatchObject({
      code: 2,
      err: expect.stringContaining("Remedy: Give 2027-03-28 01:30:00+01:00"),
    });
  });

  it("reads a pipe, a file, and a thread from either", async () => {
    expect(await punctual("post - --json", { input: "From a pipe\n" })).toMatchObject({ code: 0 });
    await writeFile(join(home, "note.md"), "one\n---\ntwo\n");
    const { out } = await punctual("post --file note.md --thread --json");
    expect(JSON.parse(out).parts.map(({ text }: { text: string }) => text)).toEqual(["one", "two"]);
  });

  it("is made once when its answer is lost", async () => {
    api.next("lose-answer");
    expect(await punctual(["post", "Only once"])).toMatchObject({ code: 0 });
    const { out } = await punctual("tasks list -q");
    expect(out.split("\n")).toHaveLength(1);
    const keys = api.requests.filter(({ method }) => method === "POST").map(({ key }) => key);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
  });

  it("says how to repeat it when every answer is lost: the repetition makes no second one", async () => {
    await writeFile(join(home, "harbour.jpg"), Buffer.alloc(7_000, 7));
    for (const command of ["post", "pool add"]) {
      const line = [
        ...command.split(" "),
        `By ${command}`,
        ...(command === "post" ? ["--media", "harbour.jpg"] : []),
      ];
      // The media first: announced, looked at, and looked at until they are ready.
      const before = command === "post" ? 3 : 0;
      api.next(
        ...Array.from({ length: before }, () => "answer" as const),
        ...Array.from({ length: 5 }, () => "lose-answer" as const),
      );
      const { code, err } = await punctual(line);
      expect(code).toBe(1);
      const [, key = ""] = /Safe to repeat: --idempotency-key (\S+)/.exec(err) ?? [];
      expect(key).not.toBe("");
      const again = await punctual([...line, "--idempotency-key", key, "-q"]);
      expect(again).toMatchObject({ code: 0, err: "" });
      const { out } = await punctual("tasks list --all --json");
      const same = JSON.parse(out).items.filter(
        ({ parts }: { parts: { text: string }[] }) => parts[0]?.text === `By ${command}`,
      );
      expect(same).toMatchObject([{ id: again.out }]);
    }
  });

  it("waits when it is throttled", async () => {
    api.next("throttle", "throttle");
    expect(await punctual(["post", "Patient"])).toMatchObject({ code: 0 });
  });

  it("tells what is wrong, in words, with the remedy: 2", async () => {
    expect(await punctual("post two words")).toMatchObject({
      code: 2,
      err: expect.stringContaining("in quotes"),
    });
    expect(await punctual("post")).toMatchObject({
      code: 2,
      err: expect.stringContaining("There is no text"),
    });
    expect(await punctual("post a --priority 99")).toMatchObject({ code: 2 });
    expect(await punctual("post a --set colour=red")).toMatchObject({
      code: 2,
      err: expect.stringContaining("maxRetries"),
    });
    expect(await punctual("post --file nothing.txt")).toMatchObject({
      code: 2,
      err: expect.stringContaining("does not exist"),
    });
  });

  it("names what the API refuses, with the request id", async () => {
    const long = await punctual(["post", "x".repeat(300)]);
    expect(long).toMatchObject({ code: 1, err: expect.stringContaining("Remedy: Shorten it") });
    expect(long.err).toMatch(/Request: request-\d+/);
    expect(await punctual("post a --project nowhere")).toMatchObject({ code: 4 });
    const json = await punctual("post a --project nowhere --json");
    expect(JSON.parse(json.err)).toMatchObject({ error: { code: "unknown-project" }, exitCode: 4 });
    expect(json.out).toBe("");
  });

  it("tells scripts a wrong call in one line of JSON, with a remedy", async () => {
    const messages: string[] = [];
    for (const call of ["post a --priority 99", "pots a", "post a --sett b=c", "tasks show", ""]) {
      const { code, out, err } = await punctual(`${call} --json`.trim());
      expect([code, out, err.includes("\n")], err).toEqual([2, "", false]);
      const { error, exitCode } = JSON.parse(err);
      expect([error.code, exitCode]).toEqual(["usage", 2]);
      expect(error.remedy).toContain("--help");
      messages.push(error.message);
    }
    expect(messages).toEqual([
      expect.stringContaining("priority"),
      expect.stringMatching(/pots.*Did you mean/),
      expect.stringContaining("--sett"),
      expect.stringContaining("missing required argument"),
      "There is no command.",
    ]);
  });

  it("is not for a key that only reads: 3", async () => {
    expect(await punctual("post a", { variables: as(KEYS.reader) })).toMatchObject({
      code: 3,
      err: expect.stringContaining("scope write"),
    });
  });

  it("uploads its media first, and waits until they are ready", async () => {
    await writeFile(join(home, "harbour.jpg"), Buffer.alloc(700_000, 7));
    const { code, out } = await punctual([
      "post",
      "Look",
      "--media",
      "harbour.jpg",
      "--alt",
      "A kite",
      "--json",
    ]);
    expect(code).toBe(0);
    expect(api.uploads).toMatchObject([{ bytes: 700_000, name: "harbour.jpg" }]);
    expect(JSON.parse(out).media).toMatchObject([
      { name: "harbour.jpg", altText: "A kite", sizeBytes: 700_000 },
    ]);
  });

  it("sends a file again when its upload breaks off", async () => {
    await writeFile(join(home, "clip.mp4"), Buffer.alloc(8_000_000, 7));
    api.nextUpload("break");
    expect(await punctual("post Look --media clip.mp4")).toMatchObject({ code: 0, err: "" });
    expect(api.uploads).toMatchObject([{ bytes: 8_000_000 }]);
  });

  it("posts nothing when the bucket refuses a file, which it may do before it has read it", async () => {
    await writeFile(join(home, "clip.mp4"), Buffer.alloc(8_000_000, 7));
    api.nextUpload("refuse");
    const { code, err } = await punctual("post Look --media clip.mp4");
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining("EntityTooLarge") });
    expect((await punctual("tasks list -q")).out).toBe("");
  });

  it("uploads nothing when something else is wrong", async () => {
    await writeFile(join(home, "harbour.jpg"), "x");
    expect(await punctual("post Look --media harbour.jpg --at never")).toMatchObject({ code: 2 });
    expect(await punctual("post Look --media harbour.bmp")).toMatchObject({ code: 2 });
    expect(api.uploads).toEqual([]);
  });

  it.each([
    ["published", 0],
    ["missed", 1],
    ["held", 1],
  ] as const)("waits until it is %s: %i", async (status, exitCode) => {
    const { code, out } = await punctual(["post", "Wait", "--wait", "--json"], {
      over: {
        sleep: async () => {
          const [item] = JSON.parse((await punctual("tasks list --json")).out).items;
          const task = await api.tasks.get(item.id);
          if (task) await api.tasks.save({ ...task, status, version: task.version + 1 });
        },
      },
    });
    expect(code).toBe(exitCode);
    expect(JSON.parse(out)).toMatchObject({ status });
  });
});

describe("tasks", () => {
  it("fit the terminal, Chinese and emoji included", async () => {
    await post(
      "九点的港口，早安。这是一条很长的帖子，写给所有在港口的人。😀".repeat(2),
      "--at",
      "tomorrow 09:00",
    );
    const { out } = await punctual("tasks list", { columns: 80 });
    const lines = out.split("\n");
    expect(lines[0]).toMatch(/^Id +Status +Slot \(Asia\/Shanghai\) +Account +Text$/);
    expect(lines[1]).toContain("…");
    for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(80);
    // In a pipe nothing is cut.
    expect((await punctual("tasks list")).out).not.toContain("…");
  });

  it("are shown with what is in their way", async () => {
    const id = await post("Hello", "--at", "tomorrow 09:00");
    const { code, out } = await punctual(`tasks show ${id}`);
    expect(code).toBe(0);
    expect(out).toContain(`Task      ${id}`);
    expect(out).toContain("2026-12-02 09:00:00 Asia/Shanghai");
    const json = JSON.parse((await punctual(`tasks show ${id} --json`)).out);
    expect(json).toMatchObject({ id, conflicts: expect.any(Array), log: expect.any(Array) });
  });

  it("are cancelled after a question: 2 where nobody can be asked", async () => {
    const id = await post("Hello", "--at", "tomorrow 09:00");
    const unasked = await punctual(`tasks cancel ${id}`);
    expect(unasked).toMatchObject({ code: 2, err: expect.stringContaining("Remedy: Add --yes") });
    expect(await punctual(`tasks cancel ${id}`, { answers: [false] })).toMatchObject({
      code: 1,
      err: "Nothing was changed.",
    });
    const declined = await punctual(`tasks cancel ${id} --json`, { answers: [false] });
    expect(declined).toMatchObject({ code: 1, out: "" });
    expect(JSON.parse(declined.err)).toMatchObject({ error: { code: "declined" }, exitCode: 1 });
    expect(await punctual(`tasks cancel ${id}`, { answers: [true] })).toMatchObject({ code: 0 });
    expect(asked.at(-1)).toBe(`Cancel the task ${id}?`);
    expect(await punctual(`tasks edit ${id} --priority 1`)).toMatchObject({
      code: 5,
      err: expect.stringContaining("Request:"),
    });
  });

  it("are published now; a held one after a question", async () => {
    const free = await post("Hello", "--at", "tomorrow 09:00");
    expect(await punctual(`tasks publish-now ${free}`)).toMatchObject({ code: 0 });
    expect(asked).toEqual([]);
    const id = await post("Once", "--at", "tomorrow 10:00");
    const task = await api.tasks.get(asTaskId(id));
    if (!task) throw new Error("there is no task");
    const why = { code: "unread", message: "Lost.", remedy: "Look." };
    await api.tasks.save(stop(task, api.clock.now(), "held", why));
    expect(await punctual(`tasks publish-now ${id}`)).toMatchObject({ code: 2 });
    expect(await punctual(`tasks publish-now ${id}`, { answers: [false] })).toMatchObject({ code: 1 });
    expect((await api.tasks.get(asTaskId(id)))?.status).toBe("held");
    expect(await punctual(`tasks publish-now ${id} ${UNKNOWN} --yes`)).toMatchObject({ code: 4 });
    expect((await api.tasks.get(asTaskId(id)))?.status).toBe("pending");
  });

  it("are cancelled one by one: one that cannot be keeps none of the others", async () => {
    const id = await post("Hello", "--at", "tomorrow 09:00");
    const { code, out } = await punctual(`tasks cancel ${UNKNOWN} ${id} --yes`);
    expect(code).toBe(4);
    expect(out).toContain(`${id}  cancelled`);
  });

  it("of others, and what is none, are not found: 4", async () => {
    const id = await post("Hello", "--at", "tomorrow 09:00");
    for (const wanted of [UNKNOWN, "nonsense"])
      expect(await punctual(`tasks show ${wanted}`)).toMatchObject({ code: 4 });
    expect(await punctual(`tasks show ${id}`, { variables: as(KEYS.bela) })).toMatchObject({ code: 4 });
  });

  it("are moved, edited and retried", async () => {
    const id = await post("Hello", "--at", "tomorrow 09:00");
    const moved = await punctual(["tasks", "move", id, "2026-12-03 10:00"]);
    expect(moved).toMatchObject({
      code: 0,
      out: expect.stringContaining("slot 2026-12-03 10:00:00 Asia/Shanghai"),
    });
    const edited = await punctual([
      "tasks",
      "edit",
      id,
      "--text",
      "Good morning",
      "--priority",
      "1",
      "--json",
    ]);
    expect(JSON.parse(edited.out)).toMatchObject({ priority: 1, parts: [{ text: "Good morning" }] });
    expect(await punctual(`tasks retry ${id}`)).toMatchObject({ code: 5 });
    expect(await punctual(`tasks move ${id}`)).toMatchObject({ code: 2 });
  });

  it("are watched by lines of JSON until they have ended; Ctrl-C loses nothing: 130", async () => {
    const id = await post("Hello", "--at", "tomorrow 09:00");
    const stopped = new AbortController();
    const { code, out, err } = await punctual(`tasks watch ${id} --json`, {
      over: {
        interruption: stopped.signal,
        sleep: async () => {
          stopped.abort(new Interrupted());
          throw stopped.signal.reason;
        },
      },
    });
    expect(code).toBe(130);
    expect(out.split("\n").map((line) => JSON.parse(line))).toMatchObject([{ id, status: "pending" }]);
    expect(err).toContain(`punctual tasks watch ${id}`);

    await punctual(`tasks cancel ${id} --yes`);
    expect(await punctual(`tasks watch ${id}`)).toMatchObject({
      code: 1,
      out: expect.stringContaining("cancelled"),
    });
  });
});

describe("batch", () => {
  const CSV = "text,publishAt,priority\nOne,tomorrow 09:00,1\nTwo,tomorrow 10:00,\n";

  it("sends every line and tells each one's fate", async () => {
    await writeFile(join(home, "posts.csv"), CSV);
    const { code, out } = await punctual("batch posts.csv");
    expect(code).toBe(0);
    expect(out).toContain("2026-12-02 09:00:00");
    expect(out).toContain("2 accepted, 0 not.");
  });

  it("sends nothing while a line is wrong, and names all of them", async () => {
    await writeFile(join(home, "posts.csv"), `${CSV}Three,never,\n,,99\n`);
    const { code, err } = await punctual("batch posts.csv");
    expect(code).toBe(2);
    expect(err).toMatch(/line 4: publishAt[\s\S]*line 5: /);
    expect((await punctual("tasks list -q")).out).toBe("");
    const partial = await punctual("batch posts.csv --partial --json");
    expect(partial.code).toBe(1);
    expect(JSON.parse(partial.out)).toMatchObject({
      accepted: 2,
      leftOut: [{ line: 4 }, { line: 5 }, { line: 5 }],
    });
  });

  it("tells what the API refuses, by line, and keeps the others", async () => {
    const input = `${JSON.stringify({ text: "x".repeat(400) })}\n${JSON.stringify({ text: "Fine" })}\n`;
    const { code, out } = await punctual("batch - --json", { input });
    expect(code).toBe(1);
    expect(JSON.parse(out).results).toMatchObject([
      { line: 1, outcome: "refused", code: "text-too-long" },
      { line: 2, outcome: "accepted" },
    ]);
  });

  const LINES = Array.from({ length: 5 }, (_, index) => JSON.stringify({ text: `Post ${index}` })).join("\n");

  it("goes in requests of the wanted size, each with a key of its own", async () => {
    await punctual("batch - --chunk 2 --idempotency-key monday", { input: LINES });
    expect(api.requests.map(({ key }) => key)).toEqual(["monday-1", "monday-2", "monday-3"]);
  });

  it("is accepted once, however often it is sent with the same key", async () => {
    const line = "batch - --idempotency-key monday -q";
    const first = await punctual(line, { input: LINES });
    expect(first.out.split("\n")).toHaveLength(5);
    expect((await punctual(line, { input: LINES })).out).toBe(first.out);
    expect((await punctual("tasks list --all -q")).out.split("\n")).toHaveLength(5);
  });

  it("tells what was not sent when the connection breaks in between", async () => {
    api.next("answer", ...Array.from({ length: 5 }, () => "lose-answer" as const));
    const { code, out, err } = await punctual("batch - --chunk 2 --json", { input: LINES });
    expect(code).toBe(1);
    const key = api.requests[0]?.key?.replace(/-1$/, "");
    expect(err).toContain(`Safe to repeat: --idempotency-key ${key}`);
    expect(JSON.parse(out).results.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
      "accepted",
      "accepted",
      "unknown",
      "unknown",
      "not-sent",
    ]);
    const again = await punctual(`batch - --chunk 2 -q --idempotency-key ${key}`, { input: LINES });
    expect(again.code).toBe(0);
    expect((await punctual("tasks list --all -q")).out.split("\n")).toHaveLength(5);
  });
});

describe("plan", () => {
  it("shows what would happen, its price, and stores nothing", async () => {
    await writeFile(
      join(home, "posts.csv"),
      "text,publishAt\nHello,tomorrow 09:00\nA link https://example.com,tomorrow 11:00\n",
    );
    const { code, out } = await punctual("plan posts.csv", { columns: 100 });
    expect(code).toBe(0);
    expect(out).toMatch(/Post +Outcome +At \(Asia\/Shanghai\) +Account +Price/);
    expect(out).toMatch(/line 2 +goes-out +2026-12-02 09:00:00 +main +\$0\.\d+/);
    expect(out).toContain("Not checked:");
    expect((await punctual("tasks list -q")).out).toBe("");
  });

  it("passes over nothing that is given", async () => {
    await writeFile(join(home, "posts.csv"), "text\nHello\n");
    for (const [call, said] of [
      ["plan posts.csv --strategy optimal", "--strategy"],
      ["plan posts.csv --account main", "--account"],
      ["plan --priority 1", "--priority"],
      ["plan posts.csv --text Hello", "a file and a text"],
    ] as const)
      expect(await punctual(call)).toMatchObject({ code: 2, err: expect.stringContaining(said) });
    expect(await punctual("plan --account main")).toMatchObject({ code: 0 });
    expect(await punctual("plan --text Hello --strategy optimal")).toMatchObject({ code: 0 });
  });

  it("ends with 1 when a post would be refused", async () => {
    expect(await punctual(["plan", "--text", "x".repeat(400)])).toMatchObject({
      code: 1,
      out: expect.stringContaining("text-too-long"),
    });
  });
});

describe("drop", () => {
  it("makes a post of each text file with its media, once", async () => {
    const folder = join(home, "posts");
    await mkdir(folder);
    await writeFile(join(folder, "a.txt"), "Only text");
    await writeFile(
      join(folder, "b.md"),
      "---\npublishAt: 2026-12-02 09:00\npriority: 2\naltText: A kite\n---\nOne\n---\nTwo\n",
    );
    await writeFile(join(folder, "b.jpg"), "b");
    await writeFile(join(folder, "c.png"), "picture alone");
    await writeFile(join(folder, "notes.docx"), "no post");
    const { code, out, err } = await punctual("drop posts --json");
    expect({ code, err }).toEqual({ code: 0, err: "Not used: notes.docx" });
    const { results } = JSON.parse(out);
    expect(results).toMatchObject([
      { file: "a.txt", task: { parts: [{ text: "Only text" }] } },
      {
        file: "b.md",
        task: {
          priority: 2,
          slotAt: "2026-12-02T01:00:00Z",
          parts: [{ text: "One" }, { text: "Two" }],
          media: [{ name: "b.jpg", altText: "A kite" }],
        },
      },
      { file: "c.png", task: { media: [{ name: "c.png" }] } },
    ]);
    // The same files again: nothing is uploaded or posted twice.
    const again = JSON.parse((await punctual("drop posts --json")).out);
    expect(again).toEqual(JSON.parse(out));
    expect(api.uploads).toHaveLength(2);
  });

  it("sends nothing while a file is wrong", async () => {
    const folder = join(home, "posts");
    await mkdir(folder);
    await writeFile(join(folder, "good.txt"), "Good");
    await writeFile(join(folder, "bad.md"), "---\ncolour: red\nmedia: [missing.jpg]\n---\nText\n");
    const { code, err } = await punctual("drop posts");
    expect(code).toBe(2);
    expect(err).toContain("bad.md: media: there is no missing.jpg");
    expect(err).toContain("colour");
    expect(await punctual("drop posts --partial")).toMatchObject({
      code: 1,
      out: expect.stringContaining("1 of 1 accepted"),
    });
  });
});

describe("pool, scheduler, recurrences", () => {
  it("publishes what is due, and counts", async () => {
    await post("Hello", "--at", "tomorrow 09:00");
    expect(await punctual("publish-pool stats")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/pending +1/),
    });
    expect(await punctual("pool list")).toMatchObject({ code: 0, out: expect.stringContaining("Hello") });
    const { code, out } = await punctual("pool run -q");
    expect(code).toBe(0);
    expect(await punctual(`pool show ${out}`)).toMatchObject({
      code: 0,
      out: expect.stringContaining("queued"),
    });
    expect(await punctual(["pool", "add", "Another", "--priority", "2"])).toMatchObject({ code: 0 });
  });

  it("makes, triggers, pauses and deletes jobs by their names", async () => {
    const made = await punctual([
      "scheduler",
      "create",
      "mornings",
      "fill-days",
      "--project",
      "default",
      "--cron",
      "0 6 * * *",
    ]);
    expect(made).toMatchObject({ code: 0, out: expect.stringContaining("0 6 * * * (Asia/Shanghai)") });
    expect(await punctual("jobs list")).toMatchObject({
      out: expect.stringMatching(/hourly[\s\S]*mornings[\s\S]*Built in: sweep/),
    });
    expect(await punctual("scheduler trigger mornings")).toMatchObject({ code: 0 });
    expect(await punctual("scheduler pause mornings")).toMatchObject({
      out: expect.stringContaining("mornings"),
    });
    expect(await punctual("scheduler history mornings")).toMatchObject({
      code: 0,
      out: "It has not run yet.",
    });
    expect(await punctual("scheduler delete mornings --yes")).toMatchObject({ code: 0 });
    expect(await punctual("scheduler show mornings")).toMatchObject({ code: 4 });
    expect(await punctual("scheduler create x fill-days --every 5m --cron y")).toMatchObject({ code: 2 });
  });

  it("shows what recurs", async () => {
    const { out } = await punctual("recurrences list -q");
    expect(await punctual(`recurrences show ${out}`)).toMatchObject({
      code: 0,
      out: expect.stringContaining("FREQ="),
    });
  });
});

describe("policy and settings", () => {
  it("changes rules one by one, and tells what they were", async () => {
    const { code, out } = await punctual("policy set default dailyMax=6 optimalHours=9,12 minInterval=90m");
    expect(code).toBe(0);
    expect(out).toMatch(/dailyMax +– +6/);
    const after = JSON.parse((await punctual("policy show default --json")).out);
    expect(after).toMatchObject({ version: 1, dailyMax: 6, optimalHours: [9, 12], minInterval: "90m" });
    await punctual("policy set default dailyMax=null");
    expect(JSON.parse((await punctual("policy show --json")).out)).toMatchObject({
      dailyMax: null,
      minInterval: "90m",
    });
    expect((await punctual("policy versions -q")).out).toBe("2\n1");
    expect(await punctual("policy set default colour=red")).toMatchObject({ code: 2 });
    expect(await punctual("policy show nowhere")).toMatchObject({ code: 4 });
    expect(await punctual("policy replan default")).toMatchObject({ code: 0 });
  });

  it("shows the settings of the deployment, which its first owner alone may change", async () => {
    expect(await punctual("settings show")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/batchSize +50/),
    });
    expect(await punctual("settings set batchSize=9999 --yes")).toMatchObject({ code: 2 });
    expect(await punctual("settings set batchSize=100 --yes")).toMatchObject({ code: 3 });
    expect(await punctual("settings history")).toMatchObject({ code: 0 });
  });

  it("go back to a version by its number only", async () => {
    for (const version of ["three", "1.5", "-1", "123456789"])
      expect(await punctual(["settings", "rollback", "--yes", "--", version])).toMatchObject({
        code: 2,
        err: expect.stringMatching(/is no version\.\nRemedy: .*settings history/),
      });
  });
});

describe("health", () => {
  it("tells what works", async () => {
    const { code, out } = await punctual("health");
    expect(code).toBe(0);
    expect(out).toMatch(/^ok {2}/);
  });

  it("says what to do when nobody answers: 1", async () => {
    const { code, err } = await punctual("health", {
      variables: { PUNCTUAL_URL: "http://127.0.0.1:2", PUNCTUAL_KEY: KEYS.anne },
    });
    expect(code).toBe(1);
    expect(err).toContain("ECONNREFUSED");
    expect(err).toContain("Remedy: Check that http://127.0.0.1:2");
  });
});
