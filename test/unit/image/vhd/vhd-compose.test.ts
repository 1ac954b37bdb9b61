import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Dialect } from '../../../../src/image/disk-image.js';
import type { FileShape, PlannedContent } from '../../../../src/image/image-format.js';
import { VHD } from '../../../../src/image/vhd/vhd-format.js';
import type { MemoryBytes } from '../../../support/image/byte-files.js';
import {
  blockOf,
  composeDisk,
  firstDifference,
  guestBytes,
} from '../../../support/image/composed-disk.js';
import { libvhdiBytes } from '../../../support/image/libvhdi.js';
import { SparseBytes } from '../../../support/image/sparse-bytes.js';
import { qemuBytes, qemuImg, requireTool, temporaryFolder } from '../../../support/image/qemu.js';

const BLOCK = 65_536;
const MIB = 1024 * 1024;
/** No multiple of a block, nor of 64 KiB. */
const DISK_BYTES = 6 * MIB + 3 * BLOCK + 512;
const DYNAMIC: Dialect = { isFixed: false };
const FIXED: Dialect = { isFixed: true };
const FIXED_SHAPE: Omit<FileShape, 'virtualSizeBytes'> = {
  ...{ fileName: 'azure.vhd', slotCount: 0, parent: null, dialect: FIXED },
  ...{ seed: '0'.repeat(32), linkId: null },
};
/** A fixed disk is its slots and a footer: the plan is not asked. */
const NOTHING: PlannedContent = {
  nextMapped: () => Promise.resolve(Infinity),
  mapBlocks: () => Promise.resolve(),
  slotsInUse: () => Promise.resolve(),
};

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
    const stored = child.bytes.subarray(hostOffsets[4], hostOffsets[4]! + BLOCK);
    expect(firstDifference(stored, blockOf(204))).toBeNull();
  });

  // Each is an end of a case in the specification's own calculation.
  it.each(['1M', '34M', '100M', '504M', '8G', '31G', '32G', '127G'])(
    'has for a disk of about %s the geometry and the header that QEMU gives it',
    async (size) => {
      await qemuImg('create', '-q', '-f', 'vpc', at('qemu.vhd'), size);
      const theirs = await readFile(at('qemu.vhd'));
      const virtualSizeBytes = Number(theirs.readBigUInt64BE(48));
      const disk = { virtualSizeBytes, blocks: new Map(), dialect: DYNAMIC };
      const { bytes } = await composeDisk(VHD.composer, disk);
      // Of the header: magic and data offset; version, entries of the table, bytes of a block.
      for (const [from, to] of [
        [56, 60],
        [512, 528],
        [536, 548],
      ] as const)
        expect(bytes.toString('hex', from, to)).toBe(theirs.toString('hex', from, to));
    },
  );
});

