import { describe, expect, it } from 'vitest';
import type { CopyJob, GfsPolicy } from '../../../../src/domain/jobs/copy-job.js';
import { jobChanges, needsLook } from '../../../../src/domain/jobs/job-changes.js';

const GFS: GfsPolicy = {
  weekly: { keep: 4, day: 'sunday' },
  monthly: null,
  yearly: { keep: 3, month: 'january' },
  fullMethod: 'synthetic',
};
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
  gfs: GFS,
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
  removedWorkloadsAfterDays: 30,
  replaces: null,
};

const effectsOf = (change: Partial<CopyJob>, from = JOB) =>
  jobChanges(from, { ...from, ...change }).map(({ field, effect }) => [field, effect]);

describe('a changed definition', () => {
  it('is no change when only fields stand in another order, or the server adds its own', () => {
    const sources = {
      exclude: [],
      include: [{ workloads: ['web01'], repositoryId: 'primary' }],
    };
    expect(effectsOf({ sources, revision: 9, replaces: 'old' })).toEqual([]);
  });

  it.each<[string, Partial<CopyJob>, string, string]>([
    ['a name', { name: 'N' }, 'name', 'none'],
    ['a schedule', { schedule: { type: 'manual' } }, 'schedule', 'none'],
    ['a longer retention', { retention: { type: 'restorePoints', value: 8 } }, 'retention', 'none'],
    [
      'a shorter retention',
      { retention: { type: 'restorePoints', value: 6 } },
      'retention',
      'mayDelete',
    ],
    // Thirty days may be fewer points than seven.
    ['days for points', { retention: { type: 'days', value: 30 } }, 'retention', 'mayDelete'],
    ['no GFS any more, and its fulls may go', { gfs: null }, 'gfs', 'mayDelete'],
    ['one tier less', { gfs: { ...GFS, yearly: null } }, 'gfs', 'mayDelete'],
    [
      'one tier more',
      { gfs: { ...GFS, monthly: { keep: 1, week: 'first' } } },
      ...(['gfs', 'none'] as const),
    ],
    ['another target', { target: { repositoryId: 'vault' } }, ...(['target', 'newChain'] as const)],
    [
      'fewer days for machines that are gone',
      { removedWorkloadsAfterDays: 29 },
      ...(['removedWorkloadsAfterDays', 'mayDelete'] as const),
    ],
    [
      'machines that are gone for ever',
      { removedWorkloadsAfterDays: null },
      ...(['removedWorkloadsAfterDays', 'none'] as const),
    ],
    [
      'an exclusion',
      { sources: { ...JOB.sources, exclude: [{ pattern: 'x*' }] } },
      ...(['sources', 'copiesLess'] as const),
    ],
  ])('%s', (_, change, field, effect) => {
    expect(effectsOf(change)).toEqual([[field, effect]]);
  });

  it('tells GFS that is turned off, its fulls staying, as nothing that goes', () => {
    const endedGfs = { weekly: 4, monthly: null, yearly: 3 };
    expect(jobChanges(JOB, { ...JOB, gfs: null, endedGfs })).toEqual([
      {
        ...{ field: 'gfs', before: GFS, after: null, effect: 'none' },
        text: 'no new fulls are made for the tiers that are off; those that are there stay until the day of their flags',
      },
      { field: 'endedGfs', before: null, after: endedGfs, effect: 'none', text: null },
    ]);
  });

  it('tells fulls of tiers that are off and are let go later as copies that may go', () => {
    const ended = { ...JOB, gfs: null, endedGfs: { weekly: 4, monthly: null, yearly: 3 } };
    expect(effectsOf({ endedGfs: undefined }, ended)).toEqual([['endedGfs', 'mayDelete']]);
    const fewer = { weekly: null, monthly: null, yearly: 3 };
    expect(effectsOf({ endedGfs: fewer }, ended)).toEqual([['endedGfs', 'mayDelete']]);
  });

  it('tells GFS that is turned on for the first time as nothing that is lost', () => {
    expect(effectsOf({ gfs: GFS }, { ...JOB, gfs: null })).toEqual([['gfs', 'none']]);
  });

  it('has to be looked at when copies may go or are all made anew', () => {
    expect((['none', 'copiesLess'] as const).map((effect) => needsLook([{ effect }]))).toEqual([
      ...[false, false],
    ]);
    expect((['newChain', 'mayDelete'] as const).map((effect) => needsLook([{ effect }]))).toEqual([
      ...[true, true],
    ]);
  });
});
