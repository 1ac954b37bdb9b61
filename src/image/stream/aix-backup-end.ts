import type { ByteSource } from '../byte-source.js';
import { cutBefore } from './cut-before.js';

/** Headers, names and data begin at multiples of it; headers tell their length in it. */
const WORD_BYTES = 8;
const FIRST_HEADER_WORDS = 9;
const TYPE_VOLUME = 0;
const TYPE_END = 7;
/** 60011 on, little-endian: as they are, packed, with attributes. */
const MAGIC_LOW = [0x6b, 0x6c, 0x6d, 0x6e, 0x6f];
const MAGIC_HIGH = 0xea;
/** What the tool writes at once (`-b`; 50 KiB if nothing is said) is filled up with whatever was in memory, so the end lies somewhere in the last piece. */
const TAIL_BYTES = 1024 * 1024;

/** Why a backup by name of AIX (`backup -i`, and with it mksysb and savevg) is not one to its end; null: it is, or is none that this knows. The end is a
 *  header of the type FS_END in the last piece that was written; that four bytes of anything else look like it is one of some hundreds.
 *  Source: IBM AIX Files Reference, backup File; the layout of headers after readers of it (NattyNarwhal/bff.ex, terorie/aix-bff-go). No file of the
 *  tool was at hand. */
export async function aixBackupFault(source: ByteSource): Promise<string | null> {
  if (source.sizeBytes < FIRST_HEADER_WORDS * WORD_BYTES)
    return cutBefore('the end of its first header');
  const head = new Uint8Array(WORD_BYTES);
  await source.read(head, 0);
  if (head[0] !== FIRST_HEADER_WORDS || !isHeaderAt(head, 0, TYPE_VOLUME)) return null;
  const from = Math.ceil(Math.max(0, source.sizeBytes - TAIL_BYTES) / WORD_BYTES) * WORD_BYTES;
  const tail = new Uint8Array(source.sizeBytes - from);
  await source.read(tail, from);
  for (let at = 0; at + WORD_BYTES <= tail.length; at += WORD_BYTES)
    if (isHeaderAt(tail, at, TYPE_END) && isInside(tail, at)) return null;
  return cutBefore('a header FS_END');
}

function isHeaderAt(bytes: Uint8Array, at: number, type: number): boolean {
  return (
    bytes[at + 1] === type && bytes[at + 3] === MAGIC_HIGH && MAGIC_LOW.includes(bytes[at + 2] ?? 0)
  );
}

/** As long as it says that it is. */
function isInside(bytes: Uint8Array, at: number): boolean {
  const words = bytes[at] ?? 0;
  return words > 0 && words <= FIRST_HEADER_WORDS && at + words * WORD_BYTES <= bytes.length;
}
