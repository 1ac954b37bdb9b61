import { expect, it } from 'vitest';
import { createSessionActivities } from '../../../activities/session/session-activities.js';
import { BackupError } from '../../../src/domain/errors.js';
import type { DataMover } from '../../../src/mover/data-mover.js';
import { inActivity } from '../../support/activities/in-activity.js';

it('a copy that cannot note what was told of it keeps no other from it, and is named', async () => {
  const noted: string[] = [];
  const run = (_: string, { chain }: { chain: string }) => {
    if (chain.endsWith('bad')) throw new BackupError('CHAIN_RECORD_CORRUPT', `${chain} is damaged`);
    noted.push(chain);
    return Promise.resolve();
  };
  const { noteAnswersTold } = createSessionActivities({
    mover: { run, runFreeing: run } as unknown as DataMover,
    ...{ targetIds: [], immutableForDays: () => 0, settleMs: () => 0 },
    ...{ settings: {} as never, starter: {} as never },
  });
  const keeps = ['a', 'b-bad', 'c', 'd-bad', 'e'].map((workloadId) => ({
    ...{ workloadId, owner: 'session' },
    ...(workloadId === 'c' ? { hasCommit: true as const } : { hasTaken: true as const }),
  }));
  const told = { targetRepositoryId: 'offsite', jobId: 'nightly', keeps };
  await expect(inActivity(noteAnswersTold, told)).rejects.toMatchObject({
    message: expect.stringContaining('b-bad is damaged'),
  });
  expect(noted).toEqual(['nightly/a', 'nightly/c', 'nightly/e']);
});
