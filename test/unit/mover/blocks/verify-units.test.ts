import { createHash } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { digestTableHeader } from '../../../../src/chain/digests/digest-table.js';
import {
  FileUnits,
  NO_SLOTS,
  type PlacedSlots,
} from '../../../../src/domain/targets/file-units.js';
import { UnitVerifier } from '../../../../src/mover/blocks/verify-units.js';
import { breakSectors } from '../../../support/repository/bad-sectors.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const UNIT = 65_536;
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
/** 300 units and 5 bytes: some windows of 128 and a rest. Every fifth unit is zeros, of which the table has a hole (docs/FORMAT.md, Digest table). */
const COUNT = 301;
const FILE_BYTES = (COUNT - 1) * UNIT + 5;

let written: SimulatedRepository;
let repository: SimulatedRepository;
beforeAll(async () => {
  written = new SimulatedRepository('offsite');
  await written.put('disk', content(FILE_BYTES));
  await written.put('disk.digests', tableOf(content(FILE_BYTES)));
});
beforeEach(() => {
  repository = written.clone();
});

function content(bytes: number): Buffer {
  const file = Buffer.alloc(bytes);
  for (let unit = 0; unit * UNIT < bytes; unit++)
    if (unit % 5 !== 0 || unit === COUNT - 1)
      file.subarray(unit * UNIT, (unit + 1) * UNIT).fill(`unit ${unit}`);
  return file;
}

function tableOf(file: Buffer): Buffer {
  const units = new FileUnits(NO_SLOTS, file.length);
  const entries = Array.from({ length: units.count }, (_, unit) => {
    const bytes = Buffer.alloc(UNIT);
    file.copy(bytes, 0, unit * UNIT);
    return bytes.every((byte) => byte === 0) ? Buffer.alloc(32) : sha256(bytes);
  });
  return Buffer.concat([digestTableHeader({ algorithm: 'sha256', units }), ...entries]);
}

async function verified<T>(use: (verifier: UnitVerifier) => Promise<T>): Promise<T> {
  const verifier = await UnitVerifier.open(repository, 'disk', 'disk.digests');
  try {
    return await use(verifier);
  } finally {
    await verifier.close();
  }
}

async function spoil(...units: number[]): Promise<void> {
  const file = await repository.openWrite('disk', 'existing');
  for (const unit of units) await file.write(Buffer.from([0xee]), unit * UNIT + 3);
  await file.close();
}

const damaged = (first = 0, count = COUNT) =>
  verified((verifier) => verifier.damagedUnits(first, count));

describe('the units of a file', () => {
  it('are good as they were written', async () => {
    expect(await damaged()).toEqual([]);
    expect(await verified((verifier) => verifier.badUnits(0, COUNT))).toEqual([]);
  });

  // Zeros; the ends of a read of 1 MiB; the short one at the end.
  it('are bad one by one where a byte of them is another', async () => {
    const bad = [0, 1, 15, 16, 127, 128, 200, 299, 300];
    await spoil(...bad);
    expect(await damaged()).toEqual(bad);
    expect(await verified((verifier) => verifier.badUnits(0, COUNT))).toEqual(bad);
    expect(await damaged(15, 2)).toEqual([15, 16]);
    expect(await damaged(2, 13)).toEqual([]);
    expect(await damaged(300, 1)).toEqual([300]);
    expect(await damaged(180, 20)).toEqual([]);
    expect(await damaged(111, 16)).toEqual([]);
    expect(await damaged(110, 18)).toEqual([127]);
  });

  it('are bad from where the file was cut, but for those that are zeros', async () => {
    const file = await repository.openWrite('disk', 'existing');
    await file.truncate(294 * UNIT + 1);
    await file.close();
    expect(await damaged()).toEqual([294, 296, 297, 298, 299, 300]);
  });
});

