import { beforeEach, expect, it } from 'vitest';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import { putFile } from '../../support/repository/chain-record-file.js';
import { storeWorld } from '../../support/tree/copied-trees.js';
import type { TreeWorld } from '../../support/tree/tree-world.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

let world: TreeWorld;
beforeEach(async () => {
  world = await storeWorld();
});

function remove(workloadId: string, pointId: string) {
  const restorePointId = restorePointKey([world.job.id, workloadId, pointId]);
  const order = { repositoryId: 'offsite', restorePointId, withDependents: false };
  const sessions = new LocalSessions([world.source, world.target]);
  return sessions.remove({ ...order, mode: 'delete' }, world.nowMs);
}

it('refuses to take a point out of a tree, with a code', async () => {
  const { workload, points } = await world.record();
  expect(await remove(workload.id, points[0]!.id)).toMatchObject({
    result: 'failed',
    code: 'POINT_OF_TREE',
    reason: expect.stringContaining('is one of a tree of files') as unknown,
  });
  expect((await world.record()).points).toEqual(points);
});

it('refuses to take a point out of a chain whose record cannot be read, with its code', async () => {
  for (const file of ['chain.json', 'chain.json.copy'])
    await putFile(world.target, `${world.job.id}/web01/${file}`, '{');
  expect(await remove('web01', '20261124T220000Z')).toMatchObject({
    ...{ result: 'failed', code: 'CHAIN_RECORD_CORRUPT' },
    reason: expect.stringContaining('its chain cannot be read') as unknown,
  });
});
