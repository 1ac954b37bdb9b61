import { describe, expect, it } from 'vitest';
import { seesAll } from '../../../../src/domain/notices/alert-ledger.js';
import type { RepositoryFacts } from '../../../../src/domain/safety/protection.js';
import { safetyOf } from '../../../../src/domain/safety/safety.js';
import {
  ago,
  chain,
  facts,
  nightly,
  NOW_MS,
  repository,
  RPO,
  source,
} from '../../../support/safety/known-facts.js';
import { testJob } from '../../../support/session/test-site.js';

describe('problems', () => {
  it('say of a target that is away since the start that it is, and not that its copies are missing', () => {
    const known = facts([source('web10', 30), source('db07', 30)], []);
    const away = repository('offsite', [], {
      ...{
        seenAtMs: null,
        awaySinceMs: ago(1),
        code: 'REPOSITORY_UNREACHABLE',
        reason: 'no answer',
      },
    });
    const repositories = [known.repositories[0]!, away];
    const { problems, workloads, verdict } = safetyOf({ ...known, repositories }, NOW_MS);
    expect(workloads.map(({ name, state }) => [name, state])).toEqual([
      ['db07', 'unknown'],
      ['web10', 'unknown'],
    ]);
    expect(problems).toMatchObject([
      { code: 'REPOSITORY_AWAY', workloads: [{ name: 'db07' }, { name: 'web10' }] },
    ]);
    expect(verdict.sentence).toBe(
      '0 of 2 workloads have a copy younger than 26 h; of db07 and web10 it is not known; offsite has not been reached for 60 min',
    );
  });

  it('say of a target that nobody has looked at yet that it is not known, and end nothing', () => {
    const known = facts([source('web10', 30)], []);
    const unseen = repository('offsite', [], { seenAtMs: null });
    const repositories = [known.repositories[0]!, unseen];
    const { problems, verdict } = safetyOf({ ...known, repositories }, NOW_MS);
    expect(problems).toMatchObject([
      { code: 'NOT_LOOKED_AT', severity: 'unknown', workloads: [{ name: 'web10' }] },
    ]);
    expect(verdict.state).toBe('unknown');
    expect(seesAll(problems)).toBe(false);
  });

  it('say of a site whose first looks have not ended that they have not, and not that it has no workloads', () => {
    const known = facts([], [], { jobs: [] });
    const looking = { seenAtMs: null, firstLookSinceMs: NOW_MS - 8_000 };
    const repositories = [repository('primary', [], looking), known.repositories[1]!];
    const { problems, verdict } = safetyOf({ ...known, repositories }, NOW_MS);
    expect(problems).toMatchObject([
      { code: 'NOT_LOOKED_AT', sinceMs: NOW_MS - 8_000, text: 'primary is still being looked at' },
    ]);
    expect(verdict).toMatchObject({
      state: 'unknown',
      sentence: 'no workload is known yet; primary is still being looked at',
      sinceMs: NOW_MS - 8_000,
    });
  });

  it('say of damaged copies of a job that could not be read that they are damaged, not that they belong to no job', () => {
    const damaged = chain('web10', 12, { damagedCount: 1 });
    const codes = (unreadJobs: { id: string; reason: string }[]) =>
      safetyOf(facts([], [damaged], { jobs: [], unreadJobs }), NOW_MS).problems.map(
        ({ code }) => code,
      );
    expect(codes([{ id: 'nightly', reason: 'no answer' }])).toEqual(['COPY_DAMAGED', 'JOB_UNREAD']);
    expect(codes([{ id: 'weekly', reason: 'no answer' }])).toContain('LEFTOVER_DAMAGED');
    expect(codes([])).toEqual(['LEFTOVER_DAMAGED']);
  });

  it('leave open whether copies are damaged that nobody has seen', () => {
    const second = testJob({ id: 'second', rpo: RPO, target: { repositoryId: 'vault' } });
    const known = facts([source('web10', 12)], [chain('web10', 12)], {
      jobs: [nightly(), nightly({ job: second })],
    });
    const clauses = (vault: RepositoryFacts) =>
      safetyOf({ ...known, repositories: [...known.repositories, vault] }, NOW_MS).verdict.clauses;
    expect(clauses(repository('vault', [], { seenAtMs: null }))).toContainEqual({
      ...{ about: 'damage', state: 'unknown', text: 'nothing is damaged in what was seen' },
    });
    const copied = chain('web10', 12, { jobId: 'second', idAsSource: 'second:id-web10' });
    expect(clauses(repository('vault', [copied]))).toContainEqual({
      ...{ about: 'damage', state: 'good', text: 'nothing is damaged' },
    });
  });

  it.each([
    ['source', 'primary', 1, [chain('web10', 12)]],
    ['target', 'offsite', 0, [source('web10', 12)]],
  ] as const)('tell of a %s that a job names and nobody has configured', (_, id, at, workloads) => {
    const known = facts([], []);
    const repositories = [repository(known.repositories[at]!.id, workloads)];
    const { problems, verdict } = safetyOf({ ...known, repositories }, NOW_MS);
    expect(problems).toMatchObject([
      {
        code: 'REPOSITORY_MISSING',
        severity: 'error',
        repositoryId: id,
        text: `no repository ${id} is configured, and job Nightly off-site names it`,
      },
    ]);
    expect(verdict.sentence).toContain(`no repository ${id} is configured`);
    expect(seesAll(problems)).toBe(false);
  });

  it.each([
    ['the definition of a job', { unreadJobs: [{ id: 'weekly', reason: 'no answer' }] }],
    [
      'the list of jobs',
      { unreadLists: [{ path: 'jobs', code: 'TEMPORAL_UNREACHABLE', reason: 'no answer' }] },
    ],
  ] as const)('call no workload without a job while %s cannot be read', (_, changes) => {
    const known = facts([source('web10', 12)], [], { jobs: [], ...changes });
    const { problems, workloads } = safetyOf(known, NOW_MS);
    expect(workloads).toMatchObject([{ name: 'web10', state: 'unknown' }]);
    expect(problems.map(({ code }) => code)).toEqual(['JOB_UNREAD']);
    const { problems: all } = safetyOf(facts([source('web10', 12)], [], { jobs: [] }), NOW_MS);
    expect(all.map(({ code }) => code)).toEqual(['WORKLOAD_IN_NO_JOB']);
  });
});
