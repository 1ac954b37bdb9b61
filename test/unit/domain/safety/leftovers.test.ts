import { describe, expect, it } from 'vitest';
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

/** Of a job that was deleted. */
const DELETED = { jobId: 'deleted', idAsSource: 'deleted:id-web10' };
const UNREADABLE = { path: 'nightly/db07/chain.json', code: 'RECORD_DAMAGED', reason: 'no JSON' };

describe('copies that belong to no job', () => {
  it('are told where nothing else is left, as on a new server after a disaster', () => {
    const known = facts([], [chain('web10', 48), chain('db07', 48)], { jobs: [] });
    const { verdict, problems } = safetyOf(known, NOW_MS);
    expect(verdict).toMatchObject({
      state: 'unknown',
      sentence:
        'no workload is known that is to be copied; 6 restore points of 2 workloads belong to no job; nothing is damaged; oldest check 6 days',
    });
    expect(problems).toEqual([]);
  });

  it('are damaged for good, and it is not safe, whether or not another job copies the workload', () => {
    const left = chain('web10', 48, { ...DELETED, damagedCount: 2, neverVerifiedCount: 1 });
    const known = facts([source('web10', 12)], [chain('web10', 12), left]);
    const { verdict, problems } = safetyOf(known, NOW_MS);
    expect(verdict.state).toBe('unsafe');
    expect(verdict.sentence).toBe(
      '1 of 1 workload has a copy younger than 26 h; 2 restore points of web10 are damaged; 1 restore point was never checked',
    );
    expect(problems.map(({ code, severity, text }) => [code, severity, text])).toEqual([
      [
        'LEFTOVER_DAMAGED',
        'error',
        'restore points of web10 in offsite that belong to no job are damaged: what cannot be healed is lost',
      ],
      [
        'COPY_NOT_VERIFIED',
        'warning',
        'restore points of web10 in offsite that belong to no job were not verified',
      ],
    ]);
    expect(problems[0]?.nextStep).not.toContain('copied anew');
  });

  it.each([
    ['of this job', 'a', 'a', 'safe', null],
    ['of a time without origins', null, undefined, 'safe', null],
    ['whose definition cannot be read', undefined, 'a', 'safe', null],
    ['of another service', 'b', 'a', 'unknown', 'COPY_MISSING'],
    ['of before, and the job is new', null, 'a', 'unknown', 'COPY_MISSING'],
  ] as const)('are none of a job of their id: those %s', (_, jobOrigin, origin, state, code) => {
    const found = chain('web10', 12, jobOrigin === undefined ? {} : { jobOrigin });
    const job = { ...testJob({ rpo: RPO }), ...(origin === undefined ? {} : { origin }) };
    const known = facts([source('web10', 12)], [found], { jobs: [nightly({ job })] });
    const { verdict, problems, workloads } = safetyOf(known, NOW_MS);
    expect(verdict.state).toBe(state);
    expect(problems.map((problem) => problem.code)).toEqual(code === null ? [] : [code]);
    expect(workloads[0]!.leftovers).toHaveLength(code === null ? 0 : 1);
  });

  it('do not hide in a workload that no source shows and no job keeps', () => {
    const left = chain('web10', 48, { ...DELETED, damagedCount: 1 });
    const known = facts([source('db07', 12)], [chain('db07', 12), left]);
    const { verdict } = safetyOf(known, NOW_MS);
    expect(verdict.state).toBe('unsafe');
    expect(verdict.sentence).toContain('a restore point of web10 is damaged');
  });
});

it.each([
  ['a part of it cannot be read', { unreadable: [UNREADABLE] }],
  ['it is away', { awaySinceMs: ago(1), reason: 'no answer' }],
  ['it has never been seen', { seenAtMs: null }],
] as const)('does not call a target free of damage when %s', (_case, changes) => {
  const known = facts([source('web10', 12)], []);
  const offsite = repository('offsite', [chain('web10', 12)], changes as object);
  const { verdict } = safetyOf(
    { ...known, repositories: [known.repositories[0]!, offsite] },
    NOW_MS,
  );
  expect(verdict.clauses.find(({ about }) => about === 'damage')).toEqual({
    about: 'damage',
    state: 'unknown',
    text: 'nothing is damaged in what was seen',
  });
});
