import { describe, expect, it } from 'vitest';
import {
  isExpired,
  refusalOf,
  type Caller,
  type Subject,
} from '../../../../src/domain/access/access.js';

const anna: Caller = {
  name: 'anna',
  role: 'operator',
  scope: null,
  subject: null,
  expiresAt: null,
};
const bound: Caller = {
  ...anna,
  role: 'administrator',
  scope: { jobs: ['nightly'], repositories: ['offsite'] },
};

describe('a token that is bound to a job and a repository', () => {
  it.each<[Subject, string, boolean]>([
    ['job', 'nightly', true],
    ['job', 'weekly', false],
    ['session', 'nightly-20261124T220000Z', true],
    ['session', 'nightly-2-20261124T220000Z', false],
    ['session', 'nightly', true],
    ['repository', 'offsite', true],
    ['repository', 'primary', false],
    ['operation', 'verify.offsite.all', true],
    ['operation', 'verify.primary.offsite', false],
    ['operation', 'detach.primary.nightly:web01', true],
    ['operation', 'map.primary.nightly:web.01', true],
    ['operation', 'map.primary.weekly:nightly', false],
    ['operation', 'restore.primary.nightly:web01:p1', false],
    ['site', '', false],
    ['nothing', '', true],
  ])('may see %s %j: %s', (subject, subjectId, isAllowed) => {
    const refusal = refusalOf(bound, { needs: 'view', subject, subjectId });
    expect(refusal === null).toBe(isAllowed);
    if (!isAllowed)
      expect(refusal).toBe('the token of anna is for job nightly, repository offsite alone');
  });
});

it('is refused with the roles that would do', () => {
  const wish = { needs: 'restore', subject: 'repository', subjectId: 'offsite' } as const;
  expect(refusalOf(anna, wish)).toBe('anna is operator; this needs restorer or administrator');
});

it.each([
  [null, false],
  ['2026-11-26T12:00:00Z', true],
  ['2026-11-26T12:00:00.001Z', false],
])('a token that ends at %s is over at noon: %s', (expiresAt, expected) => {
  expect(isExpired({ expiresAt }, Date.parse('2026-11-26T12:00:00Z'))).toBe(expected);
});
