import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Dialect } from '../../../src/image/disk-image.js';
import { VHD } from '../../../src/image/vhd/vhd-format.js';
import type { MemoryBytes } from '../../support/image/byte-files.js';
import {
  blockOf,
  composeDisk,
  firstDifference,
  guestBytes,
} from '../../support/image/composed-disk.js';
import { libvhdiBytes } from '../../support/image/libvhdi.js';
import { qemuBytes, requireTool, temporaryFolder } from '../../support/image/qemu.js';

const BLOCK = 65_536;
const MIB = 1024 * 1024;
/** No multiple of a block, nor of 64 KiB. */
const DISK_BYTES = 6 * MIB + 3 * BLOCK + 512;
const DYNAMIC: Dialect = { isFixed: false };
const FIXED: Dialect = { isFixed: true };

type Blocks = Map<number, Uint8Array | 'zero'>;

const FULL: Blocks = new Map<number, Uint8Array | 'zero'>([
  ...Array.from({ length: 32 }, (_, i) => [32 + i, blockOf(32 + i)] as const),
  [3, blockOf(3)],
  [99, blockOf(99).subarray(0, 512)],
]);

const INCREMENT: Blocks = new Map<number, Uint8Array | 'zero'>([
  [3, 'zero'],
  [4, blockOf(204)],
  ...Array.from({ length: 32 }, (_, i) => [32 + i, 'zero'] as const),
  [99, blockOf(299).subarray(0, 512)],
]);

function full(dialect = DYNAMIC, linkId?: string): Promise<MemoryBytes> {
  const disk = { virtualSizeBytes: DISK_BYTES, blocks: FULL, dialect };
  return composeDisk(VHD.composer, linkId === undefined ? disk : { ...disk, linkId });
}

async function increment(parent: MemoryBytes, link = 'full.vhd'): Promise<MemoryBytes> {
  const { linkId, virtualSizeBytes } = await VHD.readHead(parent);
  return composeDisk(VHD.composer, {
    virtualSizeBytes: DISK_BYTES,
    blocks: INCREMENT,
    dialect: DYNAMIC,
    parent: { link, format: 'vhd', linkId, virtualSizeBytes },
    seed: 'ffeeddccbbaa99887766554433221100',
  });
}

describe.skipIf(!requireTool('qemu-img'))('a composed VHD file', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  afterAll(() => folder.remove());

  it('is read by QEMU and libvhdi as planned, to the last sector', async () => {
    await writeFile(at('full.vhd'), (await full()).bytes);
    const expected = guestBytes(DISK_BYTES, FULL);
    expect(firstDifference(await qemuBytes(at('full.vhd'), 'vpc'), expected)).toBeNull();
    expect(firstDifference(await libvhdiBytes(at('full.vhd')), expected)).toBeNull();
  });

  it('is read by libvhdi through its parent, with zeros that hide it', async () => {
    const parent = await full();
    await writeFile(at('full.vhd'), parent.bytes);
    await writeFile(at('inc.vhd'), (await increment(parent)).bytes);
    const expected = guestBytes(DISK_BYTES, INCREMENT, guestBytes(DISK_BYTES, FULL));
    const seen = await libvhdiBytes(at('inc.vhd'), at('full.vhd'));
    expect(firstDifference(seen, expected)).toBeNull();
  });

  it('is a fixed disk where its source is one: the disk, then the footer', async () => {
    const parent = await composeDisk(VHD.composer, {
      virtualSizeBytes: 2 * MIB,
      blocks: new Map(Array.from({ length: 32 }, (_, i) => [i, blockOf(i)] as const)),
      dialect: FIXED,
    });
    expect(parent.sizeBytes).toBe(2 * MIB + 512);
    await writeFile(at('fixed.vhd'), parent.bytes);
    const seen = await qemuBytes(at('fixed.vhd'), 'vpc');
    expect(firstDifference(seen, parent.bytes.subarray(0, 2 * MIB))).toBeNull();
  });

  it('starts the data of every block on a page, and names its parent by uuid and path', async () => {
    const kept = await full(DYNAMIC, 'a1b2c3d4-0000-4000-8000-00000000abcd');
    const child = await increment(kept, '../2026-01-01/disk.vhd');
    const image = await VHD.open(child);
    expect(image.parent).toEqual({
      name: '../2026-01-01/disk.vhd',
      linkId: 'a1b2c3d4-0000-4000-8000-00000000abcd',
    });
    const { states, hostOffsets } = await image.mapBlocks(0, 100);
    const expected = new Uint8Array(100);
    for (const block of INCREMENT.keys()) expected[block] = 2;
    expect([...states]).toEqual([...expected]);
    expect(hostOffsets.filter((offset) => offset % 4096 !== 0)).toHaveLength(0);
  });
});
