import { describe, expect, it } from 'vitest';
import { mayHoldClass } from '../../../../src/domain/trees/class-folders.js';
import { classOf } from '../../../../src/domain/trees/tree-rules.js';
import { walgLayout } from '../../../../src/layout/postgres/walg.js';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import { segmentName } from '../../../support/layout/cluster-files.js';
import { treeOf } from '../../../support/layout/real-tree.js';
import { walgBackup as backup, walgLog as wals } from '../../../support/layout/walg-files.js';
import { briefPoint, scanTreesWith } from '../../../support/layout/scan-trees-with.js';

const FULL = `base_${segmentName(2)}`;
const DELTA = `base_${segmentName(5)}_D_${segmentName(2)}`;

async function pointsOf(files: Record<string, string>) {
  const copy = await treeOf(files);
  const [tree, ...others] = await scanTreesWith(walgLayout, copy.repository);
  expect(others).toEqual([]);
  return new Map(tree?.points.map((point) => [point.id, point]));
}

describe('a store of WAL-G', () => {
  it('is a workload with its backups, deltas and log', async () => {
    const copy = await treeOf({
      ...backup(FULL, 2),
      ...backup(DELTA, 5, { DeltaFrom: FULL, DeltaFullName: FULL, DeltaCount: 1 }),
      ...wals(2, 3, 4, 5, 6),
    });
    const all = await scanRepository(copy.repository);
    expect(all.map(({ id }) => id)).toEqual(['wal-g-pg']);
    const points = all[0]!.tree!.points.map(briefPoint);
    expect(points).toHaveLength(3);
    expect(points).toEqual(
      expect.arrayContaining([
        { id: FULL, kind: 'full', state: 'complete', needs: [] },
        { id: DELTA, kind: 'increment', state: 'complete', needs: [FULL] },
        { id: segmentName(2), kind: 'log', state: 'complete', needs: [DELTA] },
      ]),
    );
  });

  it('has what has no sentinel, no log or no base as none that can be restored', async () => {
    const { [`pg/basebackups_005/${FULL}_backup_stop_sentinel.json`]: _, ...begun } = backup(
      FULL,
      2,
    );
    const points = await pointsOf({
      ...begun,
      ...backup(DELTA, 5, { DeltaFrom: FULL }),
      ...backup(`base_${segmentName(9)}`, 9),
      ...wals(2, 3, 5, 6, 9),
    });
    expect(points.get(FULL)).toMatchObject({
      ...{ state: 'incomplete', reason: 'it has no sentinel: it has not ended' },
    });
    expect(points.get(DELTA)).toMatchObject({
      ...{ state: 'broken', reason: `it builds on ${FULL}, which is not there` },
    });
    expect(points.get(`base_${segmentName(9)}`)).toMatchObject({
      state: 'incomplete',
      reason: `the archive does not hold its write-ahead log, ${segmentName(9)} to ${segmentName(10)}`,
    });
    expect(points.get(segmentName(5))!.gap).toContain(segmentName(4));
  });

  it.each<[string, Readonly<Record<string, unknown>>, readonly string[], string]>([
    ['its control file', {}, ['pg_control'], 'the tar of its control file is not there'],
    [
      'a tar that its sentinel names',
      { TarFileSets: { 'part_001.tar.lz4': [], 'part_003.tar.lz4': [] } },
      [],
      'its sentinel names part_003.tar.lz4, which is not there',
    ],
    ['all tars', {}, ['pg_control', 'part_001'], 'none of its tars is there'],
  ])('has a backup without %s as broken, and its delta', async (_, more, lost, reason) => {
    const made = { ...backup(FULL, 2, more), ...backup(DELTA, 5, { DeltaFrom: FULL }) };
    const files = Object.fromEntries(
      Object.entries(made).filter(
        ([path]) => !lost.some((name) => path.includes(`/${FULL}/tar_partitions/${name}`)),
      ),
    );
    const points = await pointsOf({ ...files, ...wals(2, 3, 5, 6) });
    const said = expect.stringContaining(reason) as string;
    expect(points.get(FULL)).toMatchObject({ state: 'broken', reason: said });
    expect(points.get(DELTA)).toMatchObject({ state: 'broken', reason: said });
    expect(points.get(DELTA)!.reason).toContain(`it builds on ${FULL}: `);
  });

  const metadata = (...tars: string[]) =>
    JSON.stringify({
      Files: { '/base/5/"TarFileSets":{"no"}': { IsSkipped: false, TarFileSets: { no: [] } } },
      TarFileSets: Object.fromEntries(tars.map((tar) => [tar, [`/a\\"${tar}`, '{"x":']])),
      DatabasesByNames: { TarFileSets: { oid: 5 } },
    });

  it.each([
    [metadata('part_001.tar.lz4', 'pg_control.tar.lz4'), 'complete', null],
    [
      metadata('part_001.tar.lz4', 'part_003.tar.lz4'),
      'broken',
      'its files_metadata.json names part_003.tar.lz4, which is not there',
    ],
    [
      metadata('part_001.tar.lz4', 'pg_control.tar.lz4').slice(0, -2),
      'incomplete',
      'its files_metadata.json ends too soon',
    ],
  ])('needs the tars that files_metadata.json names', async (text, state, reason) => {
    const points = await pointsOf({
      ...backup(FULL, 2),
      ...{ [`pg/basebackups_005/${FULL}/files_metadata.json`]: text, ...wals(2, 3) },
    });
    expect(points.get(FULL)).toMatchObject({ state, reason });
  });

  it('has a delta as whole although the log of its base is gone, and needs all that it builds on', async () => {
    const next = `base_${segmentName(8)}_D_${segmentName(5)}`;
    const points = await pointsOf({
      ...backup(FULL, 2),
      ...backup(DELTA, 5, { DeltaFrom: FULL }),
      ...backup(next, 8, { DeltaFrom: DELTA }),
      ...wals(5, 6, 8, 9),
    });
    expect(points.get(FULL)).toMatchObject({ state: 'incomplete' });
    expect(points.get(DELTA)).toMatchObject({ state: 'complete', needs: [FULL] });
    expect(points.get(next)).toMatchObject({ state: 'complete', needs: [FULL, DELTA] });
  });

  it('says of a sentinel that is too large that it is not read', async () => {
    const large = { Files: 'x'.repeat(16 * 1024 * 1024) };
    const points = await pointsOf({ ...backup(FULL, 2, large), ...wals(2, 3) });
    expect(points.get(FULL)).toMatchObject({
      ...{ state: 'unknown', reason: expect.stringContaining('what it needs is not known') },
    });
  });

  it('is none of PostgreSQL where its backups are of another database', async () => {
    const files = { 'pg/basebackups_005/stream_20261124T210000Z/x': 'x', 'pg/wal_005/x': 'x' };
    expect((await pointsOf(files)).size).toBe(0);
  });

  it('is copied log first, then tars, and sentinels last', () => {
    const { rules } = walgLayout;
    const paths = [
      ...['wal_005/00000002.history.lz4', `wal_005/${segmentName(2)}.br`],
      ...[`wal_005/${segmentName(2)}_delta.lz4`, `basebackups_005/${FULL}/metadata.json`],
      `basebackups_005/${FULL}_backup_stop_sentinel.json`,
    ];
    const classes = paths.map((path) => classOf(rules, path)!);
    expect(classes.map((index) => rules.classes[index]!.name)).toEqual([
      ...['histories', 'log', 'notes', 'data', 'sentinels'],
    ]);
    // It waits for the tars of its backup, and for no others.
    expect(paths.map((path) => rules.pointOf!(path))).toEqual([null, null, null, FULL, FULL]);
    const folders = paths.map((path) => path.slice(0, path.lastIndexOf('/') + 1));
    expect(folders.map((folder, at) => mayHoldClass(rules, classes[at]!, folder))).toEqual(
      paths.map(() => true),
    );
  });
});
