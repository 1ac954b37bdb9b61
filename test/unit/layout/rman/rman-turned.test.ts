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

/** A run of half an hour whose names are `aheadDays` off. */
function run(kind: 'nnnd0' | 'nnnd1', atDay: number, aheadDays = 0): WrittenFile[] {
  const namedAt = (atDay + aheadDays) * DAY;
  return [
    [pieceOf(kind, tagAt(namedAt)), atDay * DAY + 30],
    autobackupAt(namedAt + 31, atDay * DAY + 31),
  ];
}

const WHAT = async (...files: readonly WrittenFile[]) =>
  (await pointsOfArea(...files)).map(({ id, needs, gap }) => [id, needs, gap !== undefined]);

describe('a clock of the storage that was wrong', () => {
  /** A run whose files are dated otherwise than its names, which are right. */
  const misdated = (kind: 'nnnd0' | 'nnnd1', atDay: number, aheadDays: number): WrittenFile[] =>
    run(kind, atDay).map(([name, minutes]) => [name, minutes + aheadDays * DAY]);

  it.each([
    ['five days ahead', 5],
    ['a day and a half ahead', 1.5],
    ['a day and a half behind', -1.5],
  ])('by %s for two runs parts no level 1 from what it builds on', async (_, aheadDays) => {
    const files = [
      ...[...run('nnnd0', 0), ...run('nnnd1', 1), ...misdated('nnnd1', 2, aheadDays)],
      ...misdated('nnnd1', 3, aheadDays),
      ...[4, 5, 6, 7.5].flatMap((day) => run('nnnd1', day)),
    ];
    const days = [0, 1, 2, 3, 4, 5, 6, 7.5];
    expect(await WHAT(...files)).toEqual(
      days.map((day, index) => [
        ...[tagAt(day * DAY), index === 0 ? [] : [tagAt(days[index - 1]! * DAY)], false],
      ]),
    );
  });

  it('leaves the logs of that time with their run', async () => {
    const logAt = (sequence: number, day: number, aheadDays = 0): WrittenFile =>
      archivedLog(sequence, (day + aheadDays) * DAY, `2026_11_${String(24 + Math.floor(day))}`);
    const points = await pointsOfArea(
      ...[...run('nnnd0', 0), logAt(1, 0.1), ...run('nnnd1', 1), logAt(2, 1.1)],
      ...[...misdated('nnnd1', 2, 2.5), logAt(3, 2.1, 2.5)],
      ...[...misdated('nnnd1', 3, 2.5), logAt(4, 3.1, 2.5)],
      ...[...run('nnnd1', 4), logAt(5, 4.1), ...run('nnnd1', 5), logAt(6, 5.1)],
      ...[...run('nnnd1', 6), logAt(7, 6.1)],
    );
    const logsOf = (day: number) =>
      points
        .find(({ id }) => id === tagAt(day * DAY))!
        .files!.flatMap((path) => /o1_mf_1_(\d)/.exec(path)?.[1] ?? []);
    expect([0, 1, 2, 3, 4, 5].map(logsOf)).toEqual([['1'], ['2'], ['3'], ['4'], ['5'], ['6']]);
    expect(points.filter(({ gap }) => gap !== undefined)).toEqual([]);
  });

  it.each([
    ['ahead', 3],
    ['behind', -3],
  ])('by three hours %s moves no log of another time', async (_, aheadHours) => {
    const [hours, every] = [8 * 24, 4];
    const aheadAt = (hour: number) => (hour >= 72 && hour < 120 ? aheadHours : 0);
    const files = Array.from({ length: hours / 2 }, (_, index): WrittenFile[] => {
      const hour = 2 * index + 1;
      return [autobackupAt(hour * 60, (hour + aheadAt(hour)) * 60)];
    }).flat();
    const logAt = (hour: number): WrittenFile => {
      const day = `2026_11_${24 + Math.floor(hour / 24)}`;
      return archivedLog(hour, (hour + aheadAt(hour)) * 60, day);
    };
    const logHours = Array.from({ length: hours / every }, (_, index) => 2 + index * every);
    const full = pieceOf('nnnd0', tagAt(0));
    const points = await pointsOfArea([full, 30], ...files, ...logHours.map(logAt));
    const offHours = points.flatMap(({ id, createdAtMs }) => {
      const hour = Number(/o1_mf_1_(\d+)/.exec(id)?.[1] ?? NaN);
      return Number.isNaN(hour) ? [] : [(createdAtMs - Date.UTC(2026, 10, 24)) / 3_600_000 - hour];
    });
    expect(offHours).toHaveLength(logHours.length);
    expect(offHours.filter((off) => Math.abs(off) > 0.25).length).toBeLessThanOrEqual(1);
    // One of the hour in which the clock was set may be of either.
    expect(offHours.filter((off) => off < -0.25)).toEqual([]);
  });
});

