import { describe, expect, it } from 'vitest';
import type { RetentionPolicy } from '../../../../src/domain/jobs/copy-job.js';
import { withDueFlags } from '../../../../src/domain/retention/set-flags.js';
import type { TreePoint } from '../../../../src/domain/trees/source-tree.js';
import type { TargetTreePoint } from '../../../../src/domain/trees/target-tree.js';
import {
  agedPoints,
  chooseTreePoints,
  flagKeepReasons,
  keptIds,
  type TreePointChoice,
} from '../../../../src/domain/trees/tree-points.js';
import { WEEKLY } from '../retention/retention-plans.js';

/** 22:00 UTC on that day of November 2026, when a dump is made; it is copied an hour later. */
const at = (day: number, hour = 22): number => Date.UTC(2026, 10, day, hour);
const FUTURE = Date.UTC(2036, 10, 5, 22);
const EPOCH = 0;

const dump = (id: string, createdAtMs: number, more: Partial<TreePoint> = {}): TreePoint => ({
  ...{ id, createdAtMs, kind: 'full', needs: [], state: 'complete', reason: null, files: [id] },
  ...more,
});

/** One dump a night, `wrong` of which have another date; in the order in which a layout tells them. */
function nights(count: number, wrong: Record<number, number>): TreePoint[] {
  return Array.from({ length: count }, (_, index) =>
    dump(String(index + 1), wrong[index + 1] ?? at(index + 1)),
  ).sort((a, b) => a.createdAtMs - b.createdAtMs);
}

const days = (value: number): RetentionPolicy => ({ type: 'days', value });
const newest = (value: number): RetentionPolicy => ({ type: 'restorePoints', value });

const CHOICE = { withLogs: true, gfs: null, timeZone: 'UTC', retention: days(30) } as const;

/** What the sessions of some nights copy, each an hour after the dump of its night. */
function sessions(
  choice: Pick<TreePointChoice, 'mode' | 'scope'> & Partial<TreePointChoice>,
  wrong: Record<number, number>,
  [first, last]: readonly [number, number],
): string[] {
  const copied = new Map<string, number>();
  const told: string[] = [];
  for (let night = first; night <= last; night++) {
    const nowMs = at(night, 23);
    const shown = nights(night, wrong);
    const found = chooseTreePoints(
      shown,
      { shape: 'sets' },
      { ...CHOICE, ...choice, copied, nowMs },
    );
    const added = found.points.filter(({ id }) => !copied.has(id)).map(({ id }) => id);
    for (const id of added) copied.set(id, nowMs);
    told.push(added.sort((a, b) => Number(a) - Number(b)).join(' '));
  }
  return told;
}

