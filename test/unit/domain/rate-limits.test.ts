import { describe, expect, it } from 'vitest';
import { limitFaults, NO_LIMIT, rateAt, type RateLimit } from '../../../src/domain/rate-limits.js';

const MIB = 1024 * 1024;
const span = (from: string, to: string, read: number | null, write: number | null) => ({
  days: ['monday', 'tuesday'] as const,
  from,
  to,
  readBytesPerSecond: read,
  writeBytesPerSecond: write,
});
const limit: RateLimit = {
  readBytesPerSecond: null,
  writeBytesPerSecond: 100 * MIB,
  hours: [
    span('08:00', '18:00', 5 * MIB, 10 * MIB),
    span('12:00', '13:00', 20 * MIB, 2 * MIB),
    span('22:00', '23:00', null, null),
  ],
};

describe('the rate of a moment', () => {
  // Monday, 23 November 2026; Berlin is one hour ahead of UTC.
  it.each([
    ['the constant one outside the hours', '2026-11-23T05:00Z', null, 100],
    ['that of the hours', '2026-11-23T07:00Z', 5, 10],
    ['the lowest of several hours', '2026-11-23T11:30Z', 5, 2],
    ['none where the hours have none', '2026-11-23T21:30Z', null, null],
    ['the constant one on another day', '2026-11-25T11:30Z', null, 100],
  ])('is %s', (_, now, read, write) => {
    expect(rateAt(limit, 'Europe/Berlin', Date.parse(now))).toEqual({
      readBytesPerSecond: read === null ? null : read * MIB,
      writeBytesPerSecond: write === null ? null : write * MIB,
    });
  });
});

it('names everything that is wrong with limits', () => {
  const days = ['monday', 'monday'] as const;
  const hours = [{ ...span('08:00', '18:00', MIB, null), days }];
  const faults = limitFaults(
    {
      timeZone: 'Mars',
      service: { ...NO_LIMIT, hours },
      repositories: [
        { repositoryId: 'offsite', ...NO_LIMIT },
        { repositoryId: 'offsite', ...NO_LIMIT },
        { repositoryId: 'nowhere', ...NO_LIMIT },
        { repositoryId: 'gone', ...NO_LIMIT },
      ],
    },
    ['offsite'],
    { repositories: [{ repositoryId: 'gone', ...NO_LIMIT }] },
  );
  expect(faults).toEqual([
    { path: 'service.hours.0.days', message: 'a day of the week is named twice' },
    { path: 'timeZone', message: 'Mars is not a known time zone' },
    { path: 'repositories.1.repositoryId', message: 'offsite is named twice' },
    { path: 'repositories.2.repositoryId', message: 'no repository nowhere is configured' },
  ]);
});
