import { expect, it } from 'vitest';
import type { RetentionPolicy } from '../../../../src/domain/jobs/copy-job.js';
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
