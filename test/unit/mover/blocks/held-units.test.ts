import { describe, expect, it } from 'vitest';
import { digestTableHeader } from '../../../../src/chain/digests/digest-table.js';
import { BackupError } from '../../../../src/domain/errors.js';
import { FileUnits, NO_SLOTS } from '../../../../src/domain/targets/file-units.js';
import { HeldUnits } from '../../../../src/mover/blocks/held-units.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const UNIT = 65_536;

it('says nothing of a file whose table has digests of another algorithm', async () => {
  const target = new SimulatedRepository('offsite');
  const units = new FileUnits(NO_SLOTS, 65_536);
  const open = () => HeldUnits.open(target, 'disk.digests', 'sha256');
  for (const algorithm of ['blake3', 'sha256'] as const) {
    const header = digestTableHeader({ algorithm, units });
    await target.put('disk.digests', Buffer.concat([header, Buffer.alloc(32)]));
    const held = await open();
    expect(held === null).toBe(algorithm === 'blake3');
    await held?.close();
  }
});

describe('a file that is there already', () => {
  const digest = (byte: number): Buffer => Buffer.alloc(32, byte);
  const hole = digest(0);
  /** Six units: digests 1, 2, a hole, 4, 5, 6. */
  async function opened(): Promise<{ held: HeldUnits; target: SimulatedRepository }> {
    const target = new SimulatedRepository('offsite');
    const header = digestTableHeader({
      algorithm: 'sha256',
      units: new FileUnits(NO_SLOTS, 6 * UNIT),
    });
    const entries = [digest(1), digest(2), hole, digest(4), digest(5), digest(6)];
    await target.put('disk.digests', Buffer.concat([header, ...entries]));
    return { held: (await HeldUnits.open(target, 'disk.digests', 'sha256'))!, target };
  }

  it.each<[unit: number, digests: Buffer[], same: number]>([
    [0, [digest(1), digest(2)], 2],
    [0, [digest(2), digest(1)], 0],
    [1, [digest(2), hole, digest(4)], 2],
    [3, [digest(4), digest(9), digest(6)], 2],
    // What it has elsewhere, and what lies behind its end, it does not have there.
    [4, [digest(1)], 0],
    [5, [digest(6), digest(6), hole], 1],
    [6, [digest(6)], 0],
    [7, [hole, digest(1)], 0],
    [2, [], 0],
  ])('has, from unit %d on, of those blocks the same', async (unit, digests, same) => {
    const { held } = await opened();
    expect(await held.countSame(unit * UNIT, Buffer.concat(digests))).toBe(same);
    await held.close();
  });

  it('is closed when it is done with', async () => {
    const { target } = await opened();
    let closed = 0;
    const openRead = target.openRead.bind(target);
    target.openRead = async (path) => {
      const file = await openRead(path);
      return { ...file, close: () => (closed++, file.close()) };
    };
    await (await HeldUnits.open(target, 'disk.digests', 'sha256'))!.close();
    expect(closed).toBe(1);
    expect(await HeldUnits.open(target, 'disk.digests', 'blake3')).toBeNull();
    expect(closed).toBe(2);
  });

  it('is nothing that could be told when its table is missing, cut or cannot be read', async () => {
    const { target } = await opened();
    expect(await HeldUnits.open(target, 'other.digests', 'sha256')).toBeNull();
    await target.put('cut.digests', Buffer.alloc(10));
    expect(await HeldUnits.open(target, 'cut.digests', 'sha256')).toBeNull();
    target.openRead = () => Promise.reject(new BackupError('REPOSITORY_IO_ERROR', 'EIO'));
    expect(await HeldUnits.open(target, 'disk.digests', 'sha256')).toBeNull();
    target.openRead = () => Promise.reject(new TypeError('a fault of ours'));
    await expect(HeldUnits.open(target, 'disk.digests', 'sha256')).rejects.toThrow('of ours');
  });
});
