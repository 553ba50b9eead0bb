import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createTempFolder, projectRoot, writeFiles } from "./temp-folder.ts";

const KITE = "node_modules/kite";
const lock = {
  packages: {
    "": { name: "sample", version: "1.0.0" },
    [KITE]: { version: "1.2.3", integrity: "sha512-kite" },
    "node_modules/kite-other-platform": { version: "1.2.3", integrity: "sha512-other", optional: true },
    "node_modules/node": { version: "24.0.0", integrity: "sha512-node" },
  },
};

/** What a finished `npm ci` leaves for that lockfile on this platform. */
const installed = {
  packages: { [KITE]: lock.packages[KITE], "node_modules/node": lock.packages["node_modules/node"] },
};

/** A stand-in for npm that writes down how it was called; it ends by itself when its folder is removed. */
const npmThat = (body: string): string => `
  const fs = require("node:fs");
  const { join } = require("node:path");
  fs.appendFileSync("npm-calls.txt", process.argv.slice(2).join(" ") + "\\n");
  ${body}`;

const installation = (nodeVersion: string): string => `
    const write = (path, text) => {
      fs.mkdirSync(join(path, ".."), { recursive: true });
      fs.writeFileSync(path, text);
    };
    fs.rmSync("node_modules", { recursive: true, force: true });
    write("node_modules/kite/package.json", "{}");
    write("node_modules/node/package.json", "{}");
    write("node_modules/.bin/node", "#!/bin/sh\\necho ${nodeVersion}\\n");
    fs.chmodSync("node_modules/.bin/node", 0o755);
    write("node_modules/.package-lock.json", ${JSON.stringify(JSON.stringify(installed))});`;

const npmThatInstalls = (nodeVersion = "v24.0.0"): string => npmThat(installation(nodeVersion));

function createProject(npm = npmThatInstalls()): string {
  const folder = createTempFolder({ "package-lock.json": JSON.stringify(lock), "npm/npm-cli.js": npm });
  mkdirSync(join(folder, "infra"));
  cpSync(join(projectRoot, "infra/install.mjs"), join(folder, "infra/install.mjs"));
  return folder;
}

function createInstalledProject(npm?: string): string {
  const folder = createProject(npm);
  writeFiles(folder, {
    "node_modules/kite/package.json": "{}",
    "node_modules/node/package.json": "{}",
    "node_modules/.bin/node": "#!/bin/sh\necho v24.0.0\n",
    "node_modules/.package-lock.json": JSON.stringify(installed),
  });
  chmodSync(join(folder, "node_modules/.bin/node"), 0o755);
  return folder;
}

/** What npm tells the scripts that it runs. */
const environmentOf = (folder: string) => ({
  ...process.env,
  npm_execpath: join(folder, "npm/npm-cli.js"),
  npm_node_execpath: process.execPath,
});

function runInstall(folder: string, script = join(folder, "infra/install.mjs")) {
  const run = spawnSync(process.execPath, [script], {
    cwd: folder,
    encoding: "utf8",
    env: {
      ...process.env,
      npm_execpath: join(folder, "npm/npm-cli.js"),
      npm_node_execpath: process.execPath,
    },
  });
  const log = join(folder, "npm-calls.txt");
  const calls = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
  return { code: run.status, said: run.stderr, calls };
}

