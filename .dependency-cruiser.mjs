// Which area may import which. `npm run check` enforces it through infra/check-layers.ts, and
// test/unit/project/layers.test.ts plants one violation of every rule to show that it is still seen.

/** Libraries without input, output, clock or chance of their own: rules may use them. */
const pureLibraries = [
  "croner",
  "rrule-temporal",
  "twitter-text",
  "@types/twitter-text",
  "temporal-polyfill",
  "temporal-spec",
  "yaml",
  "zod",
];
const pure = `^node_modules/(${pureLibraries.join("|")})/|^(node:)?crypto$`;

/** The whole module list of an area that is defined by what it may import, not by what it may not. */
const only = (name, comment, from, allowed) => ({
  name,
  comment,
  severity: "error",
  from: { path: from },
  to: { pathNot: allowed.join("|") },
});

const never = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    never("no-cycles", "A cycle has no direction.", {}, { circular: true }),
    never(
      "no-unresolved",
      "An import that cannot be followed escapes every other rule.",
      {},
      // "aws-lambda" is only the types of @types/aws-lambda: there is no such module to follow.
      { couldNotResolve: true, pathNot: "^aws-lambda$" },
    ),

    only("domain-is-pure", "Rules know rules, results and pure libraries.", "^shared/domain/", [
      "^shared/domain/",
      "^shared/result\\.ts$",
      pure,
    ]),
    only("ports-name-domain-only", "A port speaks of the domain, never of a technology.", "^shared/ports/", [
      "^shared/(ports|domain)/",
      "^shared/(result|errors)\\.ts$",
    ]),
    only("usecases-know-ports-only", "A use case reaches the world through its ports.", "^shared/usecases/", [
      "^shared/(usecases|ports|domain)/",
      "^shared/(result|errors)\\.ts$",
      pure,
    ]),
    only(
      "contract-is-schemas",
      "Clients import the contract: it may bring nothing else along.",
      "^shared/contract/",
      ["^shared/(contract|domain)/", "^shared/result\\.ts$", pure],
    ),
    never(
      "adapters-serve-ports",
      "An adapter implements a port; it does not know who calls it.",
      { path: "^shared/adapters/" },
      { path: "^(shared/usecases|functions|cli|web)/" },
    ),
    never(
      "adapters-stand-apart",
      "One technology does not lean on another: what two share belongs to domain or ports.",
      { path: "^shared/adapters/([^/]+)/" },
      { path: "^shared/adapters/[^/]+/", pathNot: "^shared/adapters/$1/" },
    ),

    never(
      "shared-knows-no-function",
      "Functions are built from shared/, not the reverse.",
      { path: "^shared/" },
      { path: "^functions/" },
    ),
    never(
      "functions-wire-in-index-only",
      "Only the entry of a function chooses its adapters.",
      { path: "^functions/", pathNot: "^functions/[^/]+/index\\.ts$" },
      { path: "^shared/adapters/" },
    ),
    never(
      "functions-stand-apart",
      "A function imports itself and the middleware, never another function.",
      { path: "^functions/([^/]+)/" },
      { path: "^functions/[^/]+/", pathNot: "^functions/($1|middleware)/" },
    ),
    never(
      "sdk-in-adapters-and-entries-only",
      "AWS clients are made in functions/*/index.ts and used in adapters.",
      { path: "^(shared|functions)/", pathNot: "^shared/adapters/|^functions/[^/]+/index\\.ts$" },
      { path: "^node_modules/(@aws-sdk|@smithy)/" },
    ),
    never(
      "middleware-libraries-in-functions-only",
      "Middy and Powertools belong to the edge.",
      { path: "^shared/" },
      { path: "^node_modules/(@middy|@aws-lambda-powertools)/" },
    ),
    never(
      "runtime-needs-no-dev-dependency",
      "What is deployed or given to people imports dependencies only; types leave no trace.",
      { path: "^(shared|functions|cli)/" },
      { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
    ),
    never(
      "runtime-knows-no-infra",
      "Nothing that is deployed imports infra/ or the CDK.",
      { path: "^(shared|functions)/" },
      { path: "^infra/|^node_modules/(aws-cdk-lib|constructs|cdk-nag)/" },
    ),

    never(
      "stacks-know-configs-only",
      "Of a function the stacks know the schema of its environment, and of shared/ no behaviour.",
      { path: "^infra/", pathNot: "^infra/(local/|admin/|admin\\.ts$)" },
      { path: "^functions/|^shared/(adapters|usecases)/", pathNot: "^functions/[^/]+/config\\.ts$" },
    ),
    never(
      "local-cloud-reads-the-template",
      "infra/local must not know how the template was made: it runs what was synthesized.",
      { path: "^infra/local/" },
      {
        path: "^infra/|^functions/|^node_modules/(aws-cdk-lib|constructs|cdk-nag)/",
        pathNot: "^infra/(local/|require-node\\.ts$)",
      },
    ),
    never(
      "stacks-know-no-laptop",
      "What is deployed must not depend on the laptop's stand-ins.",
      { path: "^infra/(app\\.ts$|stacks/|constructs/)" },
      { path: "^infra/local/" },
    ),
    never(
      "agpl-stays-on-this-machine",
      "@cloud-copilot is AGPL: the local run and the tests may use it, nothing that is deployed.",
      { pathNot: "^(infra/local|test)/" },
      { path: "^node_modules/@cloud-copilot/" },
    ),

    never(
      "clients-know-the-contract-only",
      "cli/ and web/ are clients of the API.",
      { path: "^(cli|web)/" },
      { path: "^(shared|functions|infra)/", pathNot: "^shared/contract/" },
    ),
    never(
      "only-tests-import-tests",
      "Support code of the tests is not deployed.",
      { pathNot: "^test/" },
      { path: "^test/" },
    ),
  ],
  options: {
    doNotFollow: { path: "^node_modules/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "types", "default"],
      extensions: [".ts", ".mjs", ".js", ".json"],
    },
  },
};
