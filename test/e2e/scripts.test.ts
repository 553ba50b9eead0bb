/** The commands as people type them: through npm, in a process group of their own, on a folder of their own. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { outcomeViewSchema } from "#shared/contract/task-view.ts";
import { waitFor } from "#test/support/wait-for.ts";

const ROOT = join(import.meta.dirname, "../..");
const START_MS = 90_000;

/** A command that runs. */
interface Command {
  readonly child: ChildProcess;
  output(): string;
  stdout(): string;
  /** Resolves with the exit code; a command that was killed has none. */
  readonly ended: Promise<number | null>;
  /** Every process that it has started and that is still there, itself included. */
  processes(): readonly number[];
  /** What Ctrl-C in its terminal does. */
  interrupt(signal?: NodeJS.Signals): void;
}

let folder: string;
const commands: Command[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "punctual-scripts-"));
});
afterAll(async () => {
  for (const { child, processes } of commands) {
    const left = processes();
    if (child.exitCode === null) for (const pid of left) process.kill(pid, "SIGKILL");
  }
  await Promise.all(commands.map(({ ended }) => ended));
  await rm(folder, { recursive: true, force: true });
});

/** Of every process of the machine: its parent. */
function parents(): ReadonlyMap<number, number> {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
  return new Map(lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]));
}

function familyOf(pid: number): readonly number[] {
  const all = [...parents()];
  const family = [pid];
  for (const member of family) family.push(...all.flatMap(([id, parent]) => (parent === member ? [id] : [])));
  return family;
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
  input?: string,
): Command {
  const child = spawn(command, args, {
    cwd: ROOT,
    detached: true,
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, ...env },
  });
  child.stdin?.end(input);
  let stdout = "";
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    output += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const pid = child.pid ?? 0;
  const seen = new Set<number>();
  const started: Command = {
    child,
    stdout: () => stdout,
    output: () => output,
    ended: new Promise((resolve, reject) => child.once("error", reject).once("close", resolve)),
    processes() {
      // The database is in a group of its own, and an orphan belongs to nobody: they are known from before.
      if (isAlive(pid)) for (const member of familyOf(pid)) seen.add(member);
      return [...seen].filter(isAlive);
    },
    interrupt: (signal = "SIGINT") => process.kill(-pid, signal),
  };
  commands.push(started);
  return started;
}

const npm = (script: string, args: readonly string[], env?: Readonly<Record<string, string>>) =>
  run("npm", ["run", "--silent", script, "--", ...args], env);
const script = (file: string, args: readonly string[], env?: Readonly<Record<string, string | undefined>>) =>
  run(process.execPath, [join(ROOT, "infra/local", file), ...args], env);

/** A port that is free, as are the two above it. */
async function freePorts(): Promise<number> {
  for (;;) {
    const first = await listen(0);
    const address = first.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const others = await Promise.allSettled([listen(port + 1), listen(port + 2)]);
    const servers = others.flatMap((other) => (other.status === "fulfilled" ? [other.value] : []));
    for (const server of [first, ...servers]) await new Promise((resolve) => server.close(resolve));
    if (servers.length === 2 && port <= 65_533) return port;
  }
}

function listen(port: number): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", () => resolve(server));
  });
}

const isFree = async (port: number): Promise<boolean> => {
  try {
    const server = await listen(port);
    await new Promise((resolve) => server.close(resolve));
    return true;
  } catch {
    return false;
  }
};

/** Waits until the command says this; fails at once when it ends before. */
const whenItSays = (command: Command, words: string) =>
  waitFor(
    `the words ${words}`,
    () => {
      const { exitCode, signalCode } = command.child;
      if (exitCode !== null || signalCode !== null)
        throw new Error(`it ended (${exitCode ?? signalCode}):\n${command.output()}`);
      return command.output().includes(words) || undefined;
    },
    START_MS,
  );

