import { expect, it } from 'vitest';
import type { SafetyFacts } from '../../../../src/domain/safety/safety-facts.js';
import { safetyOf } from '../../../../src/domain/safety/safety.js';
import { ago, facts, nightly, NOW_MS } from '../../../support/safety/known-facts.js';
import { testJob } from '../../../support/session/test-site.js';

const follower = nightly({
  job: testJob({ id: 'second', name: 'Second', schedule: { type: 'afterJob', jobId: 'nightly' } }),
});

function told(changes: Partial<SafetyFacts>): string[] {
  const { problems } = safetyOf({ ...facts([], []), ...changes }, NOW_MS);
  return problems.flatMap(({ code, text }) => (code === 'JOB_FOLLOWS_NONE' ? [text] : []));
}

it('a job that starts after one that is gone or disabled is told', () => {
  expect(told({ jobs: [follower] })).toEqual([
    'job Second starts after job nightly, which is gone',
  ]);
  expect(told({ jobs: [nightly({ state: 'disabled' }), follower] })).toEqual([
    'job Second starts after job nightly, which is disabled',
  ]);
});

const unreadList = { path: 'jobs', code: 'TEMPORAL_UNREACHABLE', reason: 'no answer' } as const;

it.each<[string, Partial<SafetyFacts>]>([
  ['is there', { jobs: [nightly(), follower] }],
  ['waits for a decision', { jobs: [nightly({ state: 'actionRequired' }), follower] }],
  ['could not be read', { jobs: [follower], unreadJobs: [{ id: 'nightly', reason: 'no answer' }] }],
  ['may be missing in an old list', { jobs: [follower], unreadLists: [unreadList] }],
  ['is gone, when it is disabled itself', { jobs: [{ ...follower, state: 'disabled' }] }],
])('a job that starts after one is not told when that %s', (_, changes) => {
  expect(told(changes)).toEqual([]);
});

it('a file-backup job tells of its own runs, and of starts that did not come', () => {
  const share = {
    ...{ id: 'share', name: 'Share', repositoryId: 'primary', makesBackups: true },
    ...{ isDisabled: false, missedStartAtMs: null, lastRun: null },
  };
  const codesOf = (change: Partial<SafetyFacts['fileBackups'][number]>) =>
    safetyOf({ ...facts([], []), fileBackups: [{ ...share, ...change }] }, NOW_MS)
      .problems.filter(({ key }) => key.includes('file-backup/share'))
      .map(({ code, text, sinceMs }) => [code, text, sinceMs]);
  const run = (result: 'success' | 'warning' | 'failed' | null, reason: string | null) => ({
    lastRun: { result, reason, startedAtMs: ago(12) },
  });
  expect(codesOf({})).toEqual([]);
  expect(codesOf(run('success', null))).toEqual([]);
  expect(codesOf(run(null, null))).toEqual([]);
  expect(codesOf(run('warning', 'nothing was copied to offsite'))).toEqual([
    [
      'JOB_FAILED',
      'the last run of file-backup job Share ended with warning: nothing was copied to offsite',
      ago(12),
    ],
  ]);
  expect(codesOf({ missedStartAtMs: ago(14) })).toEqual([
    ['JOB_NOT_STARTED', expect.stringContaining('file-backup job Share did not start'), ago(14)],
  ]);
  expect(codesOf({ isDisabled: true }).map(([code]) => code)).toEqual(['JOB_DISABLED']);
  // Its copy jobs are disabled with it, and told themselves.
  expect(codesOf({ isDisabled: true, makesBackups: false })).toEqual([]);
});
