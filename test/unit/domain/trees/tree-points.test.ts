import { describe, expect, it } from 'vitest';
import type { RetentionPolicy } from '../../../../src/domain/jobs/copy-job.js';
import type { TreePoint } from '../../../../src/domain/trees/source-tree.js';
import type { TargetTreePoint } from '../../../../src/domain/trees/target-tree.js';
import {
  agedPoints,
  chooseTreePoints,
  isRemovalDue,
  keptIds,
  pointsLeft,
  type TreePointChoice,
} from '../../../../src/domain/trees/tree-points.js';

const DAY = 86_400_000;
/** 10:00 UTC on that day of November 2026. */
const at = (day: number, hour = 10): number => Date.UTC(2026, 10, day, hour);

function point(id: string, createdAtMs: number, more: Partial<TreePoint> = {}): TreePoint {
  return {
    ...{ id, createdAtMs, kind: 'full', needs: [], state: 'complete', reason: null, files: [id] },
    ...more,
  };
}
const log = (id: string, createdAtMs: number, ...needs: string[]): TreePoint =>
  point(id, createdAtMs, { kind: 'log', needs });

/** Points that were copied on 24 November. */
const copiedBefore = (...ids: string[]) => new Map(ids.map((id) => [id, at(24)]));

const days = (value: number): RetentionPolicy => ({ type: 'days', value });
const newest = (value: number): RetentionPolicy => ({ type: 'restorePoints', value });

