import { globSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

const CONTRACT = join(import.meta.dirname, "../../shared/contract");

/** What is worth a name of its own: fields of one line are clearer where they are used. */
const NAMED_KINDS: ReadonlySet<string> = new Set(["object", "union"]);

/**
 * Names every schema that a module of the contract exports by its export, `taskAnswer` as `TaskAnswer`, so that the
 * document has it once and refers to it.
 *
 * @throws RangeError when two modules export different schemas by one name
 */
export async function nameSchemas(): Promise<void> {
  const known = new Map<string, z.ZodType>();
  const files = globSync("*.ts", { cwd: CONTRACT }).toSorted();
  for (const file of files) {
    const exported = (await import(join(CONTRACT, file))) as Readonly<Record<string, unknown>>;
    for (const [name, schema] of Object.entries(exported)) {
      if (!(schema instanceof z.ZodType) || !NAMED_KINDS.has(schema.type)) continue;
      const id = name[0]?.toUpperCase() + name.slice(1).replace(/Schema$/, "");
      if ((known.get(id) ?? schema) !== schema)
        throw new RangeError(`${file} exports another ${name}: give one of them another name`);
      known.set(id, schema);
      const meta = z.globalRegistry.get(schema);
      if (meta?.id === undefined) z.globalRegistry.add(schema, { ...meta, id });
    }
  }
}
