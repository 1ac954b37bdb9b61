import type { ByteSource } from '../byte-source.js';
import { deflateBlockEnd, isDynamicBlock, nextBlockStart } from './deflate-blocks.js';

/** Longer than any two blocks that gzip, pigz and zlib make (32,767 symbols, or 65,535 stored bytes). */
const TAIL_BYTES = 512 * 1024;
/** Digest and size of what was packed. */
const TRAILER_BYTES = 8;
const HEADER_BYTES = 10;

/** Whether a gzip file ends where its stream does. Its last bytes look like any others, so its blocks are followed: those of a small file from its start,
 *  those of a large one from the first that is found in its last 512 KiB. A block with codes of its own is told from other bits by these (one of
 *  10^9 places of noise looks like one), a stored one by its length, which is there twice.
 *  null: no block was found, so nothing tells; packers that make larger blocks than usual leave such files.
 *  Takes 512 KiB of reading and some 50 ms, 0.5 s when it was cut off. Source: RFC 1951, RFC 1952. */
export async function endsAsGzip(source: ByteSource): Promise<boolean | null> {
  const bytes = new Uint8Array(Math.min(source.sizeBytes, TAIL_BYTES));
  await source.read(bytes, source.sizeBytes - bytes.length);
  if (bytes.length === source.sizeBytes) {
    const first = firstBlock(bytes, 0);
    return first !== null && followBlocks(bytes, first * 8).end === 'whole';
  }
  let isCut = false;
  let inVain = 0;
  const passed = new Set<number>();
  const endBit = bytes.length * 8;
  for (let bit = nextBlockStart(bytes, 0); bit < endBit; bit = nextBlockStart(bytes, bit + 1)) {
    if (passed.has(bit)) continue;
    const { end, weight } = followBlocks(bytes, bit, passed);
    if (end === 'whole' && weight >= TOLD) return true;
    if (end === 'cut' && weight >= TOLD) isCut = true;
    if (end === 'cut' || weight > 0) inVain++;
    if (inVain > MAX_IN_VAIN) return null; // a guest may have written what looks like blocks
  }
  return isCut ? false : null;
}

/** Starts that look right and lead to no end; noise has a handful. */
const MAX_IN_VAIN = 32;
/** What a chain of blocks must weigh to be none of noise. */
const TOLD = 2;
const WEIGHTS = { dynamic: 2, stored: 1, fixed: 0 } as const;

interface Followed {
  readonly end: 'whole' | 'cut' | 'none';
  readonly weight: number;
}

/** From one block to the next, and from one member to the next, to the end.
 *  @param passed where blocks began that were followed before, to nothing that would count as an end; those that are passed now are added */
function followBlocks(bytes: Uint8Array, start: number, passed = new Set<number>()): Followed {
  let weight = 0;
  for (let bit = start; ;) {
    if (passed.has(bit)) return { end: 'none', weight: 0 };
    const block = deflateBlockEnd(bytes, bit);
    if (block === 'none') return { end: 'none', weight };
    if (block === 'spoilt') return { end: 'none', weight: weight + 1 };
    if (block === 'cut') return { end: 'cut', weight: weight + cutWeight(bytes, bit) };
    passed.add(bit);
    weight += WEIGHTS[block.kind];
    bit = block.endBit;
    if (!block.isLast) continue;
    const next = Math.ceil(bit / 8) + TRAILER_BYTES;
    if (next > bytes.length) return { end: 'cut', weight };
    // What is no further member is passed over by `gzip`, too.
    const further = firstBlock(bytes, next);
    if (further === null) return { end: 'whole', weight };
    bit = further * 8;
  }
}

/** Of a block that the bytes end in: as much as its head told. */
function cutWeight(bytes: Uint8Array, bit: number): number {
  return isDynamicBlock(bytes, bit) ? WEIGHTS.dynamic : 0;
}

/** Where the blocks of a member begin; null: no member begins at `at`. Behind a header that is cut off there is no block. */
function firstBlock(bytes: Uint8Array, at: number): number | null {
  const [first, second, method, flags = 0] = bytes.subarray(at, at + 4);
  if (first !== 0x1f || second !== 0x8b || method !== 8) return null;
  let next = at + HEADER_BYTES;
  if ((flags & 4) !== 0) next += 2 + (bytes[next] ?? 0) + (bytes[next + 1] ?? 0) * 256;
  for (const text of [8, 16]) {
    if ((flags & text) === 0) continue;
    const end = bytes.indexOf(0, next);
    next = end === -1 ? bytes.length : end + 1;
  }
  return next + ((flags & 2) === 0 ? 0 : 2);
}