describe('what retention keeps of the points of a tree', () => {
  const DAILY = [20, 21, 22, 23, 24, 25].map((day) => point(String(day), at(day)));

  function kept(
    points: readonly TreePoint[],
    retention: RetentionPolicy,
    { nowMs = at(25, 12), timeZone = 'UTC', rules = {} } = {},
  ): string {
    const ids = keptIds(points, { retention, gfs: null, timeZone, nowMs }, rules);
    return points.flatMap(({ id }) => (ids.has(id) ? [id] : [])).join(' ');
  }

  it.each<[string, RetentionPolicy, readonly string[], string]>([
    ['by number, beside those that are whole', newest(2), ['24', '25'], '22 23 24 25'],
    ['by days, three whole ones at least', days(1), ['25'], '22 23 24 25'],
    [
      'all, when none is whole',
      newest(2),
      ['20', '21', '22', '23', '24', '25'],
      '20 21 22 23 24 25',
    ],
  ])('keeps corrupt ones %s', (_, retention, corrupt, expected) => {
    const all = ['20', '21', '22', '23', '24', '25'].map((day) => ({
      ...point(day, at(Number(day))),
      isCorrupt: corrupt.includes(day),
    }));
    expect(kept(all, retention)).toBe(expected);
  });

  it.each<[string, RetentionPolicy, Parameters<typeof kept>[2], string]>([
    ['by days', days(3), {}, '22 23 24 25'],
    ['three of them at least', days(1), {}, '23 24 25'],
    ['by number', newest(2), {}, '24 25'],
    ['by number, all that there are', newest(9), {}, '20 21 22 23 24 25'],
    ['by days up to a day after the newest', days(4), { nowMs: at(26) }, '22 23 24 25'],
    ['no fewer although the clock is a year ahead', days(4), { nowMs: at(390) }, '22 23 24 25'],
    // 22 November 10:00 UTC is the 23rd in Kiritimati (UTC+14), and so is the present the 26th.
    ['by days of the zone', days(4), { timeZone: 'Pacific/Kiritimati' }, '21 22 23 24 25'],
  ])('%s', (_, retention, when, expected) => {
    expect(kept(DAILY, retention, when)).toBe(expected);
  });

  it('the day that an instant belongs to is that of the zone', () => {
    const late = [point('21', at(21, 23)), ...DAILY.slice(2)];
    // firstDay is the 22nd; in Berlin (UTC+1) 23:00 UTC is midnight of the 22nd.
    expect(kept(late, days(3))).toBe('22 23 24 25');
    expect(kept(late, days(3), { timeZone: 'Europe/Berlin' })).toBe('21 22 23 24 25');
  });

  it('whatever a kept point needs, however far that goes', () => {
    const points = [
      ...[point('full', at(1)), point('inc', at(2), { kind: 'increment', needs: ['full'] })],
      point('other', at(3)),
      point('last', at(25), { kind: 'increment', needs: ['inc', 'nowhere'] }),
    ];
    expect(kept(points, newest(1))).toBe('full inc last');
  });

  it('points that need each other, and nothing that is not there', () => {
    const points = [point('a', at(1), { needs: ['b'] }), point('b', at(2), { needs: ['a', 'c'] })];
    const retention = newest(1);
    const policy = { retention, gfs: null, timeZone: 'UTC', nowMs: at(2) };
    const ids = keptIds(points, policy, {});
    expect([...ids].sort()).toEqual(['a', 'b']);
  });

  it('logs from the oldest kept backup on, and not one that is older', () => {
    const points = [
      ...[point('a', at(1)), log('a1', at(2), 'a'), point('b', at(3)), log('b0', at(3))],
      ...[log('b1', at(4), 'b'), point('c', at(5)), log('c1', at(6), 'c')],
    ];
    expect(kept(points, newest(2))).toBe('b b0 b1 c c1');
    expect(kept(points, newest(1))).toBe('c c1');
  });

  describe('of logs that need the one before each, whatever backup lies between', () => {
    const rules = { logsBeforeFullMs: 15 * 60_000 };
    /** A full of a day, and two logs after it. */
    const ofDay = (day: number): TreePoint[] => [
      point(`F${day}`, at(day)),
      log(`${day}a`, at(day, 16), day === 1 ? 'F1' : `${day - 1}b`),
      log(`${day}b`, at(day, 22), `${day}a`),
    ];
    const CHAIN = [1, 2, 3, 4, 5].flatMap(ofDay);
    const left = (points: readonly TreePoint[], more = {}) =>
      kept(points, days(3), { nowMs: at(5, 23), rules, ...more });

    /** A window of three days begins on the sixth at 11:00: what was begun on the second had ended then. */
    const NEXT = [...CHAIN, ...[6, 7, 8].flatMap(ofDay), point('F9', at(9))];

    it('keeps the logs from the oldest full on that stays, and none before it', () => {
      const since2 = NEXT.slice(3).map(({ id }) => id);
      expect(left(NEXT, { nowMs: at(9, 11) })).toBe(since2.join(' '));
      expect(left(CHAIN, { rules: {} })).toBe('F1 1a 1b F2 2a 2b F3 3a 3b F4 4a 4b F5 5a 5b');
    });

    it('keeps those of the last minutes before it, because clocks differ', () => {
      const last = log('1c', at(2) - 14 * 60_000, '1b');
      const near = [...CHAIN.slice(0, 3), last, ...NEXT.slice(3)].map((one) =>
        one.id === '2a' ? { ...one, needs: ['1c'] } : one,
      );
      expect(left(near, { nowMs: at(9, 11) })).toMatch(/^1c F2 2a/);
    });

    it.each<[string, Partial<TreePoint> & { isCorrupt?: true }]>([
      ['is corrupt', { isCorrupt: true }],
      ['builds on another', { needs: ['F1'] }],
      ['is smaller than the one before it by more than a tenth', { sizeBytes: 899 }],
    ])('keeps all back to the full before one that %s', (_, more) => {
      const sized = NEXT.map((one) => ({ ...one, sizeBytes: 1_000 }));
      const points = sized.map((one) => (one.id === 'F2' ? { ...one, ...more } : one));
      expect(left(sized, { nowMs: at(9, 11) })).toMatch(/^F2 2a/);
      expect(left(points, { nowMs: at(9, 11) })).toMatch(/^F1 1a 1b 2a/);
    });

    it('lets a log need the full that serves it when those before it go', () => {
      const copied = CHAIN.slice(0, 9).map(({ id, createdAtMs, kind, needs }) => ({
        ...{ id: `copy of ${id}`, createdAt: new Date(createdAtMs).toISOString(), kind, needs },
        copiedAt: new Date(createdAtMs).toISOString(),
        ...{ files: [id], health: 'good', flags: [], source: { restorePointId: id } },
      })) as unknown as TargetTreePoint[];
      const ids = new Set(['F2', '2a', '2b', 'F3', '3a', '3b']);
      expect(
        pointsLeft(copied, ids, rules).map(({ source, needs }) => [source.restorePointId, needs]),
      ).toEqual([
        ...[
          ['F2', []],
          ['2a', ['F2']],
          ['2b', ['2a']],
        ],
        ...[
          ['F3', []],
          ['3a', ['2b']],
          ['3b', ['3a']],
        ],
      ]);
      expect(pointsLeft(copied, ids, {}).find(({ id }) => id === 'copy of 2a')!.needs).toEqual([
        '1b',
      ]);
    });
  });

  it('all logs, where there is nothing but logs', () => {
    expect(kept([log('1', at(1)), log('2', at(25))], days(1))).toBe('1 2');
  });

  describe('of each moment of the kept days', () => {
    /** A full each sixth day, and a log each evening that ends at a full by itself or not. */
    const FULLS = [2, 8, 14, 20].map((day) => point(`F${day}`, at(day)));
    const LOGS = Array.from({ length: 24 }, (_, index) =>
      log(
        String(index + 1),
        at(index + 1, 20),
        ...(index < 1 ? [] : [index === 1 ? 'F2' : String(index)]),
      ),
    );
    const all = (fulls: readonly TreePoint[] = FULLS) =>
      [...fulls, ...LOGS].sort((a, b) => a.createdAtMs - b.createdAtMs);
    const rules = { logsBeforeFullMs: 15 * 60_000 };
    const first = (points: readonly TreePoint[], value = 12): string =>
      kept(points, days(value), { nowMs: at(24, 21), rules })
        .split(' ')
        .slice(0, 3)
        .join(' ');

    it('keeps the newest full that was begun four days before them, and all logs since', () => {
      // From the 12th, 21:00, on.
      expect(first(all())).toBe('F8 8 9');
      // On the 11th the full of the 8th may still run.
      expect(first(all(), 13)).toBe('F2 2 3');
    });

    it.each<[string, Partial<TreePoint> & { isCorrupt?: true }]>([
      ['is corrupt', { isCorrupt: true }],
      ['has a gap', { gap: 'no log of its end is here' }],
      ['needs what is not there', { needs: ['nowhere'] }],
      ['is much smaller than the one before', { sizeBytes: 100 }],
    ])('goes back beyond one that %s', (_, more) => {
      const sized = FULLS.map((one) => ({ ...one, sizeBytes: 1000 }));
      const points = all(sized.map((one) => (one.id === 'F8' ? { ...one, ...more } : one)));
      expect(first(points)).toBe('F2 2 3');
    });

    it('keeps the oldest where none is so old, and no more of backups without logs', () => {
      expect(first(all(FULLS.slice(1)), 13)).toBe('F8 8 9');
      expect(kept(FULLS, days(8), { nowMs: at(24, 21) })).toBe('F8 F14 F20');
      expect(kept([...FULLS, log('x', at(3))], days(8), { nowMs: at(24, 21) })).toBe('F8 F14 F20');
    });

    it('of each database of a folder', () => {
      const of = (point: TreePoint, database: string): TreePoint => ({
        ...{ ...point, id: `${database}${point.id}`, files: [database] },
        needs: point.needs.map((need) => `${database}${need}`),
      });
      const mayBeOfOneDatabase = (own: readonly string[], others: readonly string[]) =>
        own[0] === others[0];
      const two = [
        ...all().map((one) => of(one, 'a')),
        // Of the other there is none of the 8th.
        ...all(FULLS.filter(({ id }) => id !== 'F8')).map((one) => of(one, 'b')),
      ].sort((a, b) => a.createdAtMs - b.createdAtMs);
      const both = kept(two, days(12), {
        ...{ nowMs: at(24, 21), rules: { ...rules, mayBeOfOneDatabase } },
      }).split(' ');
      expect(both.find((id) => id.startsWith('a'))).toBe('aF8');
      expect(both.find((id) => id.startsWith('b'))).toBe('bF2');
    });
  });

  it('nothing of nothing', () => {
    expect(kept([], days(3), { timeZone: 'Europe/Berlin' })).toBe('');
    expect(kept([], newest(3))).toBe('');
  });

  it('of a copy is asked by the ids and dates of the source', () => {
    const copied = {
      ...{ id: '2026-11-25', createdAt: '2026-11-25T10:00:00.000Z', kind: 'log', needs: ['x'] },
      ...{ copiedAt: '2026-11-25T11:00:00.000Z', flags: [] },
      source: { repositoryId: 'r', restorePointId: 's1' },
    } as unknown as TargetTreePoint;
    expect(agedPoints([copied])).toEqual([
      { id: 's1', createdAtMs: at(25), kind: 'log', needs: ['x'] },
    ]);
  });
});

