import { describe, expect, it } from 'vitest';
import {
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

describe('a clock of the database that was wrong', () => {
  it.each([
    ['twenty days behind', -20],
    ['four days ahead', 4],
    ['half a day ahead', 0.5],
  ])('by %s for two runs parts no level 1 from what it builds on', async (_, aheadDays) => {
    const files = [
      ...[...run('nnnd0', 0), ...run('nnnd1', 1), ...run('nnnd1', 1.75)],
      ...[...run('nnnd1', 2, aheadDays), ...run('nnnd1', 2.25, aheadDays)],
      ...run('nnnd1', 3),
    ];
    expect(await WHAT(...files)).toEqual([
      [tagAt(0), [], false],
      [tagAt(DAY), [tagAt(0)], false],
      [tagAt(1.75 * DAY), [tagAt(DAY)], false],
      [tagAt((2 + aheadDays) * DAY), [tagAt(1.75 * DAY)], false],
      [tagAt((2.25 + aheadDays) * DAY), [tagAt((2 + aheadDays) * DAY)], false],
      [tagAt(3 * DAY), [tagAt((2.25 + aheadDays) * DAY)], false],
    ]);
  });

  it('is seen by one run alone where it was ahead', async () => {
    const files = [...run('nnnd0', 0), ...run('nnnd1', 1, 5), ...run('nnnd1', 2)];
    expect(await WHAT(...files)).toEqual([
      [tagAt(0), [], false],
      [tagAt(6 * DAY), [tagAt(0)], false],
      [tagAt(2 * DAY), [tagAt(6 * DAY)], false],
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
