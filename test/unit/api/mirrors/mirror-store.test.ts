import { expect, it } from 'vitest';
import type { JobStore } from '../../../../src/api/jobs/job-store.js';
import { MirrorStore } from '../../../../src/api/mirrors/mirror-store.js';
import { copyJobOfMirror } from '../../../../src/domain/jobs/mirror-job.js';

const mirror = copyJobOfMirror({
  ...{ id: 'site-b', name: 'Site B', description: '', timeZone: 'UTC', rpo: null },
  ...{ source: { repositoryId: 'a' }, target: { repositoryId: 'b' }, schedule: null },
  ...{ missedStarts: 'run', keepRemovedForDays: 21, allowedHours: null, healthCheck: null },
});

it('a list of mirror jobs names what could not be read, which may be one', async () => {
  const sessions = { path: 'sessions', code: 'TEMPORAL_UNREACHABLE', reason: 'no answer' };
  const items = [
    { ...mirror, revision: 1, state: 'enabled', nextRunAt: null, lastSession: null },
    { id: 'site-c', state: 'unknown', reason: 'Temporal did not answer in time' },
  ];
  const jobs = { list: async () => ({ items, unreadable: [sessions] }) } as unknown as JobStore;
  const listed = await new MirrorStore(jobs, []).list();
  expect(listed.items.map(({ id }) => id)).toEqual(['site-b']);
  expect(listed.unreadable).toEqual([
    sessions,
    {
      ...{ path: 'jobs/site-c', code: 'TEMPORAL_UNREACHABLE' },
      reason: 'whether site-c is a mirror job is not known: Temporal did not answer in time',
    },
  ]);
});
