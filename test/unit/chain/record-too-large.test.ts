import { describe, expect, it } from 'vitest';
import { writeTreePlan, type TreePlan } from '../../../src/mover/tree/tree-plan.js';
import { readTreeRecord, takeTree, writeTreeRecord } from '../../../src/tree/tree-store.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

/** More than the 64 MiB that are read. */
const HUGE = 'x'.repeat(64 * 1024 * 1024);

describe('what would be too large to be read again', () => {
  it('as a record is not written, and the one that is there stays', async () => {
    const repository = new SimulatedRepository('offsite');
    const workload = { id: 'toy:store', name: 'store', type: 'toy' };
    const source = { layout: 'toy', sourceRepositoryId: 'primary' };
    const identity = { jobId: 'nightly', workload };
    const record = await takeTree(repository, 'nightly/store', identity, source, 'one', 0);
    const unfinished = [{ restorePointId: 'r', files: [HUGE] }];
    await expect(
      writeTreeRecord(repository, 'nightly/store', { ...record, unfinished }),
    ).rejects.toMatchObject({ code: 'RECORD_TOO_LARGE', details: { maxBytes: HUGE.length } });
    expect(await readTreeRecord(repository, 'nightly/store')).toEqual(record);
  });

  it('as a plan is not written either: no session could take the tree over', async () => {
    const repository = new SimulatedRepository('offsite');
    const plan = { token: 't', classes: [], shown: [HUGE] } as unknown as TreePlan;
    await expect(writeTreePlan(repository, 'nightly/store', plan)).rejects.toMatchObject({
      code: 'RECORD_TOO_LARGE',
    });
    expect(repository.operations).toEqual([]);
  });
});
