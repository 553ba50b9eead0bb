/**
 * One read for all who ask for the same thing while it is under way; nobody gets an answer that was there before.
 *
 * @param read - of something by its key; a failed read fails for all who wait for it
 */
export function shareReads<Key, Value>(read: (key: Key) => Promise<Value>): (key: Key) => Promise<Value> {
  const underWay = new Map<Key, Promise<Value>>();
  return (key) => {
    const shared = underWay.get(key);
    if (shared) return shared;
    const own = read(key).finally(() => underWay.delete(key));
    underWay.set(key, own);
    return own;
  };
}
