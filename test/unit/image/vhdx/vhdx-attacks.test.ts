import { describe, expect, it } from 'vitest';
import { crc32c } from '../../../../src/image/vhdx/crc32c.js';
import { VHDX } from '../../../../src/image/vhdx/vhdx-format.js';
import { MemoryBytes } from '../../../support/image/byte-files.js';
import { blockOf, composeDisk } from '../../../support/image/composed-disk.js';

const MIB = 1024 * 1024;
const HEADERS = [0x1_0000, 0x2_0000];
const REGIONS = [0x3_0000, 0x4_0000];
/** Of a composed file with one payload block. */
const METADATA = 2 * MIB;
const BAT = 5 * MIB;

async function disk(): Promise<MemoryBytes> {
  return composeDisk(VHDX.composer, {
    virtualSizeBytes: 4 * MIB,
    dialect: {},
    blocks: new Map([[1, blockOf(1)]]),
  });
}

async function differencing(): Promise<MemoryBytes> {
  const linkId = 'a1b2c3d4-0000-4000-8000-00000000abcd';
  return composeDisk(VHDX.composer, {
    virtualSizeBytes: 4 * MIB,
    dialect: {},
    blocks: new Map([[1, blockOf(1)]]),
    parent: { link: 'p.vhdx', format: 'vhdx', linkId, virtualSizeBytes: 4 * MIB },
  });
}

type Poke = (bytes: Buffer) => unknown;

/** Both copies of a structure, with checksums made right again. */
const both =
  (offsets: readonly number[], length: number, poke: (part: Buffer) => void): Poke =>
  (bytes) => {
    for (const offset of offsets) {
      const part = bytes.subarray(offset, offset + length);
      poke(part);
      part.writeUInt32LE(0, 4);
      part.writeUInt32LE(crc32c(part), 4);
    }
  };
const headers = (poke: (part: Buffer) => void): Poke => both(HEADERS, 4096, poke);
const regions = (poke: (part: Buffer) => void): Poke => both(REGIONS, 65_536, poke);
const metadata =
  (at: number, value: number): Poke =>
  (bytes) =>
    void bytes.writeUInt32LE(value, METADATA + at);
/** Of the size of the disk, among the entries of 32 bytes; that of page 83 follows it. */
const SIZE_ENTRY = 64;
/** Length of the second region. */
const metadataBytes = (bytes: Buffer): number => bytes.readUInt32LE(REGIONS[0]! + 48 + 24);
const bat =
  (entry: bigint): Poke =>
  (bytes) =>
    void bytes.writeBigUInt64LE(entry, BAT);

