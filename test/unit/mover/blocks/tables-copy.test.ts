import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { TablesCopyReader, TablesCopyWriter } from '../../../../src/mover/blocks/tables-copy.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const UNIT = 65_536;
const SMALL = Buffer.from('a prefix of a block');
const TABLE = Buffer.alloc(UNIT, 'table');
/** By docs/FORMAT.md, Tables copy. */
const HEADER_BYTES = 64;
const ENTRY_BYTES = 12;

let repository: SimulatedRepository;
beforeEach(() => {
  repository = new SimulatedRepository('offsite');
});

/** As it is documented: the magic, version and count, then number, length and deflated bytes of each unit. */
function byHand(entries: readonly (readonly [number, Buffer])[]): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('LHTABLES', 'latin1');
  header.writeUInt32LE(1, 8);
  header.writeUInt32LE(entries.length, 12);
  const parts = entries.map(([unit, bytes]) => {
    const packed = deflateRawSync(bytes);
    const entry = Buffer.alloc(ENTRY_BYTES);
    entry.writeBigUInt64LE(BigInt(unit));
    entry.writeUInt32LE(packed.length, 8);
    return Buffer.concat([entry, packed]);
  });
  return Buffer.concat([header, ...parts]);
}

async function read(bytes: Buffer, unit: number, unitBytes: number): Promise<Buffer | null> {
  await repository.put('disk.tables', bytes);
  const file = await repository.openRead('disk.tables');
  try {
    return await (await TablesCopyReader.open(file, [unit])).read(unit, unitBytes);
  } finally {
    await file.close();
  }
}

const whole = () =>
  byHand([
    [0, SMALL],
    [7, TABLE],
  ]);
const secondAt = () => whole().length - deflateRawSync(TABLE).length - ENTRY_BYTES;

describe('the tables copy', () => {
  it('gives the bytes of each unit that it has, and none of another', async () => {
    expect(await read(whole(), 0, SMALL.length)).toEqual(SMALL);
    expect(await read(whole(), 7, UNIT)).toEqual(TABLE);
    expect(await read(whole(), 8, UNIT)).toBeNull();
  });

  it('is written so that it is read by the page that describes it', async () => {
    const file = await repository.openWrite('written', 'new');
    await file.write(Buffer.alloc(500_000, 1), 0);
    const writer = new TablesCopyWriter(file);
    await writer.add(0, SMALL);
    await writer.add(7, TABLE);
    await writer.finish();
    await writer.close();
    await file.close();
    const back = await repository.openRead('written');
    const bytes = Buffer.alloc((await back.stamp()).sizeBytes);
    await back.read(bytes, 0);
    await back.close();
    expect(bytes.subarray(0, HEADER_BYTES)).toEqual(whole().subarray(0, HEADER_BYTES));
    // A short one is one stored block of deflate, of five bytes more (RFC 1951, 3.2.4).
    expect(bytes.readUInt32LE(HEADER_BYTES + 8)).toBe(SMALL.length + 5);
    expect(bytes.length).toBeLessThan(1_000);
    expect(await read(bytes, 0, SMALL.length)).toEqual(SMALL);
    expect(await read(bytes, 7, UNIT)).toEqual(TABLE);
  });

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['has another magic', (bytes) => bytes.fill('X', 0, 1)],
    ['has another version', (bytes) => (bytes.writeUInt32LE(2, 8), bytes)],
    ['counts fewer', (bytes) => (bytes.writeUInt32LE(1, 12), bytes)],
    ['is cut in an entry', (bytes) => bytes.subarray(0, secondAt() + ENTRY_BYTES - 1)],
    ['is cut behind an entry', (bytes) => bytes.subarray(0, secondAt())],
    ['is cut in the bytes', (bytes) => bytes.subarray(0, bytes.length - 1)],
    ['holds no deflate', (bytes) => bytes.fill(0xff, secondAt() + ENTRY_BYTES)],
    ['claims a long entry', (bytes) => (bytes.writeUInt32LE(3 * UNIT, secondAt() + 8), bytes)],
    ['claims a long entry before', (bytes) => (bytes.writeUInt32LE(3 * UNIT, 64 + 8), bytes)],
  ])('has none where it %s', async (_, damage) => {
    expect(await read(damage(whole()), 7, UNIT)).toBeNull();
  });

  it('has units of which deflate makes nothing smaller', async () => {
    const noise = randomBytes(UNIT);
    expect(await read(byHand([[3, noise]]), 3, UNIT)).toEqual(noise);
  });

  it('has none of another length than is asked for', async () => {
    expect(await read(whole(), 7, UNIT - 1)).toBeNull();
    expect(await read(whole(), 7, UNIT + 1)).toBeNull();
  });
});
