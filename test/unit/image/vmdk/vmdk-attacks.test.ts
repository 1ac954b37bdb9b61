import { describe, expect, it } from 'vitest';
import type { ByteSource } from '../../../../src/image/byte-source.js';
import { readVmdkHead } from '../../../../src/image/vmdk/vmdk-head.js';
import { openVmdkImage } from '../../../../src/image/vmdk/vmdk-image.js';
import { MemoryBytes } from '../../../support/image/byte-files.js';
import {
  descriptorText,
  extentsOf,
  GRAIN,
  sparseFile,
  streamFile,
} from '../../../support/image/vmdk-bytes.js';

const SECTOR = 512;
/** As `sparseFile` lays them out. */
const DIRECTORY = 21 * SECTOR;
const TABLE = 22 * SECTOR;
const DATA = 128;

interface Attack {
  readonly title: string;
  readonly poke: (file: Buffer) => unknown;
  readonly code: string;
  /** Where the report must point to. */
  readonly offset?: number;
}

const u32 = (offset: number, value: number) => (file: Buffer) => file.writeUInt32LE(value, offset);
const u64 = (offset: number, value: bigint) => (file: Buffer) =>
  file.writeBigUInt64LE(value, offset);
const text = (from: string, to: string) => (file: Buffer) => {
  const at = file.indexOf(from);
  if (at < 0 || from.length !== to.length) throw new Error(`the test's file has no ${from}`);
  file.write(to, at, 'latin1');
};

/** Byte pokes after QEMU's test 059, formats that a transfer spoils, and what a hostile file would try. */
const SPARSE_ATTACKS: Attack[] = [
  { title: 'no magic', poke: u32(0, 0), code: 'IMAGE_MAGIC_MISSING', offset: 0 },
  { title: 'version 0', poke: u32(4, 0), code: 'IMAGE_VERSION_UNKNOWN', offset: 4 },
  { title: 'version 4', poke: u32(4, 4), code: 'IMAGE_VERSION_UNKNOWN', offset: 4 },
  { title: 'an unknown flag', poke: u32(8, 0x8000_0003), code: 'IMAGE_VERSION_UNKNOWN', offset: 8 },
  { title: 'compression without markers', poke: u32(8, 0x1_0003), code: 'IMAGE_VERSION_UNKNOWN' },
  {
    title: 'line ends changed',
    poke: (file) => file.write('\n \n\n', 73),
    code: 'IMAGE_CORRUPT',
    offset: 73,
  },
  { title: 'capacity 0', poke: u64(12, 0n), code: 'IMAGE_LIMIT_EXCEEDED', offset: 12 },
  { title: 'capacity 2^63', poke: u64(12, 1n << 63n), code: 'IMAGE_LIMIT_EXCEEDED', offset: 12 },
  {
    title: 'capacity beyond the descriptor',
    poke: u64(12, 4096n),
    code: 'IMAGE_CORRUPT',
    offset: 12,
  },
  ...[0n, 1n, 4096n, 1n << 62n].map((grain) => ({
    title: `grain of ${grain} sectors`,
    poke: u64(20, grain),
    code: 'IMAGE_LIMIT_EXCEEDED',
    offset: 20,
  })),
  { title: 'grain of 129 sectors', poke: u64(20, 129n), code: 'IMAGE_CORRUPT', offset: 20 },
  { title: 'descriptor of 2 GiB', poke: u64(36, 1n << 22n), code: 'IMAGE_LIMIT_EXCEEDED' },
  { title: 'descriptor past the end', poke: u64(28, 1n << 40n), code: 'IMAGE_TRUNCATED' },
  ...[0, 513].map((entries) => ({
    title: `${entries} entries per table`,
    poke: u32(44, entries),
    code: 'IMAGE_LIMIT_EXCEEDED',
    offset: 44,
  })),
  { title: 'directory in the header', poke: u64(56, 0n), code: 'IMAGE_CORRUPT', offset: 0 },
  { title: 'directory in the descriptor', poke: u64(56, 2n), code: 'IMAGE_CORRUPT' },
  { title: 'directory past the end', poke: u64(56, 1n << 50n), code: 'IMAGE_TRUNCATED' },
  { title: 'second directory past the end', poke: u64(48, 1n << 50n), code: 'IMAGE_TRUNCATED' },
  { title: 'two directories in one place', poke: u64(48, 21n), code: 'IMAGE_CORRUPT' },
  { title: 'a directory that names itself', poke: u32(DIRECTORY, 21), code: 'IMAGE_CORRUPT' },
  { title: 'table in the header', poke: u32(DIRECTORY, 1), code: 'IMAGE_CORRUPT' },
  { title: 'table past the end', poke: u32(DIRECTORY, 0xffff_ffff), code: 'IMAGE_TRUNCATED' },
  { title: 'grain past the end', poke: u32(TABLE, 0xffff_ff00), code: 'IMAGE_TRUNCATED' },
  { title: 'grain in its table', poke: u32(TABLE, 22), code: 'IMAGE_CORRUPT', offset: TABLE },
  { title: 'grain over the directory', poke: u32(TABLE, 2), code: 'IMAGE_CORRUPT', offset: TABLE },
  { title: 'grain of zeros where there are none', poke: u32(TABLE, 1), code: 'IMAGE_CORRUPT' },
  { title: 'no content id', poke: text('CID=0172e8a4', 'CID=0172e8zz'), code: 'IMAGE_CORRUPT' },
  {
    title: 'two content ids',
    poke: text('# Indicates no parent', 'CID=00000001         '),
    code: 'IMAGE_CORRUPT',
  },
  {
    title: 'a descriptor of noise',
    poke: (file) => file.fill(0x9d, 2 * SECTOR - 400, 2 * SECTOR),
    code: 'IMAGE_CORRUPT',
  },
];

