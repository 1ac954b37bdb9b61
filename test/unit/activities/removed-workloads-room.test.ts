import { expect, it } from 'vitest';
import { createRemovedWorkloadActivities } from '../../../activities/session/removed-workload-activities.js';
import { BackupError } from '../../../src/domain/errors.js';
import type { DataMover } from '../../../src/mover/data-mover.js';
import { inActivity } from '../../support/activities/in-activity.js';

/** A target without a byte left, but for what it keeps aside. */
function onFullTarget(answers: Record<string, unknown>) {
  const refuse = () => Promise.reject(new BackupError('REPOSITORY_FULL', 'no space is left'));
  const runFreeing = (name: string) => Promise.resolve(answers[name]);
  return createRemovedWorkloadActivities({
    mover: { run: refuse, runFreeing } as unknown as DataMover,
    immutableForDays: () => 0,
  });
}

const CHAIN = { targetRepositoryId: 'offsite', jobId: 'nightly', workloadId: 'old02', epoch: 1 };

it('removes the copies of a workload that is gone with what a full target keeps aside', async () => {
  const { settleAbsence } = onFullTarget({
    noteAbsence: { state: 'due', pointIds: ['a', 'b'] },
    deleteRestorePoints: { deleted: ['b', 'a'] },
  });
  const order = { ...CHAIN, nowMs: 0 } as Parameters<typeof settleAbsence>[0];
  expect(await inActivity(settleAbsence, order)).toMatchObject({ deleted: 2 });
});

it('removes the copy of a tree that is gone with what a full target keeps aside', async () => {
  const { settleTreeAbsence } = onFullTarget({ settleTreeAbsence: { deleted: 1 } });
  const order = { ...CHAIN, nowMs: 0 } as unknown as Parameters<typeof settleTreeAbsence>[0];
  expect(await inActivity(settleTreeAbsence, order)).toEqual({ deleted: 1 });
});
