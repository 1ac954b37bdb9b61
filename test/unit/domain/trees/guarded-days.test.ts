import { describe, expect, it } from 'vitest';
import {
  guardedDaysAfter,
  suspicionOf,
  type GuardedDay,
  type TreeChanges,
} from '../../../../src/domain/trees/tree-guard.js';

const STORE = { suspiciousShare: 0.5, shape: 'store' } as const;
const SETS = { suspiciousShare: 0.5, shape: 'sets' } as const;
const DAY_MS = 86_400_000;
const START_MS = Date.parse('2026-11-01T12:00:00Z');

/** One look a day at a source, until one of them is suspicious. @returns its number; null: none is */
function firstAlarm(
  look: (files: number) => Omit<TreeChanges, 'known' | 'steady'>,
  {
    rules = STORE,
    everyDays = 1,
    aheadAt = 0,
  }: { rules?: typeof STORE | typeof SETS; everyDays?: number; aheadAt?: number } = {},
): number | null {
  let days: GuardedDay[] = [];
  let files = 100;
  for (let number = 1; number <= 30; number++) {
    const changes = { known: files, steady: files, ...look(files) };
    if (suspicionOf(changes, rules, days) !== null) return number;
    const asOfMs = START_MS + number * everyDays * DAY_MS;
    const nowMs = asOfMs + (number === aheadAt ? 60 * DAY_MS : 0);
    days = guardedDaysAfter(days, changes, { nowMs, asOfMs, isAgreed: false });
    files += changes.added - changes.gone;
  }
  return null;
}

describe('a source that loses or rewrites a little at each look', () => {
  const tenth = (files: number) => Math.ceil(files / 10);

  it.each([
    // 100, 90, 81, 72, 64, 57, 51, 45: the seventh loss leaves less than half.
    ['loses a tenth of its files', (files: number) => [tenth(files), 0, 0] as const, 7],
    ['writes over a tenth of its files', () => [0, 10, 0] as const, 6],
    ['renames a tenth, by an ending', () => [10, 10, 10] as const, 6],
    ['works like a store that keeps a week', () => [14, 0, 14] as const, null],
    ['grows, and loses a tenth of what it had', () => [10, 0, 12] as const, null],
  ])('%s', (_, look, expected) => {
    const found = firstAlarm((files) => {
      const [gone, rewritten, added] = look(files);
      return { gone, rewritten, added };
    });
    expect(found).toBe(expected);
  });

  it('is forgiven what is older than two weeks', () => {
    const look = () => ({ gone: 0, rewritten: 10, added: 0 });
    expect(firstAlarm(look, { everyDays: 4 })).toBeNull();
    expect(firstAlarm(look, { everyDays: 2 })).toBe(6);
  });

  it('is not forgiven because the clock of one look was two months ahead', () => {
    const look = () => ({ gone: 0, rewritten: 10, added: 0 });
    for (const aheadAt of [1, 3, 5]) expect(firstAlarm(look, { aheadAt })).toBe(6);
  });

  it('is not blamed for what the retention of sets removes from the copy', () => {
    expect(firstAlarm(() => ({ gone: 3, rewritten: 0, added: 0 }), { rules: SETS })).toBeNull();
  });

  it('begins anew when an operator has agreed', () => {
    const changes = { known: 100, steady: 100, gone: 20, rewritten: 40, added: 1 };
    const days = [{ day: '2026-10-31', shown: 300, steady: 300, rewritten: 140 }];
    expect(
      guardedDaysAfter(days, changes, { nowMs: START_MS, asOfMs: START_MS, isAgreed: true }),
    ).toEqual([{ day: '2026-11-01', shown: 81, steady: 100, rewritten: 0 }]);
  });

  it('adds up the looks of one day', () => {
    const changes = { known: 100, steady: 90, gone: 20, rewritten: 4, added: 1 };
    const days = [
      { day: '2026-10-01', shown: 999, steady: 999, rewritten: 9 },
      { day: '2026-11-01', shown: 120, steady: 80, rewritten: 3 },
    ];
    expect(
      guardedDaysAfter(days, changes, { nowMs: START_MS, asOfMs: START_MS, isAgreed: false }),
    ).toEqual([{ day: '2026-11-01', shown: 120, steady: 90, rewritten: 7 }]);
  });
});

describe('a source at one look', () => {
  it.each([
    ['all that is never written over, among many that are', { steady: 6, rewritten: 4 }, true],
    ['three files of a small one', { steady: 4, rewritten: 3 }, false],
    ['all three files of a small one', { steady: 3, rewritten: 3 }, true],
    ['half of it', { steady: 100, rewritten: 50 }, false],
    ['more than half of it', { steady: 100, rewritten: 51 }, true],
  ])('writes over %s', (_, counts, expected) => {
    const changes = { known: 100, gone: 0, added: 0, ...counts };
    expect(suspicionOf(changes, STORE, []) !== null).toBe(expected);
  });
});
