import fc from '../../../support/properties.js';
import { describe, expect, it } from 'vitest';
import {
  doubtOfDate,
  withBelievedCopies,
  withBelievedDates,
} from '../../../../src/domain/sources/believed-dates.js';
import { gfsFullNeeded } from '../../../../src/domain/retention/gfs.js';
import type { TargetRestorePoint } from '../../../../src/domain/targets/target-point.js';
import { daily, targetChain } from '../retention/chain-builder.js';
import { days, newest, plan, WEEKLY } from '../retention/retention-plans.js';
import { DAY_MS, drawnChain, EPOCH, FUTURE, november } from './dated-chains.js';

const believedDays = (points: TargetRestorePoint[]): string[] =>
  withBelievedDates(points).map(({ createdAt }) => createdAt.slice(0, 13));

describe('the date that is believed of a restore point', () => {
  it.each<[string, TargetRestorePoint[], string[]]>([
    [
      'is its own in a chain in order',
      november(3, {}),
      ['2026-11-01T22', '2026-11-02T22', '2026-11-03T22'],
    ],
    [
      'is when it was copied for one from the future',
      november(3, { 2: { createdAt: FUTURE } }),
      ['2026-11-01T22', '2026-11-02T23', '2026-11-03T22'],
    ],
    [
      'is when it was copied for one from 1970',
      november(3, { 2: { createdAt: EPOCH } }),
      ['2026-11-01T22', '2026-11-02T23', '2026-11-03T22'],
    ],
    [
      'is when it was copied for a first one from 1970',
      november(2, { 1: { createdAt: EPOCH } }),
      ['2026-11-01T23', '2026-11-02T22'],
    ],
    [
      'is when each was copied while a clock stays in 2010',
      november(4, {
        2: { createdAt: '2010-01-01T00:00:00Z' },
        3: { createdAt: '2010-01-02T00:00:00Z' },
      }),
      ['2026-11-01T22', '2026-11-02T23', '2026-11-03T23', '2026-11-04T22'],
    ],
    [
      'is that of the point below when local time repeats an hour',
      november(2, { 2: { createdAt: '2026-11-01T21:30:00Z' } }),
      ['2026-11-01T22', '2026-11-01T22'],
    ],
    [
      'is its own where the copying machine thought that it was 2020',
      november(4, {
        2: { copiedAt: '2020-01-01T00:00:00Z' },
        3: { copiedAt: '2020-01-01T00:10:00Z' },
      }),
      ['2026-11-01T22', '2026-11-02T22', '2026-11-03T22', '2026-11-04T22'],
    ],
    [
      'is that of the point below where both clocks were wrong',
      november(3, { 2: { createdAt: FUTURE, copiedAt: '2020-01-01T00:00:00Z' } }),
      ['2026-11-01T22', '2026-11-01T22', '2026-11-03T22'],
    ],
  ])('%s', (_, points, expected) => {
    expect(believedDays(points)).toEqual(expected);
  });

  it('is told when it is days from its own', () => {
    const points = november(3, { 2: { createdAt: FUTURE } });
    const [, believed] = withBelievedDates(points);
    expect(doubtOfDate(points[1]!, believed!)).toBe(
      'its date 2036-11-05 22:00 UTC does not fit its place in the chain: its age counts from 2026-11-02 23:00 UTC',
    );
  });
});

describe('a chain with a point dated ten years ahead', () => {
  const nowMs = Date.parse('2026-11-20T23:30:00Z');
  const points = november(20, { 8: { createdAt: FUTURE } });
  const merged = (result: ReturnType<typeof plan>): string[] =>
    result.actions.flatMap((action) => (action.type === 'merge' ? [action.fullId] : []));

  it('keeps as many points or days as without it', () => {
    expect(merged(plan(points, { ...newest(5), nowMs }))).toEqual(
      points.slice(0, 15).map(({ id }) => id),
    );
    expect(merged(plan(points, { ...days(5), nowMs }))).toEqual(
      points.slice(0, 14).map(({ id }) => id),
    );
  });

  it('says of that point from when its age counts, as long as it is kept for it', () => {
    const result = plan(points, { ...days(12), nowMs });
    expect(result.keep[0]).toEqual({
      id: points[7]!.id,
      reasons: [
        'not older than 12 days',
        'its date 2036-11-05 22:00 UTC does not fit its place in the chain: its age counts from 2026-11-08 23:00 UTC',
      ],
    });
    expect(result.warnings).toEqual([]);
  });

  it('gets the GFS flag of the week in which that point was copied, and no other', () => {
    // 8 and 15 November 2026 are Sundays.
    const flagged = points.map((point, index) =>
      index === 0 ? { ...point, flags: ['weekly' as const] } : point,
    );
    const fulls = gfsFullNeeded({
      gfs: WEEKLY,
      mode: 'periodic',
      timeZone: 'UTC',
      points: withBelievedDates(flagged),
      nowMs,
    });
    expect(fulls.map(({ restorePointId, reason }) => [restorePointId, reason])).toEqual([
      [points[7]!.id, 'weekly full of 2026-11-08'],
      [points[14]!.id, 'weekly full of 2026-11-15'],
    ]);
  });
});

