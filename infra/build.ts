/** `npm run build`: bundles every function into `.build/functions/` and says how large each one is. */
import { bundleFunctions } from "#infra/bundling.ts";

// To stderr: `cdk synth` prints the template on stdout, after this.
for (const { name, sizeBytes } of await bundleFunctions()) {
  console.error(`${name.padEnd(20)} ${Math.ceil(sizeBytes / 1_000)} kB`);
}
