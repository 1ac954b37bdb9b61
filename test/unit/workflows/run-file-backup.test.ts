import { expect, it } from 'vitest';
import type { Activities } from '../../../activities/activities.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { DEFAULT_COPY_SETTINGS } from '../../../src/domain/jobs/copy-settings.js';
import { copyJobsOf, type FileBackupJob } from '../../../src/domain/jobs/file-backup-job.js';
import { BackupError } from '../../../src/domain/errors.js';
import { toApplicationFailure } from '../../../activities/running/application-failure.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalServer } from '../../support/workflows/local-server.js';

/** A Thursday. */
const STARTED_AT_MS = Date.parse('2026-11-26T22:00:00Z');
const SATURDAYS = { timeZone: 'UTC', spans: [{ days: ['saturday'], from: '00:00', to: '00:00' }] };

const { timeZone } = testJob();
const JOB = {
  ...{ id: 'shares', name: 'Shares', description: '', revision: 1 },
  source: { repositoryId: 'primary', workload: 'restic-share' },
  ...{ primaryBackup: 'nightly', schedule: { type: 'daily', time: '22:00' }, timeZone },
  ...{ missedStarts: 'run', keepRemovedForDays: 14, rpo: null, healthCheck: null },
  secondaryTargets: ['offsite', 'vault'].map((repositoryId) => ({
    ...{ repositoryId, keepRemovedForDays: null, schedule: null },
    allowedHours: SATURDAYS,
  })),
} as unknown as FileBackupJob;

function run(waiting: Readonly<Record<string, string>>, more: Partial<Activities> = {}) {
  const copies = copyJobsOf(JOB).map((copy) => ({ ...copy, revision: 1, replaces: null }));
  const activities = {
    readCopySettings: () => Promise.resolve(DEFAULT_COPY_SETTINGS),
    runPrimaryBackup: () => Promise.resolve({ snapshot: 'abc', warning: null }),
    readEnabledJobs: () => Promise.resolve(copies as CopyJob[]),
    readWaitingSessions: () => Promise.resolve(waiting),
    ...more,
  } as unknown as Activities;
  const server = new LocalServer({ activities, activity: '', isDead: () => false }, STARTED_AT_MS);
  server.begin('runFileBackup', 'file-backup/shares', { job: JOB });
  return { server, end: server.end('file-backup/shares') };
}

it('a run of a file-backup job ends when its copies are begun, though their hours come on Saturday', async () => {
  const { server, end } = run({});
  expect(await end).toEqual({
    ...{ result: 'success', reason: null, snapshot: 'abc' },
    sessions: ['shares-offsite-20261126T220000Z', 'shares-vault-20261126T220000Z'],
  });
  expect(server.nowMs).toBe(STARTED_AT_MS);
});

it('a run of a file-backup job leaves its copy to the session that waits for its hours since the night before', async () => {
  const waits = 'shares-vault-20261125T220000Z';
  const { server, end } = run({ 'shares-vault': waits });
  expect(await end).toMatchObject({ sessions: ['shares-offsite-20261126T220000Z', waits] });
  expect(server.runLengths('session/shares-vault-2026-11-26T22:00:00Z')).toEqual([]);
});

const GONE = new BackupError('PRIMARY_BACKUP_MISSING', 'no primary backup "nightly"');
const refuse = () => Promise.reject(toApplicationFailure(GONE, 1));

it.each([
  ['readCopySettings', 'failed', 'no primary backup'],
  ['runPrimaryBackup', 'failed', 'no primary backup'],
  ['readEnabledJobs', 'warning', 'its copies were not begun: no primary backup'],
  ['readWaitingSessions', 'warning', 'its copies were not begun: no primary backup'],
])('a run of a file-backup job whose step %s fails says so', async (step, result, reason) => {
  const { end } = run({}, { [step]: refuse });
  expect(await end).toMatchObject({
    result,
    sessions: [],
    reason: expect.stringContaining(reason),
  });
});

it.each([
  [{}, ['start ', 'success success']],
  [{ runPrimaryBackup: refuse }, ['start ', expect.stringMatching(/^fail no primary backup/)]],
  [{ readEnabledJobs: refuse }, ['start ', expect.stringMatching(/^fail its copies were not/)]],
])('a run of a file-backup job tells its check its start and its end', async (more, expected) => {
  const told: string[] = [];
  const { end } = run(
    {},
    {
      readCopySettings: () => Promise.resolve({ ...DEFAULT_COPY_SETTINGS, pingedJobs: ['shares'] }),
      pingJob: ({ jobId, event, text }) => {
        if (jobId === 'shares') told.push(`${event} ${text}`);
        return Promise.resolve();
      },
      ...more,
    },
  );
  await end;
  expect(told).toEqual(expected);
});

it('a primary backup is tried three times, and a worker that ends is no try', async () => {
  const ends: string[] = [];
  const failed = new BackupError('PRIMARY_BACKUP_FAILED', 'restic (nightly) ended with 1: locked');
  const { server, end } = run(
    {},
    {
      runPrimaryBackup: () => {
        const isShutdown = ends.length < 4;
        ends.push(isShutdown ? 'shutdown' : 'failed');
        // As the SDK cancels the activities of a worker that shuts down.
        return Promise.reject(
          isShutdown ? new Error('WORKER_SHUTDOWN') : toApplicationFailure(failed, ends.length),
        );
      },
    },
  );
  expect(await end).toMatchObject({ result: 'failed', reason: expect.stringContaining('locked') });
  expect(ends).toEqual([...Array(4).fill('shutdown'), ...Array(3).fill('failed')]);
  expect(server.nowMs).toBeGreaterThan(STARTED_AT_MS);
});

it('a run whose primary backup ends every worker that does it fails within hours, and says so', async () => {
  let attempts = 0;
  const runPrimaryBackup = () => {
    attempts += 1;
    return Promise.reject(new Error('activity Heartbeat timeout'));
  };
  const { server, end } = run({}, { runPrimaryBackup });
  expect(await end).toMatchObject({ result: 'failed', reason: expect.stringContaining('timeout') });
  expect(attempts).toBe(20);
  expect(server.nowMs - STARTED_AT_MS).toBeLessThan(3 * 3_600_000);
});
