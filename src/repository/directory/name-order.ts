/** Names of a folder in the order of `entryOrder`, those behind `after`. Only where a name goes on with a character before `/`, or is the begin of `after`,
 *  does it matter whether it is a folder: a store of a million names is put in order without a look at them.
 *  @param names as `FileCalls.listNames` gives them: their order is that of their bytes
 *  @param foldersAmong which of these names are folders */
export async function inEntryOrder(
  names: readonly string[],
  after: string | undefined,
  foldersAmong: (names: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<string[]> {
  const sorted = [...names].sort();
  const from = after === undefined ? null : Buffer.from(after).toString('latin1');
  const unclear = sorted.filter(
    (name, index) => goesOn(name, sorted[index + 1]) || (from?.startsWith(name) ?? false),
  );
  const folders: ReadonlySet<string> =
    unclear.length === 0 ? new Set() : await foldersAmong(unclear);
  const keyOf = (name: string) => (folders.has(name) ? `${name}/` : name);
  const behind = from === null ? sorted : sorted.filter((name) => keyOf(name) > from);
  if (folders.size === 0) return behind;
  return behind
    .map((name) => ({ name, key: keyOf(name) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ name }) => name);
}

/** Names that begin with one follow it, the one that goes on with the smallest byte first. */
function goesOn(name: string, next: string | undefined): boolean {
  return next !== undefined && next.startsWith(name) && next[name.length]! < '/';
}