describe('the points that are copied', () => {
  const CHOICE: TreePointChoice = {
    ...{ mode: 'periodic', scope: 'all', withLogs: true, gfs: null, timeZone: 'UTC' },
    nowMs: at(25),
    ...{ retention: days(30), copied: new Map() },
  };
  const POINTS = [
    ...[point('a', at(20)), log('a1', at(21), 'a'), point('b', at(22))],
    ...[log('b1', at(23), 'b'), log('b2', at(24), 'b', 'b1')],
  ];

  function chosen(
    shape: 'store' | 'sets',
    points: readonly TreePoint[],
    choice: Partial<TreePointChoice> = {},
  ) {
    const found = chooseTreePoints(points, { shape }, { ...CHOICE, ...choice });
    return { ...found, points: found.points.map(({ id }) => id).join(' ') };
  }

  it.each<[string, Partial<TreePointChoice>, string]>([
    ['all of them', {}, 'a a1 b b1 b2'],
    ['all but the logs', { withLogs: false }, 'a b'],
    ['the newest, with what it needs', { scope: 'latest' }, 'b b1 b2'],
    ['the newest backup', { scope: 'latest', withLogs: false }, 'b'],
    [
      'the newest, and what was copied before',
      { scope: 'latest', copied: copiedBefore('a1') },
      'a a1 b b1 b2',
    ],
    ['none that retention would let go at once', { retention: newest(1) }, 'b b1 b2'],
    [
      'none that retention would let go, but what was copied',
      { retention: newest(1), copied: copiedBefore('a') },
      'a b b1 b2',
    ],
  ])('of sets are %s', (_, choice, expected) => {
    expect(chosen('sets', POINTS, choice)).toEqual({
      ...{ points: expected, unusable: null, warnings: [] },
    });
  });

  /** Two threads of logs, and a backup that ended after logs that are dated behind its beginning. */
  const THREADS = [
    ...[point('old', at(2)), point('a', at(20)), log('1.1', at(20, 12), 'a')],
    ...[log('2.1', at(20, 12), 'a'), log('1.2', at(21), '1.1'), log('2.2', at(21, 11), '2.1')],
    ...[point('b', at(22)), log('1.3', at(22, 11), '1.2'), log('2.3', at(22, 12), '2.2')],
  ];

  it.each<[string, Partial<TreePointChoice>, string]>([
    [
      'of a first run are the newest backup and the logs of all threads since it',
      { scope: 'latest', mode: 'immediate' },
      'a 1.1 2.1 1.2 2.2 b 1.3 2.3',
    ],
    [
      'of a first run without logs are the newest backup alone',
      { scope: 'latest', mode: 'immediate', withLogs: false },
      'b',
    ],
    [
      'of a later run of an immediate job are all since the oldest that was copied',
      { scope: 'latest', mode: 'immediate', copied: copiedBefore('a', '1.1', '1.2', '1.3') },
      'a 1.1 2.1 1.2 2.2 b 1.3 2.3',
    ],
    [
      'of an immediate job whose copies are all gone from the source are all that retention keeps',
      { scope: 'latest', mode: 'immediate', copied: copiedBefore('gone') },
      'old a 1.1 2.1 1.2 2.2 b 1.3 2.3',
    ],
    [
      'of an immediate job are none that retention would let go',
      { mode: 'immediate', copied: copiedBefore('b'), withLogs: false, retention: newest(1) },
      'b',
    ],
    [
      'of a periodic job are no older backups, however many were copied',
      { scope: 'latest', copied: copiedBefore('b'), withLogs: false },
      'b',
    ],
  ])('%s', (_, choice, expected) => {
    expect(chosen('sets', THREADS, choice).points).toBe(expected);
  });

  it('of a first run need the full that serves them, where logs of another chain lie before it', () => {
    const points = [
      ...[point('old', at(20)), log('1', at(21), 'old'), point('full', at(22))],
      ...[log('2', at(23), '1'), log('3', at(24), '2')],
    ];
    const rules = { shape: 'sets', logsBeforeFullMs: 15 * 60_000 } as const;
    const found = chooseTreePoints(points, rules, { ...CHOICE, scope: 'latest' });
    expect(found.points.map(({ id, needs }) => [id, needs])).toEqual([
      ...[['full', []] as const, ['2', ['full']] as const, ['3', ['2']] as const],
    ]);
  });

  it('of a store are all that are whole, whatever retention says', () => {
    const choice = { retention: newest(1), scope: 'latest' } as const;
    expect(chosen('store', POINTS, choice).points).toBe('a a1 b b1 b2');
    const broken = POINTS.map((one) =>
      one.id === 'b' ? { ...one, state: 'broken' as const } : one,
    );
    expect(chosen('store', broken, choice).points).toBe('a a1 b1 b2');
  });

  it('are none where none is whole, and the newest is told', () => {
    const first = point('a', at(25), { state: 'inProgress', reason: 'it is written to' });
    expect(chosen('sets', [first])).toEqual({ points: '', unusable: first, warnings: [] });
    expect(chosen('sets', [])).toEqual({ points: '', unusable: null, warnings: [] });
    expect(chosen('sets', [first, point('b', at(25, 11))]).unusable).toBeNull();
  });

  it('are the newest that is whole, of files of which nothing is known', () => {
    const points = [...POINTS, point('c', at(25), { state: 'inProgress', reason: 'x' })];
    const rules = { shape: 'store', isOpaque: true } as const;
    expect(chooseTreePoints(points, rules, CHOICE)).toEqual({
      ...{ points: POINTS.slice(-1), unusable: null, warnings: [] },
    });
  });

  it('come with what is missing before them, and with what they need that is not whole', () => {
    const points = [
      point('a', at(20), { state: 'incomplete', reason: 'x' }),
      point('b', at(21), { gap: 'logs 3 to 5 are missing', needs: ['a'] }),
      log('c', at(22), 'a', 'nowhere', 'b'),
    ];
    expect(chosen('sets', points).warnings).toEqual([
      'b: logs 3 to 5 are missing',
      'c needs a, nowhere, which is not whole',
    ]);
  });
});

