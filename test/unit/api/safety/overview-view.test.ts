import { expect, it } from 'vitest';
import { overviewOf, unseenParts, workloadView } from '../../../../src/api/safety/overview-view.js';
import type { ListedJob } from '../../../../src/api/jobs/job-schemas.js';
import type { KnownSafety } from '../../../../src/api/safety/safety-reader.js';
import type { RepositoryFacts } from '../../../../src/domain/safety/protection.js';
import type { SafetyFacts } from '../../../../src/domain/safety/safety-facts.js';
import { safetyOf } from '../../../../src/domain/safety/safety.js';
import {
  ago,
  chain,
  facts,
  instant,
  nightly,
  NOW_MS,
  repository,
  source,
} from '../../../support/safety/known-facts.js';
import { testJob } from '../../../support/session/test-site.js';

function judged(known: SafetyFacts): KnownSafety {
  const facts = { ...known, listed: [], areOutcomesKnown: true };
  return { facts, safety: safetyOf(known, NOW_MS), nowMs: NOW_MS };
}

const NONE_RUN = { sessions: [], omitted: 0 };

const LEFT = {
  jobId: 'deleted',
  idAsSource: 'deleted:id-web10',
  restorePointCount: 5,
  damagedCount: 1,
  neverVerifiedCount: 2,
};

it('counts restore points that belong to no job among those that are kept, and apart', () => {
  const left = chain('web10', 2, LEFT);
  const known = facts([source('web10', 12), source('db07', 12)], [chain('web10', 12), left]);
  expect(overviewOf(judged(known), NONE_RUN).counts).toMatchObject({
    workloads: 2,
    restorePoints: 8,
    keptWorkloads: 1,
    leftoverRestorePoints: 5,
    leftoverWorkloads: 1,
    damagedRestorePoints: 1,
    neverVerifiedRestorePoints: 2,
  });
});

it('tells the newest and oldest copy of a workload also when no job keeps it', () => {
  const known = judged(facts([], [chain('web10', 2, { ...LEFT, days: [4, 1] })], { jobs: [] }));
  const view = workloadView(known.safety.workloads[0]!, known);
  expect(view).toMatchObject({
    state: 'unwatched',
    newestCopyAt: instant(ago(2)),
    oldestCopyAt: instant(ago(50)),
    restorePointCount: 5,
    damagedCount: 1,
    copies: [],
    leftovers: [
      { jobId: 'deleted', repositoryId: 'offsite', damagedCount: 1, oldestAt: instant(ago(50)) },
    ],
  });
  expect(view.nights.slice(-3).map(({ state, restorePoints }) => [state, restorePoints])).toEqual([
    ['outside', 0],
    ['copied', 4],
    ['copied', 1],
  ]);
});

const second = testJob({
  id: 'second',
  sources: { include: [{ repositoryId: 'offsite' }], exclude: [] },
  target: { repositoryId: 'vault' },
});

/** What `second` makes in vault of what `nightly` made in offsite of web10. */
const onward = chain('web10', 12, {
  id: 'nightly:id-web10',
  jobId: 'second',
  idAsSource: 'second:nightly~id-web10',
  sourceRepositoryId: 'offsite',
});

it.each([
  ['that a job makes', [nightly(), nightly({ job: second })], [onward]],
  ['that a job has not made yet', [nightly(), nightly({ job: second })], []],
])('tells under which id copies of copies lie, %s', (_case, jobs, made) => {
  const before = facts([source('web10', 12)], [chain('web10', 12)]);
  const repositories = [...before.repositories, repository('vault', made)];
  const known = judged({ ...before, repositories, jobs });
  expect(workloadView(known.safety.workloads[0]!, known).copies).toMatchObject([
    { jobId: 'nightly', repositoryId: 'offsite', workloadId: 'id-web10' },
    { jobId: 'second', repositoryId: 'vault', workloadId: 'nightly:id-web10' },
  ]);
});

