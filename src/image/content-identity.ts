import { createHash } from 'node:crypto';
import { BLOCK_BYTES, type Digest } from '../domain/digest.js';
import {
  BLOCK_DIRECT,
  BLOCK_ENCODED,
  BLOCK_UNALLOCATED,
  type BlockMap,
  type DiskImage,
} from './disk-image.js';

const DOMAIN = 'longhaul content identity 1\0';
const WINDOW_BLOCKS = 8_192;
const MAX_SAMPLES = 64;

/** Names the content of one image file, whatever the file is called: tables whole, data by a sample (at most 4 MiB are read).
 *
 *  SHA-256 over, in this order:
 *  1. `longhaul content identity 1` and a NUL, the format's name (`qcow2`, `raw`) and a NUL, all ASCII;
 *  2. the virtual size in bytes, u64 little-endian;
 *  3. for each window of 8,192 blocks of 64 KiB (the last one as long as the disk needs) that holds a block which is not UNALLOCATED,
 *     ascending: the number of its first block, u64 little-endian, the state of each block, one byte each (BLOCK_* of disk-image.ts),
 *     then the host offset of each block, IEEE 754 binary64 little-endian each (0 unless DIRECT);
 *  4. for each sample, ascending: its block number, u64 little-endian, and the 64 KiB that this layer reads there (zeros for what
 *     the layer does not hold and behind the end of the disk).
 *
 *  Stored blocks are those DIRECT or ENCODED, numbered from 0 in disk order. Samples are those whose number is a multiple of the
 *  smallest power of two that leaves at most 64.
 *  @throws what the image throws */
export async function contentIdentity(image: DiskImage): Promise<Digest> {
  const hash = createHash('sha256');
  hash.update(`${DOMAIN}${image.format}\0`);
  hash.update(u64(image.virtualSizeBytes));

  const samples = new EvenSample();
  const blocks = Math.ceil(image.virtualSizeBytes / BLOCK_BYTES);
  let map: BlockMap | undefined;
  const nextWindow = (block: number): number =>
    Math.floor(image.nextHeldBlock(block) / WINDOW_BLOCKS) * WINDOW_BLOCKS;
  for (let first = nextWindow(0); first < blocks; first = nextWindow(first + WINDOW_BLOCKS)) {
    const count = Math.min(WINDOW_BLOCKS, blocks - first);
    map = await image.mapBlocks(first, count, map);
    const { states, hostOffsets } = map;
    if (states.every((state) => state === BLOCK_UNALLOCATED)) continue;
    hash.update(u64(first));
    hash.update(states);
    hash.update(hostOffsets);
    for (let i = 0; i < count; i++)
      if (states[i] === BLOCK_DIRECT || states[i] === BLOCK_ENCODED) samples.offer(first + i);
  }

  const content = new Uint8Array(BLOCK_BYTES);
  for (const block of samples.blocks) {
    await image.read(content, block * BLOCK_BYTES, null);
    hash.update(u64(block));
    hash.update(content);
  }
  return hash.digest('hex');
}

/** Picks evenly from a sequence of unknown length: whenever it has too many, it drops every second one. */
class EvenSample {
  blocks: number[] = [];
  #offered = 0;
  #stride = 1;

  offer(block: number): void {
    if (this.#offered % this.#stride === 0) this.blocks.push(block);
    this.#offered += 1;
    if (this.blocks.length <= MAX_SAMPLES) return;
    this.blocks = this.blocks.filter((_, index) => index % 2 === 0);
    this.#stride *= 2;
  }
}

function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}
