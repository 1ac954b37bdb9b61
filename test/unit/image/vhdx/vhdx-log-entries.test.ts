import { describe, expect, it } from 'vitest';
import { crc32c } from '../../../../src/image/vhdx/crc32c.js';
import {
  activeSequence,
  logWrites,
  type LogEntry,
} from '../../../../src/image/vhdx/log-entries.js';
import { replayLog } from '../../../../src/image/vhdx/log-overlay.js';
import { guidText } from '../../../../src/image/guid.js';
import { MemoryBytes } from '../../../support/image/byte-files.js';
import {
  LOG_GUID,
  fillLog,
  logEntry,
  type LoggedEntry,
  type LoggedWrite,
} from '../../../support/image/vhdx-log.js';

// [MS-VHDX] 2.3: a log is cut into sectors of 4 KiB
const SECTOR = 4096;
const MIB = 1024 * 1024;
const GUID = guidText(LOG_GUID);
const FILE = new MemoryBytes(Buffer.alloc(0), 'dirty.vhdx');

function at(sector: number, sequence: number, more: Partial<LoggedEntry> = {}): LoggedEntry {
  return { sequence, at: sector * SECTOR, tail: sector * SECTOR, writes: [], ...more };
}

function sectorOf(byte: number): Buffer {
  const sector = Buffer.alloc(SECTOR, byte);
  // Told apart at the places that the log keeps in its descriptors.
  for (const [place, mark] of [0, 4, 7, 8, 4091, 4092, 4095].entries()) sector[mark] = place + 100;
  return sector;
}

describe('the sequence of entries that a log is replayed from', () => {
  const rows: [name: string, entries: LoggedEntry[], logSectors: number, numbers: number[]][] = [
    ['one entry', [at(0, 7)], 4, [7]],
    ['an entry in the last sector', [at(3, 7)], 4, [7]],
    ['the number 0', [at(0, 0)], 4, [0]],
    ['entries one behind the other', [at(0, 7), at(1, 8, { tail: 0 })], 4, [7, 8]],
    ['entries around the end', [at(3, 7), at(0, 8, { tail: 3 * SECTOR })], 4, [7, 8]],
    ['a log that is full', [at(0, 8, { tail: SECTOR }), at(1, 7, { tail: SECTOR })], 2, [7, 8]],
    ['an older run behind', [at(0, 7), at(2, 3)], 4, [7]],
    ['an older run before', [at(0, 3), at(2, 7)], 4, [7]],
    [
      'entries that were written back already',
      [at(0, 6), at(1, 7), at(2, 8, { tail: SECTOR })],
      4,
      [7, 8],
    ],
    ['a number that is left out', [at(0, 7), at(1, 9, { tail: 0 })], 4, [7]],
    ['a newer log of another GUID', [at(0, 7), at(1, 8, { spoil: otherGuid })], 4, [7]],
    ['a newer entry with another mark', [at(0, 7), at(1, 8, { spoil: otherMark })], 4, [7]],
  ];
  it.each(rows)('has %s', (_name, entries, logSectors, numbers) => {
    const log = Buffer.alloc(logSectors * SECTOR);
    fillLog(log, entries);
    const found = activeSequence(FILE, log, GUID);
    expect(found.map(({ sequence }) => Number(sequence))).toEqual(numbers);
  });

  it('takes an entry that fills the log', () => {
    const log = Buffer.alloc(2 * SECTOR);
    const writes = [{ offset: SECTOR, bytes: sectorOf(1) }];
    fillLog(log, [{ sequence: 7, at: SECTOR, tail: SECTOR, flushedBytes: 5 * MIB, writes }]);
    expect(activeSequence(FILE, log, GUID)).toMatchObject([
      { at: SECTOR, length: 2 * SECTOR, tail: SECTOR, sequence: 7n, flushedBytes: 5 * MIB },
    ]);
  });

  it.each<[string, Buffer]>([
    ['a newest entry whose tail is nowhere', logOf(at(0, 7, { tail: 2 * SECTOR }))],
    ['a length that is no whole sectors', logOfLength(SECTOR + 512)],
    ['a length of 0', logOfLength(0)],
    ['a length beyond the log', logOfLength(64 * SECTOR)],
  ])('is refused with %s', (_name, log) => {
    expect(() => activeSequence(FILE, log, GUID)).toThrow(/no entry of it is whole/);
  });

  it.each([
    { what: 'are all whole', spoil: false },
    { what: 'are not whole', spoil: true },
  ])('is refused when entries that lie in each other $what', ({ spoil }) => {
    const sectors = 64;
    const log = Buffer.alloc(sectors * SECTOR);
    // From the last one on, so that each checksum holds those that follow.
    for (let sector = sectors - 1; sector >= 0; sector--) {
      const entry = logEntry(at(sector, sectors - sector));
      entry.writeUInt32LE((sectors - sector) * SECTOR, 8);
      entry.writeUInt32LE(0, 4);
      entry.copy(log, sector * SECTOR);
      log.writeUInt32LE(spoil ? 1 : crc32c(log.subarray(sector * SECTOR)), sector * SECTOR + 4);
    }
    expect(() => activeSequence(FILE, log, GUID)).toThrow(/entries lie in each other/);
  });

  function otherGuid(entry: Buffer): void {
    entry[40]! ^= 1;
  }

  function otherMark(entry: Buffer): void {
    entry.write('logf', 0);
  }

  function logOf(...entries: LoggedEntry[]): Buffer {
    const log = Buffer.alloc(4 * SECTOR);
    fillLog(log, entries);
    return log;
  }

  /** Its checksum is right for that length, as far as the log goes. */
  function logOfLength(length: number): Buffer {
    const log = logOf(at(0, 7, { spoil: (entry) => void entry.writeUInt32LE(length, 8) }));
    log.writeUInt32LE(0, 4);
    log.writeUInt32LE(crc32c(log.subarray(0, Math.min(length, log.length))), 4);
    return log;
  }
});

