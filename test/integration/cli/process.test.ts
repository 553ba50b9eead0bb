/** The command line as a process: its launcher, pipes, colours, Ctrl-C. */
import { type ChildProcess, spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "#test/support/wait-for.ts";
import { KEYS, startApi, type TestApi } from "./api-server.ts";

const ROOT = join(import.meta.dirname, "../../..");
const PUNCTUAL = join(ROOT, "cli/punctual.mjs");

let api: TestApi;
let home: string;

beforeAll(async () => {
  api = await startApi();
  home = await mkdtemp(join(tmpdir(), "punctual-cli-"));
});
afterAll(async () => {
  await api.close();
  await rm(home, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Starts it in an environment of its own. */
function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  node: readonly string[] = [],
  launcher = PUNCTUAL,
): { readonly child: ChildProcess; readonly said: () => string; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, [...node, launcher, ...args], {
    cwd: home,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      HOME: home,
      TZ: "Asia/Shanghai",
      PUNCTUAL_URL: api.url,
      PUNCTUAL_KEY: KEYS.anne,
      ...env,
    },
  });
  let [out, err] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code) => resolve({ code, out, err }));
  });
  return { child, said: () => out, ended };
}

describe("the process", () => {
  it("prints the answer and nothing else, without colours, in a pipe", async () => {
    const { code, out, err } = await start(["health"]).ended;
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^ok {2}http:/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what colours begin with
    expect(out).not.toMatch(/\u001b/);
  });

  it("fits the width that COLUMNS names", async () => {
    const { out } = await start(["tasks", "list", "--help"], { COLUMNS: "70" }).ended;
    const [options = ""] = out.split("Examples:");
    expect(Math.max(...options.split("\n").map((line) => line.length))).toBeLessThanOrEqual(70);
  });

  it("is quiet when its reader has seen enough", async () => {
    const { child, ended } = start(["completion", "fish"]);
    child.stdout?.destroy();
    const { code, err } = await ended;
    expect({ code, err }).toEqual({ code: 0, err: "" });
  });

  it("ends a watch with Ctrl-C: 130, and says what goes on", async () => {
    const { body } = await api.create({ text: "Later", publishAt: "2026-12-24T09:00:00Z" });
    const { child, said, ended } = start(["tasks", "watch", body.id, "--json"]);
    await waitFor("the first line", async () => (said().includes(body.id) ? true : undefined));
    child.kill("SIGINT");
    const { code, err } = await ended;
    expect(code).toBe(130);
    expect(err).toContain(`Nothing is lost: the service goes on with ${body.id}.`);
    expect(err).toContain(`punctual tasks watch ${body.id}`);
  });
});

describe("the launcher", () => {
  /** What Node 20 looks like. */
  const pretence = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.19.0" } });`;
  const asNode20 = ["--import", `data:text/javascript,${encodeURIComponent(pretence)}`];

  it("goes on with the project's own Node on an older one, exit code included", async () => {
    expect(await start(["health"], {}, asNode20).ended).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^ok/),
    });
    expect(await start(["tasks", "lst"], {}, asNode20).ended).toMatchObject({ code: 2 });
  });

  it("works through a link, as npm makes one", async () => {
    const link = join(home, "punctual");
    await symlink(PUNCTUAL, link);
    expect(await start(["completion", "bash"], {}, [], link).ended).toMatchObject({ code: 0 });
  });

  it("says `npm install` where nothing is installed", async () => {
    const clone = join(home, "clone");
    await mkdir(join(clone, "cli"), { recursive: true });
    const launcher = join(clone, "cli/punctual.mjs");
    await copyFile(PUNCTUAL, launcher);
    const { code, err } = await start(["health"], {}, [], launcher).ended;
    expect(code).toBe(1);
    expect(err).toContain(`Remedy: run \`npm install\` in ${clone}`);
  });
});