it('tells under which id copies of copies lie that no job makes any more', () => {
  const before = facts([source('web10', 12)], [chain('web10', 12)]);
  const known = judged({
    ...before,
    repositories: [...before.repositories, repository('vault', [onward])],
  });
  expect(workloadView(known.safety.workloads[0]!, known).leftovers).toMatchObject([
    { jobId: 'second', repositoryId: 'vault', workloadId: 'nightly:id-web10' },
  ]);
});

it('names what a list of workloads could not see, with what it is told as of', () => {
  const part = { path: 'nightly/x/chain.json', code: 'RECORD_DAMAGED', reason: 'no JSON' } as const;
  const repositories = [
    repository('primary', []),
    repository('offsite', [], { unreadable: [part] as never }),
    repository('vault', [], {
      awaySinceMs: ago(1),
      seenAtMs: ago(2),
      code: 'REPOSITORY_IO_ERROR',
      reason: 'EIO',
    }),
    repository('new', [], { seenAtMs: null }),
  ];
  expect(unseenParts({ repositories })).toEqual([
    { ...part, path: 'offsite/nightly/x/chain.json' },
    {
      path: 'vault',
      code: 'REPOSITORY_IO_ERROR',
      reason: 'it cannot be looked at: EIO; what it holds is told as of 2026-11-26 10:00 UTC',
    },
    { path: 'new', code: 'REPOSITORY_UNREACHABLE', reason: 'it has not been looked at yet' },
  ]);
});

function viewOf(primary: RepositoryFacts | null, offsite: RepositoryFacts) {
  const repositories = [...(primary === null ? [] : [primary]), offsite];
  const known = judged(facts([], [], { repositories }));
  return workloadView(known.safety.workloads[0]!, known);
}

it('knows nothing of the nights in a target that nobody has seen', () => {
  const old = { ...source('web10', 12), recentAtSeconds: [12, 36, 60].map((h) => ago(h) / 1_000) };
  const primary = repository('primary', [old]);
  const nights = (changes: Partial<RepositoryFacts>) =>
    viewOf(primary, repository('offsite', [], changes)).nights.map(({ state }) => state);
  expect(new Set(nights({ seenAtMs: null }))).toEqual(new Set(['unknown']));
  expect(new Set(nights({ seenAtMs: null, awaySinceMs: NOW_MS }))).toEqual(new Set(['unknown']));
  expect(nights({}).slice(-3)).toEqual(['missed', 'missed', 'waiting']);
});

it.each([
  ['seen', {}],
  ['away', { awaySinceMs: ago(1) }],
  ['never', { seenAtMs: null }],
  ['never', { seenAtMs: null, awaySinceMs: ago(1) }],
  ['notConfigured', null],
] as const)('says of a source that does not show it that it is %s: %o', (state, changes) => {
  const primary = changes === null ? null : repository('primary', [], changes);
  const view = viewOf(primary, repository('offsite', [chain('web10', 12)]));
  expect(view).toMatchObject({ sourcePointCount: null, sourceState: state });
});

it('tells the coming starts of copy jobs and of file-backup jobs, the soonest first', () => {
  const known = facts([], []);
  const shares = {
    ...{ id: 'shares', name: 'Shares', repositoryId: 'primary', makesBackups: true },
    ...{ isDisabled: false, missedStartAtMs: null, lastRun: null },
  };
  const at = (hours: number) => ({
    at: new Date(NOW_MS + hours * 3_600_000).toISOString(),
    timeZone: 'Europe/Berlin',
  });
  const fileBackups = [
    { ...shares, next: at(2) },
    { ...shares, id: 'late', next: at(25) },
    { ...shares, id: 'never', next: null },
  ];
  const job = { ...known.jobs[0]!.job, state: 'enabled', nextRunAt: at(3).at };
  const judgement = judged({ ...known, fileBackups });
  const withJob = {
    ...judgement,
    facts: { ...judgement.facts, listed: [job as unknown as ListedJob] },
  };
  const { next, omittedRunning } = overviewOf(withJob, { sessions: [], omitted: 7 });
  expect(next.map(({ of, jobId }) => [of, jobId])).toEqual([
    ['fileBackupJob', 'shares'],
    ['copyJob', job.id],
  ]);
  expect(omittedRunning).toBe(7);
});
