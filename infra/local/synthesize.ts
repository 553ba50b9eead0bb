import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Everything that the assembly is made of. */
const SOURCES = ["infra/**/*.ts", "functions/**/*.ts", "shared/**/*.ts", "package-lock.json", "cdk.json"];
/** Not part of what is deployed. */
const NOT_DEPLOYED = /^infra\/local\//;
const STAMP = ".punctual-sources";

/** The app could not be bundled or synthesized. The message is the tool's own. */
class SynthesisFault extends Error {
  override readonly name = "SynthesisFault";
}

const digestOf = (root: string): string => {
  const hash = createHash("sha256");
  for (const file of globSync(SOURCES, { cwd: root }).toSorted())
    if (!NOT_DEPLOYED.test(file)) hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest("hex");
};

const readStamp = (directory: string): string | undefined => {
  try {
    return readFileSync(join(directory, STAMP), "utf8");
  } catch {
    return undefined;
  }
};

function run(root: string, script: string, env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0
        ? resolve()
        : reject(new SynthesisFault(`${script} failed.\n${Buffer.concat(output).toString().trim()}`)),
    );
  });
}

/**
 * Bundles the functions and synthesizes the app, as `cdk synth` does, unless no source changed since the last time.
 *
 * @param root - of the project
 * @returns the folder of the cloud assembly
 */
export async function synthesize(root: string): Promise<string> {
  const directory = join(root, "cdk.out");
  const digest = digestOf(root);
  if (readStamp(directory) === digest) return directory;
  const fresh = join(root, `cdk.out.${process.pid}`);
  try {
    await run(root, "infra/build.ts", {});
    await run(root, "infra/app.ts", { CDK_OUTDIR: fresh });
    writeFileSync(join(fresh, STAMP), digest);
    replace(directory, fresh, digest);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return directory;
}

/** Puts the new assembly into its place at once: whoever starts meanwhile reads the old one or the new one. */
function replace(directory: string, fresh: string, digest: string): void {
  const old = `${fresh}.old`;
  try {
    if (existsSync(directory)) renameSync(directory, old);
    renameSync(fresh, directory);
  } catch (error) {
    // Another start was faster, with the very same sources.
    if (readStamp(directory) !== digest) throw error;
  } finally {
    rmSync(old, { recursive: true, force: true });
  }
}
