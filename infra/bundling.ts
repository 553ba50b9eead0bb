import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";
import type { OpenApiDocument } from "#infra/openapi/document.ts";
import { createApiPage } from "#infra/openapi/page.ts";

export const REPOSITORY = resolve(import.meta.dirname, "..");

/** Where `npm run build` puts one folder per function, and where the stacks look for them. */
export const BUNDLE_DIRECTORY = join(REPOSITORY, ".build", "functions");

/** Written by `npm run openapi`; a test compares it with the table of routes. */
export const OPENAPI_FILE = join(REPOSITORY, "docs", "openapi.json");

/** Entry files of every function there is, by the name of their folder. */
function functionEntries(root: string): Readonly<Record<string, string>> {
  const entries = globSync("functions/*/index.ts", { cwd: root }).sort();
  return Object.fromEntries(entries.map((entry) => [basename(dirname(entry)), entry]));
}

/** twitter-text brings polyfills of what Node 24 has by itself: 29 kB in every bundle that counts characters. */
const NO_POLYFILLS: Plugin = {
  name: "no-polyfills",
  setup(build) {
    build.onResolve({ filter: /^core-js\// }, ({ path }) => ({ path, namespace: "no-polyfills" }));
    build.onLoad({ filter: /./, namespace: "no-polyfills" }, () => ({ contents: "" }));
  },
};

/**
 * How every function is bundled.
 *
 * `mainFields`: esbuild's own order picks the CommonJS half of some packages, and the bundle then dies at load with
 * "Dynamic require of … is not supported"; the ES half also loads faster. Nothing is external, the SDK included: what
 * was tested is what runs. `punycode` is the package and not Node's own module, which is deprecated and says so in
 * the log of every cold start.
 */
const OPTIONS = {
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node24",
  mainFields: ["module", "main"],
  alias: { punycode: "punycode/" },
  // Some packages (`debug`, below file-type) are CommonJS only and require Node's own modules.
  banner: {
    js: 'import { createRequire as punctualRequire } from "node:module"; const require = punctualRequire(import.meta.url);',
  },
  plugins: [NO_POLYFILLS],
  minify: true,
  sourcemap: "linked",
  // Positions and names are enough for a stack trace, and Node reads the map at each cold start.
  sourcesContent: false,
  outExtension: { ".js": ".mjs" },
  metafile: true,
  logLevel: "silent",
} satisfies BuildOptions;

export interface Bundle {
  readonly name: string;
  /** Absolute path of the module that Lambda loads. */
  readonly file: string;
  /** Without the source map. */
  readonly sizeBytes: number;
  /** Every source in it, relative to the repository → bytes it adds to the bundle. */
  readonly inputs: Readonly<Record<string, number>>;
}

/** Files beside a bundle, which its function reads when somebody asks for them. */
function filesBeside(): Readonly<Record<string, string>> {
  const document = readFileSync(OPENAPI_FILE, "utf8");
  return {
    "serve-api/openapi.json": document,
    "serve-api/docs.html": createApiPage(JSON.parse(document) as OpenApiDocument),
  };
}

/**
 * Bundles every function as it is deployed: `<directory>/<name>/index.mjs`, its source map, and what it reads.
 *
 * The same sources give the same bytes wherever they lie, and a file that would not change is not written: the hash of
 * an asset changes with its content only, and two builds at once do not see half a file of each other.
 *
 * @throws BuildFailure of esbuild, with every message and its place
 */
export async function bundleFunctions(directory = BUNDLE_DIRECTORY): Promise<readonly Bundle[]> {
  const entries = functionEntries(REPOSITORY);
  const names = Object.keys(entries);
  if (names.length === 0) throw new Error(`no functions/*/index.ts under ${REPOSITORY}`);

  const { outputFiles, metafile } = await build({
    ...OPTIONS,
    absWorkingDir: REPOSITORY,
    entryPoints: Object.entries(entries).map(([name, entry]) => ({ in: entry, out: `${name}/index` })),
    // Paths in the source maps are relative to here, so it is the same place for every directory.
    outdir: BUNDLE_DIRECTORY,
    write: false,
  });
  for (const { path, contents } of outputFiles) {
    writeIfChanged(join(directory, relative(BUNDLE_DIRECTORY, path)), contents);
  }
  for (const [file, text] of Object.entries(filesBeside()))
    writeIfChanged(join(directory, file), Buffer.from(text));
  for (const stale of readdirSync(directory).filter((name) => !names.includes(name))) {
    rmSync(join(directory, stale), { recursive: true });
  }

  return names.map((name) => {
    const output = metafile.outputs[relative(REPOSITORY, join(BUNDLE_DIRECTORY, name, "index.mjs"))];
    if (output === undefined) throw new Error(`esbuild wrote nothing for ${name}`);
    return {
      name,
      file: join(directory, name, "index.mjs"),
      sizeBytes: output.bytes,
      inputs: Object.fromEntries(
        Object.entries(output.inputs).map(([source, { bytesInOutput }]) => [source, bytesInOutput]),
      ),
    };
  });
}

function writeIfChanged(file: string, contents: Uint8Array): void {
  if (existsSync(file) && readFileSync(file).equals(contents)) return;
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, contents);
  renameSync(temporary, file);
}
