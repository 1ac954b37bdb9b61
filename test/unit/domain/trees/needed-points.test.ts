import { describe, expect, it } from 'vitest';
import {
  isAboutLargest,
  withNeeds,
  type NeedingPoint,
} from '../../../../src/domain/trees/needed-points.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const RULES = { logsBeforeFullMs: HOUR_MS / 6 };

type Change = Partial<NeedingPoint>;

function point(id: string, hours: number, change: Change = {}): NeedingPoint {
  const kind = id.startsWith('log') ? 'log' : 'full';
  return { id, createdAtMs: hours * HOUR_MS, kind, needs: [], ...change };
}

/** A full of old, a log each hour from before it on, each of which needs the one before, and a full between the third and the fourth. */
function database(full: Change = {}, log: Change = {}): NeedingPoint[] {
  return [
    point('old', 0, { sizeBytes: 100 }),
    point('log0', -1),
    point('log1', 1, { needs: ['log0'] }),
    point('log2', 2, { needs: ['log1'] }),
    point('new', 2.5, { sizeBytes: 90, ...full }),
    point('log3', 3, { needs: ['log2'], ...log }),
  ];
}

const neededFor = (id: string, points: readonly NeedingPoint[], rules: object = RULES) =>
  [...withNeeds(points, new Set([id]), rules)].sort();

describe('a log that needs the one before it, whatever lies between', () => {
  const BY_THE_OLD = ['log1', 'log2', 'log3', 'old'];

  it('needs the newest full before it instead of what was written long enough before that', () => {
    expect(neededFor('log3', database())).toEqual(['log3', 'new']);
    // Clocks differ: a log of the minutes before a full may hold what the full has not.
    expect(neededFor('log3', database({ createdAtMs: 2.1 * HOUR_MS }))).toEqual([
      ...['log2', 'log3', 'new'],
    ]);
    expect(neededFor('log2', database())).toEqual(['log1', 'log2', 'old']);
  });

  it.each<[string, Change]>([
    ['is of a part of the database', { ofPart: 'tablespace' }],
    ['is much smaller than the largest of some weeks', { sizeBytes: 89 }],
    ['is corrupt', { isCorrupt: true }],
    ['has a date that nobody believes', { isDoubted: true }],
    ['needs another backup', { needs: ['old'] }],
    ['is an increment', { kind: 'increment' }],
    ['was made after it', { createdAtMs: 4 * HOUR_MS }],
  ])('is not served by a full that %s', (_, full) => {
    expect(neededFor('log3', database(full))).toEqual(BY_THE_OLD);
  });

  it('is not served by a full of a time from which the clock was turned back', () => {
    const points = [
      ...database({ createdAtMs: 2.8 * HOUR_MS }),
      point('log4', 2.6, { needs: ['log3'] }),
      point('log5', 4, { needs: ['log4'] }),
    ];
    expect(neededFor('log5', points)).toEqual(['log1', 'log2', 'log3', 'log4', 'log5', 'old']);
  });

  it('needs all that it says where its own date is not believed, or nothing is said of its rules', () => {
    const all = ['log0', 'log1', 'log2', 'log3'];
    expect(neededFor('log3', database({}, { isDoubted: true }))).toEqual(all);
    expect(neededFor('log3', database(), {})).toEqual(all);
  });
});

describe('a full', () => {
  it.each([
    [90, 1, true],
    [89, 1, false],
    [89, 34, false],
    [10, 35, true],
    [10, -1, true],
  ])('of %d with one of 100 made %d days before it is about as large: %s', (size, days, is) => {
    const full = { createdAtMs: 0, sizeBytes: size };
    const other = { createdAtMs: -days * DAY_MS, sizeBytes: 100 };
    expect(isAboutLargest(full, [full, other])).toBe(is);
  });
});
