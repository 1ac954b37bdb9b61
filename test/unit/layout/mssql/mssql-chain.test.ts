import { describe, expect, it } from 'vitest';
import {
  chooseTreePoints,
  keptIds,
  type TreePointChoice,
} from '../../../../src/domain/trees/tree-points.js';
import { linkMssqlSets, type MssqlSet } from '../../../../src/layout/mssql/mssql-chain.js';
import type { Lsn } from '../../../../src/layout/mssql/mtf.js';

const lsn = (block: number): Lsn => ({ file: 1, block, slot: 1 });

/** Numbers are blocks of one log file; the date follows from where it ends. */
function set(kind: MssqlSet['kind'], first: number, last: number, checkpoint = first): MssqlSet {
  const id = `${kind} ${first}-${last}`;
  const database = {
    ...{ kind, name: 'db', server: 'S', firstLsn: lsn(first), lastLsn: lsn(last) },
    checkpointLsn: lsn(checkpoint),
    databaseLsn: lsn(checkpoint),
    family: null,
  };
  return {
    ...{
      id,
      createdAtMs: last * 1000,
      state: 'complete',
      reason: null,
      isCopyOnly: false,
      kind,
      database,
    },
    ...{ files: [id], sizeBytes: 1 },
  };
}

function footings(...sets: MssqlSet[]): (string | undefined)[][] {
  return linkMssqlSets(sets).map(({ id, needs, gap }) => [id, ...needs, gap]);
}

