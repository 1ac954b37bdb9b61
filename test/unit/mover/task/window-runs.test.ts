import { describe, expect, it } from 'vitest';
import {
  WindowRange,
  windowsBeside,
  windowRuns,
  windowsIn,
} from '../../../../src/mover/task/window-runs.js';

const RUNS = [
  { first: 3, count: 2 },
  { first: 9, count: 1 },
  { first: 20, count: 3 },
];

function claimed(range: WindowRange, count: number): (number | undefined)[] {
  return Array.from({ length: count }, () => range.claim());
}

describe('runs of windows', () => {
  it('have so many windows', () => {
    expect(windowsIn(RUNS)).toBe(6);
    expect(windowsIn([])).toBe(0);
  });

  it('are none for none', () => {
    expect(windowRuns(5, 0)).toEqual([]);
    expect(windowRuns(5, 2)).toEqual([{ first: 5, count: 2 }]);
  });

  it('are handed out window by window, and then no more', () => {
    const range = new WindowRange(RUNS);
    expect(claimed(range, 8)).toEqual([3, 4, 9, 20, 21, 22, undefined, undefined]);
    expect(new WindowRange([]).claim()).toBeUndefined();
  });

  it('are handed out once to several loops, each of which passes over what the others take', () => {
    const one = new WindowRange(RUNS);
    const other = new WindowRange(RUNS, one.shared);
    expect([one.claim(), ...claimed(other, 3), ...claimed(one, 3), other.claim()]).toEqual([
      ...[3, 4, 9, 20, 21, 22],
      ...[undefined, undefined],
    ]);
  });
});

describe('windowsBeside', () => {
  it.each([
    ['none of them', [{ first: 10, count: 5 }], []],
    ['all of them', [], [{ first: 10, count: 5 }]],
    [
      'those before, between and behind',
      [
        { first: 11, count: 1 },
        { first: 13, count: 1 },
      ],
      [10, 12, 14].map((first) => ({ first, count: 1 })),
    ],
  ])('gives %s', (_, runs, beside) => {
    expect(windowsBeside({ first: 10, count: 5 }, runs)).toEqual(beside);
  });
});
