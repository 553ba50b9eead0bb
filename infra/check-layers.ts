import "#infra/require-node.ts";
import { readdir } from "node:fs/promises";
import { join, sep } from "node:path";
import process from "node:process";
import { cruise, type ICruiseResult } from "dependency-cruiser";
import extractOptions from "dependency-cruiser/config-utl/extract-depcruise-options";
import extractTsConfig from "dependency-cruiser/config-utl/extract-ts-config";

/** The areas whose direction is ruled; those that do not exist yet are left out. */
const AREAS = ["infra", "functions", "shared", "cli", "web", "test"];

/** A check that looks at fewer modules than this has lost its parser, not found a small project. */
const LEAST_MODULES = 20;

export type LayerViolation = { readonly rule: string; readonly from: string; readonly to: string };

export type LayerReport = {
  /** Source files on disk that the tool was to see. */
  readonly files: number;
  /** Source files on disk that the tool did not report: it could not read them. */
  readonly unseen: readonly string[];
  /** Imports from one area or file of the project to another. */
  readonly imports: number;
  readonly violations: readonly LayerViolation[];
};

/**
 * Follows every import below `root` and compares it with `.dependency-cruiser.mjs`.
 *
 * dependency-cruiser parses with whatever `typescript` is installed and reports a clean, empty graph when it
 * does not understand it (version 7 does that). So the report also says what was seen, against the disk.
 */
export async function checkLayers(root: string): Promise<LayerReport> {
  const areas = (await readdir(root, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && AREAS.includes(entry.name))
    .map((entry) => entry.name);
  const files = (await Promise.all(areas.map((area) => listSources(root, area)))).flat();
  const options = await extractOptions(join(root, ".dependency-cruiser.mjs"));
  const { output } = await cruise(areas, { ...options, baseDir: root, validate: true }, undefined, {
    tsConfig: extractTsConfig(join(root, "tsconfig.json")),
  });
  const { modules, summary } = output as ICruiseResult;
  const sources = new Set(files);
  const seen = new Set(modules.map((module) => module.source));
  return {
    files: files.length,
    unseen: files.filter((file) => !seen.has(file)),
    imports: modules
      .filter((module) => sources.has(module.source))
      .flatMap((module) => module.dependencies)
      .filter((dependency) => sources.has(dependency.resolved)).length,
    violations: summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to })),
  };
}

/** What is wrong with a report, one sentence each; nothing when it can be trusted and is clean. */
export function describeFaults(report: LayerReport, leastModules = LEAST_MODULES): string[] {
  const faults = report.violations.map(({ rule, from, to }) => `${rule}: ${from} → ${to}`);
  if (report.files < leastModules) {
    faults.push(`only ${report.files} source files were found, at least ${leastModules} are expected`);
  }
  if (report.unseen.length > 0) {
    faults.push(
      `the layer tool did not see ${report.unseen.length} of ${report.files} files, first ${report.unseen[0]}: is "typescript" still version 6?`,
    );
  }
  if (report.files > 0 && report.imports === 0) {
    faults.push("the layer tool followed no import inside the project");
  }
  return faults;
}

async function listSources(root: string, area: string): Promise<string[]> {
  const entries = await readdir(join(root, area), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(ts|tsx|mts|js|mjs)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .map((path) => path.split(sep).join("/"))
    .filter((path) => !path.includes("node_modules/"));
}

if (import.meta.main) {
  const report = await checkLayers(process.cwd());
  const faults = describeFaults(report);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
  else console.log(`Layers: ${report.files} files, ${report.imports} imports, direction kept.`);
}
