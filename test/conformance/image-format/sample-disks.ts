import type { ByteSource } from '../../../src/image/byte-source.js';
import { BLOCK_DIRECT, BLOCK_UNALLOCATED, type DiskImage } from '../../../src/image/disk-image.js';
import { blockOf, composeDisk, guestBytes } from '../../support/image/composed-disk.js';
import type { MemoryBytes } from '../../support/image/byte-files.js';
import type { FormatRow } from './format-rows.js';

const BLOCK = 65_536;

/** An image file, and what a guest sees through it. */
export interface Sample {
  readonly file: MemoryBytes;
  readonly disk: Buffer;
}

/** Blocks at both ends of the disk and of granules of any size, with gaps. */
const FULL = [0, 1, 2, 3, 17, 31, 33, 40, 41, 82];
/** Over blocks that are stored, that are not, and of both kinds in one granule. */
const CHANGED = [1, 18, 40, 64, 82];
const EMPTIED = [3, 17, 50];

export async function fullOf({ format, dialect, sizeBytes }: FormatRow): Promise<Sample> {
  const { slotOrder } = format.composer.traits(dialect, 'full');
  const blocks = new Map<number, Uint8Array | 'zero'>();
  if (slotOrder === 'guest')
    for (let block = 0; block * BLOCK < sizeBytes; block++) blocks.set(block, 'zero');
  for (const block of FULL) blocks.set(block, blockOf(block + 1));
  const disk = { virtualSizeBytes: sizeBytes, blocks, dialect };
  const file = await composeDisk(format.composer, disk, `full.${format.extension}`);
  return { file, disk: guestBytes(sizeBytes, blocks) };
}

export async function incrementOf(row: FormatRow, full: Sample): Promise<Sample> {
  const { format, sizeBytes } = row;
  const head = await format.readHead(full.file);
  const blocks = new Map<number, Uint8Array | 'zero'>();
  for (const block of CHANGED) blocks.set(block, blockOf(1000 + block));
  for (const block of EMPTIED) blocks.set(block, 'zero');
  const parent = {
    link: full.file.label,
    format: format.id,
    linkId: head.linkId,
    virtualSizeBytes: sizeBytes,
  };
  const { dialect } = head;
  const disk = { virtualSizeBytes: sizeBytes, blocks, dialect, parent, seed: 'a'.repeat(32) };
  const file = await composeDisk(format.composer, disk, `increment.${format.extension}`);
  return { file, disk: guestBytes(sizeBytes, blocks, full.disk) };
}

/** Reads everything through the map, as the mover does: what it calls stored from the file, the rest by the image. */
export async function readByMap(
  image: DiskImage,
  file: Pick<ByteSource, 'read'>,
  below: Buffer | null,
): Promise<Buffer> {
  const disk = Buffer.alloc(image.virtualSizeBytes);
  const readBelow = (target: Uint8Array, offset: number) => {
    target.set(below!.subarray(offset, offset + target.length));
    return Promise.resolve();
  };
  const blockCount = Math.ceil(disk.length / BLOCK);
  const map = await image.mapBlocks(0, blockCount);
  for (let block = 0; block < blockCount; block++) {
    const part = disk.subarray(block * BLOCK, (block + 1) * BLOCK);
    const state = map.states[block];
    if (state === BLOCK_DIRECT) await file.read(part, map.hostOffsets[block]!);
    else await image.read(part, block * BLOCK, below === null ? null : readBelow);
    if (state !== BLOCK_UNALLOCATED && image.nextHeldBlock(block) !== block)
      throw new Error(`block ${block} is held, and passed over`);
  }
  return disk;
}