/** Waits until it is up, and reads what it tells. */
async function whenRunning(command: Command) {
  await whenItSays(command, "Stop: Ctrl-C");
  const told = (name: string) => new RegExp(`^${name}\\s+(\\S+)`, "m").exec(command.stdout())?.[1] ?? "";
  return {
    api: told("API "),
    key: told("API key"),
    drop: told("Drop folder"),
    outcomes: told("Outcomes"),
    page: told("Posts go to"),
  };
}

const outcomeWhen = (directory: string, base: string, status: string) =>
  waitFor(
    `the outcome of ${base}`,
    () => {
      const file = join(directory, "outcome", "default", `${base}.json`);
      if (!existsSync(file)) return undefined;
      const outcome = outcomeViewSchema.parse(JSON.parse(readFileSync(file, "utf8")));
      return outcome.status === status ? outcome : undefined;
    },
    40_000,
  );

/**
 * Asks it to stop as Ctrl-C does, and looks that nothing is left.
 *
 * @param code - of npm: whatever its shell makes of the signal; so it is left out
 */
async function stop(command: Command, ports: number, code?: number): Promise<void> {
  const family = command.processes();
  const programs = execFileSync("ps", ["-o", "args=", "-p", family.join(",")], { encoding: "utf8" });
  expect(programs).toContain("DynamoDBLocal.jar");
  command.interrupt();
  const ended = await command.ended;
  if (code !== undefined) expect({ code: ended, output: command.output() }).toMatchObject({ code });
  expect(command.output()).toContain("Stopping: running functions may finish");
  expect(family.filter(isAlive)).toEqual([]);
  for (const port of [ports, ports + 1, ports + 2]) expect(await isFree(port)).toBe(true);
}

