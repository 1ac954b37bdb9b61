import { expect, it } from 'vitest';
import type { CopyJob, RetentionPolicy } from '../../../../src/domain/jobs/copy-job.js';
import { treeViews } from '../../../../src/mover/look/tree-views.js';
import type { TreeRecord } from '../../../../src/tree/tree-record.js';
import { testJob } from '../../../support/session/test-site.js';

const AT = '2026-11-20T10:00:00.000Z';

/** Of restic, which keeps what its source removed for 7 days. */
const RECORD = {
  ...{ jobId: 'nightly', workload: { id: 'restic-share', name: 'share', type: 'restic' } },
  ...{ layout: 'restic', index: [] },
  points: [
    {
      ...{ id: 'a', createdAt: AT, copiedAt: AT, kind: 'snapshot', needs: [], files: null },
      ...{ fileCount: 1, sizeBytes: 1, health: 'good', verifiedAt: null, flags: [] },
      ...{ source: { repositoryId: 'primary', restorePointId: 's1' }, goneSince: AT },
    },
  ],
} as unknown as TreeRecord;

it.each<[RetentionPolicy, number]>([
  [{ type: 'days', value: 30 }, 30],
  [{ type: 'restorePoints', value: 30 }, 7],
])('a point that its source has removed tells the days that it stays (%#)', (retention, days) => {
  const [view] = treeViews(RECORD, testJob({ retention }), Date.parse(AT));
  expect(JSON.stringify(view)).toContain(
    `the source does not show it since ${AT}; it stays for ${days} days from then on`,
  );
});

it.each<[string, CopyJob | null, string]>([
  ['whose definition cannot be read', null, 'the source shows it'],
  [
    'that was detached',
    testJob({ detached: { fromJobId: 'weekly', at: AT } }),
    'detached from job weekly',
  ],
])('a point of a job %s says so', (_, job, said) => {
  const { goneSince: _gone, ...shown } = RECORD.points[0]!;
  const [view] = treeViews({ ...RECORD, points: [shown] }, job, Date.parse(AT));
  expect(view!.keptBecause).toMatchObject([expect.stringContaining(said)]);
});

it('a point of a layout that this build does not know is shown all the same', () => {
  const [view] = treeViews({ ...RECORD, layout: 'of-later' }, testJob(), Date.parse(AT));
  expect(view!.keptBecause.join()).toContain('it stays for 0 days');
});
