import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openQcow2Image } from '../../../../src/image/qcow2/qcow2-image.js';
import { MemoryBytes } from '../../../support/image/byte-files.js';
import { qemuImg, qemuIo, requireTool, temporaryFolder } from '../../../support/image/qemu.js';

const CLUSTER = 65_536;
// As `qemu-img create` lays out a new file; the data are written in this order.
const REFCOUNT_TABLE = CLUSTER;
const L1 = 3 * CLUSTER;
const L2 = 4 * CLUSTER;
const DATA = 5 * CLUSTER;
const DISK_BYTES = 1024 * 1024;

type Image = 'plain' | 'version2' | 'zlib' | 'zstd' | 'extended' | 'child';
interface Attack {
  readonly title: string;
  readonly image?: Image;
  readonly poke: (file: Buffer) => unknown;
  readonly code: string;
  /** Where the report must point to. */
  readonly offset?: number;
}

const u32 = (offset: number, value: number) => (file: Buffer) => file.writeUInt32BE(value, offset);
const u64 = (offset: number, value: bigint) => (file: Buffer) =>
  file.writeBigUInt64BE(value, offset);
const COPIED = 1n << 63n;
const COMPRESSED = 1n << 62n;
const data = (offset: number): bigint => COPIED | BigInt(offset);

/** Byte pokes after QEMU's tests 060, 080, 108, 244, 287 and `qcow2_do_open`. */
const HEADER_ATTACKS: Attack[] = [
  { title: 'no magic', poke: u32(0, 0), code: 'IMAGE_MAGIC_MISSING', offset: 0 },
  { title: 'version 1', poke: u32(4, 1), code: 'IMAGE_VERSION_UNKNOWN', offset: 4 },
  { title: 'version 4', poke: u32(4, 4), code: 'IMAGE_VERSION_UNKNOWN', offset: 4 },
  ...[8, 22, 63, 0xffff_ffff].map((bits) => ({
    title: `cluster_bits ${bits}`,
    poke: u32(20, bits),
    code: 'IMAGE_LIMIT_EXCEEDED',
    offset: 20,
  })),
  { title: 'size 2^62', poke: u64(24, 1n << 62n), code: 'IMAGE_LIMIT_EXCEEDED', offset: 24 },
  { title: 'size of part of a sector', poke: u64(24, 1000n), code: 'IMAGE_CORRUPT', offset: 24 },
  {
    title: 'size beyond the L1 table',
    poke: u64(24, 1n << 40n),
    code: 'IMAGE_CORRUPT',
    offset: 36,
  },
  { title: 'AES', poke: u32(32, 1), code: 'IMAGE_ENCRYPTED', offset: 32 },
  { title: 'LUKS', poke: u32(32, 2), code: 'IMAGE_ENCRYPTED', offset: 32 },
  { title: 'huge L1 table', poke: u32(36, 0xffff_ffff), code: 'IMAGE_LIMIT_EXCEEDED', offset: 36 },
  { title: 'L1 table past the end', poke: u32(36, 4_000_000), code: 'IMAGE_TRUNCATED' },
  { title: 'unaligned L1 table', poke: u64(40, 512n), code: 'IMAGE_CORRUPT', offset: 40 },
  { title: 'L1 table at 2^62', poke: u64(40, 1n << 62n), code: 'IMAGE_TRUNCATED' },
  { title: 'L1 table in the header', poke: u64(40, 0n), code: 'IMAGE_CORRUPT', offset: 0 },
  { title: 'unaligned refcount table', poke: u64(48, 1n), code: 'IMAGE_CORRUPT', offset: 48 },
  { title: 'refcount table at 2^63', poke: u64(48, 1n << 63n), code: 'IMAGE_TRUNCATED' },
  { title: 'no refcount table', poke: u32(56, 0), code: 'IMAGE_LIMIT_EXCEEDED', offset: 56 },
  { title: 'refcount table > 8 MiB', poke: u32(56, 129), code: 'IMAGE_LIMIT_EXCEEDED', offset: 56 },
  { title: '65,537 snapshots', poke: u32(60, 65_537), code: 'IMAGE_LIMIT_EXCEEDED', offset: 60 },
  {
    title: 'snapshot table past the end',
    poke: (file) => (u32(60, 1)(file), u64(64, 1n << 40n)(file)),
    code: 'IMAGE_TRUNCATED',
  },
  { title: 'corrupt bit', poke: u64(72, 2n), code: 'IMAGE_CORRUPT', offset: 72 },
  { title: 'external data file bit', poke: u64(72, 4n), code: 'IMAGE_EXTERNAL_DATA', offset: 72 },
  { title: 'unknown feature', poke: u64(72, 1n << 40n), code: 'IMAGE_VERSION_UNKNOWN', offset: 72 },
  { title: 'refcount_order 7', poke: u32(96, 7), code: 'IMAGE_LIMIT_EXCEEDED', offset: 96 },
  ...[0, 72, 0xffff_ffff].map((bytes) => ({
    title: `header_length ${bytes}`,
    poke: u32(100, bytes),
    code: 'IMAGE_LIMIT_EXCEEDED',
    offset: 100,
  })),
  { title: 'odd header_length', poke: u32(100, 113), code: 'IMAGE_CORRUPT', offset: 100 },
  { title: 'compression type without its bit', poke: u32(104, 0x0100_0000), code: 'IMAGE_CORRUPT' },
  { title: 'compression bit without type', poke: u64(72, 8n), code: 'IMAGE_CORRUPT', offset: 104 },
  { title: 'compression type 2', poke: u32(104, 0x0200_0000), code: 'IMAGE_VERSION_UNKNOWN' },
  {
    title: 'extension past the cluster',
    poke: u32(116, 0xffff_fff0),
    code: 'IMAGE_CORRUPT',
    offset: 116,
  },
  {
    title: 'extension one byte too long',
    poke: u32(116, CLUSTER - 119),
    code: 'IMAGE_CORRUPT',
    offset: 116,
  },
  {
    title: 'data file extension',
    poke: u32(112, 0x44415441),
    code: 'IMAGE_EXTERNAL_DATA',
    offset: 112,
  },
  {
    title: 'parent name of 1,024 bytes',
    image: 'child',
    poke: u32(16, 1024),
    code: 'IMAGE_LIMIT_EXCEEDED',
    offset: 16,
  },
  {
    title: 'parent name outside of cluster 0',
    image: 'child',
    poke: u64(8, BigInt(CLUSTER) - 1n),
    code: 'IMAGE_LIMIT_EXCEEDED',
    offset: 16,
  },
  {
    title: 'parent name at 2^63',
    image: 'child',
    poke: u64(8, 1n << 63n),
    code: 'IMAGE_LIMIT_EXCEEDED',
    offset: 8,
  },
];