describe('what is copied of a source one of whose backups has a wrong date', () => {
  it.each<[string, Parameters<typeof sessions>[0], number, string[]]>([
    [
      'the dump of each night by a periodic job',
      { mode: 'periodic', scope: 'latest' },
      FUTURE,
      ['3', '4', '5', '6'],
    ],
    [
      'each new dump by an immediate job',
      { mode: 'immediate', scope: 'latest' },
      FUTURE,
      ['3', '4', '5', '6'],
    ],
    [
      'the dump of each night, where one is of 1970',
      { mode: 'periodic', scope: 'latest' },
      EPOCH,
      ['3', '4', '5', '6'],
    ],
    [
      'each new dump and none of before, where one is of 1970',
      { mode: 'immediate', scope: 'latest' },
      EPOCH,
      ['3', '4', '5', '6'],
    ],
    [
      'each of all of them, where one is to stay',
      { mode: 'periodic', scope: 'all', retention: newest(1) },
      FUTURE,
      ['3', '4', '5', '6'],
    ],
  ])('is %s', (_, choice, wrongMs, expected) => {
    expect(sessions(choice, { 4: wrongMs }, [3, 6])).toEqual(expected);
  });

  it.each<[string, Parameters<typeof sessions>[0], string[]]>([
    [
      'by a periodic job',
      { mode: 'periodic', scope: 'latest', retention: newest(1) },
      ['3 4', '5', '6', '7'],
    ],
    [
      'by an immediate job',
      { mode: 'immediate', scope: 'latest', retention: newest(1) },
      ['3 4', '2 5', '6', '7'],
    ],
    [
      'of all of them',
      { mode: 'periodic', scope: 'all', retention: newest(1) },
      ['2 3 4', '5', '6', '7'],
    ],
  ])(
    'is each new dump beside three from the future, where one is to stay, %s',
    (_, choice, expected) => {
      const wrong = { 1: FUTURE, 2: FUTURE + 1, 3: FUTURE + 2 };
      const told = sessions(choice, wrong, [4, 7]);
      expect(told).toEqual(expected);
    },
  );

  it.each<[string, number]>([
    ['from the future', FUTURE],
    ['of 1970', EPOCH],
  ])('begins with the newest and the one %s, which may be newer', (_, wrongMs) => {
    const choice = { mode: 'immediate', scope: 'latest' } as const;
    expect(sessions(choice, { 2: wrongMs }, [4, 6])).toEqual(['2 4', '5', '6']);
  });

  it('leaves out no night either when the time comes that one was dated', () => {
    // Dated 10 November on the night of the 4th.
    const choice = { mode: 'periodic', scope: 'latest' } as const;
    expect(sessions(choice, { 4: at(10, 12) }, [3, 11])).toEqual([
      ...['3', '4', '5', '6', '7', '8', '9', '10', '11'],
    ]);
  });

  it('is what the order of the dates says where all of them are wrong, or the clock here', () => {
    const ahead = Object.fromEntries([1, 2, 3, 4].map((night) => [night, at(night + 60)]));
    expect(sessions({ mode: 'periodic', scope: 'latest' }, ahead, [3, 4])).toEqual(['3', '4']);
    const found = chooseTreePoints(
      nights(4, {}),
      { shape: 'sets' },
      { ...CHOICE, mode: 'periodic', scope: 'latest', copied: new Map(), nowMs: at(1 - 300) },
    );
    expect(found.points.map(({ id }) => id)).toEqual(['4']);
  });

  it('is told not to be whole when the newest is not, beside one from the future', () => {
    const points = nights(4, { 2: FUTURE }).map((point) =>
      point.id === '4' ? { ...point, state: 'inProgress' as const, reason: 'x' } : point,
    );
    const choice = { ...CHOICE, mode: 'periodic', scope: 'latest', nowMs: at(4) } as const;
    const { unusable } = chooseTreePoints(
      points,
      { shape: 'sets' },
      { ...choice, copied: new Map() },
    );
    expect(unusable?.id).toBe('4');
  });

  it('has all logs since the newest backup, and those whose dates say nothing', () => {
    const log = (id: string, createdAtMs: number) => dump(id, createdAtMs, { kind: 'log' });
    const points = [
      ...[
        log('epoch', EPOCH),
        dump('a', at(1)),
        log('a1', at(2)),
        dump('b', at(3)),
        log('b1', at(4)),
      ],
      ...[dump('later', FUTURE), log('latest', FUTURE + 1)],
    ];
    const choice = { ...CHOICE, mode: 'periodic', scope: 'latest', nowMs: at(4) } as const;
    const found = chooseTreePoints(points, { shape: 'sets' }, { ...choice, copied: new Map() });
    expect(found.points.map(({ id }) => id)).toEqual(['epoch', 'b', 'b1', 'later', 'latest']);
  });
});

