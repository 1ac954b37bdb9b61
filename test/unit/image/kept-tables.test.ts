import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Dialect } from '../../../src/image/disk-image.js';
import type { ComposedFormat } from '../../../src/image/formats.js';
import { QCOW2 } from '../../../src/image/qcow2/qcow2-format.js';
import { VHD } from '../../../src/image/vhd/vhd-format.js';
import { VHDX } from '../../../src/image/vhdx/vhdx-format.js';
import { VMDK } from '../../../src/image/vmdk/vmdk-format.js';
import { MemoryBytes } from '../../support/image/byte-files.js';
import { blockOf, composeDisk } from '../../support/image/composed-disk.js';

/** 512 MiB and more apart, so that no two of them have a table, or a piece of a bitmap, together. */
const HELD = [0, 16_384, 24_576];
const DISK_BYTES = 24_577 * 65_536;

describe.each<[string, ComposedFormat, Dialect]>([
  ['qcow2', QCOW2, {}],
  ['vmdk', VMDK, {}],
  ['vhd', VHD, { isFixed: false }],
  ['vhdx', VHDX, { physicalSectorBytes: 512 }],
])('the tables of an increment of %s', (_, { composer, open }, dialect) => {
  afterEach(() => vi.restoreAllMocks());

  it('are kept, until the image is told to keep less: then they are read again', async () => {
    const disk = {
      virtualSizeBytes: DISK_BYTES,
      blocks: new Map(HELD.map((block) => [block, blockOf(block)] as const)),
      dialect,
    };
    const { linkId } = await open(await composeDisk(composer, disk));
    const parent = { link: 'full', format: 'any', linkId, virtualSizeBytes: DISK_BYTES };
    const image = await open(await composeDisk(composer, { ...disk, parent }));
    const reads = vi.spyOn(MemoryBytes.prototype, 'read');
    const readsOfWalk = async (): Promise<number> => {
      reads.mockClear();
      for (const block of HELD) {
        const { states } = await image.mapBlocks(block, 1);
        expect(states[0]).not.toBe(0);
      }
      return reads.mock.calls.length;
    };
    await readsOfWalk();
    const whileKept = await readsOfWalk();
    image.keepTables!(0);
    await readsOfWalk();
    // The last block is all that its payload block of VHDX has of the disk, and needs no bitmap.
    expect(await readsOfWalk()).toBeGreaterThanOrEqual(whileKept + HELD.length - 1);
  });
});
