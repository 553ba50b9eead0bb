/** The command line as a person uses it: against the local cloud, in a terminal of 80 columns. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { textWidth } from "#cli/text-width.ts";
import { startPunctual, type TestPunctual } from "#test/support/punctual.ts";
import { waitFor } from "#test/support/wait-for.ts";

const ROOT = join(import.meta.dirname, "../..");
const PUNCTUAL = join(ROOT, "cli/punctual.mjs");
const PHOTO = join(ROOT, "infra/local/samples/harbour.jpg");
const UNKNOWN = "01KAN0Q6T3M6W3C8H1A9J7Z5RD";

let cloud: TestPunctual;
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "punctual-cli-e2e-"));
  cloud = await startPunctual();
});
afterAll(async () => {
  await cloud?.close();
  await rm(home, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const environment = (env: Readonly<Record<string, string>>) => ({
  PATH: process.env["PATH"],
  HOME: home,
  TZ: "Asia/Shanghai",
  TERM: "xterm-256color",
  COLUMNS: "80",
  ...env,
});

function gather(child: ChildProcess) {
  let [out, err] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code) => resolve({ code, out: out.trimEnd(), err: err.trimEnd() }));
  });
  return { ended, shown: () => stripVTControlCharacters(out) };
}

/** In a script: no terminal anywhere. */
function punctual(
  args: readonly string[],
  input = "",
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [PUNCTUAL, ...args], {
    cwd: home,
    stdio: ["pipe", "pipe", "pipe"],
    env: environment(env),
  });
  child.stdin?.end(input);
  return gather(child).ended;
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** In a terminal, where somebody answers what is asked. */
async function typed(
  args: readonly string[],
  answers: readonly (readonly [question: RegExp, answer: string])[],
): Promise<Ended & { readonly screen: string }> {
  const command = [process.execPath, PUNCTUAL, ...args];
  const terminal =
    process.platform === "linux"
      ? ["-qefc", command.map(quoted).join(" "), "/dev/null"]
      : ["-qe", "/dev/null", ...command];
  const child = spawn("script", terminal, {
    cwd: home,
    stdio: ["pipe", "pipe", "pipe"],
    env: environment({}),
  });
  const { ended, shown } = gather(child);
  let seen = 0;
  for (const [question, answer] of answers) {
    await waitFor(`the question ${question}`, () => (question.test(shown().slice(seen)) ? true : undefined));
    seen = shown().length;
    child.stdin?.write(`${answer}\r`);
  }
  const end = await ended;
  child.stdin?.destroy();
  return { ...end, screen: stripVTControlCharacters(end.out) };
}

describe("the command line", () => {
  it("logs in: the key is asked for and not shown", async () => {
    const { code, screen } = await typed(
      ["login"],
      [
        [/Address of the API/, `${cloud.apiUrl}/api/v1`],
        [/API key/, cloud.apiKey],
      ],
    );
    expect({ code, screen }).toMatchObject({ code: 0, screen: expect.stringContaining("Logged in to") });
    expect(screen).not.toContain(cloud.apiKey);
    const config = join(home, ".config/punctual/config.json");
    expect(await readFile(config, "utf8")).toContain(cloud.apiKey);
    expect(await punctual(["whoami"])).toMatchObject({
      code: 0,
      out: expect.stringContaining("Asia/Shanghai"),
    });
  });

  it("posts and waits until it is on X", async () => {
    const { code, out, err } = await punctual([
      "post",
      "九点的港口 😀",
      "--language",
      "zh",
      "--wait",
      "--json",
    ]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(JSON.parse(out)).toMatchObject({
      status: "published",
      parts: [{ link: expect.stringContaining("x.com") }],
    });
    expect(cloud.sandbox?.posts().some(({ text }) => text === "九点的港口 😀")).toBe(true);
  });

  it("uploads a photo and posts it", async () => {
    const { code, out, err } = await punctual(["post", "With a photo", "--media", PHOTO, "--wait", "--json"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(JSON.parse(out)).toMatchObject({ status: "published", media: [{ name: "harbour.jpg" }] });
  });

  it("lists in 80 columns what it was told", async () => {
    const { code, out } = await punctual(["tasks", "list"]);
    expect(code).toBe(0);
    expect(out).toContain("九点的");
    for (const line of out.split("\n")) expect(textWidth(line)).toBeLessThanOrEqual(80);
  });

  it("cancels after a question, and not without", async () => {
    const { out: id } = await punctual(["post", "Never", "--at", "tomorrow 09:00", "-q"]);
    expect(await punctual(["tasks", "cancel", id])).toMatchObject({
      code: 2,
      err: expect.stringContaining("--yes"),
    });
    const no = await typed(["tasks", "cancel", id], [[/Cancel the task/, "n"]]);
    expect(no).toMatchObject({ code: 1, screen: expect.stringContaining("Nothing was changed.") });
    const yes = await typed(["tasks", "cancel", id], [[/Cancel the task/, "y"]]);
    expect(yes).toMatchObject({ code: 0, screen: expect.stringContaining(`${id}  cancelled`) });
    expect(JSON.parse((await punctual(["tasks", "show", id, "--json"])).out)).toMatchObject({
      status: "cancelled",
    });
  });

  it("tries a file, then sends it", async () => {
    const lines = ["text,publishAt,priority", "One,tomorrow 09:00,1", '"Two, too",tomorrow 11:00,'];
    await writeFile(join(home, "posts.csv"), `${lines.join("\n")}\n`);
    const plan = await punctual(["plan", "posts.csv"]);
    expect(plan).toMatchObject({
      code: 0,
      out: expect.stringMatching(/line 2 +(goes-out|warns)[\s\S]*Price: \$/),
    });
    const batch = await punctual(["batch", "posts.csv"]);
    expect(batch).toMatchObject({ code: 0, out: expect.stringContaining("2 accepted, 0 not.") });
    await writeFile(join(home, "bad.csv"), `${lines.join("\n")}\nThree,never,\n`);
    expect(await punctual(["batch", "bad.csv"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("line 4: publishAt"),
    });
  });

  it("says what works", async () => {
    const { code, out } = await punctual(["health"]);
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringMatching(/^ok/) });
  });

  it("ends with 3 for a wrong key, and with 4 for an unknown id", async () => {
    const wrong = `${cloud.apiKey.slice(0, -8)}${"0".repeat(8)}`;
    const env = { PUNCTUAL_URL: cloud.apiUrl, PUNCTUAL_KEY: wrong };
    expect(await punctual(["tasks", "list"], "", env)).toMatchObject({
      code: 3,
      err: expect.stringContaining("login"),
    });
    const unknown = await punctual(["tasks", "show", UNKNOWN]);
    expect(unknown).toMatchObject({ code: 4, err: expect.stringMatching(/Remedy: [\s\S]*Request: \S+/) });
  });
});