describe('what an entry of the log writes', () => {
  function writesOf(entry: Partial<LoggedEntry> & Pick<LoggedEntry, 'writes'>) {
    const bytes = logEntry({ sequence: 7, at: 0, tail: 0, ...entry });
    const sequence = bytes.readBigUInt64LE(16);
    const { length } = bytes;
    const logged: LogEntry = { at: 8192, length, sequence, tail: 0, flushedBytes: 0, bytes };
    return logWrites(FILE, logged);
  }

  it('is sectors and zeros in their order, also with a number beyond 32 bits', () => {
    const writes: LoggedWrite[] = [
      { offset: 3 * SECTOR, bytes: sectorOf(1) },
      { offset: 9 * SECTOR, bytes: 2 * SECTOR },
      { offset: 2 ** 40, bytes: sectorOf(2) },
    ];
    expect(writesOf({ sequence: 5n * 2n ** 32n + 9n, writes })).toEqual([
      { offset: 3 * SECTOR, length: SECTOR, bytes: Uint8Array.from(sectorOf(1)) },
      { offset: 9 * SECTOR, length: 2 * SECTOR, bytes: null },
      { offset: 2 ** 40, length: SECTOR, bytes: Uint8Array.from(sectorOf(2)) },
    ]);
  });

  it.each([126, 127])('has %d descriptors before its sectors', (count) => {
    const writes: LoggedWrite[] = Array.from({ length: count }, (_, index) => ({
      offset: index * SECTOR,
      bytes: index === count - 1 ? sectorOf(9) : SECTOR,
    }));
    const found = writesOf({ writes });
    expect(found).toHaveLength(count);
    expect(found.at(-1)).toEqual({
      offset: (count - 1) * SECTOR,
      length: SECTOR,
      bytes: Uint8Array.from(sectorOf(9)),
    });
  });

  const sector: LoggedWrite = { offset: SECTOR, bytes: sectorOf(1) };
  const zeros: LoggedWrite = { offset: SECTOR, bytes: SECTOR };
  it.each<[string, LoggedWrite, (entry: Buffer) => void, RegExp]>([
    ['more descriptors than it holds', zeros, (e) => e.writeUInt32LE(127, 24), /127 descriptors/],
    ['one sector too few', sector, (e) => e.writeUInt32LE(127, 24), /lacks a data sector/],
    [
      'a descriptor of another entry',
      zeros,
      (e) => e.writeUInt32LE(8, 88),
      /descriptor of another/,
    ],
    ['a place inside a sector', zeros, (e) => e.writeUInt32LE(4608, 80), /writes to 4608, inside/],
    ['half a sector of zeros', zeros, (e) => e.writeUInt32LE(512, 72), /512 zeros/],
    ['a sector that is not there', zeros, (e) => e.write('desc', 64), /lacks a data sector/],
    ['a sector with another mark', sector, (e) => e.write('date', 4096), /sector of another/],
    ['a sector of another high half', sector, (e) => e.writeUInt32LE(1, 4100), /sector of another/],
    ['a sector of another low half', sector, (e) => e.writeUInt32LE(8, 8188), /sector of another/],
    ['a descriptor of no kind', zeros, (e) => e.write('dust', 64), /of the kind "dust"/],
  ])('is refused with %s', async (_name, write, spoil, message) => {
    const refused = Promise.resolve().then(() =>
      writesOf({ writes: [write], spoil: (entry) => void spoil(entry) }),
    );
    await expect(refused).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
      message: expect.stringMatching(message) as unknown,
      details: { offset: 8192 },
    });
  });
});

