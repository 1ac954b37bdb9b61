import fc from '../../../support/properties.js';
import { describe, expect, it } from 'vitest';
import { believedPoints, withAgeDates } from '../../../../src/domain/sources/believed-dates.js';
import { pointsToRemove } from '../../../../src/domain/retention/point-removal.js';
import { simulatePolicy } from '../../../../src/domain/retention/simulate-policy.js';
import type { TargetRestorePoint } from '../../../../src/domain/targets/target-point.js';
import { days, newest, plan, WEEKLY } from '../retention/retention-plans.js';
import { DAY_MS, drawnChain, EPOCH, FUTURE, november } from './dated-chains.js';

/** Copied so many days before it is said to be made. */
const behind = (day: string, days: number): Partial<TargetRestorePoint> => ({
  copiedAt: new Date(Date.parse(`${day}T23:00:00Z`) - days * DAY_MS).toISOString(),
});

describe('the date that the age of a restore point itself counts from', () => {
  it.each<[string, TargetRestorePoint[], string[]]>([
    [
      'is its own where the copying machine was a month behind with the first ones',
      november(4, { 1: behind('2026-11-01', 30), 2: behind('2026-11-02', 30) }),
      ['2026-11-01T22', '2026-11-02T22', '2026-11-03T22', '2026-11-04T22'],
    ],
    [
      'is its own where the copying machine was a month behind after a pause of two',
      november(3, {
        1: { createdAt: '2026-09-01T22:00:00Z', copiedAt: '2026-09-01T23:00:00Z' },
        2: behind('2026-11-02', 30),
      }),
      ['2026-09-01T22', '2026-11-02T22', '2026-11-03T22'],
    ],
    [
      'is its own where the copying machine was behind with it, and ahead with the next',
      november(3, { 1: behind('2026-11-01', 30), 2: behind('2026-11-02', -9) }),
      ['2026-11-01T22', '2026-11-02T22', '2026-11-03T22'],
    ],
    [
      'is its own where the source of the next one thought that it was 1970 or 2036',
      november(4, {
        1: behind('2026-11-01', 30),
        2: { createdAt: EPOCH },
        3: { createdAt: FUTURE },
      }),
      ['2026-11-01T22', '2026-11-02T23', '2026-11-03T23', '2026-11-04T22'],
    ],
    [
      // The second counts as made on 18 October, by a clock that was 15 days behind: the first was made a day before it.
      'is a day before that of the next one while the copying machine is behind with both, by other days',
      november(2, { 1: behind('2026-11-01', 30), 2: behind('2026-11-02', 15) }),
      ['2026-10-17T23', '2026-10-18T23'],
    ],
    [
      'is that of its copy where the source alone was a month ahead',
      november(3, { 1: { createdAt: '2026-12-01T22:00:00Z' } }),
      ['2026-11-01T23', '2026-11-02T22', '2026-11-03T22'],
    ],
    [
      'is that of its copy where the source alone was a month ahead, also when that month is over',
      november(40, { 1: { createdAt: '2026-12-01T22:00:00Z' } }).filter((_, index) =>
        [0, 5, 39].includes(index),
      ),
      ['2026-11-01T23', '2026-11-06T22', '2026-12-10T22'],
    ],
    [
      'is that of its copy where the source was ten years ahead, and is right again',
      november(4, {
        1: { createdAt: '2036-11-01T22:00:00Z' },
        2: { createdAt: '2036-11-02T22:00:00Z' },
      }),
      ['2026-11-01T23', '2026-11-02T23', '2026-11-03T22', '2026-11-04T22'],
    ],
    [
      // Nothing tells that clock from one of the copying machine that was behind with all of them.
      'follows that of the newest one as long as the source thinks that it is 2036',
      november(
        3,
        Object.fromEntries(
          [1, 2, 3].map((day) => [day, { createdAt: `2036-01-01T0${String(day)}:00:00Z` }]),
        ),
      ),
      ['2026-11-03T21', '2026-11-03T22', '2026-11-03T23'],
    ],
  ])('%s', (_, points, expected) => {
    expect(withAgeDates(points).map(({ createdAt }) => createdAt.slice(0, 13))).toEqual(expected);
  });

  it('is said beside a point that it keeps, only where it is another than its own', () => {
    const nowMs = Date.parse('2026-11-04T23:30:00Z');
    const first = (points: TargetRestorePoint[], immutableForDays: number) =>
      plan(points, { ...newest(1), nowMs, immutableForDays }).keep[0]!.reasons;
    expect(first(november(4, { 1: behind('2026-11-01', 30) }), 9)).toEqual([
      'immutable until 2026-11-10 22:00 UTC',
    ]);
    expect(first(november(4, { 1: { createdAt: FUTURE } }), 9)).toEqual([
      'immutable until 2026-11-10 23:00 UTC',
      'its date 2036-11-05 22:00 UTC does not fit its place in the chain: its age counts from 2026-11-01 23:00 UTC',
    ]);
  });
});

