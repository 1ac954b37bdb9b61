import { expect, it } from 'vitest';
import { isSilenced } from '../../../../src/domain/notices/silence.js';
import type { SafetyFacts } from '../../../../src/domain/safety/safety-facts.js';
import { safetyOf } from '../../../../src/domain/safety/safety.js';
import type { SafetyCode } from '../../../../src/domain/safety/safety-codes.js';
import {
  ago,
  chain,
  facts,
  nightly,
  NOW_MS,
  repository,
  source,
} from '../../../support/safety/known-facts.js';
import { testJob } from '../../../support/session/test-site.js';

/** Copies from the same source to another target. */
const VAULT = nightly({
  job: testJob({
    ...{ id: 'shares-vault', target: { repositoryId: 'vault' }, fileBackupJobId: 'shares' },
    sources: { include: [{ repositoryId: 'shares' }], exclude: [] },
  }),
});
const SOURCES = [source('web10', 12), source('db07', 12)];
const COPIES = [chain('web10', 12), chain('db07', 12)];

const at = (changes: Partial<SafetyFacts>, sources = SOURCES, chains = COPIES): SafetyFacts =>
  facts(sources, chains, { jobs: [nightly(), VAULT], ...changes });
const repositories = (changes: object) => ({
  repositories: [
    repository('primary', SOURCES),
    repository('offsite', COPIES),
    repository('shares', [source('share', 12)]),
    repository('vault', [], changes),
  ],
});
const share = {
  ...{ id: 'shares', name: 'Shares', repositoryId: 'shares', makesBackups: true },
  ...{ isDisabled: false, missedStartAtMs: null },
  lastRun: { result: 'failed', reason: null, startedAtMs: ago(2) },
} as const;

it.each([
  [
    'damaged copies of a job, that job',
    at({}, SOURCES, [chain('web10', 12, { damagedCount: 1 }), chain('db07', 12)]),
    ...(['COPY_DAMAGED', ['nightly']] as const),
  ],
  [
    'a source that stopped, the job whose copies are too old for it',
    at({}, [source('web10', 35)], [chain('web10', 35)]),
    ...(['SOURCE_STOPPED', ['nightly']] as const),
  ],
  [
    'a target that is away, all jobs that name it, and the file-backup job whose copies they are',
    at(repositories({ awaySinceMs: ago(3), reason: 'no answer' })),
    ...(['REPOSITORY_AWAY', ['shares', 'shares-vault']] as const),
  ],
  [
    'a list that could not be read, every job',
    at({
      unreadLists: [{ path: 'sessions', code: 'TEMPORAL_UNREACHABLE', reason: 'no answer' }],
    }),
    ...(['JOB_UNREAD', ['nightly', 'shares', 'shares-vault']] as const),
  ],
  [
    'a primary backup that failed, its file-backup job',
    at({ fileBackups: [share] }),
    ...(['JOB_FAILED', ['shares']] as const),
  ],
  [
    'a workload that no job copies, none',
    at({ jobs: [VAULT] }),
    ...(['WORKLOAD_IN_NO_JOB', []] as const),
  ],
])('concerns of %s', (_what, known, code: SafetyCode, expected) => {
  const problem = safetyOf(known, NOW_MS).problems.find((each) => each.code === code);
  expect(problem?.jobIds).toEqual(expected);
});

const OTHER_VAULT = nightly({
  job: testJob({
    ...{ id: 'shares-cloud', target: { repositoryId: 'cloud' }, fileBackupJobId: 'shares' },
    sources: { include: [{ repositoryId: 'shares' }], exclude: [] },
  }),
});
const away = { awaySinceMs: ago(3), reason: 'no answer' };
const failed = { sessionId: 'shares-vault-1', result: 'failed', startedAtMs: ago(2) } as const;

it.each([
  [
    'a target that only one copy of a file-backup job uses, by either id',
    at(repositories(away)),
    ...(['REPOSITORY_AWAY', ['shares', 'shares-vault']] as const),
  ],
  [
    'a session of such a copy that failed, by either id',
    at({ jobs: [nightly(), { ...VAULT, fault: failed }] }),
    ...(['JOB_FAILED', ['shares', 'shares-vault']] as const),
  ],
  [
    'the source of two such copies, by the file-backup job alone',
    at({
      jobs: [nightly(), VAULT, OTHER_VAULT],
      repositories: [
        ...repositories({}).repositories.filter(({ id }) => id !== 'shares'),
        repository('shares', [], away),
        repository('cloud', []),
      ],
    }),
    ...(['REPOSITORY_AWAY', ['shares']] as const),
  ],
  [
    'a target that another job uses as well, by neither',
    at({
      ...repositories(away),
      jobs: [nightly({ job: testJob({ target: { repositoryId: 'vault' } }) }), VAULT],
    }),
    ...(['REPOSITORY_AWAY', []] as const),
  ],
])('a silence hides %s', (_what, known, code: SafetyCode, expected) => {
  const problem = safetyOf(known, NOW_MS).problems.find((each) => each.code === code)!;
  const hides = (jobId: string) => {
    const words = { id: 'a1', code: null, reason: 'moved', createdBy: 'anna' };
    const times = { createdAt: '2026-11-26T00:00:00Z', until: '2026-11-26T04:00:00Z' };
    return isSilenced([{ ...words, ...times, jobId }], problem);
  };
  const ids = ['nightly', 'shares', 'shares-cloud', 'shares-vault'];
  expect(ids.filter(hides)).toEqual(expected);
});
