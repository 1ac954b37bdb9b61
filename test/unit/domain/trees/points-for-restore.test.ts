import { describe, expect, it } from 'vitest';
import { missingTexts, pointsNeededBy } from '../../../../src/domain/trees/points-for-restore.js';
import { mssqlLayout } from '../../../../src/layout/mssql/mssql.js';
import type { TargetTreePoint } from '../../../../src/domain/trees/target-tree.js';

const RULES = { logsBeforeFullMs: 15 * 60_000 };

function copied(
  id: string,
  createdAt: string,
  kind: TargetTreePoint['kind'],
  needs: readonly string[],
  more: Partial<TargetTreePoint> = {},
): TargetTreePoint {
  const at = `2026-11-${createdAt}:00.000Z`;
  return {
    ...{ id: `copy of ${id}`, createdAt: at, copiedAt: at, kind, needs, files: [id] },
    ...{ fileCount: 1, sizeBytes: 7, health: 'good', verifiedAt: null, flags: [] },
    ...{ source: { repositoryId: 'r', restorePointId: id }, ...more },
  };
}

describe('what a restore of a point of sets takes', () => {
  const POINTS = [
    copied('full', '20T10:00', 'full', []),
    copied('other', '20T11:00', 'full', []),
    copied('diff', '21T10:00', 'increment', ['full']),
    copied('log', '21T11:00', 'log', ['diff']),
    copied('lone', '22T10:00', 'log', ['gone', 'log']),
  ];
  const taken = (points: readonly TargetTreePoint[], id: string) => {
    const { points: needed, missing } = pointsNeededBy(points, `copy of ${id}`, RULES);
    return [needed.map(({ source }) => source.restorePointId).join(' '), missing.join(' ')];
  };

  it('is what it needs, and what that needs', () => {
    expect(taken(POINTS, 'log')).toEqual(['full diff log', '']);
    expect(taken(POINTS, 'other')).toEqual(['other', '']);
  });

  it('lacks what it needs and the copy does not have, and says so with the gaps before it', () => {
    expect(taken(POINTS, 'lone')).toEqual(['full diff log lone', 'gone']);
    const gapped = POINTS.map((point) =>
      point.id === 'copy of log' ? { ...point, gap: 'log 7 is missing' } : point,
    );
    expect(missingTexts(gapped, 'copy of lone', RULES)).toEqual([
      'it needs gone, which the copy does not have',
      'log: log 7 is missing',
    ]);
    expect(missingTexts(gapped, 'copy of diff', RULES)).toEqual([]);
  });

  it('has the full that serves a log when the logs before that full are gone', () => {
    const points = [
      copied('last', '20T09:50', 'log', ['let go']),
      copied('full', '20T10:00', 'full', []),
      copied('first', '20T10:10', 'log', ['last']),
      copied('next', '20T10:20', 'log', ['first']),
    ];
    expect(taken(points, 'next')).toEqual(['last full first next', '']);
    expect(missingTexts(points, 'copy of next', RULES)).toEqual([]);
    expect(taken(points, 'last')).toEqual(['last', 'let go']);
  });

  it('has no full of another database for a log, where files tell them apart', () => {
    const rules = {
      ...RULES,
      mayBeOfOneDatabase: (some: readonly string[], others: readonly string[]) =>
        some[0]![0] === others[0]![0],
    };
    const points = [
      copied('a full', '18T10:00', 'full', []),
      copied('a 1', '18T12:00', 'log', ['a full']),
      copied('a 2', '19T12:00', 'log', ['a 1']),
      copied('b full', '20T10:00', 'full', []),
      copied('a 3', '22T12:00', 'log', ['a 2']),
    ];
    const { points: needed } = pointsNeededBy(points, 'copy of a 3', rules);
    expect(needed.map(({ source }) => source.restorePointId)).toEqual([
      ...['a full', 'a 1', 'a 2', 'a 3'],
    ]);
  });

  it('goes back beyond a full of a time to which clocks were turned back', () => {
    const points = [
      copied('old', '10T10:00', 'full', []),
      copied('log 1', '12T10:00', 'log', ['old']),
      copied('new', '18T10:00', 'full', []),
      copied('log 2', '19T10:00', 'log', ['log 1']),
      // Five days back, until the next but one.
      copied('log 3', '15T10:00', 'log', ['log 2']),
      copied('log 4', '22T10:00', 'log', ['log 3']),
    ];
    expect(taken(points, 'log 4')).toEqual(['old log 1 log 2 log 3 log 4', '']);
  });

  it('has no copy of a log under another name beside it, of a database that has one log', () => {
    const points = [
      copied('full', '20T10:00', 'full', []),
      copied('log 1', '20T11:00', 'log', ['full']),
      copied('log 2', '20T12:00', 'log', ['log 1']),
      // Called anew when the log before it had gone at the source.
      copied('kept 2', '20T12:00', 'log', [], { gap: 'log 1 is missing' }),
      copied('log 3', '20T13:00', 'log', ['log 2']),
    ];
    const { rules } = mssqlLayout;
    expect(missingTexts(points, 'copy of log 3', rules)).toEqual([]);
    expect(missingTexts(points, 'copy of kept 2', rules)).toEqual(['kept 2: log 1 is missing']);
    const { points: needed } = pointsNeededBy(points, 'copy of log 3', rules);
    expect(needed.map(({ source }) => source.restorePointId)).toEqual([
      ...['full', 'log 1', 'log 2', 'log 3'],
    ]);
  });

  describe('of a log', () => {
    it('begins with the newest full, though the logs before it are there without a hole', () => {
      const days = Array.from({ length: 29 }, (_, index) => `${index + 1}`.padStart(2, '0'));
      const points = days.flatMap((day, index) => {
        const before = index === 0 ? 'full 01' : `log ${days[index - 1]!}`;
        const log = copied(`log ${day}`, `${day}T20:00`, 'log', [before]);
        return index % 7 === 0 ? [copied(`full ${day}`, `${day}T10:00`, 'full', []), log] : [log];
      });
      expect(taken(points, 'log 28')).toEqual([
        ['full 22', ...days.slice(21, 28).map((day) => `log ${day}`)].join(' '),
        '',
      ]);
      expect(taken(points, 'log 07')).toEqual([
        ['full 01', ...days.slice(0, 7).map((day) => `log ${day}`)].join(' '),
        '',
      ]);
    });

    it('begins with the full before one that has not had four days, for that may have been written still', () => {
      const points = [
        copied('full 20', '20T01:00', 'full', []),
        copied('log 20', '20T13:00', 'log', ['full 20']),
        copied('log 21', '21T00:30', 'log', ['log 20']),
        copied('full 21', '21T01:00', 'full', []),
        copied('within', '21T02:00', 'log', ['log 21']),
        // A full of 30 hours is written still.
        copied('log 22', '22T02:00', 'log', ['within']),
        copied('log 25', '25T02:00', 'log', ['log 22']),
      ];
      expect(taken(points, 'within')).toEqual(['full 20 log 20 log 21 within', '']);
      expect(taken(points, 'log 22')).toEqual(['full 20 log 20 log 21 within log 22', '']);
      expect(taken(points, 'log 25')).toEqual(['full 21 within log 22 log 25', '']);
    });

    it('has the logs of each replica set up to its date, and the next that reaches beyond', () => {
      const points = [
        copied('old', '19T10:00', 'full', []),
        copied('rs1 before', '19T20:00', 'log', ['old']),
        copied('base', '20T10:00', 'full', []),
        copied('rs0 1', '20T10:10', 'log', ['base']),
        copied('rs1 1', '20T10:15', 'log', ['base']),
        copied('rs0 2', '20T10:20', 'log', ['rs0 1']),
        copied('rs1 2', '20T10:25', 'log', ['rs1 1']),
        copied('rs0 3', '20T10:30', 'log', ['rs0 2']),
        copied('rs1 3', '20T10:35', 'log', ['rs1 2']),
      ];
      expect(taken(points, 'rs0 2')).toEqual(['base rs0 1 rs1 1 rs0 2 rs1 2', '']);
      expect(taken(points, 'rs1 2')).toEqual(['base rs0 1 rs1 1 rs0 2 rs1 2 rs0 3', '']);
      expect(taken(points, 'base')).toEqual(['base', '']);
    });

    it('has the first log of another chain, which reaches beyond its date, and not what follows that', () => {
      const points = [
        copied('base', '20T10:00', 'full', []),
        copied('rs0 1', '20T10:10', 'log', ['base']),
        copied('rs1 1', '20T10:30', 'log', ['base']),
        copied('rs1 2', '20T10:50', 'log', ['base', 'rs1 1']),
      ];
      expect(taken(points, 'rs0 1')).toEqual(['base rs0 1 rs1 1', '']);
      expect(taken(points, 'rs1 1')).toEqual(['base rs0 1 rs1 1', '']);
    });

    it('begins with the newest backup that it needs, and with no log from before that', () => {
      const points = [
        copied('full', '18T10:00', 'full', []),
        copied('rs1 1', '19T12:00', 'log', ['full']),
        copied('diff', '20T10:00', 'increment', ['full']),
        copied('rs1 2', '20T10:30', 'log', ['rs1 1']),
        copied('rs0 1', '20T11:00', 'log', ['diff']),
      ];
      expect(taken(points, 'rs0 1')).toEqual(['full diff rs1 2 rs0 1', '']);
    });

    it('has the backup that a log of another chain needs, where that is made later', () => {
      const points = [
        copied('base', '20T10:00', 'full', []),
        copied('rs1 diff', '20T10:30', 'increment', ['base']),
        copied('rs1 1', '20T10:40', 'log', ['rs1 diff']),
        copied('rs0 1', '20T10:50', 'log', ['base']),
      ];
      expect(taken(points, 'rs0 1')).toEqual(['base rs1 diff rs1 1 rs0 1', '']);
    });

    it('has the logs of the minutes before its base: clocks differ', () => {
      const points = [
        copied('t2 0', '20T09:40', 'log', []),
        copied('t2 1', '20T09:50', 'log', []),
        copied('full', '20T10:00', 'full', []),
        copied('t1 1', '20T10:20', 'log', ['full']),
      ];
      expect(taken(points, 't1 1')).toEqual(['t2 1 full t1 1', '']);
    });

    it('has a full in the place of logs that it can do without, never of what an increment needs', () => {
      const points = [
        copied('diff', '19T10:00', 'increment', ['gone']),
        copied('full', '20T10:00', 'full', []),
        copied('log', '21T10:00', 'log', ['diff']),
      ];
      expect(taken(points, 'log')[1]).toBe('gone');
    });

    it('rolls forward from the full that had four days, though a newer one lies before it', () => {
      const points = [
        copied('before', '19T20:00', 'log', []),
        copied('ended', '20T01:00', 'full', []),
        copied('log 20', '20T13:00', 'log', ['before']),
        copied('young', '24T01:00', 'full', []),
        copied('log 24', '24T12:00', 'log', ['log 20']),
      ];
      expect(taken(points, 'log 24')).toEqual(['ended log 20 log 24', '']);
    });

    it('has those of volumes whose chains begin before the backup, from this on', () => {
      const points = [
        copied('first', '18T10:00', 'full', []),
        copied('v3 1', '18T11:00', 'log', ['first']),
        copied('full', '20T10:00', 'full', []),
        copied('v3 2', '20T10:10', 'log', ['v3 1']),
        copied('v2 1', '20T10:20', 'log', ['full']),
        copied('v3 3', '20T10:40', 'log', ['v3 2']),
        copied('v3 4', '20T10:50', 'log', ['v3 3']),
      ];
      expect(taken(points, 'v2 1')).toEqual(['full v3 2 v2 1 v3 3', '']);
      const gapped = points.map((point) =>
        point.id === 'copy of v3 2' ? { ...point, gap: 'a log of volume 3 is missing' } : point,
      );
      expect(missingTexts(gapped, 'copy of v2 1', RULES)).toEqual([
        'v3 2: a log of volume 3 is missing',
      ]);
    });

    it('has those of other volumes by their numbers, where the clock was turned back', () => {
      const points = [
        copied('full', '20T01:00', 'full', []),
        copied('v2 1', '20T06:00', 'log', ['full']),
        copied('v3 1', '20T06:00', 'log', ['full']),
        // It was turned back by two days, and is put right later.
        copied('v2 2', '18T08:00', 'log', ['v2 1']),
        copied('v3 2', '18T08:00', 'log', ['v3 1']),
        copied('v2 3', '18T12:00', 'log', ['v2 2']),
        copied('v3 3', '18T12:00', 'log', ['v3 2']),
        copied('v2 4', '20T18:00', 'log', ['v2 3']),
        copied('v3 4', '20T18:00', 'log', ['v3 3']),
        copied('v3 5', '20T22:00', 'log', ['v3 4']),
      ];
      expect(taken(points, 'v2 3')).toEqual(['full v2 1 v3 1 v2 2 v3 2 v2 3 v3 3 v3 4', '']);
    });

    it('has no log of the minutes before its base that has a hole before it, unless one needs it', () => {
      const hole = { gap: 'no backup of the database lies before it' };
      const points = [
        copied('t1 1', '20T00:50', 'log', [], hole),
        copied('full', '20T01:00', 'full', []),
        copied('t1 2', '20T06:00', 'log', ['full']),
      ];
      expect(taken(points, 't1 2')).toEqual(['full t1 2', '']);
      const needing = [...points.slice(0, 2), copied('t1 2', '20T06:00', 'log', ['t1 1'])];
      expect(missingTexts(needing, 'copy of t1 2', RULES)).toEqual([`t1 1: ${hole.gap}`]);
    });

    it('has the full that serves it where its chain begins behind a hole', () => {
      const points = [
        copied('early', '19T10:00', 'log', []),
        copied('full', '20T10:00', 'full', []),
        copied('late', '20T10:20', 'log', ['early']),
      ];
      expect(taken(points, 'late')).toEqual(['early full late', '']);
    });

    describe('by the dates that are believed', () => {
      const NEVER_SET = '1970-01-01T00:00:10.000Z';
      const AHEAD = '2036-11-20T10:00:00.000Z';

      it('has the logs of the others when its own date is of a clock that was never set', () => {
        const points = [
          copied('base', '20T10:00', 'full', []),
          copied('rs0 1', '20T10:10', 'log', ['base']),
          copied('rs1 1', '20T10:15', 'log', ['base']),
          copied('rs0 2', '20T10:20', 'log', ['rs0 1'], { createdAt: NEVER_SET }),
          copied('rs1 2', '20T10:25', 'log', ['rs1 1']),
        ];
        expect(taken(points, 'rs0 2')).toEqual(['base rs0 1 rs1 1 rs0 2 rs1 2', '']);
      });

      it('lacks what a log of 1970 needs, which no later full can stand for', () => {
        const points = [
          copied('full', '20T10:00', 'full', []),
          copied('unset', '20T10:10', 'log', ['gone'], { createdAt: NEVER_SET }),
          copied('wanted', '20T10:20', 'log', ['unset']),
        ];
        expect(taken(points, 'wanted')).toEqual(['full unset wanted', 'gone']);
      });

      it('has all logs since the oldest it needs when its full has a date of the future', () => {
        const points = [
          copied('old', '19T20:00', 'log', []),
          copied('base', '20T11:00', 'full', [], { createdAt: AHEAD }),
          copied('rs0 1', '20T10:10', 'log', ['base']),
          copied('rs1 1', '20T10:15', 'log', ['base']),
          copied('rs0 2', '20T10:20', 'log', ['rs0 1']),
          copied('rs1 2', '20T10:25', 'log', ['rs1 1']),
        ];
        expect(taken(points, 'rs0 2')).toEqual(['base rs0 1 rs1 1 rs0 2 rs1 2', '']);
      });
    });
  });
});