describe('linkMssqlSets', () => {
  it('joins a log to the newest full that ended within it, else to the log that it continues', () => {
    expect(
      footings(
        set('full', 10, 20),
        set('log', 5, 30),
        set('log', 30, 40),
        set('full', 41, 45),
        set('log', 40, 50),
      ),
    ).toEqual([
      ['full 10-20', undefined],
      ['log 5-30', 'full 10-20', undefined],
      ['log 30-40', 'log 5-30', undefined],
      ['full 41-45', undefined],
      ['log 40-50', 'full 41-45', undefined],
    ]);
  });

  it('names the range between a log and the newest one before it that does not reach it', () => {
    expect(footings(set('full', 10, 20), set('log', 5, 30), set('log', 40, 50))[2]).toEqual([
      'log 40-50',
      'the log from 1:30:1 (where log 5-30 ends) to 1:40:1 is missing',
    ]);
  });

  it('joins logs of the hour that clocks show twice in autumn', () => {
    const at = (one: MssqlSet, hour: number, minute: number): MssqlSet => ({
      ...one,
      createdAtMs: Date.UTC(2026, 9, 25, hour, minute),
    });
    const points = footings(
      at(set('full', 10, 20), 2, 0),
      at(set('log', 5, 30), 2, 20),
      at(set('log', 30, 40), 2, 50),
      // Clocks went from 03:00 to 02:00.
      at(set('log', 40, 50), 2, 20),
      at(set('log', 50, 60), 2, 50),
      at(set('log', 60, 70), 3, 20),
    );
    expect(new Map(points.map(([id, ...rest]) => [id, rest]))).toEqual(
      new Map([
        ['full 10-20', [undefined]],
        ['log 5-30', ['full 10-20', undefined]],
        ['log 30-40', ['log 5-30', undefined]],
        ['log 40-50', ['log 30-40', undefined]],
        ['log 50-60', ['log 40-50', undefined]],
        ['log 60-70', ['log 50-60', undefined]],
      ]),
    );
  });

  it('joins a log to the full that ended within it before clocks were put back', () => {
    const full = { ...set('full', 10, 20), createdAtMs: Date.UTC(2026, 9, 25, 2, 50) };
    const log = { ...set('log', 5, 30), createdAtMs: Date.UTC(2026, 9, 25, 2, 5) };
    expect(footings(full, log)).toContainEqual(['log 5-30', 'full 10-20', undefined]);
  });

  it('takes no log for the one before that was dated far behind it', () => {
    const log = { ...set('log', 30, 40), createdAtMs: 0 };
    const other = { ...set('log', 20, 30), createdAtMs: 24 * 60 * 60_000 };
    expect(footings(log, other)[0]).toEqual([
      'log 30-40',
      'no full backup of this database is here',
    ]);
  });

  it('lets a differential build on the full whose checkpoint it names, not on a newer copy-only one', () => {
    expect(
      footings(set('full', 10, 20), set('full', 22, 25), set('differential', 26, 30, 10))[2],
    ).toEqual(['differential 26-30', 'full 10-20', undefined]);
  });

  describe('beside sets that tell their numbers and are not whole', () => {
    const cutOff = (one: MssqlSet): MssqlSet => ({
      ...one,
      ...{ id: `cut ${one.id}`, state: 'incomplete', reason: 'it is cut off' },
    });

    it('joins a log to the whole log that it continues, and not to a full that ended within it', () => {
      const cutFull = cutOff(set('full', 31, 32));
      const [first, ...logs] = [set('full', 10, 20), set('log', 5, 30), set('log', 30, 40)];
      expect(footings(first, ...logs, cutFull)[3]).toEqual(['log 30-40', 'log 5-30', undefined]);
    });

    it('joins a log to the whole full within it, and to the whole one of two logs', () => {
      const fulls = footings(set('full', 10, 20), cutOff(set('full', 22, 25)), set('log', 15, 30));
      expect(fulls[2]).toEqual(['log 15-30', 'full 10-20', undefined]);
      const twice = { ...cutOff(set('log', 5, 30)), createdAtMs: 31_000 };
      const logs = footings(set('full', 10, 20), set('log', 5, 30), twice, set('log', 30, 40));
      expect(logs[3]).toEqual(['log 30-40', 'log 5-30', undefined]);
    });

    it('lets a differential build on the whole one of two files of the full that it names', () => {
      const full = set('full', 10, 20);
      const differential = set('differential', 26, 30, 10);
      for (const createdAtMs of [21_000, 31_000])
        expect(footings(full, { ...cutOff(full), createdAtMs }, differential)).toContainEqual([
          ...['differential 26-30', 'full 10-20', undefined],
        ]);
    });

    it('names one that is not whole where nothing else is there', () => {
      const reason = 'cut full 10-20, which it needs, is incomplete: it is cut off';
      expect(
        footings(
          cutOff(set('full', 10, 20)),
          set('log', 15, 30),
          set('differential', 31, 32, 10),
        ).slice(1),
      ).toEqual([
        ['log 15-30', 'cut full 10-20', reason],
        ['differential 31-32', 'cut full 10-20', reason],
      ]);
    });
  });

  it('follows dates where files do not tell numbers', () => {
    const unread = (one: MssqlSet): MssqlSet => ({ ...one, database: null });
    expect(
      footings(
        unread(set('full', 10, 20)),
        unread(set('log', 20, 30)),
        unread(set('differential', 31, 32)),
        unread(set('log', 30, 40)),
      ),
    ).toEqual([
      ['full 10-20', undefined],
      ['log 20-30', 'full 10-20', undefined],
      ['differential 31-32', 'full 10-20', undefined],
      ['log 30-40', 'log 20-30', undefined],
    ]);
  });

  describe('beside sets that do not tell their numbers', () => {
    const untold = (one: MssqlSet, state: MssqlSet['state'] = 'complete'): MssqlSet => ({
      ...one,
      ...{ id: `untold ${one.id}`, database: null, state },
      reason: state === 'complete' ? null : 'it has no head yet',
    });

    it.each<MssqlSet['state']>(['complete', 'incomplete', 'broken', 'unknown'])(
      'lets a set build on the one whose numbers it names, whatever is %s in between',
      (state) => {
        expect(
          footings(
            set('full', 10, 20),
            set('log', 5, 21),
            untold(set('full', 22, 23), state),
            set('differential', 26, 30, 10),
            set('log', 21, 31),
            set('log', 31, 40),
          ).slice(3),
        ).toEqual([
          ['differential 26-30', 'full 10-20', undefined],
          ['log 21-31', 'log 5-21', undefined],
          ['log 31-40', 'log 21-31', undefined],
        ]);
      },
    );

    it('takes the newest of them before a set that names none that is here', () => {
      expect(
        footings(
          untold(set('full', 5, 6)),
          untold(set('full', 10, 20)),
          untold(set('full', 22, 25), 'incomplete'),
          set('differential', 26, 30, 10),
          set('log', 15, 31),
          set('log', 31, 40),
          untold(set('full', 41, 45)),
        ).slice(3),
      ).toEqual([
        ['differential 26-30', 'untold full 10-20', undefined],
        ['log 15-31', 'untold full 10-20', undefined],
        ['log 31-40', 'log 15-31', undefined],
        ['untold full 41-45', undefined],
      ]);
    });

    it('takes one that is not whole where no other is here, and says so', () => {
      expect(
        footings(
          untold(set('full', 10, 20), 'incomplete'),
          set('differential', 26, 30, 10),
          set('log', 15, 31),
        ).slice(1),
      ).toEqual([
        ['differential 26-30', 'untold full 10-20', expect.stringContaining('is incomplete')],
        ['log 15-31', 'untold full 10-20', expect.stringContaining('is incomplete')],
      ]);
    });

    it('lets no log that tells nothing wait for a full that is not whole', () => {
      expect(
        footings(
          untold(set('full', 10, 20)),
          untold(set('log', 5, 30)),
          untold(set('full', 31, 32), 'incomplete'),
          untold(set('log', 30, 40)),
          untold(set('differential', 41, 42)),
        ).slice(3),
      ).toEqual([
        ['untold log 30-40', 'untold log 5-30', undefined],
        ['untold differential 41-42', 'untold full 10-20', undefined],
      ]);
    });

    it('names the log that is missing behind the newest one that tells its numbers', () => {
      expect(
        footings(untold(set('full', 10, 20)), set('log', 15, 30), set('log', 40, 50))[2],
      ).toEqual([
        'log 40-50',
        'untold full 10-20',
        'the log from 1:30:1 (where log 15-30 ends) to 1:40:1 is missing',
      ]);
    });

    it('follows the first set of a packed file by its numbers, and what may be behind it by dates', () => {
      const packed = (one: MssqlSet): MssqlSet => ({ ...one, mayHoldMore: true });
      expect(
        footings(
          packed(set('full', 10, 20)),
          packed(set('full', 22, 23)),
          set('differential', 26, 30, 10),
          set('differential', 31, 32, 24),
        ).slice(2),
      ).toEqual([
        ['differential 26-30', 'full 10-20', undefined],
        ['differential 31-32', 'full 22-23', undefined],
      ]);
    });
  });

  it('does not look at all logs before it for each of thousands', () => {
    let looks = 0;
    const logs = Array.from({ length: 2_000 }, (_, at) => {
      const { kind, ...log } = set('log', 20 + at, 21 + at);
      return Object.defineProperty(log as MssqlSet, 'kind', { get: () => (looks++, kind) });
    });
    const points = linkMssqlSets([set('full', 10, 20), ...logs]);
    expect(points.filter(({ gap }) => gap !== undefined)).toEqual([]);
    expect(looks).toBeLessThan(20 * logs.length);
  });
});

