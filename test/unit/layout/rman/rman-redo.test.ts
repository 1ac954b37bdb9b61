import { describe, expect, it } from 'vitest';
import { pointsToTake } from '../../../../src/domain/trees/grown-points.js';
import { copiedWithoutGap, withNewFiles } from '../../../../src/domain/trees/set-points.js';
import type { TreePoint } from '../../../../src/domain/trees/source-tree.js';
import type { TargetTreePoint } from '../../../../src/domain/trees/target-tree.js';
import { chooseTreePoints, copiedAt } from '../../../../src/domain/trees/tree-points.js';
import { rmanLayout } from '../../../../src/layout/rman/rman.js';
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
const logs = (minutes: number) => pieceOf('annnn', tagAt(minutes));
const [control] = autobackupAt(64);

/** A level 0 from 00:00 to 01:00 and its control file, after logs of the evening. */
async function levelZero(...others: WrittenFile[]) {
  const piece = level0(0);
  const points = await pointsOfArea([piece, 60], autobackupAt(64), ...others);
  const { files, gap } = points.find(({ id }) => id === tagAt(0))!;
  return { files: files!.filter((path) => path !== piece && path !== control), gap };
}

describe('a backup of an open Oracle database', () => {
  it('takes along the logs that PLUS ARCHIVELOG backs up behind it, and not those before it', async () => {
    const [before, behind, tomorrow] = [logs(-5), logs(61), logs(DAY - 5)];
    const found = await levelZero(
      ...([
        [before, -4],
        [behind, 63],
        [tomorrow, DAY - 4],
      ] as const),
      autobackupAt(DAY),
    );
    expect(found).toEqual({ files: [behind], gap: undefined });
  });

  it('is copied with them where no transaction logs are wanted', async () => {
    const [piece, behind] = [level0(0), logs(61)];
    const points = await pointsOfArea([piece, 60], [behind, 63], autobackupAt(64));
    const chosen = chooseTreePoints(points, rmanLayout.rules, {
      ...{ mode: 'periodic', scope: 'latest', withLogs: false, copied: new Map() },
      ...{ retention: { type: 'restorePoints', value: 7 }, gfs: null, timeZone: 'UTC' },
      nowMs: Date.UTC(2026, 10, 24, 12),
    });
    expect(chosen.warnings).toEqual([]);
    expect(chosen.points.map(({ files }) => files)).toEqual([[piece, control, behind]]);
  });

  it('takes along the logs of a job of their own, and the control file that knows of them', async () => {
    const [during, behind] = [logs(30), logs(120)];
    const found = await levelZero(
      ...([
        [during, 31],
        [behind, 121],
      ] as const),
      autobackupAt(122),
    );
    expect(found.gap).toBeUndefined();
    expect(new Set(found.files)).toEqual(new Set([during, behind, autobackupAt(122)[0]]));
  });

  it('takes along archived logs from its start to the first behind its end', async () => {
    const found = await levelZero(
      ...[archivedLog(6, -10), archivedLog(7, 20), archivedLog(8, 62), archivedLog(9, 90)],
    );
    // Up to its control file, and the first that was archived after its last piece.
    expect(found).toEqual({
      files: [archivedLog(7, 20)[0], archivedLog(8, 62)[0]],
      gap: undefined,
    });
  });

  it.each([
    ['the first behind it', [6, -10], [7, 120]],
    ['one whose number follows, though a later one was written first', [6, 40], [7, 130], [8, 120]],
  ] as [string, ...[number, number][]][])('is opened by %s', async (_, ...written) => {
    const found = await levelZero(...written.map(([number, at]) => archivedLog(number, at)));
    expect(found.gap).toBeUndefined();
    expect(found.files).toContain(archivedLog(7, 0)[0]);
  });

  it.each([
    ['none was made after it', 'no archived log that was made after its end is here', [6, -10]],
    ['one of them is gone', 'archived log 7 of thread 1 is missing', [6, 30], [8, 70]],
    ['the next is of days later', 'no archived log that was made after its end is here', [9, 3000]],
  ] as [string, string, ...[number, number][]][])(
    'says so where %s',
    async (_, gap, ...written) => {
      const found = await levelZero(...written.map(([number, at]) => archivedLog(number, at)));
      expect(found.gap).toContain(gap);
      expect(found.gap).toContain('it cannot be opened without');
    },
  );

  it.each<[string, ...WrittenFile[]]>([
    ['archived logs', archivedLog(9, 3 * DAY), archivedLog(10, 4 * DAY)],
    ['an archived log long before it and others', archivedLog(1, -90), archivedLog(9, 3 * DAY)],
    ['pieces of logs', [logs(3 * DAY), 3 * DAY], autobackupAt(3 * DAY + 1)],
  ])('takes nothing along of days later, when its own have gone: %s', async (_, ...left) => {
    const next = [[level0(2 * DAY), 2 * DAY + 60], autobackupAt(2 * DAY + 64)] as const;
    const found = await levelZero(...next, ...left);
    expect(found.files).toEqual([]);
    expect(found.gap).toContain('no archived log that was made after its end is here');
  });

  it('is opened by the pieces of logs of days later, as long as no other backup of data lies between', async () => {
    const behind = logs(3 * DAY);
    const found = await levelZero([behind, 3 * DAY], autobackupAt(3 * DAY + 1));
    expect(found.gap).toBeUndefined();
    expect(found.files).toContain(behind);
  });

  it.each([
    ['ahead', [6, -10], [7, 20], [8, 150], [9, 40], [10, 62]],
    ['behind', [6, -10], [7, -100], [8, 40], [9, 62], [10, 90]],
  ] as [string, ...[number, number][]][])(
    'lacks no log that another machine of its cluster has dated by a clock of another zone, %s',
    async (_, ...written) => {
      const found = await levelZero(...written.map(([number, at]) => archivedLog(number, at)));
      expect(found.gap).toBeUndefined();
      for (const number of [7, 8, 9]) expect(found.files).toContain(archivedLog(number, 0)[0]);
    },
  );

  it.each([
    ['its first is there', [7, -100], [1, -90], [6, -10], [8, 40], [9, 62]],
    ['a number is there twice', [7, -100], [9, -95], [6, -10], [8, 40], [9, 62]],
  ] as [string, ...[number, number][]][])(
    'lacks a log whose number one of the time before RESETLOGS has: %s',
    async (_, ...written) => {
      const logs = written.map(([number, at]) => archivedLog(number, at, at < -50 ? 'c' : 'd'));
      const found = await levelZero(...logs);
      expect(found.gap).toContain('archived log 7 of thread 1 is missing');
      expect(found.files).not.toContain(logs[0]![0]);
    },
  );

  it('is copied without a word of logs that the copy has and that have gone since', async () => {
    const data = [[level0(0), 60], autobackupAt(64)] as const;
    const later = [[level0(3 * DAY), 3 * DAY + 60], autobackupAt(3 * DAY + 64)] as const;
    const lastLog = archivedLog(99, 3 * DAY + 61);
    const before = await pointsOfArea(...data, archivedLog(7, 62));
    const after = await pointsOfArea(...data, ...later, lastLog);
    const nowMs = Date.UTC(2026, 10, 27, 12);
    const copyOf = (points: readonly TreePoint[]) =>
      points
        .filter(({ id }) => id === tagAt(0))
        .map(({ id, createdAtMs, kind, needs, files, sizeBytes }): TargetTreePoint => ({
          ...{ id, createdAt: new Date(createdAtMs).toISOString(), kind, needs, files },
          copiedAt: new Date(createdAtMs + 7_200_000).toISOString(),
          ...{ fileCount: files!.length, sizeBytes: sizeBytes!, health: 'good', flags: [] },
          ...{ verifiedAt: null, source: { repositoryId: 'r', restorePointId: id } },
        }));
    const told = (copy: readonly TargetTreePoint[]) =>
      chooseTreePoints(after, rmanLayout.rules, {
        ...{ mode: 'periodic', scope: 'latest', withLogs: false, gfs: null, timeZone: 'UTC' },
        ...{ retention: { type: 'restorePoints', value: 7 }, nowMs },
        ...{ copied: copiedAt({ points: copy }), withoutGap: copiedWithoutGap(copy, after) },
      }).warnings;
    const copy = copyOf(before);
    expect(copy).toHaveLength(1);
    expect(told(copy)).toEqual([]);
    expect(pointsToTake(after, copy).map(({ id }) => id)).not.toContain(tagAt(0));
    // As builds copied it that did not know of logs.
    const without = copyOf(after);
    const shown = new Map(after.map((point) => [point.id, point]));
    expect(told(without)).toHaveLength(1);
    expect(withNewFiles(without[0]!, shown, () => 1, true).gap).toContain('no archived log');
    expect(withNewFiles(copy[0]!, shown, () => 1, true)).toBe(copy[0]);
  });

  it('lacks nothing where the area has no logs at all', async () => {
    expect(await levelZero()).toEqual({ files: [], gap: undefined });
  });

  it('has the logs that bear its own tag', async () => {
    const own = pieceOf('annnn', tagAt(0));
    const found = await levelZero([own, 63], archivedLog(6, -10));
    expect(found).toEqual({ files: [own], gap: undefined });
  });
});
