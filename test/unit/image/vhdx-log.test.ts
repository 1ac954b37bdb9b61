import { describe, expect, it } from 'vitest';
import { crc32c } from '../../../src/image/vhdx/crc32c.js';
import { readVhdxHead } from '../../../src/image/vhdx/vhdx-head.js';
import { openVhdxImage } from '../../../src/image/vhdx/vhdx-image.js';
import { VHDX } from '../../../src/image/vhdx/vhdx-format.js';
import { MemoryBytes } from '../../support/image/byte-files.js';
import { blockOf, composeDisk } from '../../support/image/composed-disk.js';

const MIB = 1024 * 1024;
const LOG_GUID = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
const LOG_OFFSET = MIB;

interface Entry {
  readonly sequence: number;
  /** In the log. */
  readonly at: number;
  readonly tail: number;
  /** A sector of 4 KiB, or a number of zeros. */
  readonly writes: readonly { readonly offset: number; readonly bytes: Buffer | number }[];
  readonly flushedBytes?: number;
}

// [MS-VHDX] 2.3.1
function logEntry({ sequence, tail, writes, flushedBytes = 0 }: Entry): Buffer {
  const sectors = writes.flatMap(({ bytes }) => (typeof bytes === 'number' ? [] : [bytes]));
  const entry = Buffer.alloc(4096 * (1 + sectors.length));
  entry.write('loge', 0);
  entry.writeUInt32LE(entry.length, 8);
  entry.writeUInt32LE(tail, 12);
  entry.writeBigUInt64LE(BigInt(sequence), 16);
  entry.writeUInt32LE(writes.length, 24);
  LOG_GUID.copy(entry, 32);
  entry.writeBigUInt64LE(BigInt(flushedBytes), 48);
  let sector = 0;
  for (const [index, { offset, bytes }] of writes.entries()) {
    const at = 64 + index * 32;
    entry.writeBigUInt64LE(BigInt(offset), at + 16);
    entry.writeBigUInt64LE(BigInt(sequence), at + 24);
    if (typeof bytes === 'number') {
      entry.write('zero', at);
      entry.writeBigUInt64LE(BigInt(bytes), at + 8);
      continue;
    }
    entry.write('desc', at);
    bytes.copy(entry, at + 4, 4092, 4096);
    bytes.copy(entry, at + 8, 0, 8);
    sector += 1;
    bytes.copy(entry, sector * 4096);
    entry.write('data', sector * 4096);
    entry.writeUInt32LE(0, sector * 4096 + 4);
    entry.writeUInt32LE(sequence, sector * 4096 + 4092);
  }
  entry.writeUInt32LE(crc32c(entry), 4);
  return entry;
}

/** A disk of 4 MiB with one payload block, with this log. */
async function withLog(entries: readonly Entry[]): Promise<MemoryBytes> {
  const disk = { virtualSizeBytes: 4 * MIB, dialect: {}, blocks: new Map([[1, blockOf(1)]]) };
  const file = await composeDisk(VHDX.composer, disk);
  const { bytes } = file;
  for (const offset of [0x1_0000, 0x2_0000]) {
    LOG_GUID.copy(bytes, offset + 48);
    bytes.writeUInt32LE(0, offset + 4);
    bytes.writeUInt32LE(crc32c(bytes.subarray(offset, offset + 4096)), offset + 4);
  }
  for (const entry of entries) {
    const logged = logEntry(entry);
    const head = Math.min(logged.length, MIB - entry.at);
    logged.copy(bytes, LOG_OFFSET + entry.at, 0, head);
    logged.copy(bytes, LOG_OFFSET, head);
  }
  return new MemoryBytes(bytes, 'dirty.vhdx');
}

/** The table of blocks lies behind the only payload block. */
const BAT = 5 * MIB;

function batSector(...entries: bigint[]): Buffer {
  const sector = Buffer.alloc(4096);
  for (const [index, entry] of entries.entries()) sector.writeBigUInt64LE(entry, index * 8);
  return sector;
}

