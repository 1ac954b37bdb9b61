import { expect, it } from 'vitest';
import type { JobFacts } from '../../../../src/domain/safety/safety-facts.js';
import { safetyOf } from '../../../../src/domain/safety/safety.js';
import type { RepositoryFacts } from '../../../../src/domain/safety/protection.js';
import {
  chain,
  facts,
  nightly,
  NOW_MS,
  repository,
  RPO,
  source,
} from '../../../support/safety/known-facts.js';
import { testJob } from '../../../support/session/test-site.js';

/** Now is Thursday, 26 November 2026, 12:00 UTC. */
const WEEKLY = { every: 'week', day: 'saturday', time: '06:00', timeZone: 'UTC' } as const;

interface Changes {
  readonly healthCheck?: typeof WEEKLY | null;
  readonly job?: Partial<JobFacts>;
  readonly target?: Partial<RepositoryFacts>;
  readonly nowMs?: number;
}

function safety(readAt: string | null, changes: Changes = {}) {
  const { healthCheck = WEEKLY, job, target, nowMs = NOW_MS } = changes;
  const checked = chain('web10', 12, { leastReadAt: readAt, oldestVerifiedAt: readAt });
  const repositories = [
    repository('primary', [source('web10', 12)]),
    repository('offsite', [checked], target),
  ];
  const jobs = [nightly({ job: testJob({ rpo: RPO, healthCheck }), ...job })];
  return safetyOf(facts([], [], { repositories, jobs }), nowMs);
}

const isLate = (...known: Parameters<typeof safety>) =>
  safety(...known).problems.some(({ code }) => code === 'HEALTH_CHECK_LATE');

it('tells of a health check that was due on Saturday and has not read everything by Thursday', () => {
  const { problems, verdict } = safety('2026-11-15T08:00:00Z');
  expect(problems).toMatchObject([
    {
      ...{ code: 'HEALTH_CHECK_LATE', severity: 'warning', jobId: 'nightly' },
      sinceMs: Date.parse('2026-11-21T06:00:00Z'),
      text: 'the health check of job Nightly off-site that was due at 2026-11-21 06:00 UTC has not read all restore points of web10',
      workloads: [{ name: 'web10' }],
    },
  ]);
  expect(verdict.state).toBe('safe');
  expect(verdict.clauses.at(-1)).toEqual({
    ...{ about: 'verification', state: 'bad' },
    text: 'oldest check 11 days, and a health check is overdue',
  });
});

it('is content with a check that began when it was due, and with copies that came after it', () => {
  expect(isLate('2026-11-21T06:00:00Z')).toBe(false);
  expect(isLate('2026-11-21T05:59:59Z')).toBe(true);
  expect(safety('2026-11-21T07:00:00Z').verdict.clauses.at(-1)).toMatchObject({ state: 'good' });
});

it('gives a check two days, in which the one before counts', () => {
  const sunday = Date.parse('2026-11-22T12:00:00Z');
  expect(isLate('2026-11-14T07:00:00Z', { nowMs: sunday })).toBe(false);
  expect(isLate('2026-11-13T07:00:00Z', { nowMs: sunday })).toBe(true);
  const due = Date.parse('2026-11-23T06:00:00Z');
  expect(isLate('2026-11-14T07:00:00Z', { nowMs: due - 1 })).toBe(false);
  expect(isLate('2026-11-14T07:00:00Z', { nowMs: due })).toBe(true);
});

const OLD = '2026-11-01T00:00:00Z';
it.each([
  ['the job asks for none', { healthCheck: null }],
  ['the job is disabled', { job: { state: 'disabled' } }],
  ['nothing of what is kept is sound', {}, null],
  ['the target is away', { target: { awaySinceMs: NOW_MS - 1 } }],
  [
    'it was asked for, or the job enabled, after that time',
    { job: { standsSinceMs: Date.parse('2026-11-21T06:00:01Z') } },
  ],
] as const)('misses no check when %s', (_, changes, readAt?: string | null) => {
  expect(isLate(readAt === null ? null : OLD, changes)).toBe(false);
  expect(isLate(OLD, { job: { standsSinceMs: NOW_MS - 10 * 86_400_000 } })).toBe(true);
});
