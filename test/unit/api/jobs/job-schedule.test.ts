import { expect, it } from 'vitest';
import { scheduleBodyOf } from '../../../../src/api/jobs/job-schedule.js';
import { testJob } from '../../../support/session/test-site.js';

// A year is the longest catch-up window that Temporal takes; `skip` leaves what a restart of the service may take (docs/OPERATIONS.md, missed starts).
it.each([
  ['run', '365d'],
  ['skip', '1h'],
] as const)(
  'a start that was missed is made up for as a job says that says %s',
  (missedStarts, catchupWindow) => {
    const { policies } = scheduleBodyOf(testJob({ missedStarts }), 0);
    expect(policies).toEqual({ overlap: 'SKIP', catchupWindow });
  },
);

it('starts the watchers of many jobs at other times, each within five minutes', () => {
  const offsets = Array.from({ length: 60 }, (_, number) => {
    const { spec } = scheduleBodyOf(testJob({ id: `job-${number}`, mode: 'immediate' }), 0);
    const [interval] = spec.intervals ?? [];
    expect(interval).toMatchObject({ every: 300_000 });
    return Number(interval?.offset);
  });
  expect(new Set(offsets).size).toBeGreaterThan(45);
  expect(Math.max(...offsets)).toBeLessThan(300_000);
  expect(Math.min(...offsets)).toBeGreaterThanOrEqual(0);
});
