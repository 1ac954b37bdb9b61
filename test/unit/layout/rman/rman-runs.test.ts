import { describe, expect, it } from 'vitest';
import {
  archivedLog,
  autobackupAt,
  pieceOf,
  pointsOfArea,
  tagAt,
  type WrittenFile,
} from '../../../support/layout/written-area.js';

const DAY = 24 * 60;
const level0 = (minutes: number) => pieceOf('nnnd0', tagAt(minutes));
const level1 = (minutes: number) => pieceOf('nnnd1', tagAt(minutes));
const logs = (minutes: number) => pieceOf('annnn', tagAt(minutes));

describe('a run of RMAN that has died', () => {
  it('leaves its pieces to the next whole one, which does not make them again', async () => {
    const [done, rest] = [level0(0), level0(300)];
    const points = await pointsOfArea([done, 60], [rest, 330], autobackupAt(331));
    expect(points.map(({ id, state, needs }) => [id, state, needs])).toEqual([
      [tagAt(0), 'incomplete', []],
      [tagAt(300), 'complete', []],
    ]);
    expect(points[1]).toMatchObject({
      files: [rest, done, autobackupAt(331)[0]],
      sizeBytes: done.length + rest.length + autobackupAt(331)[0].length,
    });
  });

  it('is not what those after it build on: they have its pieces, and need the whole one before it', async () => {
    const [monday, tuesday] = [level1(DAY), level1(2 * DAY)];
    const points = await pointsOfArea(
      ...[[level0(0), 60] as const, autobackupAt(61)],
      [monday, DAY + 10],
      ...[[tuesday, 2 * DAY + 10] as const, autobackupAt(2 * DAY + 11)],
      ...[[level1(3 * DAY), 3 * DAY + 10] as const, autobackupAt(3 * DAY + 11)],
    );
    expect(points.map(({ id, state, needs }) => [id, state, needs])).toEqual([
      [tagAt(0), 'complete', []],
      [tagAt(DAY), 'incomplete', [tagAt(0)]],
      [tagAt(2 * DAY), 'complete', [tagAt(0)]],
      [tagAt(3 * DAY), 'complete', [tagAt(2 * DAY)]],
    ]);
    expect(points[2]!.files).toContain(monday);
    expect(points[3]!.files).not.toContain(monday);
  });

  it('is no base of logs, and a full that has its pieces is one of level 1', async () => {
    const points = await pointsOfArea(
      [level0(0), 60],
      ...[[logs(100), 101] as const, autobackupAt(102)],
      ...[[pieceOf('nnndf', tagAt(300)), 330] as const, autobackupAt(331)],
      ...[[level1(DAY), DAY + 10] as const, autobackupAt(DAY + 11)],
    );
    expect(points.map(({ id, needs, gap }) => [id, needs, gap])).toEqual([
      [tagAt(0), [], undefined],
      [tagAt(100), [], 'no backup of the database lies before it'],
      [tagAt(300), [], expect.stringContaining('no archived log')],
      [tagAt(DAY), [tagAt(300)], expect.stringContaining('no archived log')],
    ]);
  });

  it('leaves nothing to one that is made while it still runs', async () => {
    const running = level0(0);
    const beside = pieceOf('nnndf', tagAt(100));
    const points = await pointsOfArea([running, 180], [beside, 110], autobackupAt(111));
    expect(points.map(({ state, files }) => [state, files])).toEqual([
      ['incomplete', [running]],
      ['complete', [beside, autobackupAt(111)[0]]],
    ]);
  });

  it.each([
    ['fifteen minutes later', 75, 'incomplete'],
    ['five minutes later', 65, 'incomplete'],
    ['at once, in its own script', 61, 'complete'],
  ])('is not closed by logs that are backed up %s', async (_, minutes, state) => {
    const points = await pointsOfArea(
      [level0(0), 60],
      ...[[logs(minutes), minutes] as const, autobackupAt(minutes + 1)],
    );
    expect(points[0]!.state).toBe(state);
  });

  it('is known when clocks of database and storage differ by minutes', async () => {
    // Storage is four minutes behind: the autobackup of the script has 62 in its name, and was written at 58.
    const points = await pointsOfArea([level0(0), 56], [logs(61), 57], autobackupAt(62, 58));
    expect(points[0]!.state).toBe('complete');
  });

  it('is doubted where it has less than half of the level 0 before it and logs closed it', async () => {
    const later = 5 * DAY;
    const whole = [[level0(0), 60, 10] as const, autobackupAt(61)];
    const closed = (own: number) =>
      pointsOfArea(
        ...whole,
        [level0(later), later + 30, own],
        ...[[logs(later + 29), later + 31] as const, autobackupAt(later + 32)],
        ...[[level1(later + DAY), later + DAY + 9] as const, autobackupAt(later + DAY + 10)],
      );
    const [, small, , after] = await closed(4);
    expect(small).toMatchObject({
      state: 'incomplete',
      reason:
        'it has less than half the bytes of the level 0 before it, and archived logs were backed up before the next autobackup of the control file: it may have died',
    });
    expect(after).toMatchObject({ state: 'complete', needs: [tagAt(0)] });
    expect(after!.files).toEqual(expect.arrayContaining([...small!.files!]));
    const [, large, , next] = await closed(6);
    expect([large!.state, next!.needs]).toEqual(['complete', [tagAt(later)]]);
  });

  it('is doubted, too, where the one before it was, which died of the same', async () => {
    const small = (at: number): WrittenFile[] => [
      [level0(at), at + 30, 2],
      ...[[logs(at + 29), at + 31] as const, autobackupAt(at + 32)],
    ];
    const points = await pointsOfArea(
      ...[[level0(0), 60, 10] as const, autobackupAt(61)],
      ...[...small(2 * DAY), ...small(4 * DAY)],
    );
    const level0s = points.filter(({ kind }) => kind === 'full');
    expect(level0s.map(({ state }) => state)).toEqual(['complete', 'incomplete', 'incomplete']);
  });

  /** States of level 0 of so many hundredths of the first, which is whole, at days after it, each closed by a job of logs. */
  const level0States = async (...later: readonly (readonly [day: number, own: number])[]) => {
    const points = await pointsOfArea(
      ...[[level0(0), 60, 100] as const, autobackupAt(61)],
      ...later.flatMap(([day, own]): WrittenFile[] => [
        [level0(day * DAY), day * DAY + 30, own],
        ...[[logs(day * DAY + 29), day * DAY + 31] as const, autobackupAt(day * DAY + 32)],
      ]),
    );
    return points.flatMap(({ kind, state }) => (kind === 'full' ? [state] : [])).slice(1);
  };

  it.each<[string, (readonly [number, number])[], string[]]>([
    ['although the whole one is older than five weeks', [[40, 40]], ['incomplete']],
    [
      'for five weeks from the first that was doubted',
      [...[[40, 40] as const, [74, 40] as const], [76, 40]],
      ['incomplete', 'incomplete', 'complete'],
    ],
    [
      'although those that have died have together more than a whole one',
      [...[[7, 40] as const, [14, 40] as const], [21, 40]],
      ['incomplete', 'incomplete', 'incomplete'],
    ],
  ])('is doubted %s', async (_, later, states) => {
    expect(await level0States(...later)).toEqual(states);
  });

  it('is believed where what it lacks is in one that has died before it (NOT BACKED UP)', async () => {
    expect(await level0States([7, 40], [8, 62], [9, 100])).toEqual([
      ...['incomplete', 'complete', 'complete'],
    ]);
    expect(await level0States([7, 49], [8, 47])).toEqual(['incomplete', 'complete']);
    // What the whole one is held against is no rest.
    expect(await level0States([7, 49], [8, 47], [9, 48])).toEqual([
      ...['incomplete', 'complete', 'incomplete'],
    ]);
  });
});