const STREAM_ATTACKS: Attack[] = [
  {
    title: 'footer of another disk',
    poke: (file) => u64(file.length - 1024 + 12, 256n)(file),
    code: 'IMAGE_CORRUPT',
  },
  {
    title: 'footer without a directory',
    poke: (file) => u64(file.length - 1024 + 56, (1n << 64n) - 1n)(file),
    code: 'IMAGE_CORRUPT',
  },
  {
    title: 'no marker of the footer',
    poke: (file) => u32(file.length - 1536 + 12, 2)(file),
    code: 'IMAGE_TRUNCATED',
  },
  {
    title: 'no marker of the end',
    poke: (file) => u64(file.length - 512, 1n)(file),
    code: 'IMAGE_TRUNCATED',
  },
  {
    title: 'grain of another place',
    poke: u64(2 * SECTOR, 128n),
    code: 'IMAGE_CORRUPT',
    offset: 2 * SECTOR,
  },
  { title: 'grain of 2 GiB', poke: u32(2 * SECTOR + 8, 0x8000_0000), code: 'IMAGE_LIMIT_EXCEEDED' },
  { title: 'grain of no bytes', poke: u32(2 * SECTOR + 8, 0), code: 'IMAGE_LIMIT_EXCEEDED' },
  {
    title: 'grain of noise',
    poke: (file) => file.fill(0x9d, 2 * SECTOR + 14, 2 * SECTOR + 30),
    code: 'IMAGE_CORRUPT',
  },
];

async function readAll(file: Buffer): Promise<void> {
  const source = new MemoryBytes(file);
  const image = await openVmdkImage(source);
  await image.mapBlocks(0, Math.ceil(image.virtualSizeBytes / 65_536));
  await image.read(Buffer.alloc(Math.min(image.virtualSizeBytes, 2 ** 20)), 0, null);
}

