import { expect, it } from 'vitest';
import { BackupError } from '../../../src/domain/errors.js';
import { CopiedMachine } from '../../support/living/copied-machine.js';
import { CallCounter } from '../../support/repository/count-calls.js';

const UNIT = 65_536;

it('opens the files of the chain once for all units that the source cannot give', async () => {
  const machine = await CopiedMachine.make();
  const { disk } = machine.before.points[3]!.disks[0]!;
  const openedFor = async (blocks: readonly number[]) => {
    const copy = await machine.copy();
    const units = await Promise.all(blocks.map((block) => copy.unitOf(3, block)));
    for (const unit of units) await copy.spoil(copy.pathOf(3, 'image'), unit * UNIT + 99);
    copy.source.openRead = (path) =>
      Promise.reject(new BackupError('REPOSITORY_UNREACHABLE', `no answer for ${path}`));
    const { opened } = new CallCounter(copy.target);
    const input = { ...copy.input, pointId: machine.idOf(3), disk, units };
    const { remaining, isSourceUnknown } = await copy.mover.run('healDisk', input);
    expect({ remaining, isSourceUnknown }).toEqual({ remaining: units, isSourceUnknown: true });
    return [...opened].sort();
  };
  const forOne = await openedFor([9]);
  expect(await openedFor([9, 2, 7])).toEqual(forOne);
  const tables = new Set(forOne.filter((path) => path.endsWith('.digests')));
  expect(tables.size).toBe(machine.before.points.length);
});
