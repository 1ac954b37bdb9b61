import { describe, expect, it } from 'vitest';
import { crc32c } from '../../../../src/image/vhdx/crc32c.js';
import { readVhdxHead } from '../../../../src/image/vhdx/vhdx-head.js';
import { openVhdxImage } from '../../../../src/image/vhdx/vhdx-image.js';
import { VHDX } from '../../../../src/image/vhdx/vhdx-format.js';
import { MemoryBytes } from '../../../support/image/byte-files.js';
import { blockOf, composeDisk } from '../../../support/image/composed-disk.js';
import {
  LOG_GUID,
  fillLog,
  type LoggedEntry,
  type LoggedWrite,
} from '../../../support/image/vhdx-log.js';

const MIB = 1024 * 1024;
const LOG_OFFSET = MIB;

/** A disk of 4 MiB with one payload block, with this log. */
async function withLog(entries: readonly LoggedEntry[]): Promise<MemoryBytes> {
  const disk = { virtualSizeBytes: 4 * MIB, dialect: {}, blocks: new Map([[1, blockOf(1)]]) };
  const file = await composeDisk(VHDX.composer, disk);
  const { bytes } = file;
  for (const offset of [0x1_0000, 0x2_0000]) {
    LOG_GUID.copy(bytes, offset + 48);
    bytes.writeUInt32LE(0, offset + 4);
    bytes.writeUInt32LE(crc32c(bytes.subarray(offset, offset + 4096)), offset + 4);
  }
  fillLog(bytes.subarray(LOG_OFFSET, LOG_OFFSET + MIB), entries);
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

  const one = (write: LoggedWrite, more: Partial<LoggedEntry> = {}): LoggedEntry[] => [
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
