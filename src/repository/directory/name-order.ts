const SLASH = 0x2f;

/** Names of a folder in the order of `entryOrder`, those behind `after`. Only where a name goes on with a character before `/`, or is the begin of `after`,
 *  does it matter whether it is a folder: a store of a million names is put in order without a look at them.
 *  @param foldersAmong which of these names are folders */
export async function inEntryOrder(
  names: readonly Buffer[],
  after: string | undefined,
  foldersAmong: (names: readonly Buffer[]) => Promise<ReadonlySet<Buffer>>,
): Promise<Buffer[]> {
  const sorted = [...names].sort((a, b) => Buffer.compare(a, b));
  const from = after === undefined ? null : Buffer.from(after);
  const unclear = sorted.filter(
    (name, index) => goesOn(name, sorted[index + 1]) || (from !== null && beginsWith(from, name)),
  );
  const folders: ReadonlySet<Buffer> =
    unclear.length === 0 ? new Set() : await foldersAmong(unclear);
  const keyOf = (name: Buffer) =>
    folders.has(name) ? Buffer.concat([name, Buffer.from('/')]) : name;
  const behind =
    from === null ? sorted : sorted.filter((name) => Buffer.compare(keyOf(name), from) > 0);
  if (folders.size === 0) return behind;
  return behind
    .map((name) => ({ name, key: keyOf(name) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ name }) => name);
}

/** Names that begin with one follow it, the one that goes on with the smallest byte first. */
function goesOn(name: Buffer, next: Buffer | undefined): boolean {
  return next !== undefined && beginsWith(next, name) && next[name.length]! < SLASH;
}

function beginsWith(longer: Buffer, name: Buffer): boolean {
  return longer.length >= name.length && longer.subarray(0, name.length).equals(name);
}
