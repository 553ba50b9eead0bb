import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { REPOSITORY } from "#infra/bundling.ts";

/** The version in `package.json`, as it was when this was synthesized. */
export const RELEASE = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8"))).version;
