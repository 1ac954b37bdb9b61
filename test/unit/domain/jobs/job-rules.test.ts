import { describe, expect, it } from 'vitest';
import type { CopyJob } from '../../../../src/domain/jobs/copy-job.js';
import { cronFault } from '../../../../src/domain/schedules/cron.js';
import { jobFaults, type JobRepository } from '../../../../src/domain/jobs/job-rules.js';

const REPOSITORIES: JobRepository[] = [
  { id: 'primary', role: 'primary' },
  { id: 'second', role: 'primary' },
  { id: 'offsite', role: 'target' },
  { id: 'vault', role: 'target' },
  { id: 'cloud', role: 'external' },
];

const JOB: CopyJob = {
  id: 'nightly',
  name: 'Nightly',
  description: '',
  revision: 1,
  mode: 'periodic',
  sources: { include: [{ repositoryId: 'primary', workloads: ['web01'] }], exclude: [] },
  target: { repositoryId: 'offsite' },
  restorePoints: 'latest',
  retention: { type: 'restorePoints', value: 7 },
  gfs: null,
  timeZone: 'UTC',
  schedule: { type: 'daily', time: '22:00', timeZone: 'UTC' },
  missedStarts: 'run',
  allowedHours: null,
  transactionLogs: false,
  retry: { attempts: 3, pausesMinutes: [10] },
  onSourceChainRecreated: 'requireNewJob',
  storage: { digest: 'sha256', verifyAfterCopy: 'cached' },
  healthCheck: null,
  compact: null,
  rpo: null,
  removedWorkloadsAfterDays: null,
  replaces: null,
};
const WEEKLY = {
  weekly: { keep: 4, day: 'sunday' },
  monthly: null,
  yearly: null,
  fullMethod: 'synthetic',
} as const;
const MAINTENANCE = { every: 'week', day: 'sunday', time: '05:00', timeZone: 'UTC' } as const;
const NIGHTS = { days: ['monday'], from: '20:00', to: '06:00' } as const;
const include = (...entries: CopyJob['sources']['include']): Partial<CopyJob> => ({
  sources: { include: entries, exclude: [] },
});

describe('rules of a job', () => {
  it.each<[string, Partial<CopyJob>]>([
    ['a daily job', {}],
    ['a copy of a copy', include({ repositoryId: 'vault' })],
    ['an external source', include({ repositoryId: 'cloud' })],
    ['an immediate job', { mode: 'immediate', schedule: { type: 'manual' } }],
    [
      'two repositories',
      include({ repositoryId: 'primary' }, { repositoryId: 'second', workloads: ['db01'] }),
    ],
    [
      'an immediate job with logs',
      { mode: 'immediate', schedule: { type: 'manual' }, transactionLogs: true },
    ],
    ['hours of the week', { allowedHours: { timeZone: 'UTC', spans: [NIGHTS] } }],
    ['GFS with a health check', { gfs: WEEKLY, healthCheck: MAINTENANCE }],
  ])('accept %s', (_, change) => {
    expect(jobFaults({ ...JOB, ...change }, REPOSITORIES)).toEqual([]);
  });

  it.each<[Partial<CopyJob>, string, string]>([
    [
      { target: { repositoryId: 'nowhere' } },
      'target.repositoryId',
      'no repository nowhere is configured',
    ],
    [
      { target: { repositoryId: 'second' } },
      'target.repositoryId',
      'second has role primary; a target must have role target',
    ],
    [
      { target: { repositoryId: 'cloud' } },
      'target.repositoryId',
      'cloud is an external repository: it is read-only and never a target',
    ],
    [
      { allowedHours: { timeZone: 'Mars/Olympus', spans: [NIGHTS] } },
      'allowedHours.timeZone',
      'Mars/Olympus is not a known time zone; use a name such as Europe/Berlin or UTC, in its exact case',
    ],
    [
      {
        allowedHours: {
          timeZone: 'UTC',
          spans: [NIGHTS, { ...NIGHTS, days: ['friday', 'friday'] }],
        },
      },
      'allowedHours.spans.1.days',
      'a day of the week is named twice',
    ],
    [include(), 'sources.include', 'name at least one source'],
    [
      include({ repositoryId: 'nowhere' }),
      'sources.include.0.repositoryId',
      'no repository nowhere is configured',
    ],
    [
      include({ repositoryId: 'offsite' }),
      'sources.include.0.repositoryId',
      'offsite is the target; a job cannot copy a repository to itself',
    ],
    [
      include({ repositoryId: 'primary', workloads: [] }),
      'sources.include.0.workloads',
      'name workloads, or leave the field out for all of the repository',
    ],
    [
      include({ repositoryId: 'primary' }, { repositoryId: 'primary' }),
      'sources.include.1',
      'primary is included twice',
    ],
    [
      include({ repositoryId: 'primary', workloads: ['a'] }, { repositoryId: 'primary' }),
      'sources.include.0',
      'another entry includes all of primary already',
    ],
    [
      include({ repositoryId: 'primary', workloads: ['a', 'a'] }),
      'sources.include.0.workloads.1',
      'a is included twice',
    ],
    [
      include(
        { repositoryId: 'primary', workloads: ['a'] },
        { repositoryId: 'second', workloads: ['a'] },
      ),
      'sources.include.1.workloads.0',
      'a is included from primary already; a job keeps one chain for each workload',
    ],
    [
      { sources: { ...JOB.sources, exclude: [{ workload: 'web01' }] } },
      'sources.exclude.0.workload',
      'web01 is both included by name and excluded',
    ],
    [
      { sources: { ...JOB.sources, exclude: [{ workload: 'x' }, { workload: 'x' }] } },
      'sources.exclude.1.workload',
      'x is excluded twice',
    ],
    [
      include(
        { repositoryId: 'primary', workloads: ['a'] },
        { repositoryId: 'primary', patterns: ['b*'] },
      ),
      'sources.include.1',
      'primary has an entry already: choose its workloads in one',
    ],
    [
      include({ repositoryId: 'primary', patterns: ['b*'] }, { repositoryId: 'primary' }),
      'sources.include.0',
      'another entry includes all of primary already',
    ],
    [
      { sources: { ...JOB.sources, exclude: [{ pattern: 'web*' }] } },
      'sources.exclude.0.pattern',
      'web01 is both included by name and excluded by web*',
    ],
    [
      { sources: { ...JOB.sources, exclude: [{ pattern: 'x*' }, { pattern: 'x*' }] } },
      'sources.exclude.1.pattern',
      'x* is excluded twice',
    ],
    [
      { mode: 'immediate' },
      'schedule.type',
      'an immediate job starts when a restore point appears and takes no schedule; daily needs mode periodic',
    ],
    [
      { schedule: { type: 'afterJob', jobId: 'nightly' } },
      'schedule.jobId',
      'a job cannot start after itself',
    ],
    [
      { schedule: { type: 'weekly', days: [], time: '22:00', timeZone: 'UTC' } },
      'schedule.days',
      'name at least one day of the week',
    ],
    [
      { schedule: { type: 'weekly', days: ['monday', 'monday'], time: '22:00', timeZone: 'UTC' } },
      'schedule.days',
      'a day of the week is named twice',
    ],
    [
      { schedule: { type: 'daily', time: '22:00', timeZone: 'Mars/Base' } },
      'schedule.timeZone',
      'Mars/Base is not a known time zone; use a name such as Europe/Berlin or UTC, in its exact case',
    ],
    [
      { schedule: { type: 'cron', expression: '61 * * * *', timeZone: 'UTC' } },
      'schedule.expression',
      '61 is not a valid minute (0 to 59)',
    ],
    [
      { healthCheck: { ...MAINTENANCE, timeZone: 'utc' } },
      'healthCheck.timeZone',
      'utc is not a known time zone; use a name such as Europe/Berlin or UTC, in its exact case',
    ],
    [{ compact: MAINTENANCE, gfs: WEEKLY }, 'compact', 'not possible together with gfs'],
    [
      { transactionLogs: true },
      'transactionLogs',
      'logs are copied in mode immediate only: leave it out, or change the mode',
    ],
    [
      { gfs: { ...WEEKLY, weekly: null } },
      'gfs',
      'turn on weekly, monthly or yearly, or leave gfs out',
    ],
  ])('refuse %j at %s', (change, path, message) => {
    expect(jobFaults({ ...JOB, ...change }, REPOSITORIES)).toEqual([{ path, message }]);
  });

  it('report all faults at once', () => {
    const job: CopyJob = {
      ...JOB,
      ...include({ repositoryId: 'nowhere' }),
      target: { repositoryId: 'cloud' },
      mode: 'immediate',
    };
    expect(jobFaults(job, REPOSITORIES).map(({ path }) => path)).toEqual([
      'target.repositoryId',
      'sources.include.0.repositoryId',
      'schedule.type',
    ]);
  });
});

