import process from "node:process";

/** The version that strips types without a flag and knows `import.meta.main`; package `node` brings it along. */
const NEEDED_MAJOR = 24;

/**
 * Ends the process with one sentence when a command runs on an older Node than the project's own. Import it
 * first in every file that is started directly. Older versions either die on the first `.ts` file or, worse,
 * do nothing and report success, since `import.meta.main` is undefined there.
 */
const major = Number(process.versions.node.split(".")[0]);
if (major < NEEDED_MAJOR) {
  console.error(
    `This needs Node ${NEEDED_MAJOR}, but runs on ${process.version}. Start it through npm (\`npm run …\`), which uses the Node in node_modules.`,
  );
  process.exit(1);
}
