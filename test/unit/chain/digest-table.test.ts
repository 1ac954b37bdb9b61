import { beforeEach, describe, expect, it } from 'vitest';
import { readDigestTableHeader, writeDigestTableHeader } from '../../../src/chain/digest-table.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

/** The header of the example in docs/FORMAT.md, Digest table: a file of three units, SHA-256. */
const EXAMPLE = Buffer.from(
  '4c484449474553540100000001000000' +
    '00000100200000000000030000000000' +
    '03000000000000000000000000000000' +
    '00000000000000000000000000000000',
  'hex',
);
const HEADER = { algorithm: 'sha256', fileSizeBytes: 196_608, unitCount: 3 } as const;
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
  it('is written as docs/FORMAT.md shows it', async () => {
    const file = await table(Buffer.alloc(64, 0xee));
    await writeDigestTableHeader(file, HEADER);
    const bytes = Buffer.alloc(64);
    await file.read(bytes, 0);
    expect(bytes.toString('hex')).toBe(EXAMPLE.toString('hex'));
  });

  it('is read back', async () => {
    expect(await readDigestTableHeader(await table(EXAMPLE))).toEqual(HEADER);
    const blake = await readDigestTableHeader(await table(changed(12, 2)));
    expect(blake.algorithm).toBe('blake3');
  });

  it('counts a last unit that is short', async () => {
    const file = await table(changed(24, 1, 0, 2)); // 131,073 bytes: two units and one byte
    expect(await readDigestTableHeader(file)).toMatchObject({ fileSizeBytes: 131_073 });
  });

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
    ['has a count beyond what a number holds', changed(32, 3, 0, 0, 0, 0, 0, 0, 0x80), TABLE_BYTES],
  ])('is refused when the table %s', async (_, bytes, sizeBytes) => {
    await expect(readDigestTableHeader(await table(bytes, sizeBytes))).rejects.toMatchObject({
      code: 'CHAIN_RECORD_CORRUPT',
      details: { path: 'vda.digests' },
    });
  });
});
