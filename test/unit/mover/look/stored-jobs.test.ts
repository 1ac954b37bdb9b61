import { expect, it } from 'vitest';
import { storedJobs } from '../../../../src/mover/look/stored-jobs.js';
import { putChainRecord } from '../../../support/repository/chain-record-file.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

it('tells of jobs that nobody may run any more how old their newest copy is', async () => {
  const repository = new SimulatedRepository('offsite');
  await putChainRecord(repository, { jobId: 'gone', workload: 'web01', pointIds: ['a', 'b'] });
  await putChainRecord(repository, { jobId: 'gone', workload: 'web02', pointIds: ['c'] });
  await putChainRecord(repository, { jobId: 'never-copied', workload: 'web03', pointIds: [] });
  expect(await storedJobs(repository)).toMatchObject({
    jobs: [
      { id: 'gone', workloadCount: 2, restorePointCount: 3, newestAt: '2026-11-01T00:00:00.000Z' },
      { id: 'never-copied', restorePointCount: 0, newestAt: null },
    ],
    unreadable: [],
  });
});