describe('a broken VHDX file', () => {
  it.each<[string, Poke, string]>([
    ['without its magic', (b) => void b.write('x'), 'IMAGE_MAGIC_MISSING'],
    [
      'with two broken headers',
      (b) => HEADERS.forEach((at) => b.writeUInt8(1, at + 99)),
      'IMAGE_CORRUPT',
    ],
    ['of version 2', headers((h) => void h.writeUInt16LE(2, 66)), 'IMAGE_VERSION_UNKNOWN'],
    [
      'with headers of one number that differ',
      (b) => {
        b.writeUInt8(2, 0x1_0008);
        b.writeUInt8(1, 0x1_0020);
        headers(() => undefined)(b);
      },
      'IMAGE_CORRUPT',
    ],
    [
      'whose log lies behind its end',
      headers((h) => void h.writeBigUInt64LE(2n ** 52n, 72)),
      'IMAGE_TRUNCATED',
    ],
    [
      'whose log overlaps its metadata',
      headers((h) => void h.writeUInt32LE(2 * MIB, 68)),
      'IMAGE_CORRUPT',
    ],
    [
      'with a log of 1 GiB to replay',
      headers((h) => {
        h.writeUInt8(1, 48);
        h.writeUInt32LE(2 ** 30, 68);
      }),
      'IMAGE_TRUNCATED',
    ],
    [
      'with two broken region tables',
      (b) => REGIONS.forEach((at) => b.writeUInt8(1, at + 99)),
      'IMAGE_CORRUPT',
    ],
    [
      'with too many regions',
      regions((r) => void r.writeUInt32LE(2 ** 31, 8)),
      'IMAGE_LIMIT_EXCEEDED',
    ],
    [
      'with an unknown region that must be known',
      regions((r) => void r.writeUInt8(9, 16)),
      'IMAGE_VERSION_UNKNOWN',
    ],
    [
      'whose BAT lies behind its end',
      regions((r) => void r.writeBigUInt64LE(2n ** 40n, 32)),
      'IMAGE_TRUNCATED',
    ],
    [
      'whose regions do not lie on whole MiB',
      regions((r) => void r.writeUInt32LE(BAT + 512, 32)),
      'IMAGE_CORRUPT',
    ],
    [
      'with a region twice',
      regions((r) => {
        r.writeUInt32LE(3, 8);
        r.copy(r, 80, 16, 48);
      }),
      'IMAGE_CORRUPT',
    ],
    ['without metadata', regions((r) => void r.writeUInt32LE(1, 8)), 'IMAGE_CORRUPT'],
    [
      'with a log of version 1',
      headers((h) => {
        h.writeUInt8(1, 48);
        h.writeUInt16LE(1, 64);
      }),
      'IMAGE_VERSION_UNKNOWN',
    ],
    ['with an unknown item that must be known', metadata(32, 7), 'IMAGE_VERSION_UNKNOWN'],
    [
      'with one item twice',
      (b) => void b.copy(b, METADATA + SIZE_ENTRY, METADATA + 96, METADATA + 112),
      'IMAGE_CORRUPT',
    ],
    ['with an item in the table of items', metadata(SIZE_ENTRY + 16, 100), 'IMAGE_CORRUPT'],
    [
      'with an item half behind its metadata',
      (b) => void b.writeUInt32LE(metadataBytes(b) - 4, METADATA + SIZE_ENTRY + 16),
      'IMAGE_CORRUPT',
    ],
    ['with sectors of 1024 bytes', metadata(65_568, 1_024), 'IMAGE_CORRUPT'],
    ['that has a parent and names none', metadata(65_540, 2), 'IMAGE_CORRUPT'],
    ['with an item outside of its metadata', metadata(32 + 16, 0xffff_fff0), 'IMAGE_CORRUPT'],
    ['with too many items', metadata(10, 0xffff), 'IMAGE_LIMIT_EXCEEDED'],
    ['with an item of 2 bytes', metadata(32 + 20, 2), 'IMAGE_LIMIT_EXCEEDED'],
    ['with blocks of 0 bytes', metadata(65_536, 0), 'IMAGE_LIMIT_EXCEEDED'],
    ['with blocks of 3 MiB', metadata(65_536, 3 * MIB), 'IMAGE_CORRUPT'],
    ['with blocks of 512 MiB', metadata(65_536, 512 * MIB), 'IMAGE_LIMIT_EXCEEDED'],
    [
      'of 2^62 bytes',
      (b) => void b.writeBigUInt64LE(2n ** 62n, METADATA + 65_544),
      'IMAGE_LIMIT_EXCEEDED',
    ],
    [
      'of no whole sectors',
      (b) => void b.writeBigUInt64LE(1000n, METADATA + 65_544),
      'IMAGE_CORRUPT',
    ],
    [
      'whose table is too short for its disk',
      (b) => void b.writeBigUInt64LE(2n ** 46n, METADATA + 65_544),
      'IMAGE_CORRUPT',
    ],
    ['with a block behind its end', bat(((2n ** 40n) << 20n) | 6n), 'IMAGE_TRUNCATED'],
    ['with a block in its table', bat((5n << 20n) | 6n), 'IMAGE_CORRUPT'],
    ['with a block in its header', bat(6n), 'IMAGE_CORRUPT'],
    ['with a block in a state that is none', bat(4n), 'IMAGE_CORRUPT'],
    ['with a block in part and no parent', bat((4n << 20n) | 7n), 'IMAGE_CORRUPT'],
    ['with reserved bits', bat((4n << 20n) | 0x86n), 'IMAGE_CORRUPT'],
  ])('%s is refused', async (_name, poke, code) => {
    const bytes = Buffer.from((await disk()).bytes);
    poke(bytes);
    await expect(VHDX.open(new MemoryBytes(bytes))).rejects.toMatchObject({ code });
    await expect(VHDX.readHead(new MemoryBytes(bytes))).rejects.toMatchObject({ code });
  });

  it('is refused at any length that it was cut off at', async () => {
    const { bytes } = await disk();
    for (const length of [
      0,
      7,
      65_536,
      0x2_0fff,
      200_000,
      MIB,
      METADATA + 1,
      4 * MIB,
      BAT,
      6 * MIB - 1,
    ])
      await expect(VHDX.readHead(new MemoryBytes(bytes.subarray(0, length)))).rejects.toMatchObject(
        {
          code: 'IMAGE_TRUNCATED',
        },
      );
  });

  it('is refused where a block in part has no bitmap, and where its parent has no name of its own', async () => {
    const { bytes } = await differencing();
    const withoutBitmap = Buffer.from(bytes);
    withoutBitmap.writeBigUInt64LE(0n, BAT + 4096 * 8); // the entry behind 4096 payload blocks
    const image = await VHDX.open(new MemoryBytes(withoutBitmap));
    await expect(image.mapBlocks(0, 4)).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
    const link = Buffer.from(bytes);
    link.write('x', link.indexOf(Buffer.from('{a1b2', 'utf16le')));
    await expect(VHDX.open(new MemoryBytes(link))).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
  });

  /** Of the locator, behind the items of a disk. */
  const LOCATOR = METADATA + 65_576;
  const BITMAP = BAT + 4096 * 8;

  it.each<[string, Poke, string]>([
    ['a bitmap in a state that is none', (b) => b.writeBigUInt64LE(2n, BITMAP), 'IMAGE_CORRUPT'],
    [
      'a bitmap behind its end',
      (b) => b.writeBigUInt64LE(((2n ** 40n) << 20n) | 6n, BITMAP),
      'IMAGE_TRUNCATED',
    ],
    ['a bitmap in its table', (b) => b.writeBigUInt64LE((5n << 20n) | 6n, BITMAP), 'IMAGE_CORRUPT'],
    ['another kind of locator', (b) => b.writeUInt8(9, LOCATOR), 'IMAGE_VERSION_UNKNOWN'],
    ['too many ways to its parent', (b) => b.writeUInt16LE(0xffff, LOCATOR + 18), 'IMAGE_CORRUPT'],
    [
      'a way to its parent that lies elsewhere',
      (b) => b.writeUInt32LE(0xffff_fff0, LOCATOR + 24),
      'IMAGE_CORRUPT',
    ],
  ])('is refused over a parent with %s', async (_name, poke, code) => {
    const bytes = Buffer.from((await differencing()).bytes);
    poke(bytes);
    await expect(VHDX.open(new MemoryBytes(bytes))).rejects.toMatchObject({ code });
  });

  it.each<[string, Poke]>([
    [
      'an unknown item that need not be known',
      (b) => {
        b.writeUInt8(9, METADATA + 96);
        b.writeUInt32LE(0, METADATA + 96 + 24);
      },
    ],
    ['a log of another version that holds nothing', headers((h) => void h.writeUInt16LE(1, 64))],
  ])('is none with %s', async (_name, poke) => {
    const bytes = Buffer.from((await disk()).bytes);
    poke(bytes);
    const image = await VHDX.open(new MemoryBytes(bytes));
    const block = Buffer.alloc(65_536);
    await image.read(block, 65_536, null);
    expect(block.equals(blockOf(1))).toBe(true);
  });

  it('is read by its other header, and by its other region table', async () => {
    const { bytes } = await disk();
    bytes.writeUInt8(1, 0x2_0000 + 99);
    bytes.writeUInt8(1, 0x3_0000 + 99);
    expect((await VHDX.readHead(new MemoryBytes(bytes))).virtualSizeBytes).toBe(4 * MIB);
  });
});