describe('a file as its log makes it', () => {
  const LOG = { offset: MIB, length: MIB, guid: GUID };

  async function replayed(...entries: readonly LoggedWrite[][]) {
    const file = Buffer.alloc(2 * MIB, 0xee);
    let place = 0;
    const logged = entries.map((writes, index): LoggedEntry => {
      const entry = { sequence: 7 + index, at: place, tail: 0, writes };
      place += logEntry(entry).length;
      return entry;
    });
    fillLog(file.subarray(MIB), logged);
    return { file, source: await replayLog(new MemoryBytes(file, 'dirty.vhdx'), LOG) };
  }

  // Worked out by hand: sectors 3, 9 and 12 new, 5 to 8 zeros but 6 new again, 10 new and then zeros.
  const entries = (): LoggedWrite[][] => [
    [
      { offset: 3 * SECTOR, bytes: sectorOf(2) },
      { offset: 10 * SECTOR, bytes: sectorOf(4) },
      { offset: 9 * SECTOR, bytes: sectorOf(7) },
      { offset: 12 * SECTOR, bytes: sectorOf(8) },
      { offset: 6 * SECTOR, bytes: sectorOf(5) },
    ],
    [
      { offset: 5 * SECTOR, bytes: 4 * SECTOR },
      { offset: 6 * SECTOR, bytes: sectorOf(3) },
      { offset: 10 * SECTOR, bytes: SECTOR },
    ],
  ];

  it.each([
    [0, 16 * SECTOR],
    [3 * SECTOR, SECTOR],
    [3 * SECTOR + 100, 200],
    [2 * SECTOR + 100, SECTOR],
    [3 * SECTOR + 100, SECTOR],
    [4 * SECTOR + 1, 3 * SECTOR],
    [8 * SECTOR + 9, 2 * SECTOR],
    [9 * SECTOR, SECTOR],
    [9 * SECTOR - 10, 20],
    [6 * SECTOR, 0],
  ])('reads from %d on %d bytes', async (offset, length) => {
    const { file, source } = await replayed(...entries());
    const expected = Buffer.from(file);
    sectorOf(2).copy(expected, 3 * SECTOR);
    expected.fill(0, 5 * SECTOR, 9 * SECTOR);
    sectorOf(3).copy(expected, 6 * SECTOR);
    sectorOf(7).copy(expected, 9 * SECTOR);
    expected.fill(0, 10 * SECTOR, 11 * SECTOR);
    sectorOf(8).copy(expected, 12 * SECTOR);
    const read = Buffer.alloc(length, 0x77);
    await source.read(read, offset);
    expect(read.equals(expected.subarray(offset, offset + length))).toBe(true);
  });

  it.each([
    [0, 3 * SECTOR, false],
    [0, 3 * SECTOR + 1, true],
    [3 * SECTOR + 4095, 1, true],
    [4 * SECTOR, SECTOR, false],
    [4 * SECTOR + 1, SECTOR, true],
    [8 * SECTOR + 4095, 1, true],
    [9 * SECTOR, SECTOR, true],
    [11 * SECTOR, SECTOR, false],
    [13 * SECTOR, 5 * SECTOR, false],
  ])('says of the bytes from %d on, %d, whether the log changes them', async (at, length, is) => {
    const { source } = await replayed(...entries());
    expect(source.changes(at, length)).toBe(is);
  });

  it('has a bound on how often zeros are written', async () => {
    const zeros = (count: number): LoggedWrite[] =>
      Array.from({ length: count }, () => ({ offset: 0, bytes: SECTOR }));
    await expect(replayed(zeros(4096))).resolves.toBeDefined();
    await expect(replayed(zeros(4097))).rejects.toMatchObject({ code: 'IMAGE_LIMIT_EXCEEDED' });
  });

  it('is not longer than a log may be', async () => {
    const file = new MemoryBytes(Buffer.alloc(SECTOR), 'dirty.vhdx');
    const length = 33 * MIB;
    await expect(replayLog(file, { ...LOG, length })).rejects.toMatchObject({
      code: 'IMAGE_LIMIT_EXCEEDED',
    });
  });
});
