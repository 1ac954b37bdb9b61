import { describe, expect, it } from 'vitest';
import type { MaintenanceSchedule } from '../../../../src/domain/schedules/job-schedule.js';
import { maintenanceDue } from '../../../../src/domain/schedules/maintenance-window.js';

const weekly: MaintenanceSchedule = {
  every: 'week',
  day: 'sunday',
  time: '05:00',
  timeZone: 'UTC',
};
const monthly: MaintenanceSchedule = { ...weekly, every: 'month', timeZone: 'Europe/Berlin' };

describe('maintenance', () => {
  // 22 November 2026 is a Sunday; the last ones of the months are 25 October and 29 November; Berlin is on +1 from 25 October on.
  it.each([
    ['the weekly time has passed', weekly, '2026-11-21T00:00Z', '2026-11-22T05:00Z', true],
    ['the weekly time is to come', weekly, '2026-11-21T00:00Z', '2026-11-22T04:59Z', false],
    ['it was done after the weekly time', weekly, '2026-11-22T05:00Z', '2026-11-28T23:00Z', false],
    ['several weeks were missed', weekly, '2026-10-01T00:00Z', '2026-11-24T00:00Z', true],
    [
      'the last Sunday of the month has come',
      monthly,
      '2026-11-01T00:00Z',
      '2026-11-29T04:00Z',
      true,
    ],
    ['it is the last but one Sunday', monthly, '2026-10-25T04:00Z', '2026-11-22T12:00Z', false],
    ['the hour has not come in the zone', monthly, '2026-11-01T00:00Z', '2026-11-29T03:59Z', false],
    ['last month was missed', monthly, '2026-10-25T03:59Z', '2026-11-02T00:00Z', true],
    ['last month was done on time', monthly, '2026-10-25T04:00Z', '2026-11-02T00:00Z', false],
    [
      'the last month of the year is looked at in January',
      monthly,
      '2026-12-27T03:59Z',
      '2027-01-01T00:00Z',
      true,
    ],
  ] as const)('when %s', (_, schedule, done, now, due) => {
    expect(maintenanceDue(schedule, Date.parse(done), Date.parse(now))).toBe(due);
  });

  it('is due at once when it was never done', () => {
    expect(maintenanceDue(weekly, null, Date.parse('2026-11-24T00:00Z'))).toBe(true);
  });

  it('is due once, when clocks skip its time', () => {
    const skipped = { ...weekly, time: '02:30', timeZone: 'Europe/Berlin' };
    const before = Date.parse('2027-03-27T12:00Z');
    // 02:30 is not shown; a Schedule starts at 03:00 then (clock-change.test.ts).
    expect(maintenanceDue(skipped, before, Date.parse('2027-03-28T00:59Z'))).toBe(false);
    expect(maintenanceDue(skipped, before, Date.parse('2027-03-28T01:00Z'))).toBe(true);
    expect(
      maintenanceDue(skipped, Date.parse('2027-03-28T01:00Z'), Date.parse('2027-04-03T00:00Z')),
    ).toBe(false);
  });
});