/** The copies of these nights, in the order of the record; one of each night, but `copied` has another time. */
function copies(
  points: readonly TreePoint[],
  copied: (night: number) => number = (night) => at(night, 23),
  more: (id: string) => Partial<TargetTreePoint> = () => ({}),
): TargetTreePoint[] {
  return points.map(({ id, createdAtMs, kind, needs, files }) => ({
    ...{ id: `copy of ${id}`, createdAt: new Date(createdAtMs).toISOString(), kind, needs, files },
    copiedAt: new Date(copied(Number(id))).toISOString(),
    ...{ fileCount: 1, sizeBytes: 1, health: 'good', verifiedAt: null, flags: [] },
    source: { repositoryId: 'r', restorePointId: id },
    ...more(id),
  }));
}

function kept(points: TargetTreePoint[], retention: RetentionPolicy, nowMs: number): string {
  const policy = { retention, gfs: null, timeZone: 'UTC', nowMs };
  const ids = keptIds(agedPoints(points, nowMs), policy, {});
  return [...ids].sort((a, b) => Number(a) - Number(b)).join(' ');
}

describe('what retention keeps of a copy one of whose points has a wrong date', () => {
  const wrong = (count: number, wrongMs: number) => copies(nights(count, { 5: wrongMs }));

  it.each<[string, TargetTreePoint[], RetentionPolicy, number, string]>([
    [
      'the newest beside it, as long as it may be newer',
      wrong(5, FUTURE),
      newest(1),
      at(5, 23),
      '4 5',
    ],
    [
      'the newest alone, once that was made after it was copied',
      wrong(6, FUTURE),
      newest(1),
      at(6, 23),
      '6',
    ],
    [
      'as many others by number, it being dated ahead',
      wrong(9, FUTURE),
      newest(3),
      at(9, 23),
      '7 8 9',
    ],
    ['as many others by number, it being of 1970', wrong(9, EPOCH), newest(3), at(9, 23), '7 8 9'],
    ['as many others by number, and it', wrong(7, FUTURE), newest(3), at(7, 23), '4 5 6 7'],
    [
      'those of these days, and it for as long as if it were made when it was copied',
      wrong(9, FUTURE),
      days(4),
      at(9, 23),
      '5 6 7 8 9',
    ],
    ['those of these days when it has gone', wrong(10, FUTURE), days(4), at(10, 23), '6 7 8 9 10'],
    [
      'what it keeps without it, of a clock that is a year ahead',
      wrong(9, FUTURE),
      days(4),
      at(9 + 365),
      '6 7 8 9',
    ],
  ])('is %s', (_, points, retention, nowMs, expected) => {
    expect(kept(points, retention, nowMs)).toBe(expected);
  });

  it('is the newest that is believed beside one of 1970 and one from the future, which were copied with it', () => {
    const points = copies(nights(5, { 2: EPOCH, 3: FUTURE }), () => at(5, 23));
    expect(kept(points, newest(1), at(5, 23))).toBe('2 3 5');
  });

  it('is the newest by number when the time has come that one was dated', () => {
    const points = copies(nights(10, { 5: at(10, 12) }));
    expect(kept(points, newest(1), at(10, 23))).toBe('10');
    expect(kept(copies(nights(9, { 5: at(10, 12) })), newest(1), at(9, 23))).toBe('5 9');
  });

  it('is as many as there are to be, where no date is believed', () => {
    const ahead = Object.fromEntries([1, 2, 3, 4, 5].map((night) => [night, at(night + 90)]));
    expect(kept(copies(nights(5, ahead)), newest(2), at(5, 23))).toBe('4 5');
  });

  it('is twice as many at most, where none is believed any more', () => {
    const ahead = Object.fromEntries([4, 5, 6, 7, 8, 9].map((night) => [night, at(night + 90)]));
    expect(kept(copies(nights(9, ahead)), newest(2), at(9, 23))).toBe('6 7 8 9');
  });

  it('is what was copied while the clock here was years behind', () => {
    const behind = (night: number) => (night === 5 ? Date.UTC(2020, 0, 1) : at(night, 23));
    const points = copies(nights(6, {}), behind);
    expect(kept(points, newest(2), at(6, 23))).toBe('4 5 6');
    // Three at least.
    expect(kept(points, days(2), at(6, 23))).toBe('3 4 5 6');
  });

  it('has the logs since the backup before one that was made earlier than it was copied', () => {
    const log = (id: string, createdAtMs: number) => dump(id, createdAtMs, { kind: 'log' });
    // The second is of the 2nd, says 2036, and was copied on the 3rd.
    const points = [
      ...[log('10', at(1, 20)), dump('1', at(1)), log('11', at(1, 23)), log('12', at(2, 23))],
      ...[dump('4', at(4)), dump('5', at(5)), dump('6', at(6)), dump('2', FUTURE)],
    ];
    const copied = copies(points, (id) => at(id === 2 || id >= 10 ? 3 : id, 23));
    expect(kept(copied, days(4), at(6, 23))).toBe('1 2 4 5 6 11 12');
  });
});