describe('partial backups of a database', () => {
  const DAY = 86_400_000;
  const SUNDAY = Date.UTC(2026, 10, 15, 22);
  const on = (day: number, one: MssqlSet): MssqlSet => ({
    ...one,
    ...{ id: `${one.isPartial === true ? 'part' : one.kind} ${day}` },
    createdAtMs: SUNDAY + day * DAY,
  });
  const partial = (kind: 'full' | 'differential', first: number, base = first): MssqlSet => ({
    ...set(kind, first, first + 5, base),
    isPartial: true,
  });
  /** The whole database on a Sunday, and what can be written of it on each day of the week. */
  const WEEK = linkMssqlSets([
    on(0, set('full', 10, 15)),
    ...[1, 2, 3, 4, 5].map((day) => on(day, partial('full', 10 + day * 10))),
    on(6, partial('differential', 70, 60)),
  ]);
  const CHOICE: TreePointChoice = {
    ...{ mode: 'periodic', scope: 'latest', withLogs: false, copied: new Map(), gfs: null },
    ...{ timeZone: 'UTC', nowMs: SUNDAY + 6 * DAY },
    retention: { type: 'restorePoints', value: 2 },
  };
  const ALL = ['full 0', 'part 1', 'part 2', 'part 3', 'part 4', 'part 5', 'part 6'];

  it('never put its last whole one out of a copy, however many there are', () => {
    expect([...keptIds(WEEK, CHOICE, {})].sort()).toEqual(ALL);
  });

  it('are not the newest, so that a first copy has the last whole one', () => {
    const { points } = chooseTreePoints(WEEK, { shape: 'sets' }, CHOICE);
    expect(points.map(({ id }) => id)).toEqual(ALL);
  });
});