describe("npm start", () => {
  let directory: string;
  let port: number;
  let env: Record<string, string>;
  let running: Command;
  let told: Awaited<ReturnType<typeof whenRunning>>;
  const drop = (name: string, text: string) => writeFileSync(join(directory, "drop/default", name), text);
  const tasks = async (key: string) =>
    fetch(`${told.api}/scheduling/tasks`, { headers: { authorization: `Bearer ${key}` } });
  const timeline = async () => {
    const answer = await fetch(`${new URL(told.page).origin}/sandbox/posts`);
    const { posts } = (await answer.json()) as { posts: { text: string }[] };
    return posts.map(({ text }) => text);
  };

  beforeAll(async () => {
    directory = join(folder, "kept");
    port = await freePorts();
    env = { PUNCTUAL_PORT: String(port) };
    running = npm("start", ["--sandbox", "--preset", "open", "--directory", directory], env);
    told = await whenRunning(running);
  });

  it("says where everything is: API, key, drop folder, timeline page", async () => {
    expect(told.api).toBe(`http://127.0.0.1:${port}/api/v1`);
    expect(told.page).toBe(`http://127.0.0.1:${port + 1}`);
    expect(join(ROOT, told.drop)).toBe(join(directory, "drop/default/"));
    expect(join(ROOT, told.outcomes)).toBe(join(directory, "outcome/default/"));
    expect((await tasks(told.key)).status).toBe(200);
    expect((await tasks(`${told.key}x`)).status).toBe(403);
    const page = await fetch(told.page);
    expect(page.headers.get("content-type")).toContain("text/html");
  });

  it("publishes a file that is copied into the folder, and writes its outcome beside", async () => {
    const file = join(folder, "elsewhere.txt");
    writeFileSync(file, "Copied into the folder 🪁\n");
    copyFileSync(file, join(directory, "drop/default/hello.txt"));
    const outcome = await outcomeWhen(directory, "hello", "published");
    expect(outcome).toMatchObject({
      file: "hello.txt",
      parts: [
        { text: "Copied into the folder 🪁", link: expect.stringContaining("https://x.com/i/status/") },
      ],
    });
    expect(await timeline()).toEqual(["Copied into the folder 🪁"]);
  });

  it("tells a second start on the same ports which port is taken, and what to do", async () => {
    const other = script("start.ts", ["--sandbox", "--directory", join(folder, "other")], env);
    expect(await other.ended).toBe(1);
    expect(other.output()).toContain(`Port ${port + 1} (timeline page) is in use`);
    expect(other.output()).toContain("PUNCTUAL_PORT=<number>");
    expect(other.output()).not.toContain("    at ");
  });

  it("refuses a second start on the same folder, and a reset of it; the first goes on", async () => {
    const elsewhere = { PUNCTUAL_PORT: String(await freePorts()) };
    const other = script("start.ts", ["--sandbox", "--directory", directory], elsewhere);
    const reset = script("reset.ts", ["--yes", "--directory", directory], elsewhere);
    expect(await other.ended).toBe(1);
    expect(other.output()).toMatch(/already runs on this folder \(process \d+\)/);
    expect(other.output()).toContain("--directory");
    expect(await reset.ended).toBe(1);
    expect(reset.output()).toMatch(/runs on this folder \(process \d+\)\. Remedy: stop it/);
    expect((await tasks(told.key)).status).toBe(200);
    expect(existsSync(join(directory, "outcome/default/hello.json"))).toBe(true);
  });

  it("stops at Ctrl-C, and leaves no process and no port behind", () => stop(running, port));

  it("finds everything at the next start, and publishes what was dropped while it was stopped", async () => {
    drop("meanwhile.txt", "Dropped while it was stopped");
    const { key } = told;
    running = script("start.ts", ["--sandbox", "--directory", directory], env);
    told = await whenRunning(running);
    expect(told.key).toBe(key);
    expect((await tasks(key)).status).toBe(200);
    await outcomeWhen(directory, "meanwhile", "published");
    expect(await timeline()).toEqual(
      expect.arrayContaining(["Copied into the folder 🪁", "Dropped while it was stopped"]),
    );
    expect(await timeline()).toHaveLength(2);
    await stop(running, port, 0);
  });

  it("starts again where it was killed, without a lock or a database left in the way", async () => {
    running = script("start.ts", ["--sandbox", "--directory", directory], env);
    await whenRunning(running);
    const family = running.processes();
    running.child.kill("SIGKILL");
    await running.ended;
    running = script("start.ts", ["--sandbox", "--directory", directory], env);
    await whenRunning(running);
    expect(family.filter(isAlive)).toEqual([]);
    await stop(running, port, 0);
  });

  it("is emptied by npm run reset, which asks first", async () => {
    const kept = () => existsSync(join(directory, "state/api-key"));
    const unasked = npm("reset", ["--directory", directory]);
    expect(await unasked.ended).toBe(1);
    expect(unasked.output()).toContain("npm run reset -- --yes");
    expect(kept()).toBe(true);

    const asTerminal = ["--import", "data:text/javascript,process.stdin.isTTY=true"];
    const args = [...asTerminal, join(ROOT, "infra/local/reset.ts"), "--directory", directory];
    const refused = run(process.execPath, args, {}, "n\n");
    expect(await refused.ended).toBe(1);
    expect(refused.output()).toContain("This cannot be undone. [y/N]");
    expect(refused.output()).toContain("Nothing was removed.");
    expect(kept()).toBe(true);

    const agreed = run(process.execPath, args, {}, "y\n");
    expect(await agreed.ended).toBe(0);
    expect(readdirSync(directory)).toEqual([]);

    await mkdir(join(directory, "state"), { recursive: true });
    const forced = npm("reset", ["--yes", "--directory", directory]);
    expect(await forced.ended).toBe(0);
    expect(forced.output()).toContain("Removed");
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each([
    ["in the path", {}],
    ["where JAVA_HOME says", { JAVA_HOME: "/nowhere" }],
  ])("says what to install when there is no Java %s", async (_, over) => {
    const PATH = join(folder, "empty");
    await mkdir(PATH, { recursive: true });
    const without = join(folder, "without-java");
    const command = script("start.ts", ["--sandbox", "--directory", without], {
      ...env,
      JAVA_HOME: undefined,
      PATH,
      ...over,
    });
    expect(await command.ended).toBe(1);
    expect(command.output()).toContain("Java was not found");
    expect(command.output()).toContain("17 or newer");
    expect(command.output()).not.toContain("    at ");
    expect(await isFree(port)).toBe(true);
  });

  it("says what is wrong with a port that is none", async () => {
    const command = script("start.ts", ["--sandbox", "--directory", join(folder, "none")], {
      PUNCTUAL_PORT: "70000",
    });
    expect(await command.ended).toBe(1);
    expect(command.output()).toContain("PUNCTUAL_PORT must be a port number up to 65533");
  });
});

describe("npm run demo", () => {
  /** The demo's own folder for temporary files. */
  const temporary = async (name: string) => {
    const path = join(folder, name);
    await mkdir(path, { recursive: true });
    return { TMPDIR: path };
  };
  const leftIn = ({ TMPDIR }: { readonly TMPDIR: string }) =>
    readdirSync(TMPDIR).filter((name) => name.startsWith("punctual"));

  it("publishes three files, for people and for programs, twice, and leaves nothing behind", async () => {
    const [env, jsonEnv] = [await temporary("demo"), await temporary("demo-json")];
    const shown = npm("demo", [], env);
    const json = npm("demo", ["--json"], jsonEnv);
    await whenItSays(shown, "Dropped");
    const families = [shown, json].map((command) => command.processes());

    expect({ code: await shown.ended, output: shown.output() }).toMatchObject({ code: 0 });
    for (const word of ["hello.md", "harbour.md", "clip.md", "scheduler", "✓"])
      expect(shown.stdout()).toContain(word);
    expect({ code: await json.ended, output: json.output() }).toMatchObject({ code: 0 });
    const { posts, faults } = JSON.parse(json.stdout()) as { posts: { via: string }[]; faults: unknown };
    expect(faults).toEqual([]);
    expect(posts).toMatchObject([
      { file: "hello.md", postId: expect.stringMatching(/^\d+$/) },
      { file: "harbour.md", latenessMs: expect.any(Number) },
      { file: "clip.md", link: expect.stringContaining("https://x.com/i/status/") },
    ]);
    expect(posts.map(({ via }) => via)).toContain("scheduler");
    expect(families.flat().filter(isAlive)).toEqual([]);
    expect([...leftIn(env), ...leftIn(jsonEnv)]).toEqual([]);
  });

  it("leaves nothing behind when it is interrupted", async () => {
    const env = await temporary("interrupted");
    const command = npm("demo", [], env);
    await whenItSays(command, "Dropped");
    const family = command.processes();
    expect(family.length).toBeGreaterThan(2);
    expect(leftIn(env)).toHaveLength(1);
    command.interrupt();
    expect(await command.ended).not.toBe(0);
    await waitFor("its processes to end", () => family.every((pid) => !isAlive(pid)) || undefined);
    expect(command.output()).toContain("Interrupted");
    expect(leftIn(env)).toEqual([]);
  });
});

describe("npm run deploy", () => {
  it("without credentials says that they are missing and how to get them, and changes nothing", async () => {
    const home = join(folder, "home");
    await mkdir(home, { recursive: true });
    const nothing = Object.fromEntries(
      Object.keys(process.env).flatMap((name) => (name.startsWith("AWS_") ? [[name, undefined]] : [])),
    );
    const command = run("npm", ["run", "--silent", "deploy"], {
      ...nothing,
      HOME: home,
      AWS_EC2_METADATA_DISABLED: "true",
    });
    expect(await command.ended).toBe(1);
    expect(command.output()).toContain("Cannot deploy: no AWS credentials were found");
    expect(command.output()).toContain("--profile");
    expect(command.output()).toContain("Nothing was changed.");
  });
});
