import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Dialect } from '../../../../src/image/disk-image.js';
import { VHDX } from '../../../../src/image/vhdx/vhdx-format.js';
import type { MemoryBytes } from '../../../support/image/byte-files.js';
import {
  blockOf,
  composeDisk,
  firstDifference,
  guestBytes,
  type DiskToCompose,
} from '../../../support/image/composed-disk.js';
import { libvhdiBytes } from '../../../support/image/libvhdi.js';
import { qemuBytes, qemuImg, requireTool, temporaryFolder } from '../../../support/image/qemu.js';

const BLOCK = 65_536;
const MIB = 1024 * 1024;
/** No multiple of a payload block, nor of 64 KiB. */
const DISK_BYTES = 6 * MIB + 3 * BLOCK + 512;
const DIALECT: Dialect = {
  blockBytes: MIB,
  sectorBytes: 512,
  physicalSectorBytes: 4096,
  page83: '11223344-5566-4788-99aa-bbccddeeff00',
};

type Blocks = Map<number, Uint8Array | 'zero'>;

const FULL: Blocks = new Map<number, Uint8Array | 'zero'>([
  ...Array.from({ length: 16 }, (_, i) => [16 + i, blockOf(16 + i)] as const),
  [3, blockOf(3)],
  [50, blockOf(50)],
  [70, 'zero'],
  [99, blockOf(99).subarray(0, 512)],
]);

/** One payload block whole, one whole of zeros, one of both, one in part, one in part with zeros, one of zeros alone in part. */
const INCREMENT: Blocks = new Map<number, Uint8Array | 'zero'>([
  ...Array.from({ length: 16 }, (_, i) => [i, i === 3 ? 'zero' : blockOf(200 + i)] as const),
  ...Array.from({ length: 16 }, (_, i) => [16 + i, 'zero'] as const),
  [33, blockOf(233)],
  [48, blockOf(248)],
  [50, 'zero'],
  [66, 'zero'],
  [99, blockOf(299).subarray(0, 512)],
]);

async function full(extra: Partial<DiskToCompose> = {}): Promise<MemoryBytes> {
  return composeDisk(VHDX.composer, {
    virtualSizeBytes: DISK_BYTES,
    blocks: FULL,
    dialect: DIALECT,
    ...extra,
  });
}

async function increment(parent: MemoryBytes, link = 'full.vhdx'): Promise<MemoryBytes> {
  const { linkId, virtualSizeBytes } = await VHDX.readHead(parent);
  return composeDisk(VHDX.composer, {
    virtualSizeBytes: DISK_BYTES,
    blocks: INCREMENT,
    dialect: DIALECT,
    parent: { link, format: 'vhdx', linkId, virtualSizeBytes },
    seed: 'ffeeddccbbaa99887766554433221100',
  });
}