it.each([
  ['a storage whose clock is two minutes ahead', () => 2],
  ['a storage whose clock is five minutes ahead', () => 5],
  ['a storage whose clock is fourteen minutes behind', () => -14],
  ['a storage whose clock loses seconds each day', (day: number) => -(day - 6) / 4],
  [
    'files that are minutes late on some days',
    (day: number) => (day % 2) * (1.5 + (day - 7) * 0.6),
  ],
])('%s doubts nothing, and moves nothing', async (_, aheadMinutes) => {
  const days = Array.from({ length: 16 }, (_, day) => day);
  const logMinutes = Array.from({ length: 20 }, (_, index) => 2 * index + 0.2);
  const points = await pointsOfArea(
    ...days.flatMap((day): WrittenFile[] => {
      const ahead = day < 6 ? 0 : aheadMinutes(day);
      const level = day % 7 === 0 ? 'nnnd0' : 'nnnd1';
      const logged = logMinutes.map((minutes, index) =>
        archivedLog(20 * day + index + 1, day * DAY + minutes),
      );
      const late = ([name, minutes]: WrittenFile): WrittenFile => [name, minutes + ahead];
      return [...run(level, day), ...logged].map(late);
    }),
  );
  const runs = points.filter(({ kind }) => kind !== 'log');
  expect(runs.map(({ needs, gap, state }) => [needs, gap, state])).toEqual(
    days.map((day) => [...[day % 7 === 0 ? [] : [tagAt((day - 1) * DAY)], undefined, 'complete']]),
  );
});

it('a run of a doubtful time has the later of its dates, and logs of it a warning', async () => {
  const [back, day] = [-13 * DAY, 24 * 60 * 60_000];
  const moved = run('nnnd0', 2).map(([name, minutes]): WrittenFile => [name, minutes + back]);
  const points = await pointsOfArea(
    ...[...run('nnnd0', 0), archivedLog(1, 0.1 * DAY, '2026_11_24'), ...run('nnnd0', 1)],
    ...[...moved, archivedLog(4, 2.1 * DAY + back, '2026_11_26')],
    ...[...run('nnnd0', 3), archivedLog(5, 3.1 * DAY, '2026_11_27'), ...run('nnnd0', 4)],
  );
  const atDay = (at: number) => Date.UTC(2026, 10, 24) + at * day;
  const full = points.find(({ id }) => id === tagAt(2 * DAY))!;
  expect(full.createdAtMs).toBe(atDay(2));
  const log = points.find(({ id }) => id.includes('_1_4_'))!;
  expect([Math.round((log.createdAtMs - atDay(2.1)) / 60_000), log.gap !== undefined]).toEqual([
    ...[0, true],
  ]);
});