function startInstall(folder: string) {
  const child = spawn(process.execPath, [join(folder, "infra/install.mjs")], {
    cwd: folder,
    env: environmentOf(folder),
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return {
    said: () => said,
    end: () => child.kill("SIGTERM"),
    ended: once(child, "close").then(([code]: unknown[]) => code),
  };
}

describe("install.mjs", () => {
  it("says and does nothing when everything is there", () => {
    expect(runInstall(createInstalledProject())).toEqual({ code: 0, said: "", calls: [] });
  });

  it("ignores that the lockfile is younger than the installation, as after a checkout", () => {
    const folder = createInstalledProject();
    utimesSync(join(folder, "package-lock.json"), new Date("2100-01-01"), new Date("2100-01-01"));
    expect(runInstall(folder).calls).toEqual([]);
  });

  it("installs into a clean clone with one line, and finds nothing to do the next time", () => {
    const folder = createProject();
    const first = runInstall(folder);
    expect(first.code).toBe(0);
    expect(first.said).toMatch(/^Installing .*node_modules is missing … done in \d+ s\.\n$/);
    expect(first.calls).toEqual([expect.stringMatching(/^ci /)]);
    expect(runInstall(folder).calls).toHaveLength(1);
  });

  it("repairs an interrupted installation", () => {
    const folder = createInstalledProject();
    rmSync(join(folder, "node_modules/.package-lock.json"));
    const { said, calls } = runInstall(folder);
    expect(said).toContain("interrupted");
    expect(calls).toHaveLength(1);
  });

  it.each([
    {
      gap: "a package of another version",
      says: "kite is installed as 1.2.2, the lockfile says 1.2.3",
      packages: { ...installed.packages, [KITE]: { version: "1.2.2", integrity: "sha512-old" } },
    },
    {
      gap: "the same version with other contents",
      says: "kite is installed as",
      packages: { ...installed.packages, [KITE]: { version: "1.2.3", integrity: "sha512-forged" } },
    },
    {
      gap: "a package that is missing",
      says: "kite is not installed",
      packages: { "node_modules/node": installed.packages["node_modules/node"] },
    },
    {
      gap: "a package that the lockfile dropped",
      says: "oar is installed, but no longer in the lockfile",
      packages: { ...installed.packages, "node_modules/oar": { version: "1.0.0" } },
    },
  ])("replaces $gap", ({ says, packages }) => {
    const folder = createInstalledProject();
    writeFiles(folder, { "node_modules/.package-lock.json": JSON.stringify({ packages }) });
    const { said, calls } = runInstall(folder);
    expect(said).toContain(says);
    expect(calls).toHaveLength(1);
  });

  it("notices a package folder that was deleted by hand", () => {
    const folder = createInstalledProject();
    rmSync(join(folder, KITE), { recursive: true });
    expect(runInstall(folder).said).toContain("kite was removed from disk");
  });

  it("notices that the Node binary is missing", () => {
    const folder = createInstalledProject();
    rmSync(join(folder, "node_modules/.bin/node"));
    expect(runInstall(folder).said).toContain("Node binary is missing");
  });

  it("works in a folder that is reached through a symbolic link", () => {
    const folder = createProject();
    const link = join(createTempFolder(), "linked");
    symlinkSync(folder, link);
    expect(runInstall(folder, join(link, "infra/install.mjs")).calls).toHaveLength(1);
  });

  it("waits for another installation in the same folder instead of working against it", async () => {
    // The first npm holds the folder until it is told to go on, so both are surely there at once.
    const folder = createProject(
      npmThat(`
        fs.writeFileSync("started", "");
        while (!fs.existsSync("go-on")) {
          if (!fs.existsSync("started")) process.exit(1);
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
        }
        ${installation("v24.0.0")}`),
    );
    const first = startInstall(folder);
    await vi.waitUntil(() => existsSync(join(folder, "started")), 5_000);
    const second = startInstall(folder);
    await vi.waitUntil(() => second.said().includes("waiting for it"), 5_000);
    writeFiles(folder, { "go-on": "" });
    expect(await first.ended).toBe(0);
    expect(await second.ended).toBe(0);
    expect(readFileSync(join(folder, "npm-calls.txt"), "utf8").match(/^ci /gm)).toHaveLength(1);
    expect(second.said()).not.toContain("Installing");
  });

  it("ends its npm when it is ended, and leaves no claim on the folder", async () => {
    const folder = createProject(
      npmThat(`
        fs.writeFileSync("npm-pid", String(process.pid));
        setInterval(() => fs.existsSync("npm-pid") || process.exit(1), 100);`),
    );
    const install = startInstall(folder);
    await vi.waitUntil(() => existsSync(join(folder, "npm-pid")), 5_000);
    install.end();
    expect(await install.ended).toBe(1);
    const npmPid = Number(readFileSync(join(folder, "npm-pid"), "utf8"));
    expect(() => process.kill(npmPid, 0)).toThrow("ESRCH");
    writeFiles(folder, { "npm/npm-cli.js": npmThatInstalls() });
    expect(runInstall(folder).said).not.toContain("waiting");
  });

  it("fails with the remedy when the registry cannot be reached", () => {
    const folder = createProject(
      npmThat(
        `console.error("npm error code ENOTFOUND\\nnpm error network request failed"); process.exit(1);`,
      ),
    );
    const { code, said } = runInstall(folder);
    expect(code).toBe(1);
    expect(said).toContain("could not reach its registry");
  });

  it("fails with npm's own words when npm refuses for another reason", () => {
    const folder = createProject(npmThat(`console.error("npm error code EUSAGE"); process.exit(7);`));
    const { code, said } = runInstall(folder);
    expect(code).toBe(1);
    expect(said).toContain("npm error code EUSAGE");
    expect(said).toContain("ended with code 7");
  });

  it.each([
    ["an old Node", npmThatInstalls("v20.1.0"), "version 20 did"],
    ["a Node that does not start", npmThatInstalls("nothing"), "it does not start"],
  ])("fails when the installation brought %s", (_, npm, says) => {
    const { code, said } = runInstall(createProject(npm));
    expect(code).toBe(1);
    expect(said).toContain(says);
  });

  it("uses the npm in PATH when another package manager runs the script", () => {
    const folder = createProject();
    writeFiles(folder, { "bin/npm": `#!/bin/sh\necho "path $@" >> npm-calls.txt\nexit 1\n` });
    chmodSync(join(folder, "bin/npm"), 0o755);
    const run = spawnSync(process.execPath, [join(folder, "infra/install.mjs")], {
      cwd: folder,
      encoding: "utf8",
      env: { PATH: `${join(folder, "bin")}:${process.env["PATH"]}`, npm_execpath: "/opt/yarn.js" },
    });
    expect(run.status).toBe(1);
    expect(runInstall(folder).calls[0]).toMatch(/^path ci /);
  });
});