describe.skipIf(!requireTool('qemu-img'))('a composed VHDX file', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  afterAll(() => folder.remove());

  it('is read by QEMU and libvhdi as planned, and QEMU finds no fault in it', async () => {
    await writeFile(at('full.vhdx'), (await full()).bytes);
    await qemuImg('check', '-f', 'vhdx', at('full.vhdx'));
    const expected = guestBytes(DISK_BYTES, FULL);
    expect(firstDifference(await qemuBytes(at('full.vhdx'), 'vhdx'), expected)).toBeNull();
    expect(firstDifference(await libvhdiBytes(at('full.vhdx')), expected)).toBeNull();
  });

  it('is read by libvhdi through its parent, with zeros that hide it', async () => {
    const parent = await full();
    await writeFile(at('full.vhdx'), parent.bytes);
    await writeFile(at('inc.vhdx'), (await increment(parent)).bytes);
    const expected = guestBytes(DISK_BYTES, INCREMENT, guestBytes(DISK_BYTES, FULL));
    expect(
      firstDifference(await libvhdiBytes(at('inc.vhdx'), at('full.vhdx')), expected),
    ).toBeNull();
  });

  it('has few bytes for few changes, and is cut off behind its end', async () => {
    // head 4 MiB, one payload block of 1 MiB, BAT 1 MiB, bitmap 1 MiB
    const parent = await full();
    const { linkId, virtualSizeBytes } = await VHDX.readHead(parent);
    const link = { link: 'a', format: 'vhdx', linkId, virtualSizeBytes };
    const one: Blocks = new Map([[3, blockOf(1)]]);
    const shape = { virtualSizeBytes: DISK_BYTES, dialect: DIALECT, parent: link, blocks: one };
    expect((await composeDisk(VHDX.composer, shape)).sizeBytes).toBe(7 * MIB);
  });

  it('builds on its parent by the content that this had, and keeps the id that it is told', async () => {
    const kept = await full({ linkId: 'a1b2c3d4-0000-4000-8000-00000000abcd' });
    expect((await VHDX.readHead(kept)).linkId).toBe('a1b2c3d4-0000-4000-8000-00000000abcd');
    const child = await VHDX.readHead(await increment(kept, '../2026-01-01/disk.vhdx'));
    expect(child.parent).toEqual({
      name: '../2026-01-01/disk.vhdx',
      linkId: 'a1b2c3d4-0000-4000-8000-00000000abcd',
    });
    expect(child.dialect).toEqual(DIALECT);
  });

  it('is the same when it is composed again from the same plan', async () => {
    const [first, second] = [await full(), await full()];
    expect(first.bytes.equals(second.bytes)).toBe(true);
    const other = await full({ seed: '0123456789abcdef0123456789abcdef' });
    expect((await VHDX.readHead(other)).linkId).not.toBe((await VHDX.readHead(first)).linkId);
  });

  it('keeps sectors of 4096 bytes, and the bits of a bitmap of them', async () => {
    const dialect = { ...DIALECT, sectorBytes: 4096 };
    const disk = { virtualSizeBytes: 6 * MIB, dialect };
    const below: Blocks = new Map([[1, blockOf(1)]]);
    const parent = await composeDisk(VHDX.composer, { ...disk, blocks: below });
    const { linkId } = await VHDX.readHead(parent);
    const above: Blocks = new Map([[2, blockOf(2)]]);
    const child = await composeDisk(VHDX.composer, {
      ...disk,
      blocks: above,
      parent: { link: 'p', format: 'vhdx', linkId, virtualSizeBytes: 6 * MIB },
    });
    await writeFile(at('4k.vhdx'), parent.bytes);
    await writeFile(at('4k-inc.vhdx'), child.bytes);
    const expected = guestBytes(6 * MIB, above, guestBytes(6 * MIB, below));
    expect(
      firstDifference(await libvhdiBytes(at('4k-inc.vhdx'), at('4k.vhdx')), expected),
    ).toBeNull();
    const image = await VHDX.open(child);
    expect([...(await image.mapBlocks(0, 4)).states]).toEqual([0, 0, 2, 0]);
  });

  it('of 2 TiB with one block is gone through without looking at what is empty again and again', async () => {
    const blocks = 2 ** 25;
    const image = await VHDX.open(
      await composeDisk(VHDX.composer, {
        ...{ virtualSizeBytes: blocks * BLOCK, dialect: DIALECT },
        blocks: new Map([[blocks - 5, blockOf(1)]]),
      }),
    );
    // 2 million payload blocks at each of 20,000 steps took minutes
    for (let block = 0; block < 20_000; block++)
      expect(image.nextHeldBlock(block * 1_000)).toBe(blocks - 16);
  });

  it('is told by its own reader block by block', async () => {
    const image = await VHDX.open(await increment(await full()));
    const { states } = await image.mapBlocks(0, 100);
    const expected = new Uint8Array(100);
    for (const block of INCREMENT.keys()) expected[block] = 2;
    expect([...states]).toEqual([...expected]);
  });
});
