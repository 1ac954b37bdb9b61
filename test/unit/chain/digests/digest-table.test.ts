import { beforeEach, describe, expect, it } from 'vitest';
import {
  digestTableHeader,
  readDigestTableHeader,
} from '../../../../src/chain/digests/digest-table.js';
import { FileUnits, NO_SLOTS } from '../../../../src/domain/targets/file-units.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

/** The header of the example in docs/FORMAT.md, Digest table: a file of three units, SHA-256. */
const EXAMPLE = Buffer.from(
  '4c484449474553540100000001000000' +
    '00000100200000000000030000000000' +
    '03000000000000000000000000000000' +
    '00000000000000000000000000000000',
  'hex',
);
const HEADER = { algorithm: 'sha256', units: new FileUnits(NO_SLOTS, 196_608) } as const;
const TABLE_BYTES = 64 + 3 * 32;

let repository: SimulatedRepository;
beforeEach(() => {
  repository = new SimulatedRepository('offsite');
});

async function table(bytes: Buffer, sizeBytes = TABLE_BYTES) {
  const file = await repository.openWrite('vda.digests', 'open-or-new');
  await file.write(bytes, 0);
  await file.truncate(sizeBytes);
  return file;
}

function changed(offset: number, ...bytes: number[]): Buffer {
  const copy = Buffer.from(EXAMPLE);
  Buffer.from(bytes).copy(copy, offset);
  return copy;
}

describe('the header of a digest table', () => {
  it('is written as docs/FORMAT.md shows it', () => {
    expect(digestTableHeader(HEADER).toString('hex')).toBe(EXAMPLE.toString('hex'));
  });

  it('is the same for slots that lie on multiples of 64 KiB, wherever they begin', () => {
    const slots = { headBytes: 65_536, groupSlots: 0, prefixBytes: 0, slotCount: 1 };
    const units = new FileUnits(slots, 196_608);
    expect(digestTableHeader({ algorithm: 'sha256', units }).equals(EXAMPLE)).toBe(true);
  });

  // A head of 1,000 bytes, then prefix, slot, slot, prefix, slot, then 10 bytes: 1 + 5 + 1 units.
  const GROUPED = { headBytes: 1_000, groupSlots: 2, prefixBytes: 512, slotCount: 3 };
  const GROUPED_BYTES = 1_000 + 2 * 512 + 3 * 65_536 + 10;

  it('says where slots lie that are not on multiples of 64 KiB', async () => {
    const units = new FileUnits(GROUPED, GROUPED_BYTES);
    const header = digestTableHeader({ algorithm: 'sha256', units });
    expect(header.toString('hex', 24)).toBe(
      'f207030000000000' +
        '0700000000000000' +
        '0300000000000000' +
        'e803000002000000' +
        '0002000000000000',
    );
    const read = await readDigestTableHeader(await table(header, 64 + 7 * 32));
    expect(read.units.slots).toEqual(GROUPED);
    expect(read.units.fileSizeBytes).toBe(GROUPED_BYTES);
  });

  it('is read back', async () => {
    const { algorithm, units } = await readDigestTableHeader(await table(EXAMPLE));
    expect([algorithm, units.fileSizeBytes, units.count]).toEqual(['sha256', 196_608, 3]);
    const blake = await readDigestTableHeader(await table(changed(12, 2)));
    expect(blake.algorithm).toBe('blake3');
  });

  it('counts a last unit that is short', async () => {
    const file = await table(changed(24, 1, 0, 2)); // 131,073 bytes: two units and one byte
    expect(await readDigestTableHeader(file)).toMatchObject({
      units: { fileSizeBytes: 131_073, count: 3 },
    });
  });

  /** One slot behind a prefix of 128 KiB: two units, of which the first would be too long for its digest. */
  const LONG_PREFIX = changed(
    32,
    ...[2, 0, 0, 0, 0, 0, 0, 0],
    ...[1, 0, 0, 0, 0, 0, 0, 0],
    ...[0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0],
  );

  it.each([
    ['is empty', Buffer.alloc(0), 0],
    ['is cut within the header', EXAMPLE, 63],
    ['lacks its last entry', EXAMPLE, TABLE_BYTES - 32],
    ['has half an entry', EXAMPLE, TABLE_BYTES - 16],
    ['has an entry too many', EXAMPLE, TABLE_BYTES + 32],
    ['has another magic', changed(0, 0x6c), TABLE_BYTES],
    ['is of another version', changed(8, 2), TABLE_BYTES],
    ['names no known algorithm', changed(12, 3), TABLE_BYTES],
    ['has another unit size', changed(18, 2), TABLE_BYTES],
    ['has another digest size', changed(20, 64), TABLE_BYTES],
    ['covers a larger file than it has units', changed(24, 1, 0, 3), TABLE_BYTES],
    ['covers a smaller file than it has units', changed(26, 2), TABLE_BYTES],
    ['has slots that its units do not show', changed(40, 9), TABLE_BYTES],
    ['has a unit of more than 64 KiB', LONG_PREFIX, TABLE_BYTES - 32],
    ['has a count beyond what a number holds', changed(32, 3, 0, 0, 0, 0, 0, 0, 0x80), TABLE_BYTES],
  ])('is refused when the table %s', async (_, bytes, sizeBytes) => {
    await expect(readDigestTableHeader(await table(bytes, sizeBytes))).rejects.toMatchObject({
      code: 'CHAIN_RECORD_CORRUPT',
      details: { path: 'vda.digests' },
    });
  });
});
