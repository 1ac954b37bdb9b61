import { describe, expect, it } from 'vitest';
import type { GfsPolicy, RetentionPolicy } from '../../../../src/domain/jobs/copy-job.js';
import { keptUntil, type KeptUntilInput } from '../../../../src/domain/retention/kept-until.js';
import { planRetention } from '../../../../src/domain/retention/retention.js';
import { daily, targetChain } from './chain-builder.js';

const DAY_MS = 86_400_000;
const days = (value: number): RetentionPolicy => ({ type: 'days', value });

function ends(input: Partial<KeptUntilInput> & Pick<KeptUntilInput, 'points'>) {
  const whole = { policy: days(3), gfs: null, timeZone: 'UTC', immutableForDays: 0, ...input };
  return [...keptUntil(whole).values()].map((ms) =>
    ms === null ? null : new Date(ms).toISOString().slice(0, 16),
  );
}

describe('until when a restore point stays', () => {
  // Points of 22:00 on the 1st and the 2nd; three days besides that of the run: the 1st goes on the 5th.
  it('is the first day that is too far from it, in the zone of the job', () => {
    const points = targetChain(daily('2026-11-01', 2));
    expect(ends({ points })).toEqual(['2026-11-05T00:00', '2026-11-06T00:00']);
    // 22:00 UTC is 23:00 in Berlin, and its midnight 23:00 UTC.
    expect(ends({ points, timeZone: 'Europe/Berlin' })).toEqual([
      ...['2026-11-04T23:00', '2026-11-05T23:00'],
    ]);
  });

  it('is decided by no calendar for the newest of a number, nor for a corrupt one', () => {
    const points = targetChain(daily('2026-11-01', 3));
    const policy = { type: 'restorePoints', value: 2 } as const;
    expect(ends({ points, policy })).toEqual(['2026-11-01T22:00', null, null]);
    const corrupt = points.map((point) => ({ ...point, health: 'corrupt' as const }));
    expect(ends({ points: corrupt })).toEqual([null, null, null]);
  });

  it('is the end of its last flag, its days and its immutability, whichever is last', () => {
    const [full] = targetChain(['2026-11-01'], { flags: ['weekly', 'monthly'] });
    const gfs: GfsPolicy = {
      weekly: { keep: 4, day: 'sunday' },
      monthly: { keep: 2, week: 'first' },
      yearly: null,
      fullMethod: 'synthetic',
    };
    const points = [full!];
    // Two months from 1 November, and one day.
    expect(ends({ points, gfs })).toEqual(['2027-01-02T00:00']);
    expect(ends({ points, gfs: { ...gfs, monthly: null } })).toEqual(['2026-11-29T00:00']);
    expect(ends({ points, immutableForDays: 100, gfs })).toEqual(['2027-02-09T22:00']);
  });

  it('is for a full of a tier that is off the end of its flag, and holds up no increment of another chain', () => {
    const full = targetChain(['2026-11-01'], { flags: ['weekly'] });
    const points = [...full, ...targetChain(daily('2026-11-08', 2))];
    const endedGfs = { weekly: 4, monthly: null, yearly: null };
    expect(ends({ points, gfs: null, endedGfs })).toEqual([
      '2026-11-29T00:00',
      ...['2026-11-12T00:00', '2026-11-13T00:00'],
    ]);
  });

  it('is with GFS that of all increments of its chain, and of the full no earlier', () => {
    const gfs: GfsPolicy = {
      weekly: { keep: 1, day: 'sunday' },
      monthly: null,
      yearly: null,
      fullMethod: 'synthetic',
    };
    const points = targetChain(daily('2026-11-01', 3));
    expect(ends({ points, gfs })).toEqual(Array<string>(3).fill('2026-11-07T00:00'));
  });

  it.each([1, 3, 10])(
    'agrees with what retention of %i days does on the days around it',
    (value) => {
      const first = targetChain(daily('2026-11-01', 1))[0]!;
      const end = keptUntil({
        ...{ points: targetChain(daily('2026-11-01', 30)), policy: days(value), gfs: null },
        ...{ timeZone: 'UTC', immutableForDays: 0 },
      }).get(first.id)!;
      const isKept = (nowMs: number) => {
        const count = Math.floor((nowMs - Date.parse('2026-11-01T22:00:00Z')) / DAY_MS) + 1;
        const { keep } = planRetention({
          ...{ points: targetChain(daily('2026-11-01', count)), policy: days(value), gfs: null },
          ...{ timeZone: 'UTC', nowMs, immutableForDays: 0, leasedPointIds: [] },
          ...{ unreadable: false, mergeAllowed: true },
        });
        return keep.some(({ id }) => id === first.id);
      };
      // A policy of days never leaves less than three.
      const dueMs = Math.max(end, Date.parse('2026-11-04T22:00:00Z'));
      expect(isKept(end - 1)).toBe(true);
      expect(isKept(dueMs)).toBe(false);
    },
  );
});
