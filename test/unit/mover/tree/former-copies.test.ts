import { expect, it } from 'vitest';
import { chainFolder } from '../../../../src/chain/chain-paths.js';
import { idOfAnyDate } from '../../../../src/domain/sources/any-date.js';
import { formerCopiesText } from '../../../../src/mover/tree/plan/former-copies.js';
import { writeTreeRecord } from '../../../../src/tree/tree-store.js';
import { testJob } from '../../../support/session/test-site.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { TreeWorld } from '../../../support/tree/tree-world.js';

it.each([
  [1, '"logs:2024-01-01"'],
  [
    8,
    '"logs:2024-01-01", "logs:2024-01-02", "logs:2024-01-03", "logs:2024-01-04", "logs:2024-01-05" and 3 more',
  ],
])('of copies under the ids of %i dates no more than five are named', async (count, list) => {
  makeTreesKnown(toyStoreLayout);
  const world = new TreeWorld('store', 'toy', testJob());
  await world.write('STORE', 'v1');
  await world.write('snapshots/s1.json', JSON.stringify({ at: world.nowMs, needs: [] }));
  await world.write('data/1', 'chunk');
  await world.copy();
  const record = await world.record();
  expect(record.points).toHaveLength(1);
  const { target, job } = world;
  for (let day = 1; day <= count; day++) {
    const workload = { ...record.workload, id: `logs:2024-01-0${day}` };
    await writeTreeRecord(target, chainFolder(job.id, workload.id), { ...record, workload });
  }
  const formerIds = [idOfAnyDate('logs:2024-01-01')];
  const order = { jobId: job.id, sourceRepositoryId: 'primary', formerIds };
  expect(await formerCopiesText(target, order)).toContain(
    `its copies under ${list} hold its files`,
  );
});
