import { cpSync } from "node:fs";
import { join } from "node:path";
import extractOptions from "dependency-cruiser/config-utl/extract-depcruise-options";
import { describe, expect, it } from "vitest";
import { checkLayers, describeFaults, type LayerReport } from "#infra/check-layers.ts";
import { createTempFolder, projectRoot, writeFiles } from "./temp-folder.ts";

/** Enough of each package for an import to be followed to it. */
const packages = [
  "@aws-sdk/client-sqs",
  "@cloud-copilot/iam-simulate",
  "@middy/core",
  "aws-cdk-lib",
  "fast-check",
  "twitter-api-v2",
  "zod",
];
const devPackages = new Set(["@cloud-copilot/iam-simulate", "aws-cdk-lib", "fast-check"]);

/** A small project that keeps every rule: each area imports what it may. */
const cleanTree = {
  "shared/result.ts": "export type Result = 1;",
  "shared/errors.ts": "export class Fault extends Error {}",
  "shared/domain/task.ts": `import * as z from "zod";\nimport { createHash } from "node:crypto";\nimport type { Result } from "#shared/result.ts";\nexport const task: Result = 1;\nexport { z, createHash };`,
  "shared/ports/task-store.ts": `import { task } from "#shared/domain/task.ts";\nimport "#shared/errors.ts";\nexport const port = task;`,
  "shared/usecases/publish.ts": `import { port } from "#shared/ports/task-store.ts";\nexport const publish = port;`,
  "shared/contract/schemas.ts": `import * as z from "zod";\nexport const schema = z;`,
  "shared/adapters/sqs/queue.ts": `import "@aws-sdk/client-sqs";\nimport { port } from "#shared/ports/task-store.ts";\nexport const queue = port;`,
  "shared/adapters/x/client.ts": `import "twitter-api-v2";\nexport const client = 1;`,
  "functions/middleware/queue.ts": `import "@middy/core";\nexport const middleware = 1;`,
  "functions/publish-post/config.ts": `import "zod";\nexport const config = 1;`,
  "functions/publish-post/handler.ts": `import { publish } from "#shared/usecases/publish.ts";\nimport "#functions/middleware/queue.ts";\nexport const handler = publish;`,
  "functions/publish-post/index.ts": `import "@aws-sdk/client-sqs";\nimport "#shared/adapters/sqs/queue.ts";\nimport { handler } from "./handler.ts";\nexport { handler };`,
  "functions/sweep-tasks/handler.ts": "export const sweep = 1;",
  "infra/stacks/service.ts": `import "aws-cdk-lib";\nimport { config } from "#functions/publish-post/config.ts";\nexport const stack = config;`,
  "infra/local/gateway.ts": `import "@cloud-copilot/iam-simulate";\nimport "@aws-sdk/client-sqs";\nexport const gateway = 1;`,
  "cli/main.ts": `import "#shared/contract/schemas.ts";\nexport const main = 1;`,
  "test/support/builders.ts": `import "#shared/adapters/sqs/queue.ts";\nimport "fast-check";\nimport "#infra/local/gateway.ts";\nexport const build = 1;`,
};

/** One file for every way to break a rule, with the rules that must name it. */
const plants: readonly { file: string; imports: string; rule: string }[] = [
  { rule: "domain-is-pure", file: "shared/domain/p1.ts", imports: "#shared/ports/task-store.ts" },
  { rule: "domain-is-pure", file: "shared/domain/p2.ts", imports: "node:fs" },
  { rule: "domain-is-pure", file: "shared/domain/p3.ts", imports: "twitter-api-v2" },
  { rule: "domain-is-pure", file: "shared/domain/p4.ts", imports: "#shared/errors.ts" },
  { rule: "ports-name-domain-only", file: "shared/ports/p1.ts", imports: "#shared/usecases/publish.ts" },
  { rule: "ports-name-domain-only", file: "shared/ports/p2.ts", imports: "zod" },
  {
    rule: "usecases-know-ports-only",
    file: "shared/usecases/p1.ts",
    imports: "#shared/adapters/x/client.ts",
  },
  { rule: "usecases-know-ports-only", file: "shared/usecases/p2.ts", imports: "@aws-sdk/client-sqs" },
  { rule: "usecases-know-ports-only", file: "shared/usecases/p3.ts", imports: "@middy/core" },
  { rule: "usecases-know-ports-only", file: "shared/usecases/p4.ts", imports: "node:timers/promises" },
  { rule: "contract-is-schemas", file: "shared/contract/p1.ts", imports: "#shared/usecases/publish.ts" },
  { rule: "contract-is-schemas", file: "shared/contract/p2.ts", imports: "@aws-sdk/client-sqs" },
  { rule: "adapters-serve-ports", file: "shared/adapters/x/p1.ts", imports: "#shared/usecases/publish.ts" },
  { rule: "adapters-stand-apart", file: "shared/adapters/x/p2.ts", imports: "#shared/adapters/sqs/queue.ts" },
  {
    rule: "shared-knows-no-function",
    file: "shared/config/p1.ts",
    imports: "#functions/publish-post/config.ts",
  },
  {
    rule: "functions-wire-in-index-only",
    file: "functions/publish-post/p1.ts",
    imports: "#shared/adapters/x/client.ts",
  },
  {
    rule: "functions-stand-apart",
    file: "functions/publish-post/p2.ts",
    imports: "#functions/sweep-tasks/handler.ts",
  },
  {
    rule: "sdk-in-adapters-and-entries-only",
    file: "functions/publish-post/p3.ts",
    imports: "@aws-sdk/client-sqs",
  },
  {
    rule: "sdk-in-adapters-and-entries-only",
    file: "functions/middleware/p1.ts",
    imports: "@aws-sdk/client-sqs",
  },
  { rule: "middleware-libraries-in-functions-only", file: "shared/adapters/x/p3.ts", imports: "@middy/core" },
  { rule: "runtime-needs-no-dev-dependency", file: "shared/adapters/x/p4.ts", imports: "fast-check" },
  { rule: "runtime-knows-no-infra", file: "functions/middleware/p2.ts", imports: "#infra/local/gateway.ts" },
  { rule: "runtime-knows-no-infra", file: "shared/adapters/x/p5.ts", imports: "aws-cdk-lib" },
  {
    rule: "stacks-know-configs-only",
    file: "infra/stacks/p1.ts",
    imports: "#functions/publish-post/handler.ts",
  },
  {
    rule: "stacks-know-configs-only",
    file: "infra/constructs/p2.ts",
    imports: "#shared/adapters/x/client.ts",
  },
  { rule: "local-cloud-reads-the-template", file: "infra/local/p1.ts", imports: "#infra/stacks/service.ts" },
  { rule: "local-cloud-reads-the-template", file: "infra/local/p2.ts", imports: "aws-cdk-lib" },
  {
    rule: "local-cloud-reads-the-template",
    file: "infra/local/p3.ts",
    imports: "#functions/publish-post/config.ts",
  },
  { rule: "stacks-know-no-laptop", file: "infra/stacks/p3.ts", imports: "#infra/local/gateway.ts" },
  { rule: "agpl-stays-on-this-machine", file: "infra/stacks/p4.ts", imports: "@cloud-copilot/iam-simulate" },
  {
    rule: "agpl-stays-on-this-machine",
    file: "shared/adapters/x/p6.ts",
    imports: "@cloud-copilot/iam-simulate",
  },
  { rule: "clients-know-the-contract-only", file: "cli/p1.ts", imports: "#shared/domain/task.ts" },
  { rule: "only-tests-import-tests", file: "infra/local/p4.ts", imports: "#test/support/builders.ts" },
  { rule: "no-unresolved", file: "shared/adapters/x/p7.ts", imports: "#shared/no-such-file.ts" },
  { rule: "no-cycles", file: "shared/adapters/x/p8.ts", imports: "./p9.ts" },
];