describe('units that the storage cannot read', () => {
  it('are damage like others, and those beside them are judged', async () => {
    await spoil(19, 21);
    breakSectors(repository, 'disk', [20 * UNIT + 40_000, 120 * UNIT, 300 * UNIT]);
    expect(await damaged()).toEqual([19, 20, 21, 120, 300]);
    expect(await damaged(20, 1)).toEqual([20]);
    expect(await damaged(22, 10)).toEqual([]);
    await expect(verified((verifier) => verifier.badUnits(16, 16))).rejects.toMatchObject({
      code: 'REPOSITORY_IO_ERROR',
    });
  });

  it('say nothing when they are all of a window', async () => {
    const window = Array.from({ length: 128 }, (_, unit) => (128 + unit) * UNIT);
    breakSectors(repository, 'disk', window);
    await expect(damaged(128, 128)).rejects.toMatchObject({ code: 'REPOSITORY_IO_ERROR' });
    expect(await damaged(0, 128)).toEqual([]);
  });

  it('are damage when one of a window can be read', async () => {
    const most = Array.from({ length: 127 }, (_, unit) => 129 + unit);
    breakSectors(
      repository,
      'disk',
      most.map((unit) => unit * UNIT),
    );
    expect(await damaged(128, 128)).toEqual(most);
  });

  it('say nothing when it is their digests that cannot be read', async () => {
    breakSectors(repository, 'disk.digests', [64 + 200 * 32]);
    await expect(damaged(200, 1)).rejects.toMatchObject({ code: 'REPOSITORY_IO_ERROR' });
    breakSectors(repository, 'disk', [201 * UNIT]);
    for (const [first, count] of [
      [200, 3],
      [201, 1],
    ] as const)
      await expect(damaged(first, count)).rejects.toMatchObject({ code: 'REPOSITORY_IO_ERROR' });
  });

  it('say nothing where the storage does not answer for the file either', async () => {
    breakSectors(repository, 'disk', [7 * UNIT]);
    repository.stat = () => Promise.resolve(null);
    await expect(damaged(0, 16)).rejects.toMatchObject({ code: 'REPOSITORY_IO_ERROR' });
  });

  it('are no damage where the reading fails for another reason', async () => {
    const openRead = repository.openRead.bind(repository);
    repository.openRead = async (path) => {
      const file = await openRead(path);
      return path === 'disk' ? { ...file, read: () => Promise.reject(new Error('away')) } : file;
    };
    await expect(damaged(0, 16)).rejects.toThrow('away');
  });

  it('are no damage where it fails for another reason once each is read alone', async () => {
    breakSectors(repository, 'disk', [7 * UNIT]);
    const openRead = repository.openRead.bind(repository);
    repository.openRead = async (path) => {
      const file = await openRead(path);
      const read: typeof file.read = (target, offset) =>
        path === 'disk' && target.length === UNIT
          ? Promise.reject(new Error('away'))
          : file.read(target, offset);
      return { ...file, read };
    };
    await expect(damaged(0, 16)).rejects.toThrow('away');
  });
});

describe('the units of a file with slots in groups', () => {
  const slots: PlacedSlots = { headBytes: 70_000, groupSlots: 3, prefixBytes: 100, slotCount: 8 };
  const sizeBytes = 70_000 + 8 * UNIT + 3 * 100 + 1_000;

  it('are found bad wherever they lie', async () => {
    const units = new FileUnits(slots, sizeBytes);
    const file = Buffer.alloc(sizeBytes, 'a file');
    const entries = Array.from({ length: units.count }, (_, unit) => {
      const { offset, length } = units.rangeOf(unit);
      const bytes = Buffer.alloc(units.digestedBytes(unit));
      file.copy(bytes, 0, offset, offset + length);
      return sha256(bytes);
    });
    await repository.put('disk', file);
    const header = digestTableHeader({ algorithm: 'sha256', units });
    await repository.put('disk.digests', Buffer.concat([header, ...entries]));
    expect(await damaged(0, units.count)).toEqual([]);
    for (let unit = 0; unit < units.count; unit++) {
      const { offset, length } = units.rangeOf(unit);
      const spoilt = Buffer.from(file);
      spoilt[offset + length - 1]! ^= 1;
      await repository.put('disk', spoilt);
      expect(await damaged(0, units.count)).toEqual([unit]);
      expect(await damaged(unit, 1)).toEqual([unit]);
      expect(await damaged(unit + 1, units.count - unit - 1)).toEqual([]);
    }
  });
});