describe('a VHDX file whose log was not written back', () => {
  // The block moves to the second place of the disk; then its old place is told to be zeros.
  const MOVED = batSector(0n, (4n << 20n) | 6n);
  const first = blockOf(1);

  it('is read as it will be, and stays as it is', async () => {
    const file = await withLog([
      { sequence: 7, at: 0, tail: 0, writes: [{ offset: BAT, bytes: MOVED }] },
    ]);
    const before = Buffer.from(file.bytes);
    const image = await openVhdxImage(file);
    const read = Buffer.alloc(65_536);
    await image.read(read, MIB + 65_536, null);
    expect(read.equals(first)).toBe(true);
    await image.read(read, 65_536, null);
    expect(read.equals(Buffer.alloc(65_536))).toBe(true);
    expect(file.bytes.equals(before)).toBe(true);
    expect((await readVhdxHead(file)).isOpen).toBe(true);
  });

  it('is read through entries that follow each other, also around the end of the log', async () => {
    const file = await withLog([
      {
        ...{ sequence: 7, at: MIB - 4096, tail: MIB - 4096 },
        writes: [{ offset: BAT, bytes: batSector(0n, 0n, (4n << 20n) | 6n) }],
      },
      { sequence: 8, at: 4096, tail: MIB - 4096, writes: [{ offset: BAT, bytes: MOVED }] },
      // of an older time
      { sequence: 3, at: 65_536, tail: 65_536, writes: [{ offset: BAT, bytes: 4096 }] },
    ]);
    const { states } = await (await openVhdxImage(file)).mapBlocks(0, 64);
    expect([...states].flatMap((state, block) => (state === 2 ? [block] : []))).toEqual(
      Array.from({ length: 16 }, (_, i) => 16 + i),
    );
  });

  it('is not mapped straight where the log writes to its data', async () => {
    const file = await withLog([
      { sequence: 7, at: 0, tail: 0, writes: [{ offset: 4 * MIB + 65_536, bytes: 4096 }] },
    ]);
    const image = await openVhdxImage(file);
    expect([...(await image.mapBlocks(0, 3)).states]).toEqual([2, 3, 2]);
    const read = Buffer.alloc(65_536);
    await image.read(read, 65_536, null);
    expect(read.equals(Buffer.concat([Buffer.alloc(4096), first.subarray(4096)]))).toBe(true);
  });

  const one = (write: Entry['writes'][number], more: Partial<Entry> = {}): Entry[] => [
    { sequence: 7, at: 0, tail: 0, writes: [write], ...more },
  ];
  it.each([
    ['no entry', [], 'IMAGE_CORRUPT'],
    [
      'a tail that no entry has',
      one({ offset: BAT, bytes: 4096 }, { tail: 8192 }),
      'IMAGE_CORRUPT',
    ],
    ['a write behind the end', one({ offset: 64 * MIB, bytes: MOVED }), 'IMAGE_TRUNCATED'],
    ['zeros up to the end of the world', one({ offset: 0, bytes: 2 ** 52 }), 'IMAGE_TRUNCATED'],
    ['a write inside a sector', one({ offset: BAT + 512, bytes: MOVED }), 'IMAGE_CORRUPT'],
    [
      'a file that was longer',
      one({ offset: BAT, bytes: MOVED }, { flushedBytes: 99 * MIB }),
      'IMAGE_TRUNCATED',
    ],
    [
      'entries that write a broken table',
      one({ offset: BAT, bytes: batSector(6n) }),
      'IMAGE_CORRUPT',
    ],
  ] as const)('is refused with %s', async (_name, entries, code) => {
    await expect(openVhdxImage(await withLog(entries))).rejects.toMatchObject({ code });
  });

  it('is refused with an entry whose checksum is wrong', async () => {
    const file = await withLog(one({ offset: BAT, bytes: MOVED }));
    file.bytes[LOG_OFFSET + 5_000]! ^= 1;
    await expect(openVhdxImage(file)).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
  });
});