const TABLE_ATTACKS: Attack[] = [
  {
    title: 'L1 entry with reserved bits',
    poke: u64(L1, data(L2) | 2n),
    code: 'IMAGE_CORRUPT',
    offset: L1,
  },
  { title: 'unaligned L1 entry', poke: u64(L1, data(L2 + 512)), code: 'IMAGE_CORRUPT', offset: L1 },
  {
    title: 'L1 entry past the end',
    poke: u64(L1, data(1 << 30)),
    code: 'IMAGE_TRUNCATED',
    offset: 1 << 30,
  },
  { title: 'L1 entry to the L1 table', poke: u64(L1, data(L1)), code: 'IMAGE_CORRUPT', offset: L1 },
  {
    title: 'L1 entry to a refcount block',
    poke: u64(L1, data(2 * CLUSTER)),
    code: 'IMAGE_CORRUPT',
    offset: 2 * CLUSTER,
  },
  {
    title: 'one L2 table used twice',
    poke: (file) => (u32(36, 2)(file), u64(L1 + 8, data(L2))(file)),
    code: 'IMAGE_CORRUPT',
    offset: L2,
  },
  {
    title: 'refcount block with reserved bits',
    poke: u64(REFCOUNT_TABLE, BigInt(2 * CLUSTER) | 1n),
    code: 'IMAGE_CORRUPT',
    offset: REFCOUNT_TABLE,
  },
  {
    title: 'refcount block in the L2 table',
    poke: u64(REFCOUNT_TABLE, BigInt(L2)),
    code: 'IMAGE_CORRUPT',
    offset: L2,
  },
  {
    title: 'L2 entry with reserved bits',
    poke: u64(L2, data(DATA) | 4n),
    code: 'IMAGE_CORRUPT',
    offset: L2,
  },
  {
    title: 'L2 entry with reserved high bits',
    poke: u64(L2, data(DATA) | (1n << 56n)),
    code: 'IMAGE_CORRUPT',
    offset: L2,
  },
  {
    title: 'unaligned L2 entry',
    poke: u64(L2 + 8, data(DATA + 512)),
    code: 'IMAGE_CORRUPT',
    offset: L2 + 8,
  },
  {
    title: 'L2 entry past the end',
    poke: u64(L2, data(1 << 30)),
    code: 'IMAGE_TRUNCATED',
    offset: 1 << 30,
  },
  {
    title: 'L2 entry at 2^55',
    poke: u64(L2, COPIED | (1n << 55n)),
    code: 'IMAGE_TRUNCATED',
    offset: 2 ** 55,
  },
  ...[REFCOUNT_TABLE, L1, L2].map((table) => ({
    title: `data in the table at ${table}`,
    poke: u64(L2, data(table)),
    code: 'IMAGE_CORRUPT',
    offset: L2,
  })),
  {
    title: 'zero bit in version 2',
    image: 'version2',
    poke: u64(L2, 1n),
    code: 'IMAGE_CORRUPT',
    offset: L2,
  },
  {
    title: 'compressed data past the end',
    image: 'zlib',
    poke: u64(L2, COMPRESSED | (1n << 40n)),
    code: 'IMAGE_TRUNCATED',
    offset: 2 ** 40,
  },
  ...[
    { title: 'compressed data one sector past the end', poke: moveToLastSector },
    {
      title: 'compressed data that begin behind the end, in its last sector',
      poke: (file: Buffer) => u64(L2, COMPRESSED | BigInt(file.length + 37))(file),
    },
  ].map((cut): Attack => ({ ...cut, image: 'zlib', code: 'IMAGE_TRUNCATED' })),
  {
    title: 'compressed data in the L1 table',
    image: 'zlib',
    poke: u64(L2, COMPRESSED | BigInt(L1)),
    code: 'IMAGE_CORRUPT',
    offset: L2,
  },
  {
    title: 'compressed data that end in the L2 table',
    poke: endInMovedTable,
    code: 'IMAGE_CORRUPT',
    offset: DATA + CLUSTER,
  },
  {
    title: 'deflate garbage',
    image: 'zlib',
    poke: (file) => file.fill(0xff, DATA, DATA + 64),
    code: 'IMAGE_CORRUPT',
    offset: DATA,
  },
  {
    title: 'a deflate bomb',
    image: 'zlib',
    poke: (file) => void deflateRawSync(Buffer.alloc(2 * CLUSTER)).copy(file, DATA),
    code: 'IMAGE_CORRUPT',
    offset: DATA,
  },
  {
    title: 'a deflate stream that is too short',
    image: 'zlib',
    poke: (file) => void deflateRawSync(Buffer.alloc(CLUSTER - 1)).copy(file, DATA),
    code: 'IMAGE_CORRUPT',
    offset: DATA,
  },
  {
    title: 'zstd without magic',
    image: 'zstd',
    poke: (file) => file.fill(0, DATA, DATA + 4),
    code: 'IMAGE_CORRUPT',
    offset: DATA,
  },
  {
    title: 'a zstd block that passes its data',
    image: 'zstd',
    poke: (file) => file.fill(0xf8, DATA + 6, DATA + 12),
    code: 'IMAGE_CORRUPT',
    offset: DATA,
  },
  {
    title: 'a zstd frame of 2^62 bytes',
    image: 'zstd',
    poke: (file) => void Buffer.from('28b52ffde00000000000000040010000', 'hex').copy(file, DATA),
    code: 'IMAGE_CORRUPT',
    offset: DATA,
  },
  {
    title: 'a zstd window of 2^41 bytes',
    image: 'zstd',
    poke: (file) => void Buffer.from('28b52ffd00f8010000', 'hex').copy(file, DATA),
    code: 'IMAGE_CORRUPT',
    offset: DATA,
  },
  {
    title: 'a subcluster both stored and zero',
    image: 'extended',
    poke: u64(L2 + 8, 0x0000_0001_0000_0001n),
    code: 'IMAGE_CORRUPT',
    offset: L2,
  },
  {
    title: 'stored subclusters without cluster',
    image: 'extended',
    poke: u64(L2, 0n),
    code: 'IMAGE_CORRUPT',
    offset: L2,
  },
  {
    title: 'the zero bit with subclusters',
    image: 'extended',
    poke: u64(L2, data(DATA) | 1n),
    code: 'IMAGE_CORRUPT',
    offset: L2,
  },
];

