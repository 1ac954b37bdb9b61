import { describe, expect, it } from 'vitest';
import {
  believedTreeDates,
  copyAgesFrom,
  treeAgesFrom,
  type DatedTreePoint,
} from '../../../../src/domain/trees/tree-dates.js';

const DAY = 86_400_000;
/** 22:00 UTC on that day of November 2026. */
const at = (day: number): number => Date.UTC(2026, 10, day, 22);
const FUTURE = Date.UTC(2036, 10, 5, 22);

/** Copied an hour after its date, if nothing else is said. */
const dated = (createdAtMs: number, copiedAtMs = createdAtMs + DAY / 24): DatedTreePoint => ({
  ...{ createdAtMs, copiedAtMs },
});

describe('the date that counts for a point of a tree', () => {
  const NOW = at(20);

  it.each<[string, DatedTreePoint[], number, [number, boolean][]]>([
    [
      'is its own',
      [dated(at(1)), dated(at(2))],
      NOW,
      [
        [at(1), false],
        [at(2), false],
      ],
    ],
    [
      'is its own when it was copied long after, behind newer ones',
      [dated(at(1), at(15)), dated(at(2))],
      NOW,
      [
        [at(1), false],
        [at(2), false],
      ],
    ],
    [
      'is its own to a day after its copy, because local times are taken for UTC',
      [dated(at(2), at(1)), dated(at(2) + 1, at(1))],
      at(1),
      [
        [at(2), false],
        [at(1), true],
      ],
    ],
    [
      'is when it was copied, and doubted, from the future or from 1970',
      [dated(0, at(3)), dated(at(1)), dated(FUTURE, at(2))],
      NOW,
      [
        [at(3), true],
        [at(1), false],
        [at(2), true],
      ],
    ],
    [
      'is its own, and doubted, where the clock of the copy may have been behind',
      [dated(at(10), at(1)), dated(at(12))],
      NOW,
      [
        [at(10), true],
        [at(12), false],
      ],
    ],
    [
      'is not later than now, whatever the clock of the copy said',
      [dated(at(1)), dated(FUTURE, FUTURE)],
      NOW,
      [
        [at(1), false],
        [NOW, true],
      ],
    ],
  ])('%s', (_, points, nowMs, expected) => {
    const found = believedTreeDates(points, nowMs);
    expect(found.map(({ atMs, isDoubted }) => [atMs, isDoubted])).toEqual(expected);
  });

  it.each<[string, DatedTreePoint[], number, number]>([
    ['a day after the newest', [dated(at(1)), dated(at(2))], FUTURE, at(3)],
    ['now, right after a copy', [dated(at(1)), dated(at(2))], at(2) + DAY / 2, at(2) + DAY / 2],
    ['without regard to one from the future', [dated(at(2)), dated(FUTURE, at(2))], FUTURE, at(3)],
    ['from the copies, where no date is believed', [dated(0, at(1))], FUTURE, at(2)],
    ['now, where nothing is there', [], at(9), at(9)],
  ])('ages are counted from it: %s', (_, points, nowMs, expected) => {
    // What was made in the future is looked at before then.
    const dates = believedTreeDates(points, Math.min(nowMs, at(20)));
    expect(treeAgesFrom(dates, nowMs)).toBe(expected);
  });
});

describe('the ages of a copy, when the clock jumps to the date of a point that it has', () => {
  const held = (id: string, createdAtMs: number, copiedAtMs: number) => ({
    createdAt: new Date(createdAtMs).toISOString(),
    copiedAt: new Date(copiedAtMs).toISOString(),
    source: { repositoryId: 'primary', restorePointId: id },
  });
  const COPY = [held('sure', at(1), at(1)), held('ahead', FUTURE, at(2))];
  const SHOWN = [
    { id: 'sure', createdAtMs: at(1) },
    { id: 'ahead', createdAtMs: FUTURE },
  ];

  it('are counted without it, though the source still shows it', () => {
    expect(copyAgesFrom(COPY, FUTURE)).toBe(at(2));
    expect(copyAgesFrom(COPY, FUTURE, SHOWN)).toBe(at(2));
  });

  it('are counted from what comes, also under the name of another', () => {
    expect(copyAgesFrom(COPY, at(30), [...SHOWN, { id: 'new', createdAtMs: at(20) }])).toBe(at(21));
    expect(copyAgesFrom(COPY, at(30), [{ id: 'sure', createdAtMs: at(20) }])).toBe(at(21));
  });
});
