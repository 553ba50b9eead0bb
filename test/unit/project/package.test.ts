import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { projectRoot } from "./temp-folder.ts";

const Names = z.record(z.string(), z.string()).default({});
const Manifest = z.object({
  scripts: z.record(z.string(), z.string()),
  dependencies: Names,
  devDependencies: Names,
});
const Lockfile = z.object({
  packages: z.record(z.string(), z.object({ optionalDependencies: Names, resolved: z.string().optional() })),
});

const readJson = (name: string): unknown => JSON.parse(readFileSync(join(projectRoot, name), "utf8"));

/** Optional dependencies that the lockfile names but does not hold: `npm ci` fails on the platform that needs them. */
function findLostOptionals({ packages }: z.infer<typeof Lockfile>): string[] {
  return Object.entries(packages).flatMap(([owner, { optionalDependencies }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !isHeldFor(owner, name, packages))
      .map((name) => `${owner}: ${name}`),
  );
}

/** Node's own search: in the owner's node_modules, or in any above it. */
function isHeldFor(owner: string, name: string, packages: Readonly<Record<string, unknown>>): boolean {
  const parents = owner
    .split("/node_modules/")
    .map((_, depth, parts) => parts.slice(0, depth + 1).join("/node_modules/"));
  return [`node_modules/${name}`, ...parents.map((place) => `${place}/node_modules/${name}`)].some(
    (place) => place in packages,
  );
}

describe("package-lock.json", () => {
  const lockfile = Lockfile.parse(readJson("package-lock.json"));

  it("holds the optional packages of every platform", () => {
    expect(Object.keys(lockfile.packages).length).toBeGreaterThan(300);
    expect(findLostOptionals(lockfile)).toEqual([]);
  });

  it("would be caught with one of them missing", () => {
    const packages = { ...lockfile.packages };
    delete packages["node_modules/@esbuild/darwin-arm64"];
    expect(findLostOptionals({ packages })).toEqual(["node_modules/esbuild: @esbuild/darwin-arm64"]);
  });

  it("names no registry host, so that it installs from any", () => {
    const named = Object.values(lockfile.packages).filter(({ resolved }) => resolved?.includes("://"));
    expect(named).toEqual([]);
  });
});

describe("package.json", () => {
  const { scripts, dependencies, devDependencies } = Manifest.parse(readJson("package.json"));

  it("offers every command that the documents name", () => {
    const promised = [
      "demo",
      "start",
      "reset",
      "build",
      "check",
      "test",
      "synth",
      "deploy",
      "admin",
      "bench",
    ];
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(promised));
  });

  it.each(["demo", "start", "test", "check", "bench", "deploy"])(
    "completes the installation before `npm run %s`",
    (script) => {
      expect(scripts[`pre${script}`]).toBe("node infra/install.mjs");
    },
  );

  it("checks with every tool, and all of them must pass", () => {
    expect(scripts["check"]?.split(" && ")).toEqual([
      "tsc --noEmit",
      "biome ci .",
      "node infra/check-layers.ts",
      "knip",
    ]);
  });

  it("gives the tools that read TypeScript's API version 6, and `tsc` version 7", () => {
    expect(devDependencies["typescript"]).toMatch(/^npm:@typescript\/typescript6@\^6\./);
    expect(devDependencies["@typescript/native"]).toMatch(/^npm:typescript@\^7\./);
  });

  it("gives every dependency its reason in the second decision record", () => {
    const record = readFileSync(join(projectRoot, "docs/adr/0002-dependencies.md"), "utf8");
    const unexplained = Object.keys({ ...dependencies, ...devDependencies }).filter(
      (name) => !record.includes(`\`${name}\``),
    );
    expect(unexplained).toEqual([]);
  });
});
