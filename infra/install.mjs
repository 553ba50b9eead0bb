// Makes one command enough on a clean clone: the pre-script of every npm script that needs the installation.
// It runs on whatever Node the machine has (20 or newer) and imports nothing that must be installed first.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, linkSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** The scripts are TypeScript that Node itself strips; the package `node` brings this version along. */
const NEEDED_NODE = 24;

/** What npm says when the network, not the project, is at fault. */
const UNREACHABLE =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|ERR_INVALID_URL|ENOTCACHED)\b|network/i;

/**
 * Why the installation below `root` is not what `package-lock.json` asks for, or `undefined` if it is.
 *
 * npm writes `node_modules/.package-lock.json` as its last step, so an interrupted install has none. The
 * folder's existence or its time says nothing: `git checkout` touches the one, a crash leaves the other.
 *
 * @param {string} root
 * @returns {string | undefined}
 */
export function findGap(root) {
  const wanted = readPackages(join(root, "package-lock.json"));
  if (wanted === undefined) return "package-lock.json cannot be read";
  const modules = join(root, "node_modules");
  if (!existsSync(modules)) return "node_modules is missing";
  const installed = readPackages(join(modules, ".package-lock.json"));
  if (installed === undefined) return "an earlier installation was interrupted";
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === "") continue;
    const present = installed[path];
    if (present === undefined) {
      // The binaries of other platforms are named in the lockfile and never installed.
      if (entry.optional || entry.devOptional || entry.peer) continue;
      return `${nameOf(path)} is not installed`;
    }
    if (present.version !== entry.version || differ(present.integrity, entry.integrity)) {
      return `${nameOf(path)} is installed as ${present.version}, the lockfile says ${entry.version}`;
    }
  }
  for (const path of Object.keys(installed)) {
    if (wanted[path] === undefined) return `${nameOf(path)} is installed, but no longer in the lockfile`;
    const manifest = readJson(join(root, path, "package.json"));
    if (manifest === undefined && !installed[path].link) return `${nameOf(path)} was removed from disk`;
  }
  if (wanted["node_modules/node"] !== undefined && !existsSync(join(modules, ".bin", "node"))) {
    return "the bundled Node binary is missing";
  }
  return undefined;
}

/** @returns {Record<string, { version?: string, integrity?: string, optional?: boolean, devOptional?: boolean, peer?: boolean, link?: boolean }> | undefined} */
function readPackages(file) {
  const packages = readJson(file)?.packages;
  return typeof packages === "object" && packages !== null ? packages : undefined;
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

const differ = (left, right) => left !== undefined && right !== undefined && left !== right;

const nameOf = (path) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);

/**
 * Waits until no other installation works in the same folder, then claims it. Two `npm ci` at once delete
 * each other's files; the other one may be a terminal next door, or what a killed command left running.
 *
 * @param {string} root
 * @returns {Promise<{ note: (pid: number | undefined) => void, release: () => void }>}
 */
async function claimFolder(root) {
  const claim = join(
    tmpdir(),
    `punctual-install-${createHash("sha256").update(root).digest("hex").slice(0, 16)}`,
  );
  const own = `${claim}.${process.pid}`;
  // Linked, not written: whoever sees the claim also sees whose it is.
  writeFileSync(own, `${process.pid}`);
  try {
    for (let told = false; !tryLink(own, claim); told = true) {
      const owner = readOwners(claim).find(isAlive);
      if (owner !== undefined) {
        if (!told) {
          process.stderr.write(
            `Another installation is at work in this folder (process ${owner}): waiting for it.\n`,
          );
        }
        await sleep(250);
      } else {
        rmSync(claim, { force: true });
      }
    }
  } finally {
    rmSync(own, { force: true });
  }
  return {
    note: (pid) => writeFileSync(claim, `${process.pid} ${pid ?? ""}`),
    release: () => rmSync(claim, { force: true }),
  };
}

function tryLink(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

/** The processes that hold a claim: the script, and the npm that it started and that may outlive it. */
function readOwners(claim) {
  try {
    return readFileSync(claim, "utf8").trim().split(" ").map(Number);
  } catch {
    return [];
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/**
 * Runs `npm ci` with the npm that runs this script, else the one in PATH, under the Node that npm itself
 * was started with: the one inside node_modules is about to be deleted.
 *
 * @param {string} root
 * @param {(pid: number | undefined) => void} onStart
 * @returns {Promise<{ code: number, complaint: string }>}
 */
function installAll(root, onStart) {
  const npm = process.env.npm_execpath ?? "";
  const asked = ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  const [command, args] = /^npm-cli\.[cm]?js$/.test(basename(npm))
    ? [process.env.npm_node_execpath ?? process.execPath, [npm, ...asked]]
    : ["npm", asked];
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "ignore", "pipe"] });
    onStart(child.pid);
    // npm must not go on alone when the command that wanted it is ended.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => child.kill(signal));
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      process.stderr.write(complaint === "" ? `\n${text}` : text);
      complaint += text;
    });
    child.on("error", (error) => resolve({ code: 127, complaint: `${complaint}${error.message}` }));
    child.on("close", (code) => resolve({ code: code ?? 1, complaint }));
  });
}

/** The remedy for a failed `npm ci`, in words. */
function explain({ code, complaint }) {
  if (code === 127)
    return "npm was not found: install Node.js 20 or newer with npm, then run the same command again.";
  if (UNREACHABLE.test(complaint)) {
    return "npm could not reach its registry: check the connection, the proxy and `npm config get registry`, then run the same command again.";
  }
  return `npm ci ended with code ${code} (its words are above). Nothing else was changed; run the same command again when it is solved.`;
}

/** The major version of the Node that npm scripts will find, or 0 if it does not start. */
function majorOfBundledNode(root) {
  const answer = spawnSync(join(root, "node_modules", ".bin", "node"), ["--version"], { encoding: "utf8" });
  return Number(/^v(\d+)\./.exec(answer.stdout ?? "")?.[1] ?? 0);
}

async function main(root) {
  if (findGap(root) === undefined) return 0;
  const claim = await claimFolder(root);
  try {
    // Asked again: who was waited for may have done the work.
    const gap = findGap(root);
    return gap === undefined ? 0 : await closeGap(root, gap, claim.note);
  } finally {
    claim.release();
  }
}

async function closeGap(root, gap, onStart) {
  const startedAt = Date.now();
  process.stderr.write(`Installing the dependencies: ${gap} … `);
  const result = await installAll(root, onStart);
  if (result.code !== 0) {
    process.stderr.write(`\nNot installed. ${explain(result)}\n`);
    return 1;
  }
  const major = majorOfBundledNode(root);
  if (major < NEEDED_NODE) {
    const found = major === 0 ? "it does not start" : `version ${major} did`;
    process.stderr.write(
      `\nNot installed. Node ${NEEDED_NODE} should have come with the package "node", but ${found}: npm must be allowed to run its install script (\`npm config get ignore-scripts\`).\n`,
    );
    return 1;
  }
  process.stderr.write(`done in ${Math.round((Date.now() - startedAt) / 1000)} s.\n`);
  return 0;
}

// import.meta.main does not exist in Node 20; argv keeps symbolic links, import.meta.url does not.
const self = fileURLToPath(import.meta.url);
if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === self) {
  process.exitCode = await main(dirname(dirname(self)));
}
