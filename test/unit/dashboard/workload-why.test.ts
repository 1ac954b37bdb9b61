import { expect, it } from 'vitest';
import type { WorkloadView } from '../../../src/api/safety/overview-schemas.js';
import { whyOf } from '../../../src/dashboard/pages/workloads/workload-why.js';

function late(...copies: [repositoryId: string, ...reasons: string[]][]): WorkloadView {
  return {
    ...{ state: 'late', sourceProblem: null, leftovers: [] },
    copies: copies.map(([repositoryId, ...reasons]) => ({
      repositoryId,
      reasons: reasons.map((text) => ({ text })),
    })),
  } as unknown as WorkloadView;
}

it('says where, when only one of several targets lacks something', () => {
  expect(whyOf(late(['offsite'], ['vault', 'it has no copy']))).toBe('in vault: it has no copy');
});

it('says of each target what is wrong there', () => {
  const workload = late(['offsite', 'it is 9 h late'], ['vault', 'it has no copy', 'it is away']);
  expect(whyOf(workload)).toBe(
    'in offsite: it is 9 h late; in vault: it has no copy and it is away',
  );
});

it('says once what is wrong in all of them, and nothing where all is well', () => {
  expect(whyOf(late(['offsite', 'it has no copy']))).toBe('it has no copy');
  expect(whyOf(late(['offsite', 'it is late'], ['vault', 'it is late']))).toBe('it is late');
  expect(whyOf(late(['offsite'], ['vault']))).toBeNull();
});

it('says of copies without a job that they belong to none', () => {
  const kept = { ...late(), state: 'unwatched', leftovers: [{}] } as unknown as WorkloadView;
  expect(whyOf(kept)).toMatch(/no job keeps it; its copies belong to no job$/);
});

it('does not call one well of which no job is known', () => {
  expect(whyOf({ ...late(), state: 'unknown' })).toBe(
    'No job that could be read copies it, and not every job could be read',
  );
});
