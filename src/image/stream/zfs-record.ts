import type { ByteSource } from '../byte-source.js';

/** Every record of a stream begins with as much, whatever its type; data follow. */
export const RECORD_BYTES = 312;
const MAGIC = 0x2_f5ba_cbacn;
/** Kinds of streams: the lower two bits of the word behind the magic number. */
export const SUBSTREAM = 1n;
export const COMPOUND = 2n;

/** Shorter where the file ends. */
export async function recordAt(source: ByteSource, offset: number): Promise<DataView> {
  const bytes = new Uint8Array(Math.max(0, Math.min(RECORD_BYTES, source.sizeBytes - offset)));
  await source.read(bytes, offset);
  return new DataView(bytes.buffer);
}

/** Byte order of a record that begins a stream, of 16 bytes at least; null: it begins none. */
export function isLittleEndian(begin: DataView): boolean | null {
  if (begin.getBigUint64(8, true) === MAGIC) return true;
  return begin.getBigUint64(8) === MAGIC ? false : null;
}