describe('the removal of what the source has removed', () => {
  it.each<[string, number, RetentionPolicy, number, number, boolean]>([
    // keepRemovedForDays, retention, immutableForDays, days gone, due
    ['before the days of the rule', 3, newest(1), 0, 3 - 1 / DAY, false],
    ['after the days of the rule', 3, newest(1), 0, 3, true],
    ['before the days of the job', 3, days(7), 0, 7 - 1 / DAY, false],
    ['after the days of the job', 3, days(7), 0, 7, true],
    ['after the days of a job that are fewer', 3, days(1), 0, 1, true],
    ['at once where the tool bears nothing that stays', 0, days(7), 0, 0, true],
    ['not at once where the target keeps it', 0, days(7), 2, 2 - 1 / DAY, false],
    ['after the days of the target', 0, days(7), 2, 2, true],
    ['before the longer days of the target', 3, days(7), 9, 8, false],
  ])('is due: %s', (_, keepRemovedForDays, retention, immutableForDays, gone, expected) => {
    const rule = { rules: { keepRemovedForDays }, retention, immutableForDays, asOfMs: at(25) };
    // When it was written counts for files of which nothing is known alone.
    expect(isRemovalDue(at(25) - gone * DAY, at(25), rule)).toBe(expected);
  });

  it.each<[string, number, number, number, boolean]>([
    // days since it was written, days gone, immutableForDays, due
    ['the days of the job after it was written', 7, 1, 0, true],
    ['not before them', 7 - 1 / DAY, 5, 0, false],
    ['not when it was missed for less than a day', 30, 1 - 1 / DAY, 0, false],
    ['not before the days of the target', 30, 3 - 1 / DAY, 3, false],
    ['after the days of the target', 30, 3, 3, true],
  ])('of which nothing is known is due: %s', (_, written, gone, immutableForDays, expected) => {
    const rules = { keepRemovedForDays: 0, isOpaque: true } as const;
    const rule = { rules, retention: days(7), immutableForDays, asOfMs: at(25) };
    expect(isRemovalDue(at(25) - gone * DAY, at(25) - written * DAY, rule)).toBe(expected);
  });
});