describe('openVmdkImage', () => {
  const grains = new Map([[0, Buffer.alloc(GRAIN, 0x31)]]);
  const sparse = sparseFile(1024, grains);
  const stream = streamFile({ sectors: 1024, grains, shape: 'footer' });

  it('takes the files that the attacks are made from', async () => {
    await readAll(sparse);
    await readAll(stream);
  });

  it.each([
    ...SPARSE_ATTACKS.map((attack) => ({ ...attack, file: sparse, kind: 'a sparse disk' })),
    ...STREAM_ATTACKS.map((attack) => ({ ...attack, file: stream, kind: 'a stream' })),
  ])('refuses $kind with $title', async ({ file, poke, code, offset }) => {
    const poked = Buffer.from(file);
    poke(poked);
    const failure = await readAll(poked).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'BackupError', code });
    if (offset !== undefined) expect(failure).toMatchObject({ details: { offset } });
  });

  it('gives a bomb no more memory than a grain', async () => {
    const bomb = streamFile({
      sectors: 1024,
      grains: new Map([[0, Buffer.alloc(2 ** 28)]]),
      shape: 'footer',
    });
    await expect(readAll(bomb)).rejects.toMatchObject({ code: 'IMAGE_LIMIT_EXCEEDED' });
    const small = streamFile({
      sectors: 1024,
      grains: new Map([[0, Buffer.alloc(2 ** 22)]]),
      shape: 'footer',
    });
    await expect(readAll(small)).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
  });

  it('takes no memory for the directories of many parts that are holes', async () => {
    // A directory of 16 MiB each in the first two, as much as one part may have together.
    const sectorsOf = (part: number) => (part < 2 ? 2 ** 22 : 1) * 512 * 8;
    const holes = (part: number): ByteSource => {
      const header = sparseFile(8, new Map(), 8).subarray(0, SECTOR);
      header.writeUInt32LE(1, 8);
      header.writeBigUInt64LE(BigInt(sectorsOf(part)), 12);
      header.writeBigUInt64LE(0n, 28);
      header.writeBigUInt64LE(1n, 56);
      return {
        ...{ label: `web-s${part}.vmdk`, sizeBytes: 2 ** 30 },
        read: (target, offset) => {
          target.fill(0);
          if (offset === 0) target.set(header.subarray(0, target.length));
          return Promise.resolve();
        },
      };
    };
    const extents = [0, 1, 2, 3].map((n) => `RW ${sectorsOf(n)} SPARSE "web-s${n}.vmdk"`);
    const descriptor = descriptorText({ extents, createType: 'twoGbMaxExtentSparse' });
    const opened: string[] = [];
    const opening = openVmdkImage(new MemoryBytes(Buffer.from(descriptor)), {
      open: (name) => {
        opened.push(name);
        return Promise.resolve(holes(opened.length - 1));
      },
    });
    await expect(opening).rejects.toMatchObject({ code: 'IMAGE_LIMIT_EXCEEDED' });
    expect(opened).toHaveLength(3);
  });

  it.each([
    '../flat.vmdk',
    '/etc/passwd',
    'folder/flat.vmdk',
    'C:flat.vmdk',
    '..\\\\flat.vmdk',
    'json:{}',
    'nbd://host/disk',
    '..',
    '.',
    '',
    'fl\u0007at.vmdk',
  ])('never asks for the extent %j', async (name) => {
    const asked: string[] = [];
    const extents = ['RW 8 FLAT "' + name + '" 0'];
    const opening = openVmdkImage(new MemoryBytes(Buffer.from(descriptorText({ extents }))), {
      open: (asking) => {
        asked.push(asking);
        return Promise.resolve(new MemoryBytes(Buffer.alloc(4096)));
      },
    });
    await expect(opening).rejects.toMatchObject({ code: 'IMAGE_EXTERNAL_DATA' });
    expect(asked).toEqual([]);
  });

  it.each([
    [['RW 8 FLAT "a.vmdk" 1'], 'IMAGE_TRUNCATED'],
    [['RW 4 FLAT "a.vmdk" 0', 'RW 4 FLAT "a.vmdk" 2'], 'IMAGE_CORRUPT'],
    [['RW 8 FLAT "b.vmdk" 0'], 'IMAGE_EXTENT_MISSING'],
    [['NOACCESS 8 FLAT "a.vmdk" 0'], 'IMAGE_CORRUPT'],
    [['RW 8 VMFSRDM "a.vmdk"'], 'IMAGE_EXTERNAL_DATA'],
    [['RW 8 SPARSE "a.vmdk"'], 'IMAGE_MAGIC_MISSING'],
    [['RW 0 ZERO'], 'IMAGE_LIMIT_EXCEEDED'],
    [['RW 999999999999999 ZERO', 'RW 999999999999999 ZERO'], 'IMAGE_LIMIT_EXCEEDED'],
    [['RW 8 FLAT a.vmdk'], 'IMAGE_EXTERNAL_DATA'],
    [['this is no line of a descriptor'], 'IMAGE_CORRUPT'],
    [[], 'IMAGE_CORRUPT'],
    [Array.from({ length: 5000 }, () => 'RW 8 ZERO'), 'IMAGE_LIMIT_EXCEEDED'],
  ])('refuses extents such as %j with %s', async (extents, code) => {
    const source = new MemoryBytes(Buffer.from(descriptorText({ extents })));
    const files = extentsOf({ 'a.vmdk': Buffer.alloc(4096) });
    await expect(readVmdkHead(source, files)).rejects.toMatchObject({ code });
  });

  it('refuses a disk in one file whose descriptor names other files', async () => {
    const file = Buffer.from(sparse);
    file.write(
      `${descriptorText({ extents: ['RW 512 SPARSE "a"', 'RW 512 FLAT "b" 0'] })}\0`,
      SECTOR,
    );
    await expect(readAll(file)).rejects.toMatchObject({ code: 'IMAGE_EXTERNAL_DATA' });
  });

  it('knows a sparse disk that was cut off before its last grain', async () => {
    const grainsAtEnd = new Map([
      [0, Buffer.alloc(GRAIN, 1)],
      [7, Buffer.alloc(GRAIN, 2)],
    ]);
    const whole = sparseFile(1024, grainsAtEnd);
    await readVmdkHead(new MemoryBytes(whole));
    const cut = whole.subarray(0, (DATA + 200) * SECTOR);
    await expect(readVmdkHead(new MemoryBytes(cut))).rejects.toMatchObject({
      code: 'IMAGE_TRUNCATED',
    });
  });
});
