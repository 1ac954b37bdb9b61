import { isMainThread } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { jobDefinitionSchema } from '../../../../src/api/jobs/job-schemas.js';
import { serverTimeZone, withTimeZones } from '../../../../src/api/jobs/job-time-zone.js';

const REQUEST = {
  name: 'Nightly',
  mode: 'periodic',
  sources: { include: [{ repositoryId: 'primary' }] },
  target: { repositoryId: 'offsite' },
};

function zonesOf(changes: object) {
  const request = jobDefinitionSchema.parse({ ...REQUEST, ...changes });
  const { timeZone, schedule, allowedHours, healthCheck, compact } = withTimeZones(
    request,
    'Asia/Tokyo',
  );
  const ofSchedule = 'timeZone' in schedule ? schedule.timeZone : null;
  const zones = [timeZone, ofSchedule, healthCheck?.timeZone ?? null, compact?.timeZone ?? null];
  return allowedHours === null ? zones : [...zones, allowedHours.timeZone];
}

describe('the time zones of a job', () => {
  const daily = { type: 'daily', time: '22:00' };
  const inBerlin = { ...daily, timeZone: 'Europe/Berlin' };
  it.each([
    ['an immediate job, the server', { mode: 'immediate' }, ['Asia/Tokyo', null, null, null]],
    ['a daily job, the server', { schedule: daily }, ['Asia/Tokyo', 'Asia/Tokyo', null, null]],
    [
      'the schedule',
      { schedule: inBerlin, healthCheck: {}, compact: {} },
      ['Europe/Berlin', 'Europe/Berlin', 'Europe/Berlin', 'Europe/Berlin'],
    ],
    ['the job', { timeZone: 'UTC', schedule: daily, healthCheck: {} }, ['UTC', 'UTC', 'UTC', null]],
    [
      'the job, for its hours too',
      {
        timeZone: 'UTC',
        allowedHours: { spans: [{ days: ['monday'], from: '20:00', to: '06:00' }] },
      },
      ['UTC', null, null, null, 'UTC'],
    ],
    [
      'each its own',
      { timeZone: 'UTC', schedule: inBerlin, healthCheck: { timeZone: 'Asia/Tokyo' } },
      ['UTC', 'Europe/Berlin', 'Asia/Tokyo', null],
    ],
  ])('are those of %s', (_, changes, expected) => {
    expect(zonesOf(changes)).toEqual(expected);
  });

  // `npm run mutate` runs tests in threads, whose variables are not those of the process.
  it.skipIf(!isMainThread)('come from the variable TZ of the server process', () => {
    const before = process.env.TZ;
    process.env.TZ = 'America/Lima';
    try {
      expect(serverTimeZone()).toBe('America/Lima');
    } finally {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    }
  });
});
