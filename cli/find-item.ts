import { CliError, EXIT, usageError } from "./failures.ts";

interface Kind {
  /** Such as `job`. */
  readonly what: string;
  /** The command that shows what there is. */
  readonly list: string;
}

/** People name things; the API wants ids. An id is found too. */
export function findItem<Item extends { readonly id: string; readonly name: string }>(
  items: readonly Item[],
  wanted: string,
  { what, list }: Kind,
): Item {
  const byId = items.find(({ id }) => id.toLowerCase() === wanted.toLowerCase());
  if (byId) return byId;
  const [found, second] = items.filter(({ name }) => name === wanted);
  if (!found)
    throw new CliError(`There is no ${what} “${wanted}”.`, {
      code: `${what}-not-found`,
      exitCode: EXIT.notFound,
      remedy: `\`${list}\` shows what there is.`,
    });
  if (second)
    throw usageError(`More than one ${what} is called “${wanted}”.`, `Give its id: \`${list}\` shows them.`);
  return found;
}
