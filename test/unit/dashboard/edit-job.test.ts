import { describe, expect, it } from 'vitest';
import type { JobView } from '../../../src/api/jobs/job-schemas.js';
import { definitionOf, editedJob, wishesOf } from '../../../src/dashboard/show/edit-job.js';
import type { JobWishes } from '../../../src/dashboard/show/new-job.js';

/** Full of what the form has no fields for. */
const JOB: JobView = {
  id: 'nightly',
  name: 'Nightly',
  description: 'Of the second floor.',
  revision: 3,
  mode: 'periodic',
  sources: {
    include: [{ repositoryId: 'primary', patterns: ['web-*'] }, { repositoryId: 'second' }],
    exclude: [{ workload: 'odd*name' }, { pattern: '*-test' }],
  },
  target: { repositoryId: 'offsite' },
  restorePoints: 'all',
  retention: { type: 'days', value: 30 },
  gfs: {
    weekly: { keep: 4, day: 'friday' },
    monthly: null,
    yearly: null,
    fullMethod: 'active',
  },
  timeZone: 'Europe/Berlin',
  schedule: { type: 'cron', expression: '0 22 * * 1-5', timeZone: 'Europe/Berlin' },
  missedStarts: 'skip',
  allowedHours: {
    timeZone: 'Europe/Berlin',
    spans: [
      { days: ['monday'], from: '20:00', to: '06:00' },
      { days: ['sunday'], from: '00:00', to: '00:00' },
    ],
  },
  transactionLogs: false,
  retry: { attempts: 7, pausesMinutes: [2] },
  onSourceChainRecreated: 'startNewChain',
  storage: { digest: 'blake3', verifyAfterCopy: 'direct' },
  healthCheck: { every: 'week', day: 'monday', time: '04:00', timeZone: 'Europe/Berlin' },
  compact: null,
  rpo: { maxCopyAgeHours: 26, maxLagHours: 4, workloads: [] },
  removedWorkloadsAfterDays: 90,
  replaces: null,
  state: 'enabled',
  nextRunAt: null,
  lastSession: null,
  nextTryAt: null,
  skippedStarts: 0,
  missedStartAt: null,
};
const SERVER_FIELDS = [
  ...(['revision', 'replaces', 'state', 'nextRunAt', 'lastSession'] as const),
  ...(['nextTryAt', 'skippedStarts', 'missedStartAt'] as const),
];

/** Fields of the definition in which the form's differs from the job's. */
function changesOf(wishes: Partial<JobWishes>): object {
  const present = definitionOf(JOB);
  const edited = editedJob(JOB, { ...wishesOf(JOB), ...wishes });
  return Object.fromEntries(
    Object.entries(edited).filter(
      ([field, value]) =>
        JSON.stringify(value) !== JSON.stringify(present[field as keyof typeof present]),
    ),
  );
}

describe('the form of a job that is there', () => {
  it('sends nothing that the server adds', () => {
    const sent = Object.keys(definitionOf(JOB));
    expect(sent.filter((field) => (SERVER_FIELDS as readonly string[]).includes(field))).toEqual(
      [],
    );
  });

  it('changes nothing when nothing was touched', () => expect(changesOf({})).toEqual({}));

  it.each<[string, Partial<JobWishes>, object]>([
    ['a name', { name: ' New ' }, { name: 'New' }],
    ['a number to keep', { keep: 60 }, { retention: { type: 'days', value: 60 } }],
    [
      'a schedule',
      { start: 'daily', time: '21:00' },
      { schedule: { type: 'daily', time: '21:00', timeZone: 'Europe/Berlin' } },
    ],
    [
      'one more weekly copy, of the same day and method',
      { weekly: 5 },
      {
        gfs: {
          ...{ weekly: { keep: 5, day: 'friday' }, monthly: null, yearly: null },
          fullMethod: 'active',
        },
      },
    ],
    ['no GFS', { weekly: 0 }, { gfs: null }],
    [
      'no limit of age, and that behind the source stays',
      { maxCopyAgeHours: 0 },
      { rpo: { maxCopyAgeHours: null, maxLagHours: 4, workloads: [] } },
    ],
    [
      'a source more, and what was chosen of the first stays',
      { sources: ['primary', 'second', 'third'] },
      {
        sources: {
          include: [...JOB.sources.include, { repositoryId: 'third' }],
          exclude: JOB.sources.exclude,
        },
      },
    ],
    [
      'an exclusion less, and a name with a star stays a name',
      { excluded: 'odd*name\nnew-*' },
      {
        sources: {
          include: JOB.sources.include,
          exclude: [{ workload: 'odd*name' }, { pattern: 'new-*' }],
        },
      },
    ],
    [
      'a time zone, by which all of it goes',
      { timeZone: 'UTC' },
      {
        timeZone: 'UTC',
        schedule: { ...JOB.schedule, timeZone: 'UTC' },
        allowedHours: { ...JOB.allowedHours, timeZone: 'UTC' },
        healthCheck: { ...JOB.healthCheck, timeZone: 'UTC' },
      },
    ],
  ])('changes %s', (_, wishes, changes) => expect(changesOf(wishes)).toEqual(changes));
});
