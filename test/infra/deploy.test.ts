import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REPOSITORY } from "#infra/bundling.ts";

let home: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "punctual-home-"));
  mkdirSync(join(home, ".aws"));
  writeFileSync(
    join(home, ".aws", "config"),
    "[profile no-region]\naws_access_key_id = key\naws_secret_access_key = secret\n",
  );
});

afterAll(() => rmSync(home, { recursive: true }));

/** Runs `npm run deploy` as somebody with an empty machine would. */
async function deploy(args: readonly string[], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(REPOSITORY, "infra", "deploy.ts"), ...args], {
    env: { HOME: home, AWS_EC2_METADATA_DISABLED: "true", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exit = once(child, "exit");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [exitCode] = await exit;
  return { exitCode, output: stdout + stderr };
}

describe("deploy without what it needs", () => {
  it("says that credentials are missing, how to get some, and that nothing was changed", async () => {
    const { exitCode, output } = await deploy([]);
    expect(exitCode).toBe(1);
    expect(output).toContain("Cannot deploy: no AWS credentials were found");
    expect(output).toContain("npm run deploy -- --profile NAME");
    expect(output).toContain("AWS_ACCESS_KEY_ID");
    expect(output).toContain("Nothing was changed.");
  });

  it.each([[["--profile", "nobody"]], [["--profile=nobody", "--require-approval", "never"]]])(
    "names the profile that has none: %j",
    async (args) => {
      const { exitCode, output } = await deploy(args);
      expect(exitCode).toBe(1);
      expect(output).toContain('no AWS credentials were found in the profile "nobody"');
    },
  );

  it("says that the Region is missing, and how to set one", async () => {
    const { exitCode, output } = await deploy(["--profile", "no-region"]);
    expect(exitCode).toBe(1);
    expect(output).toContain('no AWS Region is set in the profile "no-region"');
    expect(output).toContain("npm run deploy -- -c region=");
  });

  it("shows no secret", async () => {
    const { output } = await deploy([], { AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "s3cret" });
    expect(output).toContain("no AWS Region is set");
    expect(output).not.toContain("s3cret");
  });
});
