import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FileBackupJobView } from '../../../src/api/file-backups/file-backup-schemas.js';
import { openCommandBench, type CommandBench } from './command-bench.js';

const JOB: FileBackupJobView = {
  ...{ id: 'projects', name: 'Projects', description: '', revision: 1, timeZone: 'UTC' },
  source: { repositoryId: 'nas', workload: 'restic-projects' },
  ...{ primaryBackup: 'nightly', schedule: { type: 'daily', time: '22:00', timeZone: 'UTC' } },
  ...{ missedStarts: 'run', keepRemovedForDays: 14, state: 'enabled', nextRunAt: null },
  missedStartAt: '2026-11-25T22:00:00.000Z',
  rpo: { maxCopyAgeHours: 26, maxLagHours: null, workloads: [] },
  healthCheck: { every: 'month', day: 'sunday', time: '05:00', timeZone: 'UTC' },
  secondaryTargets: [
    { repositoryId: 'offsite', keepRemovedForDays: null, schedule: null, allowedHours: null },
  ],
  copyJobs: ['projects-offsite'],
  lastRun: {
    ...{ runId: 'projects-2026-11-24T22:00:00Z', state: 'ended', result: 'warning' },
    ...{ reason: 'copy to offsite: no room', snapshot: 'ab12', endedAt: null },
    sessions: ['projects-offsite-20261124T221500Z'],
    startedAt: '2026-11-24T22:00:00.000Z',
  },
};

let bench: CommandBench;
beforeAll(async () => {
  bench = await openCommandBench();
});
afterAll(() => bench.close());

it('creates a file-backup job from flags', async () => {
  bench.answer({ 'POST /file-backup-jobs': { status: 201, body: JOB } });
  const { code, out } = await bench.run([
    ...['file-backup-job', 'create', '--name', 'Projects', '--source', 'nas:restic-projects'],
    ...['--target', 'offsite', 'vault', '--primary-backup', 'nightly'],
    ...['--schedule', 'daily 22:00', '--keep-removed-days', '14', '--max-copy-age', '26'],
  ]);
  expect(code).toBe(0);
  expect(bench.seen.at(-1)?.body).toEqual({
    name: 'Projects',
    source: { repositoryId: 'nas', workload: 'restic-projects' },
    ...{ primaryBackup: 'nightly', schedule: { type: 'daily', time: '22:00' } },
    keepRemovedForDays: 14,
    rpo: { maxCopyAgeHours: 26 },
    secondaryTargets: [{ repositoryId: 'offsite' }, { repositoryId: 'vault' }],
  });
  expect(out).toContain('offsite: after each run, keeps what is removed for 14 days');
  expect(out).toMatch(/Age limits +copies at most 26 h old/);
  expect(out).toMatch(/Health check +the last sunday of the month at 05:00 UTC/);
});

it('shows the last run of a file-backup job with its reason', async () => {
  bench.answer({ 'GET /file-backup-jobs/projects': { body: JOB } });
  const { out } = await bench.run(['file-backup-job', 'show', 'projects']);
  expect(out).toMatch(/Did not start +2026-11-25 22:00:00Z/);
  expect(out).toMatch(/Last run +projects-2026-11-24T22:00:00Z warning/);
  expect(out).toMatch(/Snapshot +ab12/);
  expect(out).toMatch(/Copies +projects-offsite-20261124T221500Z/);
  expect(out).toMatch(/Reason +copy to offsite: no room/);
});

it('refuses flags that name no file share before it asks the server', async () => {
  const before = bench.seen.length;
  const { code, err } = await bench.run([
    ...['file-backup-job', 'create', '--name', 'x', '--source', 'nas', '--target', 'offsite'],
  ]);
  expect([code, bench.seen.length]).toEqual([2, before]);
  expect(err).toContain('--source is repository:workload');
});
