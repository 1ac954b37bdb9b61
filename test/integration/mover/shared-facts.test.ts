import { readdir } from 'node:fs/promises';
import { afterEach, expect, it } from 'vitest';
import { DataMover } from '../../../src/mover/data-mover.js';
import { TaskControl } from '../../../src/mover/task/task-control.js';
import { machineFolder, machineId, manyMachines } from '../../support/layout/many-machines.js';
import { copyToRepository } from '../../support/layout/repository-copy.js';
import { testJob } from '../../support/session/test-site.js';
import { directory } from '../../support/repository/directory-storage.js';

const KEY = `primary/${machineFolder(1)}`;

let mover: DataMover;
afterEach(() => mover.close());

it('shares with all its threads what one of them has found out about source files', async () => {
  const source = await manyMachines(1);
  const target = await copyToRepository(null);
  mover = new DataMover([
    { id: 'primary', storage: directory(source.at('.')), isReadOnly: true },
    { id: 'offsite', storage: directory(target.at('.')), isReadOnly: false },
  ]);
  const look = async () => {
    const input = {
      sourceRepositoryId: 'primary',
      targetRepositoryId: 'offsite',
      workloadId: machineId(1),
      sourceFolders: [machineFolder(1)],
      chain: `nightly/${machineId(1)}`,
      epoch: null,
      job: testJob(),
      scope: 'all',
      activeFull: false,
    } as const;
    return (await mover.run('selectWork', input, new TaskControl())).selection;
  };
  type Kept = [string, string, string, unknown][];
  const known = async () => JSON.parse((await mover.facts.load(KEY)) ?? '[]') as Kept;
  const images = (await readdir(source.at(machineFolder(1)))).filter((name) => /qcow2$/.test(name));
  // Not before the files have rested for a while, and they were not all written in one instant.
  await expect
    .poll(
      async () => {
        await look();
        return (await known()).map(([name]) => name);
      },
      { timeout: 60_000 },
    )
    .toEqual(expect.arrayContaining(images));

  const kept = await known();
  const fault = { state: 'broken', reason: 'as the memory says' };
  const told = kept.map(([name, stamp, about]) => [name, stamp, about, { fault }]);
  mover.facts.save(KEY, JSON.stringify(told));

  const { points, reason, unusable } = await look();
  expect(points).toEqual([]);
  expect(`${String(reason)} ${String(unusable?.reason)}`).toContain('as the memory says');
});
