import { describe, expect, it } from 'vitest';
import type { JobView } from '../../../src/api/jobs/job-schemas.js';
import type { WeeklySpan } from '../../../src/domain/schedules/weekly-hours.js';
import {
  definitionOf,
  editedJob,
  ownZones,
  unshownExclusions,
  wishesOf,
} from '../../../src/dashboard/pages/jobs/edit-job.js';
import { firstWishes, type JobWishes } from '../../../src/dashboard/pages/jobs/new-job.js';

const SPANS: readonly WeeklySpan[] = [
  { days: ['monday'], from: '20:00', to: '06:00' },
  { days: ['sunday'], from: '00:00', to: '00:00' },
];
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
    spans: SPANS,
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
  undecidedSessionId: null,
  nextTryAt: null,
  skippedStarts: 0,
  missedStartAt: null,
};
const SERVER_FIELDS = [
  ...(['revision', 'replaces', 'state', 'nextRunAt', 'lastSession'] as const),
  ...(['nextTryAt', 'skippedStarts', 'missedStartAt'] as const),
];

/** Fields of the definition in which the form's differs from the job's. */
function changesOf(wishes: Partial<JobWishes>, job = JOB): object {
  const present = definitionOf(job);
  const edited = editedJob(job, { ...wishesOf(job), ...wishes });
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
      'another limit behind the source, and that of age stays',
      { maxLagHours: 8 },
      { rpo: { maxCopyAgeHours: 26, maxLagHours: 8, workloads: [] } },
    ],
    ['no limits', { maxCopyAgeHours: 0, maxLagHours: 0 }, { rpo: null }],
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
    [
      'one span of its hours, and the others stay',
      { hours: [SPANS[0]!, { ...SPANS[1]!, from: '08:00' }] },
      {
        allowedHours: {
          timeZone: 'Europe/Berlin',
          spans: [SPANS[0], { days: ['sunday'], from: '08:00', to: '00:00' }],
        },
      },
    ],
  ])('changes %s', (_, wishes, changes) => expect(changesOf(wishes)).toEqual(changes));
});

/** Its start and its hours go by other clocks than its days. */
const TOKYO: JobView = {
  ...JOB,
  schedule: { type: 'daily', time: '22:00', timeZone: 'Asia/Tokyo' },
  allowedHours: { timeZone: 'Asia/Tokyo', spans: SPANS },
};

describe('a job that starts as the form has no words for', () => {
  const zone = { timeZone: 'Europe/Berlin' };
  const STARTS: readonly JobView['schedule'][] = [
    { type: 'monthly', day: 'last', time: '22:00', ...zone },
    { type: 'interval', everyMinutes: 240 },
    { type: 'cron', expression: '0 22 * * 1-5', ...zone },
    { type: 'afterJob', jobId: 'first' },
  ];
  it.each(STARTS.map((schedule) => ({ type: schedule.type, job: { ...JOB, schedule } })))(
    'can be started by hand, by what is new, or every day instead ($type)',
    ({ job }) => {
      expect(changesOf({}, job)).toEqual({});
      expect(changesOf({ start: 'manual' }, job)).toEqual({ schedule: { type: 'manual' } });
      expect(changesOf({ start: 'immediate' }, job)).toEqual({
        ...{ mode: 'immediate', schedule: { type: 'manual' } },
      });
      expect(changesOf({ start: 'daily', time: '21:00' }, job)).toEqual({
        schedule: { type: 'daily', time: '21:00', ...zone },
      });
    },
  );

  it('takes the retries of its new mode when it had those of the old one, and keeps others', () => {
    const usual = { ...JOB, retry: { attempts: 3, pausesMinutes: [10] } };
    expect(changesOf({ start: 'immediate' }, usual)).toMatchObject({
      retry: { attempts: null, pausesMinutes: [1, 5, 15, 60] },
    });
    const watching: JobView = { ...JOB, mode: 'immediate', schedule: { type: 'manual' } };
    expect(changesOf({ start: 'manual' }, watching)).toEqual({ mode: 'periodic' });
    expect(changesOf({ keep: 60 }, usual)).toEqual({ retention: { type: 'days', value: 60 } });
  });
});

describe('a job whose start and hours go by clocks of their own', () => {
  it('keeps them when only the time or the hours are changed', () => {
    expect(changesOf({ time: '21:00', hours: [SPANS[0]!] }, TOKYO)).toEqual({
      schedule: { type: 'daily', time: '21:00', timeZone: 'Asia/Tokyo' },
      allowedHours: { timeZone: 'Asia/Tokyo', spans: [SPANS[0]] },
    });
    expect(ownZones(TOKYO)).toEqual({ start: 'Asia/Tokyo', hours: 'Asia/Tokyo' });
    expect(ownZones(JOB)).toEqual({ start: null, hours: null });
  });

  it('keeps them when the job goes by another zone', () => {
    expect(changesOf({ timeZone: 'UTC' }, TOKYO)).toEqual({
      timeZone: 'UTC',
      healthCheck: { ...JOB.healthCheck, timeZone: 'UTC' },
    });
  });
});

describe('exclusions that a line cannot stand for', () => {
  const odd = [{ workload: ' web ' }, { workload: 'two\nlines' }, { pattern: 'a*' }];
  const alike = [...odd, { workload: 'a*' }, { workload: 'db' }];
  const job: JobView = { ...JOB, sources: { ...JOB.sources, exclude: alike } };

  it('stay as they are when nothing or something else is changed', () => {
    expect(changesOf({}, job)).toEqual({});
    expect(changesOf({ keep: 60 }, job)).toEqual({ retention: { type: 'days', value: 60 } });
    expect(unshownExclusions(alike)).toEqual([{ workload: ' web ' }, { workload: 'two\nlines' }]);
  });

  it('stay beside lines that are changed, and a name and a pattern that read alike stay two', () => {
    expect(wishesOf(job).excluded).toBe('a*\na*\ndb');
    expect(changesOf({ excluded: 'a*\na*\nnew' }, job)).toEqual({
      sources: { ...job.sources, exclude: [...alike.slice(0, 4), { workload: 'new' }] },
    });
  });
});

it('chooses what there is no choice of in a new job, and nothing else', () => {
  const places = [
    { id: 'primary', role: 'primary' },
    { id: 'offsite', role: 'target' },
    { id: 'vault', role: 'target' },
  ] as const;
  expect(firstWishes(places, 'Europe/Berlin')).toMatchObject({
    sources: ['primary'],
    target: '',
    timeZone: 'Europe/Berlin',
  });
  expect(firstWishes(places.slice(0, 2), 'UTC').target).toBe('offsite');
});