describe('backups of logs', () => {
  it('need those before them back to the backup that they roll forward', async () => {
    const points = await pointsOfArea(
      ...[[logs(-60), -59] as const, autobackupAt(-58)],
      ...[[level0(0), 60] as const, autobackupAt(61)],
      ...[[logs(120), 121] as const, autobackupAt(122)],
      ...[[logs(180), 181] as const, autobackupAt(182)],
      ...[[logs(240), 241] as const, autobackupAt(242)],
    );
    expect(points.map(({ id, needs }) => [id, needs])).toEqual([
      [tagAt(-60), []],
      [tagAt(0), []],
      [tagAt(120), [tagAt(0)]],
      [tagAt(180), [tagAt(120), tagAt(0)]],
      [tagAt(240), [tagAt(180), tagAt(0)]],
    ]);
  });
});

describe('archived logs', () => {
  /** What each needs, or lacks, by its number. */
  async function footingsOf(...written: readonly (readonly [number, number, string?])[]) {
    const points = await pointsOfArea(
      ...[[level0(0), 60] as const, autobackupAt(61)],
      ...written.map(([sequence, minutes, day]) => archivedLog(sequence, minutes, day)),
    );
    const number = (id: string) => /_1_(\d+)_/.exec(id)?.[1] ?? id;
    return Object.fromEntries(
      points
        .filter(({ kind }) => kind === 'log')
        .map(({ id, needs, gap }) => [number(id), gap ?? needs.map(number).join(' ')]),
    );
  }

  it('join by their numbers, whichever of them was written first', async () => {
    expect(await footingsOf([7, 100], [9, 101], [8, 102], [10, 103])).toEqual({
      ...{ 7: tagAt(0), 8: '7', 9: '8', 10: '9' },
    });
  });

  it('need the oldest backup since this began, whatever lies before those that are older', async () => {
    const before = [[5, -100] as const, [6, -10] as const];
    expect(await footingsOf(...before, [7, 20], [8, 100])).toEqual({
      ...{ 5: 'no backup of the database lies before it', 6: '5', 7: tagAt(0), 8: '7' },
    });
    // Of one of the same minute nobody knows, nor where a later one has a lower number.
    expect(await footingsOf(...before, [7, -1], [8, 100])).toMatchObject({ 7: '6', 8: '7' });
    expect(await footingsOf([5, -100], [6, 21], [7, -10], [8, 100])).toMatchObject({
      ...{ 6: tagAt(0), 7: '6', 8: '7' },
    });
  });

  it('begin anew behind OPEN RESETLOGS, and lack nothing there', async () => {
    const old = [[4711, 100] as const, [4712, 101] as const];
    const anew = [[2, 201] as const, [1, 202] as const, [3, 203] as const];
    const expected = { 1: tagAt(0), 2: '1', 3: '2', 4711: tagAt(0), 4712: '4711' };
    expect(await footingsOf(...old, ...anew)).toEqual(expected);
    // Brought here without their times, in the order of a directory: the days of their folders tell it.
    expect(
      await footingsOf(
        ...old.map(([number], index) => [number, 300 + index, '2026_11_24'] as const),
        ...anew.map(([number], index) => [number, 200 + index, '2026_11_25'] as const),
      ),
    ).toEqual(expected);
  });

  it('that were fetched later fill a hole, or leave a smaller one', async () => {
    expect(await footingsOf([7, 100], [12, 101], [8, 200], [9, 201])).toEqual({
      ...{ 7: tagAt(0), 8: '7', 9: '8' },
      12: 'archived logs 10 to 11 of thread 1 are missing',
    });
  });
});