describe('a point whose source was a month ahead', () => {
  // Made on 6 November, and copied then; the newest, of the 13th, on 10 December, by a clock that may be ahead.
  const chain = november(7, {
    6: { createdAt: '2026-12-06T22:00:00Z', flags: ['weekly'] },
    7: { createdAt: '2026-11-13T22:00:00Z', copiedAt: '2026-12-10T23:00:00Z' },
  });
  const nowMs = Date.parse('2026-12-10T23:30:00Z');

  it('does not tell what the time is: of a source that stopped nothing goes', () => {
    // Counted from 14 November, a day after the newest: ten days before that is the 4th.
    const { keep } = plan(chain, { ...days(10), nowMs });
    expect(keep.map(({ id }) => id)).toEqual(chain.slice(3).map(({ id }) => id));
    expect(keep[0]!.reasons).toEqual([
      'not older than 10 days',
      'ages are counted from the newest restore point of 2026-11-13 22:00 UTC',
    ]);
    // Nine days of the 6th are over on the 15th.
    const remove = (place: number) => () =>
      pointsToRemove(chain, chain[place]!.id, {
        ...{ withDependents: true, immutableForDays: 9, nowMs },
      });
    expect(remove(5)).toThrow(`restore point ${chain[5]!.id} is immutable until`);
    // Four weeks from the day on which it was copied.
    const flagged = plan(chain, { ...newest(1), gfs: WEEKLY, nowMs });
    expect(flagged.keep.find(({ id }) => id === chain[5]!.id)?.reasons).toContain(
      'weekly 1 of 4 until 2026-12-04',
    );
  });

  it('holds none of those behind it', () => {
    // Fulls, each copied two days late: of none do both clocks say the same.
    const points = november(40, { 1: { createdAt: '2026-12-01T22:00:00Z' } }).map(
      (point, index) => ({
        ...{ ...point, kind: 'full' as const, parentId: null, chainId: point.id },
        copiedAt: new Date(Date.parse('2026-11-03T22:00:00Z') + index * DAY_MS).toISOString(),
      }),
    );
    // Ages count from 11 December, a day after the newest; the first may have been made on 1 December.
    const { keep } = plan(points, { ...days(12), nowMs: Date.parse('2026-12-12T23:30:00Z') });
    const within = points.filter(({ createdAt }) => createdAt >= '2026-11-29');
    expect(keep.map(({ id }) => id)).toEqual(within.map(({ id }) => id));
  });

  it('leaves no later week without a full', () => {
    // Made on Sunday 8 November 2026 by a source that was a week ahead; the next one is of the 15th.
    const [first] = november(1, {
      1: {
        ...{ createdAt: '2026-11-15T22:00:00Z', copiedAt: '2026-11-08T23:00:00Z' },
        flags: ['weekly'],
      },
    });
    const atMs = Date.parse('2026-11-15T22:00:00Z');
    const played = simulatePolicy({
      points: [first!],
      job: { mode: 'periodic', gfs: WEEKLY, retention: newest(7).policy, timeZone: 'UTC' },
      ...{ immutableForDays: 0, mergeAllowed: true, startsMs: [atMs], nowMs: atMs },
    });
    played.next();
    const { value, done } = played.next();
    const left = done === true ? value.left : [];
    expect(left.map(({ flags }) => flags)).toEqual([['weekly'], ['weekly']]);
  });
});

/** Whether an operator may not delete it, with none that builds on it. */
function isRefused(
  chain: TargetRestorePoint[],
  id: string,
  rule: Parameters<typeof pointsToRemove>[2],
): boolean {
  const alone = chain.map((point) => ({ ...point, parentId: null }));
  try {
    pointsToRemove(alone, id, rule);
    return false;
  } catch {
    return true;
  }
}

describe('wrong dates in a chain', () => {
  it('let no point go earlier than what is believed of them would, nor out of an immutable target before its days are over', () => {
    fc.assert(
      fc.property(
        drawnChain,
        fc.record({
          value: fc.integer({ min: 1, max: 12 }),
          immutableForDays: fc.constantFrom(0, 1, 9, 30),
          lateHours: fc.integer({ min: 0, max: 1_200 }),
          byDays: fc.boolean(),
          gfs: fc.constantFrom(null, WEEKLY),
        }),
        ({ points, nowMs, isWrong, truth }, { value, byDays, lateHours, ...rules }) => {
          const { immutableForDays } = rules;
          const rule = { ...(byDays ? days(value) : newest(value)), ...rules };
          const at = { ...rule, nowMs: nowMs + lateHours * 3_600_000 };
          const ids = (chain: TargetRestorePoint[]) => plan(chain, at).keep.map(({ id }) => id);
          const believed = believedPoints(points, at.nowMs);
          const kept = ids(points);
          expect(kept).toEqual(expect.arrayContaining(ids(believed)));
          for (const [index, { id, createdAt }] of truth.entries()) {
            const isImmutable = (chain: TargetRestorePoint[]) =>
              isRefused(chain, id, { ...at, withDependents: false });
            if (isImmutable(believed)) expect(isImmutable(points)).toBe(true);
            if (isWrong[index] || at.nowMs >= Date.parse(createdAt) + immutableForDays * DAY_MS)
              continue;
            expect(kept).toContain(id);
            expect(isImmutable(points)).toBe(true);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