describe.skipIf(!requireTool('qemu-img'))('a hostile qcow2 file', () => {
  const folder = temporaryFolder();
  const images = new Map<Image, Buffer>();
  beforeAll(async () => {
    const make = async (name: Image, options: string, commands: string[], ...more: string[]) => {
      const path = join(folder.path, name);
      const size = String(DISK_BYTES);
      await qemuImg('create', '-q', '-f', 'qcow2', '-o', options, ...more, path, size);
      if (commands.length > 0) await qemuIo(path, 'qcow2', commands);
      images.set(name, (await MemoryBytes.load(path)).bytes);
    };
    const writes = ['write -P 0x11 0 128k', 'write -z 512k 64k'];
    const compressed = ['write -c -P 0x11 0 64k', 'write -c -P 0x22 64k 64k'];
    await make('plain', 'compat=1.1', writes);
    await make('version2', 'compat=0.10', ['write -P 0x11 0 64k']);
    await make('zlib', 'compression_type=zlib', compressed);
    await make('zstd', 'compression_type=zstd', compressed);
    await make('extended', 'extended_l2=on', ['write -P 0x11 0 64k']);
    await make('child', 'compat=1.1', [], '-F', 'qcow2', '-b', join(folder.path, 'plain'));
  });
  afterAll(() => folder.remove());

  const copyOf = (image: Image): Buffer => Buffer.from(images.get(image) ?? []);
  /** Opens and reads all there is. */
  const readAll = async (file: Buffer): Promise<void> => {
    const image = await openQcow2Image(new MemoryBytes(file, 'vm/disk.qcow2'));
    await image.mapBlocks(0, DISK_BYTES / CLUSTER);
    await image.read(new Uint8Array(DISK_BYTES), 0, null);
  };

  it.each(['plain', 'version2', 'zlib', 'zstd', 'extended', 'child'] as const)(
    'is told from a sound one: %s',
    async (image) => {
      await expect(readAll(copyOf(image))).resolves.toBeUndefined();
    },
  );

  it.each([...HEADER_ATTACKS, ...TABLE_ATTACKS])(
    'is refused: $title',
    async ({ image = 'plain', poke, code, offset }) => {
      const file = copyOf(image);
      poke(file);
      await expect(readAll(file)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(/^vm\/disk\.qcow2: /) as string,
        details: { path: 'vm/disk.qcow2', ...(offset !== undefined && { offset }) },
      });
    },
  );

  it.each([0, 3, 71, 103])('is refused when cut to %i bytes', async (bytes) => {
    const code = bytes < 4 ? 'IMAGE_MAGIC_MISSING' : 'IMAGE_TRUNCATED';
    await expect(readAll(copyOf('plain').subarray(0, bytes))).rejects.toMatchObject({ code });
  });

  it('is refused at every length that cuts into what it refers to', async () => {
    const whole = copyOf('plain');
    for (let bytes = 104; bytes < whole.length; bytes += 4096)
      await expect(readAll(whole.subarray(0, bytes)), `${bytes}`).rejects.toMatchObject({
        code: 'IMAGE_TRUNCATED',
      });
    const image = await openQcow2Image(new MemoryBytes(whole.subarray(0, -1)));
    await expect(image.survey()).rejects.toMatchObject({ code: 'IMAGE_TRUNCATED' });
  });

  it.each(['/etc/shadow', '../../other', 'json:{"driver":"nbd"}', 'nbd://host/x'])(
    'gets its parent name %s handed out as data, and nothing opened',
    async (name) => {
      const file = copyOf('child');
      const offset = Number(file.readBigUInt64BE(8));
      file.write(name, offset, 'latin1');
      u32(16, name.length)(file);
      const image = await openQcow2Image(new MemoryBytes(file));
      expect(image.header.backing).toEqual({ name, format: 'qcow2' });
    },
  );

  it('is read, and said to be dirty, when its writer was killed', async () => {
    const file = copyOf('plain');
    u64(72, 1n)(file);
    const image = await openQcow2Image(new MemoryBytes(file));
    expect(image.header.isDirty).toBe(true);
    await expect(readAll(file)).resolves.toBeUndefined();
  });

  it('cannot make the reader keep more than its limit of tables', async () => {
    // 32 MiB of L1 entries in a sparse file, all pointing past its end.
    const file = copyOf('plain');
    u32(36, 4_194_304)(file);
    u64(40, BigInt(16 * CLUSTER))(file);
    const source = new MemoryBytes(file, 'large.qcow2');
    await source.truncate(16 * CLUSTER + 32 * 1024 * 1024);
    const image = await openQcow2Image(source);
    await image.mapBlocks(0, 65_536);
    expect(image.tables.l2Offsets.length).toBe(4 * 1024 * 1024);
    expect(image.tableBytes).toBeLessThan(1024 * 1024);
  });
});

/** L2 table moved behind the first data cluster, compressed data from there into it. */
function endInMovedTable(file: Buffer): void {
  const moved = DATA + CLUSTER;
  file.copy(file, moved, L2, L2 + CLUSTER);
  u64(L1, data(moved))(file);
  u64(moved, COMPRESSED | (1n << 54n) | BigInt(moved - 100))(file);
  u64(moved + 8, 0n)(file);
}

/** The first compressed cluster, moved so that its second sector lies behind the end of the file. */
function moveToLastSector(file: Buffer): void {
  u64(L2, COMPRESSED | (2n << 54n) | BigInt(file.length - 512))(file);
}