describe('an area that was brought without the times of its files', () => {
  /** Copied eight hours later and some minutes, folder after folder. */
  const brought = (minutes: number) => 8 * 60 + 7 + minutes;

  it('is told by names alone where the order is that of copying', async () => {
    const points = await pointsOfArea(
      autobackupAt(61, brought(0)),
      ...[autobackupAt(122, brought(1)), [level0(0), brought(5)] as const],
      [logs(120), brought(6)],
    );
    expect(points.map(({ id, state }) => [id, state])).toEqual([
      [tagAt(0), 'complete'],
      [tagAt(120), 'complete'],
    ]);
  });

  it('is told by times where an autobackup was written when its name says', async () => {
    // The file of a database was added while the level 0 ran.
    const points = await pointsOfArea(autobackupAt(20), [level0(0), 60]);
    expect(points[0]!.state).toBe('incomplete');
  });

  it('holds a run for dead all the same that no name closes', async () => {
    const points = await pointsOfArea(
      ...[autobackupAt(61, brought(0)), autobackupAt(2 * DAY + 61, brought(1))],
      ...[[level0(0), brought(2)] as const, [level1(DAY), brought(3)] as const],
      [level1(2 * DAY), brought(4)],
    );
    expect(points.map(({ id, state }) => [id, state])).toEqual([
      [tagAt(0), 'complete'],
      [tagAt(DAY), 'incomplete'],
      [tagAt(2 * DAY), 'complete'],
    ]);
  });
});

