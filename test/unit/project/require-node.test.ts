import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { projectRoot } from "./temp-folder.ts";

/** Starts a command on this Node, which is told to say that it is another version. */
function startOn(version: string) {
  const pretence = `Object.defineProperty(process, "version", { value: "v${version}" });
    Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } });`;
  const run = spawnSync(
    process.execPath,
    [
      "--import",
      `data:text/javascript,${encodeURIComponent(pretence)}`,
      join(projectRoot, "infra/require-node.ts"),
    ],
    { encoding: "utf8" },
  );
  return { code: run.status, said: run.stderr };
}

describe("a command that is started directly", () => {
  it("runs on Node 24 and newer", () => {
    expect(startOn("24.0.0")).toEqual({ code: 0, said: "" });
    expect(startOn("26.1.0")).toEqual({ code: 0, said: "" });
  });

  it.each(["20.19.0", "22.21.0"])("says on Node %s that it needs 24, and fails", (version) => {
    const { code, said } = startOn(version);
    expect(code).toBe(1);
    expect(said).toContain(`needs Node 24, but runs on v${version}`);
  });
});