/** What closes the planted cycle; the tool reports a cycle once, at the first file that it meets. */
const otherHalf = { "shared/adapters/x/p9.ts": 'import "./p8.ts";' };

function createProject(files: Readonly<Record<string, string>>): string {
  const versions = (names: string[]) => Object.fromEntries(names.map((name) => [name, "1.0.0"]));
  const folder = createTempFolder({
    "package.json": JSON.stringify({
      name: "planted",
      type: "module",
      imports: Object.fromEntries(
        ["shared", "functions", "infra", "test"].map((area) => [`#${area}/*`, `./${area}/*`]),
      ),
      dependencies: versions(packages.filter((name) => !devPackages.has(name))),
      devDependencies: versions([...devPackages]),
    }),
    ...files,
  });
  for (const file of [".dependency-cruiser.mjs", "tsconfig.json"]) {
    cpSync(join(projectRoot, file), join(folder, file));
  }
  for (const name of packages) {
    writeFiles(join(folder, "node_modules", name), {
      "package.json": JSON.stringify({ name, version: "1.0.0", type: "module", exports: "./index.js" }),
      "index.js": "export {};",
    });
  }
  return folder;
}

describe("the direction of imports", () => {
  it("lets each area import what it may", async () => {
    const report = await checkLayers(createProject(cleanTree));
    expect(report.violations).toEqual([]);
    expect(report.unseen).toEqual([]);
    expect(report.files).toBe(Object.keys(cleanTree).length);
    expect(report.imports).toBe(13);
  });

  it("sees every planted violation, also of an import that is only a type", async () => {
    const planted = Object.fromEntries(
      plants.map(({ file, imports }, index) => [
        file,
        index % 2 === 0 || imports.includes("fast-check")
          ? `import * as x from "${imports}";\nexport const y = x;`
          : `import type * as x from "${imports}";\nexport type Y = typeof x;`,
      ]),
    );
    const report = await checkLayers(createProject({ ...cleanTree, ...planted, ...otherHalf }));
    const found = report.violations.map(({ rule, from }) => `${rule}: ${from}`);
    expect(found).toEqual(expect.arrayContaining(plants.map(({ rule, file }) => `${rule}: ${file}`)));
    // and none of the clean files is blamed for it
    expect(report.violations.filter(({ from }) => from in cleanTree)).toEqual([]);
  });

  it("has a planted violation for every rule", async () => {
    const { ruleSet } = await extractOptions(join(projectRoot, ".dependency-cruiser.mjs"));
    const rules = ruleSet?.forbidden?.map(({ name }) => name);
    expect(new Set(plants.map(({ rule }) => rule))).toEqual(new Set(rules));
  });
});

describe("the trust in the layer tool", () => {
  const report: LayerReport = { files: 100, unseen: [], imports: 300, violations: [] };

  it("accepts a report that saw everything and found nothing", () => {
    expect(describeFaults(report)).toEqual([]);
  });

  it.each([
    [
      "nothing was parsed, as with TypeScript 7",
      { ...report, unseen: ["shared/result.ts"] },
      "did not see 1 of 100",
    ],
    ["too few files were found", { ...report, files: 3 }, "only 3 source files"],
    ["no import was followed", { ...report, imports: 0 }, "followed no import"],
    [
      "a rule is broken",
      { ...report, violations: [{ rule: "no-cycles", from: "a.ts", to: "b.ts" }] },
      "no-cycles: a.ts → b.ts",
    ],
  ])("rejects it when %s", (_, broken, says) => {
    expect(describeFaults(broken).join("\n")).toContain(says);
  });
});