describe('a level 0 or full of a part of an Oracle database', () => {
  const GUID = '0123456789ABCDEF0123456789ABCDEF';
  const needsOf = async (...written: WrittenFile[]) =>
    (await pointsOfArea(...written)).map(({ id, needs }) => [id, needs]);
  const ended = (piece: string, minutes: number, times: number): WrittenFile[] => [
    [piece, minutes + 10, times],
    autobackupAt(minutes + 11),
  ];

  it.each([
    ['level 0', level0],
    ['full', (minutes: number) => pieceOf('nnndf', tagAt(minutes))],
  ])(
    'is no base: a small %s needs what it follows, and logs roll that forward',
    async (_, part) => {
      const found = await needsOf(
        ...ended(level0(0), 0, 20),
        ...ended(logs(DAY), DAY, 1),
        ...ended(part(2 * DAY), 2 * DAY, 17),
        ...ended(logs(3 * DAY), 3 * DAY, 1),
        archivedLog(9, 3 * DAY + 60),
      );
      expect(found).toEqual([
        [tagAt(0), []],
        [tagAt(DAY), [tagAt(0)]],
        [tagAt(2 * DAY), [tagAt(0)]],
        [tagAt(3 * DAY), [tagAt(DAY), tagAt(0)]],
        [archivedLog(9, 0)[0], [tagAt(3 * DAY), tagAt(0)]],
      ]);
    },
  );

  it('keeps the chain of the database below the level 1 that follow it', async () => {
    const found = await needsOf(
      ...ended(level0(0), 0, 20),
      ...ended(level0(DAY), DAY, 2),
      ...ended(level1(2 * DAY), 2 * DAY, 2),
    );
    expect(found).toEqual([
      [tagAt(0), []],
      [tagAt(DAY), [tagAt(0)]],
      [tagAt(2 * DAY), [tagAt(DAY)]],
    ]);
  });

  it('is known by the containers that it has no piece of, for five weeks', async () => {
    const withPdb = (minutes: number): WrittenFile[] => [
      [`${GUID}/${level0(minutes)}`, minutes + 5],
      ...ended(level0(minutes), minutes, 20),
    ];
    const found = await needsOf(
      ...withPdb(0),
      ...ended(level0(34 * DAY), 34 * DAY, 40),
      ...ended(level0(36 * DAY), 36 * DAY, 40),
    );
    expect(found).toEqual([
      [tagAt(0), []],
      [tagAt(34 * DAY), [tagAt(0)]],
      [tagAt(36 * DAY), []],
    ]);
  });

  it('is none where it is about as large as the largest of five weeks', async () => {
    const found = await needsOf(
      ...ended(level0(0), 0, 20),
      ...ended(level0(DAY), DAY, 18),
      ...ended(level0(35 * DAY), 35 * DAY, 10),
      ...ended(level0(40 * DAY), 40 * DAY, 10),
    );
    expect(found.map(([, needs]) => needs)).toEqual([[], [], [tagAt(DAY)], []]);
  });
});

describe('a parameter file', () => {
  const [data, control] = [pieceOf('nnndf', tagAt(0)), pieceOf('ncnnf', tagAt(0))];
  const parameters = pieceOf('nnsnf', tagAt(0));

  it('closes no run, neither of its own tag nor one before it', async () => {
    const later = pieceOf('nnsnf', tagAt(40));
    const points = await pointsOfArea([data, 30], [parameters, 31], [later, 41]);
    expect(points.map(({ id, state, files }) => [id, state, files])).toEqual([
      [tagAt(0), 'incomplete', [data, parameters]],
    ]);
  });

  it('is with the run that it was written in, whose control file has a piece of its own', async () => {
    const points = await pointsOfArea([data, 30], [control, 31], [parameters, 32]);
    expect(points.map(({ id, state, files }) => [id, state, files])).toEqual([
      [tagAt(0), 'complete', [control, data, parameters]],
    ]);
  });

  it('that a command of its own has backed up travels with the run before it', async () => {
    const own = pieceOf('nnsnf', tagAt(40));
    const points = await pointsOfArea([data, 30], autobackupAt(31), [own, 41]);
    expect(points.map(({ id, state, files }) => [id, state, files])).toEqual([
      [tagAt(0), 'complete', [data, autobackupAt(31)[0], own]],
    ]);
  });
});

describe('a piece that has the control file beside data', () => {
  it('closes its run when it is the last one', async () => {
    const [data, both] = [pieceOf('nnndf', tagAt(0)), pieceOf('ncndf', tagAt(0))];
    const states = async (...written: WrittenFile[]) =>
      (await pointsOfArea(...written)).map(({ id, state }) => [id, state]);
    const before = [[level0(-300), -290] as const, autobackupAt(-289)];
    expect(await states(...before, [data, 30], [both, 31])).toContainEqual([tagAt(0), 'complete']);
    expect(await states(...before, [both, 30], [data, 31])).toContainEqual([
      ...[tagAt(0), 'incomplete'],
    ]);
  });
});
