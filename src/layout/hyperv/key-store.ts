/** The key store in which Hyper-V keeps the description of a machine since 2016 (`.vmcx`, and `.vmrs`): two headers, of which the one with the higher
 *  sequence counts; a table of objects; tables of keys, each entry naming its parent by table and offset. Little-endian.
 *  No public description; facts checked on real files (README of the fixtures). */

const SIGNATURE = 0x0128_2014;
const VERSION = 0x0400;
const HEADERS = [0, 0x1000] as const;
const HEADER = { sequence: 8, version: 10, log: 26, bytes: 46 } as const;
const LOG = { signature: 0x0111_0003, entries: 8, bytes: 12 } as const;
const OBJECTS = {
  offset: 0x2000,
  signature: 0x0111_0001,
  head: 8,
  entryBytes: 18,
  keys: 2,
} as const;
const TABLE = { signature: 2, index: 2, sequence: 4, head: 10 } as const;
const ENTRY = { bytes: 2, parentTable: 6, parentOffset: 8, data: 20, head: 21 } as const;
const FREE = 1;
const TEXT = 6;
/** `configuration/_<device>_/controller0/drive0/pathname` has five. */
const MAX_DEPTH = 16;

/** Texts by the names that lead to them, joined by `/`. `cut`: it is such a store and ends too soon. null: it is none that is read here; a store
 *  with changes in its log is none either, because they are not in its tables. */
export function textsOfKeyStore(bytes: Buffer): ReadonlyMap<string, string> | 'cut' | null {
  if (bytes.length < 4 || bytes.readUInt32LE(0) !== SIGNATURE) return null;
  try {
    const tables = hasKnownTables(bytes) ? newestTables(bytes) : null;
    return tables === null ? null : textsIn(tables);
  } catch (error) {
    if (error instanceof RangeError) return 'cut';
    throw error;
  }
}

function hasKnownTables(bytes: Buffer): boolean {
  const [first, second] = HEADERS.map((at) => bytes.subarray(at, at + HEADER.bytes));
  const isSecond = second!.readUInt16LE(HEADER.sequence) > first!.readUInt16LE(HEADER.sequence);
  const header = isSecond ? second! : first!;
  if (header.readUInt32LE(HEADER.version) !== VERSION) return false;
  const log = bytes.subarray(Number(header.readBigUInt64LE(HEADER.log)));
  return log.readUInt32LE(0) === LOG.signature && log.readUInt32LE(LOG.entries) === 0;
}

/** By their index; of several with one index the one written last. null: they lie in each other, so that few bytes would be many entries. */
function newestTables(bytes: Buffer): ReadonlyMap<number, Buffer> | null {
  const objects = bytes.subarray(OBJECTS.offset);
  const tables = new Map<number, Buffer>();
  if (objects.readUInt32LE(0) !== OBJECTS.signature) return tables;
  const count = objects.readUInt32LE(4);
  for (let i = 0; i < count; i++) {
    const at = OBJECTS.head + i * OBJECTS.entryBytes;
    const isKeys = objects[at] === OBJECTS.keys && objects[at + 17] === 1;
    const offset = Number(objects.readBigUInt64LE(at + 5));
    const size = objects.readUInt32LE(at + 13);
    if (!isKeys) continue;
    if (offset + size > bytes.length) throw new RangeError('a table lies behind the end');
    const table = bytes.subarray(offset, offset + size);
    if (table.readUInt16LE(0) !== TABLE.signature) continue;
    const index = table.readUInt16LE(TABLE.index);
    const known = tables.get(index);
    const sequence = table.readUInt16LE(TABLE.sequence);
    if (known === undefined || sequence > known.readUInt16LE(TABLE.sequence))
      tables.set(index, table);
  }
  const sizeBytes = [...tables.values()].reduce((sum, { length }) => sum + length, 0);
  if (sizeBytes > bytes.length) return null;
  return tables;
}

interface KeyEntry {
  readonly type: number;
  readonly name: string;
  readonly parent: string | null;
  readonly value: Buffer;
}

function textsIn(tables: ReadonlyMap<number, Buffer>): ReadonlyMap<string, string> {
  const entries = new Map<string, KeyEntry>();
  for (const [index, table] of tables) {
    let at: number = TABLE.head;
    while (at + ENTRY.head <= table.length) {
      const size = table.readUInt32LE(at + ENTRY.bytes);
      if (size < ENTRY.head || at + size > table.length) break;
      const entry = table.subarray(at, at + size);
      entries.set(`${index}:${at}`, entryOf(entry));
      at += size;
    }
  }
  const texts = new Map<string, string>();
  for (const entry of entries.values()) {
    const path = entry.type === TEXT ? pathOf(entry, entries) : null;
    if (path === null) continue;
    const length = entry.value.readUInt32LE(0);
    texts.set(path, entry.value.toString('utf16le', 4, 4 + length));
  }
  return texts;
}

function entryOf(entry: Buffer): KeyEntry {
  const dataAt = ENTRY.head + entry[ENTRY.data]!;
  const table = entry.readUInt16LE(ENTRY.parentTable);
  return {
    type: entry.readUInt16LE(0),
    // Ends in a zero.
    name: entry.toString('utf8', ENTRY.head, dataAt - 1),
    parent: table === 0 ? null : `${table}:${entry.readUInt32LE(ENTRY.parentOffset)}`,
    value: entry.subarray(dataAt),
  };
}

/** null: it hangs on nothing, or in a circle. */
function pathOf(entry: KeyEntry, entries: ReadonlyMap<string, KeyEntry>): string | null {
  const names: string[] = [];
  for (let at = entry; names.length < MAX_DEPTH;) {
    names.unshift(at.name);
    if (at.parent === null) return names.join('/');
    const parent = entries.get(at.parent);
    if (parent === undefined || (parent.type & 0xff) === FREE) return null;
    at = parent;
  }
  return null;
}
