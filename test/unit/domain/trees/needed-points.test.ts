import { describe, expect, it } from 'vitest';
import {
  countedBackups,
  isAboutLargest,
  ServingFulls,
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

describe('what serves a log, to the millisecond', () => {
  const AT = 10 * HOUR_MS;
  const BEFORE_MS = RULES.logsBeforeFullMs;
  const full = (createdAtMs: number, change: Change = {}) =>
    point('full', 0, { createdAtMs, ...change });
  const log = (id: string, createdAtMs: number, ...needs: string[]) =>
    point(`log${id}`, 0, { createdAtMs, needs });

  it.each([
    [0, true],
    [1, false],
  ])('is a full made %d ms after it: %s', (later, is) => {
    const serving = full(AT + later);
    const fulls = new ServingFulls([serving], RULES);
    expect(fulls.of(log('1', AT))).toBe(is ? serving : null);
    expect(fulls.has(serving)).toBe(true);
    expect(fulls.of({ ...log('1', AT + 5), kind: 'increment' })).toBeNull();
  });

  it.each([
    [BEFORE_MS, false],
    [BEFORE_MS + 1, true],
  ])('makes a log of %d ms before it needless: %s', (earlier, is) => {
    const serving = full(AT);
    const fulls = new ServingFulls([serving], RULES);
    const need = log('1', AT - earlier);
    expect(fulls.isServedWithout(serving, need)).toBe(is);
    expect(fulls.isServedWithout(null, need)).toBe(false);
    // Only logs: a backup is needed for itself.
    expect(fulls.isServedWithout(serving, { ...need, kind: 'increment' })).toBe(false);
    expect(new ServingFulls([serving], {}).isServedWithout(serving, need)).toBe(false);
  });

  it('is named instead of logs that are gone, once', () => {
    const points = [full(AT), log('3', AT + 9, 'log1', 'log2', 'log0')];
    const fulls = new ServingFulls(points, RULES);
    const gone = new Map(
      [log('0', AT - BEFORE_MS - 9), log('1', AT - BEFORE_MS - 1), log('2', AT)].map((one) => [
        one.id,
        one,
      ]),
    );
    expect(fulls.needsOf(points[1]!, (id) => gone.get(id))).toEqual(['full', 'log2']);
    // What is there is needed as it is.
    const { needs } = points[1]!;
    expect(fulls.needsOf(points[1]!, () => undefined)).toBe(needs);
  });

  /** A log dated before the one that it follows by more than clocks differ: of a full between the two nobody knows which logs it holds. */
  it.each([
    ['before both', AT - 2 * BEFORE_MS - 2, true],
    ['at the earlier', AT - 2 * BEFORE_MS - 1, false],
    ['between them', AT - BEFORE_MS, false],
    ['at the later', AT, false],
    ['after both', AT + 1, true],
  ])('is no full of a time from which clocks were turned back: %s', (_, createdAtMs, is) => {
    const points = [full(createdAtMs), log('1', AT), log('2', AT - BEFORE_MS - 1, 'log1')];
    expect(new ServingFulls(points, RULES).has(points[0]!)).toBe(is);
    // As far as clocks differ none was turned back; nor by a date that nobody believes.
    const near = [points[0]!, points[1]!, log('2', AT - BEFORE_MS, 'log1')];
    expect(new ServingFulls(near, RULES).has(points[0]!)).toBe(true);
    const doubted = [points[0]!, { ...points[1]!, isDoubted: true }, points[2]!];
    expect(new ServingFulls(doubted, RULES).has(points[0]!)).toBe(true);
    // A log may be dated before the backup that it follows: those are made for hours.
    const backup = [points[0]!, { ...points[1]!, kind: 'full' as const }, points[2]!];
    expect(new ServingFulls(backup, RULES).has(points[0]!)).toBe(true);
  });

  it('is none of another database, where files tell them apart', () => {
    const rules = {
      ...RULES,
      mayBeOfOneDatabase: (some: readonly string[], others: readonly string[]) =>
        some[0] === others[0],
    };
    // It is no larger one of the same database either.
    const points = [
      full(AT, { id: 'a', files: ['a'], sizeBytes: 1 }),
      full(AT + 1, { id: 'b', files: ['b'], sizeBytes: 100 }),
      full(AT - 1, { id: 'unsaid', files: null, sizeBytes: 100 }),
    ];
    const fulls = new ServingFulls(points.slice(0, 2), rules);
    const of = (files: string[] | null) => fulls.of({ ...log('1', AT + 9), files })?.id;
    expect([of(['a']), of(['b']), of(['c']), of(null)]).toEqual(['a', 'b', undefined, 'b']);
    expect(new ServingFulls(points, rules).has(points[0]!)).toBe(false);
  });
});

describe('what points need together', () => {
  const SERVED = database();

  it.each<[string[], string[]]>([
    [
      ['log3', 'log1'],
      ['log1', 'log3', 'new', 'old'],
    ],
    [
      ['log1', 'new'],
      ['log1', 'new', 'old'],
    ],
    [['gone'], ['gone']],
    [[], []],
  ])('of %j is what each needs of those that are there', (ids, needed) => {
    const points = SERVED.map((one) =>
      one.id === 'log1' ? { ...one, needs: ['old', 'lost'] } : one,
    );
    expect([...withNeeds(points, new Set(ids), RULES)].sort()).toEqual(needed);
  });
});

it('the newest full serves, in whatever order they are listed', () => {
  const fulls = [3, 1, 2].map((hours) => point(`full ${hours}`, hours));
  const serving = new ServingFulls(fulls, RULES);
  expect(serving.of(point('log', 2.5))?.id).toBe('full 2');
  expect(serving.of(point('log', 9))?.id).toBe('full 3');
  expect(serving.of(point('log', 0.5))).toBeNull();
});

it('what an older log needs is not left out because a newer one can do without it', () => {
  const points = [
    point('old', 0),
    point('log1', 1, { needs: ['log0'] }),
    // Of the minutes before the new full, which may have it or not.
    point('logX', 2.4, { needs: ['log1'] }),
    point('logA', 2.45, { needs: ['logX'] }),
    point('new', 2.5),
    point('logB', 3, { needs: ['logX'] }),
  ].toReversed();
  expect(neededFor('logB', points)).toEqual(['logB', 'logX', 'new']);
  expect(
    [...withNeeds([...points, point('log0', -1)], new Set(['logA', 'logB']), RULES)].sort(),
  ).toEqual([...['log1', 'logA', 'logB', 'logX', 'old']]);
});

describe('the backups that count', () => {
  it('are those of the whole, and those of parts where there are no others', () => {
    const [whole, part] = [point('whole', 0), point('part', 1, { ofPart: 'a table' })];
    const increment = point('increment', 2, { kind: 'increment' });
    expect(countedBackups([whole, part, point('log', 3), increment])).toEqual([whole, increment]);
    expect(countedBackups([part, point('log', 3)])).toEqual([part]);
    expect(countedBackups([point('log', 3)])).toEqual([]);
  });
});

describe('a full', () => {
  it.each([
    [90, 1, true],
    [89, 1, false],
    [89, 34, false],
    [89, 0, false],
    [10, 35, true],
    [10, -1, true],
  ])('of %d with one of 100 made %d days before it is about as large: %s', (size, days, is) => {
    const full = { createdAtMs: 0, sizeBytes: size };
    const other = { createdAtMs: -days * DAY_MS, sizeBytes: 100 };
    expect(isAboutLargest(full, [full, other])).toBe(is);
  });
});