describe('the parts of a composed VHD file', () => {
  const parent = {
    link: 'full.vhd',
    format: 'vhd',
    linkId: 'a1b2c3d4-0000-4000-8000-00000000abcd',
  };
  const shape = (virtualSizeBytes: number, dialect = DYNAMIC, isIncrement = false) => ({
    ...{ virtualSizeBytes, slotCount: 32, fileName: 'a.vhd', dialect, linkId: null },
    ...{ seed: '0'.repeat(32), parent: isIncrement ? { ...parent, virtualSizeBytes } : null },
  });

  it('are blocks of 2 MiB, and the disk as it is in a full of a fixed one alone', () => {
    const traits = (dialect: Dialect, kind: 'full' | 'increment') => {
      const { kinds, parents, slotOrder, granuleBlocks } = VHD.composer.traits(dialect, kind);
      expect([kinds, parents]).toEqual([['full', 'increment'], ['vhd']]);
      return [slotOrder, granuleBlocks];
    };
    expect(traits(DYNAMIC, 'full')).toEqual(['any', 32]);
    expect(traits(FIXED, 'full')).toEqual(['guest', 1]);
    expect(traits(FIXED, 'increment')).toEqual(['any', 32]);
  });

  it('begin behind a table of four bytes for each 2 MiB of the disk', () => {
    const places = [
      shape(200 * 1024 * MIB), // 102,400 entries behind 8,192 bytes: 6.4 times 64 KiB
      shape(14_336 * 2 * MIB), // 57,344 bytes: with the 8,192 exactly 64 KiB
      shape(200 * 1024 * MIB, FIXED, true),
      shape(200 * 1024 * MIB, FIXED),
    ].map((each) => VHD.composer.place(each).headBytes);
    expect(places).toEqual([7 * BLOCK, BLOCK, 7 * BLOCK, 0]);
  });

  it('mark every sector of a block in a full, and in an increment those of its own', async () => {
    const blocks: Blocks = new Map([[32, blockOf(1)]]);
    const made = (isIncrement: boolean) => {
      const disk = { virtualSizeBytes: 6 * MIB, blocks, dialect: DYNAMIC };
      const above = { ...parent, virtualSizeBytes: 6 * MIB };
      return composeDisk(VHD.composer, isIncrement ? { ...disk, parent: above } : disk);
    };
    const parts = async (isIncrement: boolean) => {
      const { bytes } = await made(isIncrement);
      const table = [0, 1, 2].map((i) => bytes.readUInt32BE(8_192 + 4 * i));
      // The first slot lies behind the head of 64 KiB and 4 KiB that end in the bitmap.
      return { table, bitmap: bytes.subarray(BLOCK + 4_096 - 512, BLOCK + 4_096) };
    };
    const sector = (BLOCK + 4_096 - 512) / 512;
    const [full, own] = [await parts(false), await parts(true)];
    expect([full.table, own.table]).toEqual([
      [0xffff_ffff, sector, 0xffff_ffff],
      [0xffff_ffff, sector, 0xffff_ffff],
    ]);
    expect(full.bitmap.equals(Buffer.alloc(512, 0xff))).toBe(true);
    expect(own.bitmap.equals(Buffer.concat([Buffer.alloc(16, 0xff), Buffer.alloc(496)]))).toBe(
      true,
    );
  });

  // What Azure takes, and what it makes of a disk that large: nothing but the footer tells it.
  it.each([4, 32, 64])('hold a fixed disk of %i TiB, which has no table', async (tib) => {
    const virtualSizeBytes = tib * 2 ** 40;
    const file = new SparseBytes();
    await VHD.composer.compose(file, { ...FIXED_SHAPE, virtualSizeBytes }, NOTHING);
    expect(file.sizeBytes).toBe(virtualSizeBytes + 512);
    const footer = Buffer.alloc(512);
    await file.read(footer, virtualSizeBytes);
    expect(footer.readBigUInt64BE(48)).toBe(BigInt(virtualSizeBytes));
    expect(await VHD.readHead(file)).toMatchObject({
      virtualSizeBytes,
      dialect: { isFixed: true },
    });
    const image = await VHD.open(file);
    const { states, hostOffsets } = await image.mapBlocks(virtualSizeBytes / BLOCK - 1, 2);
    expect([...states, ...hostOffsets]).toEqual([2, 0, virtualSizeBytes - BLOCK, 0]);
  });

  it('hold no fixed disk of more than 64 TiB', async () => {
    const shape = { ...FIXED_SHAPE, virtualSizeBytes: 64 * 2 ** 40 + BLOCK };
    await expect(VHD.composer.compose(new SparseBytes(), shape, NOTHING)).rejects.toMatchObject({
      code: 'DISK_TOO_LARGE',
    });
  });

  it('hold a disk of 2040 GiB, none that is larger, and none that ends within a sector', async () => {
    const make = (virtualSizeBytes: number) =>
      composeDisk(VHD.composer, { virtualSizeBytes, blocks: new Map(), dialect: DYNAMIC });
    const largest = 2_040 * 1024 * MIB;
    expect((await VHD.open(await make(largest))).virtualSizeBytes).toBe(largest);
    await expect(make(largest + 512)).rejects.toMatchObject({
      code: 'DISK_TOO_LARGE',
      details: { virtualSizeBytes: largest + 512 },
    });
    await expect(make(2 * MIB + 100)).rejects.toThrow('no multiple of 512');
  });
});