describe('a point that was copied in 2036', () => {
  const nowMs = Date.parse('2026-11-20T23:30:00Z');
  const ahead = { copiedAt: FUTURE };
  const copied = (points: TargetRestorePoint[]) =>
    withBelievedCopies(points, nowMs).map(({ copiedAt }) => copiedAt.slice(0, 10));

  it.each<[string, TargetRestorePoint[], string[]]>([
    [
      'counts as copied with the next later one',
      november(5, { 2: ahead, 3: ahead }),
      ['2026-11-01', '2026-11-04', '2026-11-04', '2026-11-04', '2026-11-05'],
    ],
    [
      'does not count as copied before one below it',
      november(4, { 2: ahead, 3: { copiedAt: '2020-01-01T00:00:00Z' } }),
      ['2026-11-01', '2026-11-01', '2020-01-01', '2026-11-04'],
    ],
    [
      'is believed while it is the newest',
      november(4, { 2: ahead, 4: ahead }),
      ['2026-11-01', '2036-11-05', '2026-11-03', '2036-11-05'],
    ],
    [
      'is believed while half of the points are like it',
      november(4, { 1: ahead, 2: ahead }),
      ['2036-11-05', '2036-11-05', '2026-11-03', '2026-11-04'],
    ],
  ])('%s', (_, points, expected) => {
    expect(copied(points)).toEqual(expected);
  });

  it.each([{}, { createdAt: FUTURE }])(
    'neither holds up retention nor what is immutable for ten days, and says so, with a date of %j',
    (date) => {
      const points = november(20, { 3: { ...ahead, ...date } });
      const { keep, warnings } = plan(points, { ...newest(11), nowMs, immutableForDays: 10 });
      expect(warnings).toEqual([]);
      expect(keep[2]).toEqual({ id: points[2]!.id, reasons: [`needed by ${points[9]!.id}`] });
      // Copied on the 4th, as far as anybody knows: over on the 14th.
      const until = (at: string) =>
        plan(points.slice(0, 6), {
          ...newest(1),
          ...{ nowMs: Date.parse(at), immutableForDays: 10 },
        }).keep.find(({ id }) => id === points[2]!.id)?.reasons;
      expect(until('2026-11-13T00:00:00Z')).toContain('immutable until 2026-11-14 23:00 UTC');
      expect(until('2026-11-13T00:00:00Z')).toContain(
        'a clock that ran ahead copied it at 2036-11-05 22:00 UTC: it counts as copied by 2026-11-04 23:00 UTC',
      );
    },
  );
});

const runs = { numRuns: 3_000 };

describe('wrong dates in a chain', () => {
  it('never descend along the chain once they are believed', () => {
    fc.assert(
      fc.property(drawnChain, ({ points }) => {
        const atMs = withBelievedDates(points).map(({ createdAt }) => Date.parse(createdAt));
        for (const [index, ms] of atMs.entries())
          expect(ms).toBeGreaterThanOrEqual(atMs[index - 1] ?? 0);
      }),
      runs,
    );
  });

  it('let no other point go early, by days, by number or by a GFS flag', () => {
    fc.assert(
      fc.property(
        drawnChain,
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        ({ truth, points, nowMs, isWrong }, value, byDays) => {
          const policy = byDays ? days(value) : newest(value);
          const kept = new Set(plan(points, { ...policy, nowMs }).keep.map(({ id }) => id));
          const withFlags = plan(points, { ...newest(1), gfs: WEEKLY, nowMs });
          const flagged = new Set(withFlags.keep.map(({ id }) => id));
          for (const [index, { id, createdAt }] of truth.entries()) {
            const ageMs = nowMs - Date.parse(createdAt);
            if (index >= truth.length - (byDays ? 3 : value)) expect(kept.has(id)).toBe(true);
            if (isWrong[index]) continue;
            if (byDays && ageMs <= value * DAY_MS) expect(kept.has(id)).toBe(true);
            if (points[index]!.flags.length > 0 && ageMs < 27 * DAY_MS)
              expect(flagged.has(id)).toBe(true);
          }
        },
      ),
      runs,
    );
  });

  it('hold no point for longer than its copy is old, once right ones follow', () => {
    fc.assert(
      fc.property(drawnChain, fc.integer({ min: 1, max: 12 }), ({ points, nowMs }, value) => {
        const first = new Date(nowMs + DAY_MS).toISOString().slice(0, 10);
        const later = targetChain(daily(first, 20)).map((point, index, all) => ({
          ...point,
          kind: 'increment' as const,
          parentId: all[index - 1]?.id ?? points.at(-1)!.id,
          chainId: points[0]!.id,
        }));
        const result = plan([...points, ...later], days(value));
        const kept = result.keep.map(({ id }) => id);
        // The days, the current one, and never fewer than three.
        expect(kept).toEqual(later.slice(-Math.max(3, value + 1)).map(({ id }) => id));
      }),
      runs,
    );
  });
});