describe('a clock of the database that was wrong', () => {
  it.each([
    ['a day and a half behind', -1.5],
    ['half a day ahead', 0.5],
  ])('by %s for two runs parts no level 1 from what it builds on', async (_, aheadDays) => {
    const files = [
      ...[...run('nnnd0', 0), ...run('nnnd1', 0.6), ...run('nnnd1', 1.75)],
      ...[...run('nnnd1', 2, aheadDays), ...run('nnnd1', 2.25, aheadDays)],
      ...run('nnnd1', 3),
    ];
    expect(await WHAT(...files)).toEqual([
      [tagAt(0), [], false],
      [tagAt(0.6 * DAY), [tagAt(0)], false],
      [tagAt(1.75 * DAY), [tagAt(0.6 * DAY)], false],
      [tagAt((2 + aheadDays) * DAY), [tagAt(1.75 * DAY)], false],
      [tagAt((2.25 + aheadDays) * DAY), [tagAt((2 + aheadDays) * DAY)], false],
      [tagAt(3 * DAY), [tagAt((2.25 + aheadDays) * DAY)], false],
    ]);
  });

  it.each([
    [
      'for two runs of names before all others',
      [...run('nnnd1', 1, -20), ...run('nnnd1', 1.25, -20)],
    ],
    ['for two runs of names behind all others', [...run('nnnd1', 1, 4), ...run('nnnd1', 1.25, 4)]],
    ['for one run alone', run('nnnd1', 1, 5)],
  ])('is not told from a wrong clock of the storage %s', async (_, runs) => {
    const points = await WHAT(...run('nnnd0', 0), ...runs, ...run('nnnd1', 2));
    // The full needs nothing in either order, the last one something else in each.
    expect(points.find(([id]) => id === tagAt(0))).toEqual([tagAt(0), [], false]);
    expect(points.find(([id]) => id === tagAt(2 * DAY))).toEqual([
      ...[tagAt(2 * DAY), expect.arrayContaining([tagAt(0)]), true],
    ]);
  });

  it('makes what is told of one late run alone doubtful: it may have been brought here', async () => {
    const files = [
      ...[...run('nnnd0', 0), ...run('nnnd1', 1), ...run('nnnd1', 3, -2.5)],
      ...[...run('nnnd1', 4), ...run('nnnd1', 5)],
    ];
    expect(await WHAT(...files)).toEqual([
      [tagAt(0), [], false],
      // By its name the late one lies between; what it needs in either order stays.
      [tagAt(0.5 * DAY), [tagAt(0), tagAt(DAY)], true],
      [tagAt(DAY), [tagAt(0.5 * DAY), tagAt(0)], true],
      [tagAt(4 * DAY), [tagAt(DAY), tagAt(0.5 * DAY)], true],
      [tagAt(5 * DAY), [tagAt(4 * DAY)], false],
    ]);
  });

  it('is not what several runs show that were copied here at once', async () => {
    const brought = [0, 1, 2].flatMap((day) =>
      run(day === 0 ? 'nnnd0' : 'nnnd1', day).map(([name], index): WrittenFile => [
        name,
        9 * DAY + 5 * day + index,
      ]),
    );
    expect(await WHAT(...brought, ...run('nnnd1', 10), ...run('nnnd1', 11))).toEqual([
      [tagAt(0), [], false],
      [tagAt(DAY), [tagAt(0)], false],
      [tagAt(2 * DAY), [tagAt(DAY)], false],
      [tagAt(10 * DAY), [tagAt(2 * DAY)], false],
      [tagAt(11 * DAY), [tagAt(10 * DAY)], false],
    ]);
  });

  it('is not what a copy without times shows that brings the autobackups first, some minutes late', async () => {
    const brought = [0, 1, 2, 3, 4, 5].flatMap((day): WrittenFile[] => [
      autobackupAt(day * DAY + 31, day * DAY + 35),
      [pieceOf(day === 0 ? 'nnnd0' : 'nnnd1', tagAt(day * DAY)), day * DAY + 36],
    ]);
    const points = await pointsOfArea(...brought);
    expect(points.map(({ state }) => state)).toEqual(Array(6).fill('complete'));
  });
});
