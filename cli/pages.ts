/** Lists that come in pages. */

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next?: string | undefined;
}

/**
 * Reads as many items as are wanted.
 *
 * @param most - `undefined`: all of them
 */
export async function readPages<Item>(
  most: number | undefined,
  readPage: (cursor: string | undefined, limit: string) => Promise<Page<Item>>,
  pageSize = 100,
): Promise<{ readonly items: readonly Item[]; readonly hasMore: boolean }> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const room = most === undefined ? pageSize : Math.min(pageSize, most - items.length);
    const page = await readPage(cursor, `${room}`);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined && (most === undefined || items.length < most));
  return { items, hasMore: cursor !== undefined };
}