describe('the newest that is believed', () => {
  it.each<[Pick<TreePointChoice, 'mode' | 'scope'>, number]>([
    [{ mode: 'periodic', scope: 'all' }, 1],
    [{ mode: 'periodic', scope: 'all' }, 2],
    [{ mode: 'periodic', scope: 'latest' }, 1],
    [{ mode: 'immediate', scope: 'latest' }, 1],
    [{ mode: 'immediate', scope: 'latest' }, 2],
  ])('stays in the copy beside many that are not: %o, %i to stay', (choice, count) => {
    const wrong = Object.fromEntries([1, 2, 3, 4, 5, 6].map((night) => [night, FUTURE + night]));
    let copied = new Map<string, number>();
    for (let session = 14; session < 24; session++) {
      // Two sessions a night: the second finds none that is new.
      const [night, nowMs] = [Math.floor(session / 2), at(Math.floor(session / 2), 23)];
      const shown = nights(night, { ...wrong, 6: EPOCH });
      const rules = { ...CHOICE, ...choice, retention: newest(count), copied, nowMs };
      const found = chooseTreePoints(shown, { shape: 'sets' }, rules);
      for (const { id } of found.points) if (!copied.has(id)) copied.set(id, nowMs);
      const points = copies(
        shown.filter(({ id }) => copied.has(id)),
        (one) => copied.get(String(one))!,
      );
      const left = kept(points, newest(count), nowMs).split(' ');
      expect(left).toContain(String(night));
      copied = new Map([...copied].filter(([id]) => left.includes(id)));
    }
  });
});

describe('the flags of a copy one of whose points has a wrong date', () => {
  const gfs = WEEKLY;
  const flagsOf = (points: readonly TargetTreePoint[]) =>
    points.flatMap(({ source, flags }) => (flags.length > 0 ? [source.restorePointId] : []));

  it('come each week, although one of them has the flag of a week in ten years', () => {
    // 1, 8 and 15 November 2026 are Sundays.
    const points = copies(nights(8, { 3: FUTURE }), undefined, (id) =>
      id === '1' || id === '3' ? { flags: ['weekly'] } : {},
    );
    const policy = { gfs, timeZone: 'UTC', mode: 'periodic', nowMs: at(8, 23) } as const;
    expect(flagsOf(withDueFlags(points, policy)).sort()).toEqual(['1', '3', '8']);
  });

  it('go to a point that is believed', () => {
    const points = copies(nights(8, { 7: FUTURE }), (id) => at(id === 7 ? 8 : id, 23));
    const policy = { gfs, timeZone: 'UTC', mode: 'periodic', nowMs: at(8, 23) } as const;
    expect(flagsOf(withDueFlags(points, policy))).toEqual(['8']);
  });

  it('are over when they would be without it', () => {
    const points = copies(nights(8, { 8: FUTURE }), undefined, (id) =>
      id === '1' ? { flags: ['weekly'] } : {},
    );
    // The clock is ten years ahead.
    const policy = { gfs, timeZone: 'UTC', nowMs: at(9 + 3_000) };
    expect([...flagKeepReasons(agedPoints(points, at(9)), policy).keys()]).toEqual(['1']);
  });
});