describe('cron expression', () => {
  const VALID = ['0 2 * * *', '*/15 8-18 * * mon-fri', '0 0 1,15 jan,JUL *', '5 4 * * 7'];
  // A leap year has the first, and one of the months the second.
  it.each([...VALID, '0 0 29 feb *', '0 0 31 2,3 *', '0 0 28-31 2 *'])(
    '%s is valid',
    (expression) => {
      expect(cronFault(expression)).toBeNull();
    },
  );

  it.each([
    [
      '0 2 * *',
      'a cron expression has five fields: minute, hour, day of month, month, day of week',
    ],
    [
      '@every 5m',
      'a cron expression has five fields: minute, hour, day of month, month, day of week',
    ],
    [
      'CRON_TZ=UTC 0 2 * * *',
      'a cron expression has five fields: minute, hour, day of month, month, day of week',
    ],
    ['0 24 * * *', '24 is not a valid hour (0 to 23)'],
    ['0 2 0 * *', '0 is not a valid day of month (1 to 31)'],
    ['0 2 * foo *', 'foo is not a valid month (1 to 12)'],
    ['0 2 * * fri-mon', 'fri-mon is not a valid day of week (0 to 7)'],
    ['*/0 2 * * *', '*/0 is not a valid minute (0 to 59)'],
    ['5 4 1 * 0', 'give the day of month or the day of week, not both: one of them must be *'],
    ['1,,2 2 * * *', '1,,2 is not a valid minute (0 to 59)'],
    ['0 0 30 2 *', 'no month that it names has a day 30'],
    ['0 0 31 feb,apr,jun,sep,nov *', 'no month that it names has a day 31'],
  ])('%s is refused', (expression, fault) => {
    expect(cronFault(expression)).toBe(fault);
  });
});

describe('size of a job', () => {
  const named = (characters: number) => {
    const workloads = Array.from({ length: 10_000 }, (_, n) => `${n}`.padStart(characters, 'n'));
    return jobFaults({ ...JOB, ...include({ repositoryId: 'primary', workloads }) }, REPOSITORIES);
  };

  it('has room for ten thousand named workloads', () => {
    expect(named(90)).toEqual([]);
  });

  it('is refused, with what it is, where no session could carry it', () => {
    // 10,000 names of 100 characters, each in quotes and with a comma: 1,030,000 bytes, and the rest of the definition.
    expect(named(100)).toEqual([
      {
        path: 'sources',
        message: expect.stringMatching(
          /^the definition has 1030\d{3} bytes, at most 1000000 fit into a session/,
        ) as string,
      },
    ]);
  });
});
