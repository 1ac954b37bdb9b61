import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { contentIdentity } from '../../../src/image/content-identity.js';
import type { DiskImage } from '../../../src/image/disk-image.js';
import { openRawImage } from '../../../src/image/raw/raw-image.js';
import { MemoryBytes } from '../../support/image/byte-files.js';

const BLOCK = 65_536;

/** Counts the blocks that are read. */
function counted(image: DiskImage): { image: DiskImage; blocks: number[] } {
  const blocks: number[] = [];
  const read: DiskImage['read'] = (target, offset, below) => {
    blocks.push(offset / BLOCK);
    return image.read(target, offset, below);
  };
  return { image: { ...image, read }, blocks };
}

describe('contentIdentity', () => {
  it('is the SHA-256 of the bytes that its description lists', async () => {
    const disk = Buffer.alloc(2 * BLOCK, 0x5a);
    const u64 = (value: number): Buffer => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(value));
      return bytes;
    };
    const f64 = (value: number): Buffer => {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(value);
      return bytes;
    };
    const expected = createHash('sha256')
      .update('longhaul content identity 1\0raw\0')
      .update(u64(2 * BLOCK))
      .update(u64(0))
      .update(Buffer.from([2, 2]))
      .update(Buffer.concat([f64(0), f64(BLOCK)]))
      .update(Buffer.concat([u64(0), disk.subarray(0, BLOCK)]))
      .update(Buffer.concat([u64(1), disk.subarray(BLOCK)]))
      .digest('hex');
    expect(await contentIdentity(openRawImage(new MemoryBytes(disk)))).toBe(expected);
  });

  it.each([
    [64, 64, 1],
    [65, 33, 2],
    [128, 64, 2],
    [129, 33, 4],
  ])('reads of %i stored blocks %i, every %ith', async (stored, samples, stride) => {
    const { image, blocks } = counted(openRawImage(new MemoryBytes(Buffer.alloc(stored * BLOCK))));
    await contentIdentity(image);
    expect(blocks).toEqual(Array.from({ length: samples }, (_, index) => index * stride));
  });

  it('differs by size, by a sampled byte and by the place of a block, and not by name', async () => {
    const disk = Buffer.alloc(2 * BLOCK, 0x5a);
    const changed = Buffer.from(disk);
    changed[BLOCK] = 0x5b;
    const of = (bytes: Buffer, label?: string): Promise<string> =>
      contentIdentity(openRawImage(new MemoryBytes(bytes, label)));
    const identities = [await of(disk), await of(disk.subarray(512)), await of(changed)];
    expect(new Set(identities).size).toBe(3);
    expect(await of(disk, 'renamed.img')).toBe(identities[0]);

    const moved = openRawImage(new MemoryBytes(disk));
    const elsewhere: DiskImage = {
      ...moved,
      mapBlocks: async (first, count) => {
        const map = await moved.mapBlocks(first, count);
        return { ...map, hostOffsets: map.hostOffsets.map((offset) => offset + BLOCK) };
      },
    };
    expect(await contentIdentity(elsewhere)).not.toBe(identities[0]);
  });
});
