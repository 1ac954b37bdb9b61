import { mkdir, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { classOf } from '../../../../src/domain/trees/tree-rules.js';
import type { UnrecognisedFiles } from '../../../../src/domain/sources/unrecognised.js';
import type { UnseenPart } from '../../../../src/domain/sources/unseen-part.js';
import { baseFolderLayout } from '../../../../src/layout/postgres/base-folder.js';
import { scanRepository, scanWorkload } from '../../../../src/layout/scan-repository.js';
import { clusterFiles, segmentName } from '../../../support/layout/cluster-files.js';
import { treeOf } from '../../../support/layout/real-tree.js';
import type { RepositoryCopy } from '../../../support/layout/repository-copy.js';
import { briefPoint, scanTreesWith } from '../../../support/layout/scan-trees-with.js';
import { unreadable } from '../../../support/tree/storage-answers.js';

const scan = ({ repository }: RepositoryCopy) => scanTreesWith(baseFolderLayout, repository);

async function pointAfter(change: (copy: RepositoryCopy) => Promise<unknown>) {
  const copy = await treeOf(clusterFiles('pg/2026-11-24'));
  await change(copy);
  const [tree] = await scan(copy);
  return tree?.points[0];
}

describe('backups of pg_basebackup in its plain format', () => {
  it('in folders of dates are points of one workload, each with all its files', async () => {
    const copy = await treeOf({
      ...clusterFiles('pg/2026-11-23'),
      ...clusterFiles('pg/2026-11-24'),
    });
    const [tree, ...others] = await scan(copy);
    expect(others).toEqual([]);
    expect(tree).toMatchObject({ id: 'pg-base-pg', name: 'pg', root: 'pg' });
    expect(tree!.points.map(briefPoint)).toEqual([
      { id: '2026-11-23', kind: 'full', state: 'complete', needs: [] },
      { id: '2026-11-24', kind: 'full', state: 'complete', needs: [] },
    ]);
    expect(new Set(tree!.points[1]!.files)).toEqual(
      new Set(Object.keys(clusterFiles('2026-11-24'))),
    );
  });

  it('in a folder of each date, or of names with dates, are told apart by the rest of their names', async () => {
    const copy = await treeOf({
      ...clusterFiles('b/2026-11-23/main'),
      ...clusterFiles('b/2026-11-24/main'),
      ...clusterFiles('b/crm-20261124'),
    });
    const trees = await scan(copy);
    expect(trees.map(({ id, points }) => [id, points.map((point) => point.id)])).toEqual([
      ['pg-base-main-b', ['2026-11-23/main', '2026-11-24/main']],
      ['pg-base-crm-b', ['crm-20261124']],
    ]);
  });

  it('of one name are one workload, however many lie in a folder, and whatever beside it', async () => {
    const names = ['a', 'b', 'c', 'd', 'main'];
    const copy = await treeOf({
      ...Object.fromEntries(
        names.flatMap((name) => Object.entries(clusterFiles(`b/2026-11-23/${name}`))),
      ),
      ...clusterFiles('b/2026-11-24/main-20261124'),
      ...{ 'b/2026-11-22/x': 'x', 'b/2026-11-25/x': 'x' },
    });
    const trees = await scan(copy);
    expect(trees.map(({ id }) => id)).toEqual(names.map((name) => `pg-base-${name}-b`));
    expect(trees.at(-1)!.points.map(({ id }) => id)).toEqual([
      '2026-11-23/main',
      '2026-11-24/main-20261124',
    ]);
  });

  const V17 = { version: 17 };

  it('of PostgreSQL 17 in folders of kinds are of one workload, each with what it builds on', async () => {
    const copy = await treeOf({
      ...clusterFiles('pg/full', V17),
      ...clusterFiles('pg/inc1', { ...V17, start: '0/900040', from: '0/900028' }),
      ...clusterFiles('pg/inc2', { ...V17, start: '0/900060', from: '0/900040' }),
    });
    for (const [hour, folder] of ['full', 'inc1', 'inc2'].entries()) {
      const at = new Date(Date.UTC(2026, 10, 24, hour));
      await utimes(copy.at(`pg/${folder}/backup_manifest`), at, at);
    }
    const [tree, ...others] = await scan(copy);
    expect(others).toEqual([]);
    expect(tree).toMatchObject({
      ...{ id: 'pg-base-pg', root: 'pg', within: ['full', 'inc1', 'inc2'] },
      otherIds: ['pg-base-pg:full', 'pg-base-pg:inc1', 'pg-base-pg:inc2'],
    });
    const [full, first, second] = [
      'full@2026-11-24T00',
      'inc1@2026-11-24T01',
      'inc2@2026-11-24T02',
    ];
    expect(tree!.points.map(briefPoint)).toEqual([
      { id: `${full}:00:00`, kind: 'full', state: 'complete', needs: [] },
      { id: `${first}:00:00`, kind: 'increment', state: 'complete', needs: [`${full}:00:00`] },
      { id: `${second}:00:00`, kind: 'increment', state: 'complete', needs: [`${first}:00:00`] },
    ]);
  });

  it('of PostgreSQL 17 and of one date are ordered by where they begin, and one that has just begun is of them', async () => {
    const copy = await treeOf({
      ...clusterFiles('b/2026-11-24/zzz-full', V17),
      ...clusterFiles('b/2026-11-24/zzz-inc', { ...V17, start: '0/900040', from: '0/900028' }),
      'b/2026-11-25/zzz-inc/backup_label': 'INCREMENTAL FROM LSN: 0/900040\n',
    });
    const [tree, ...others] = await scan(copy);
    expect(others).toEqual([]);
    expect(tree).toMatchObject({
      id: 'pg-base-zzz-b',
      otherIds: ['pg-base-zzz-full-b', 'pg-base-zzz-inc-b'],
    });
    expect(tree!.points.map(({ id, state, needs }) => [id, state, ...needs])).toEqual([
      ['2026-11-24/zzz-full', 'complete'],
      ['2026-11-24/zzz-inc', 'complete', '2026-11-24/zzz-full'],
      ['2026-11-25/zzz-inc', 'incomplete', '2026-11-24/zzz-inc'],
    ]);
  });

  it('before PostgreSQL 17 are as their folders are called, for none builds on another', async () => {
    const copy = await treeOf({
      ...{ ...clusterFiles('pg/full'), ...clusterFiles('pg/base') },
      ...clusterFiles('b/2026-11-24/full'),
    });
    const trees = await scan(copy);
    expect(trees.map(({ id, otherIds }) => [id, otherIds])).toEqual([
      ['pg-base-full-b', undefined],
      ['pg-base-pg:base', undefined],
      ['pg-base-pg:full', undefined],
    ]);
  });

  it('that is being written beside others is one of them', async () => {
    const copy = await treeOf({
      ...clusterFiles('b/2026-11-23'),
      ...{ 'b/2026-11-24/backup_label': 'x', 'b/2026-11-24/pg_wal/archive_status/x': 'x' },
    });
    const [tree] = await scan(copy);
    expect(tree!.points.map(({ id, state }) => [id, state])).toEqual([
      ['2026-11-23', 'complete'],
      ['2026-11-24', 'incomplete'],
    ]);
  });

  it('that is being written beside another of its date takes nothing from that', async () => {
    const copy = await treeOf({
      ...clusterFiles('b/2026-11-24/main'),
      ...{ 'b/2026-11-24/crm/backup_label': 'x', 'b/2026-11-24/crm/base/5/1259': 'x' },
    });
    const trees = await scan(copy);
    const points = trees.flatMap((tree) => tree.points.map(({ id, state }) => [id, state]));
    expect(points.sort()).toEqual([
      ['2026-11-24/crm', 'incomplete'],
      ['2026-11-24/main', 'complete'],
    ]);
  });

  it('without a manifest and with what is copied first alone is not whole', async () => {
    const copy = await treeOf({
      ...clusterFiles('b/2026-11-23'),
      ...{ 'b/2026-11-24/backup_label': 'x', 'b/2026-11-24/base/5/1259': 'x' },
      'b/2026-11-24/global/pg_control': 'x',
    });
    const [tree] = await scan(copy);
    expect(tree!.points.at(-1)).toMatchObject({
      ...{ id: '2026-11-24', state: 'incomplete', reason: 'PG_VERSION is not there' },
    });
  });

  it.each([
    ['web01.img', 'raw-.:web01.img'],
    ['web01/disk.img', 'raw-web01:disk.img'],
    ['vms/web01/web01.raw', 'raw-vms:web01:web01.raw'],
    ['mysql.xbstream', 'xtrabackup-mysql-.'],
    ['wal/000000010000000000000002', 'postgres-wal-wal-.'],
    ['dump/vzdump-lxc-101-2026_11_24-01_00_00.tar.zst', 'proxmox-lxc-101-dump'],
  ])('take no %s that lies beside them', async (other, id) => {
    const copy = await treeOf({
      ...clusterFiles('2026-11-23/main'),
      ...clusterFiles('2026-11-24/main'),
      [`2026-11-24/${other}`]: 'x'.repeat(512),
    });
    const at = new Date('2026-11-24T02:00:00Z');
    await utimes(copy.at(`2026-11-24/${other}`), at, at);
    const unrecognised: unknown[] = [];
    const found = await scanRepository(copy.repository, {
      onUnrecognised: (files) => unrecognised.push(files),
    });
    expect(found.map((workload) => workload.id).sort()).toEqual(['pg-base-main-.', id].sort());
    expect(found.find((workload) => workload.id === 'pg-base-main-.')!.tree!.within).toEqual([
      '2026-11-23/main',
      '2026-11-24/main',
    ]);
    expect(unrecognised).toEqual([]);
  });

  const GZIP = Buffer.from('1f8b08000000000000030300000000000000000000', 'hex');
  const PUT_INTO = [
    ['SQL01_shop_FULL_20261124_010000.bak', 'x', 'mssql-shop-sql01-'],
    ['etc.tar.gz', GZIP, 'gcp-'],
    ['mysql.mbstream', 'x', 'xtrabackup-mysql-'],
    ['web01.img', 'x'.repeat(512), 'raw-'],
    ['vms/web01/web01.raw', 'x'.repeat(512), 'raw-'],
    ['vzdump-lxc-101-2026_11_24-01_00_00.tar.zst', 'x', 'proxmox-lxc-101-'],
    ['dump-20261124/shop/orders.bson', 'x', 'mongodump-dump-'],
  ] as const;

  describe.each(['b/2026-11-24', 'b/main'])('in %s', (folder) => {
    const idOf = (ids: readonly string[]) => ids.find((id) => id.startsWith('pg-base'));

    it.each(PUT_INTO)('are what they were without a %s in it', async (name, content, start) => {
      const cluster = clusterFiles(folder);
      const { repository, at } = await treeOf({ ...cluster, [`${folder}/${name}`]: content });
      const written = new Date('2026-11-24T02:00:00Z');
      await utimes(at(`${folder}/${name}`), written, written);
      const found = await scanRepository(repository, { onUnseen() {}, onUnrecognised() {} });
      const ids = found.map(({ id }) => id).sort();
      expect(ids.filter((id) => id !== idOf(ids))).toEqual([expect.stringMatching(start)]);
      const base = found.find(({ id }) => id === idOf(ids))!;
      expect(base.id).toBe(folder === 'b/main' ? 'pg-base-b:main' : 'pg-base-b');
      const { root, points } = base.tree!;
      expect(points[0]!.state).toBe('complete');
      expect(points[0]!.files!.map((path) => `${root}/${path}`).sort()).toEqual(
        Object.keys(cluster).sort(),
      );
      for (const one of found)
        expect(await scanWorkload(repository, one.id, one.folders)).toEqual(one);
    });

    it('keep what nobody takes, and what their manifest lists', async () => {
      const listed = clusterFiles(folder, { more: { 'own.img': Buffer.alloc(512, 1) } });
      const [tree] = await scanRepository(
        (await treeOf({ ...listed, [`${folder}/notes.xyz`]: 'x', [`${folder}/a/b.xyz`]: 'x' }))
          .repository,
      );
      const { root, points } = tree!.tree!;
      const own = points[0]!.files!.map((path) => `${root}/${path}`);
      for (const name of ['own.img', 'notes.xyz', 'a/b.xyz'])
        expect(own).toContain(`${folder}/${name}`);
      expect(points[0]!.state).toBe('complete');
    });
  });

  it('with one of another name in their folder are two', async () => {
    const copy = await treeOf({
      ...clusterFiles('b/2026-11-24'),
      ...clusterFiles('b/2026-11-24/crm'),
    });
    const trees = await scan(copy);
    expect(trees.map(({ id, points }) => [id, points.map((point) => point.id)])).toEqual([
      ['pg-base-crm-b', ['2026-11-24/crm']],
      ['pg-base-b', ['2026-11-24']],
    ]);
  });

  it('leave a file beside them that nobody knows to be named', async () => {
    const copy = await treeOf({
      ...clusterFiles('b/2026-11-24/main'),
      ...{ 'b/2026-11-24/notes.xyz': 'x', 'b/2026-11-24/more/deep/notes.xyz': 'x' },
    });
    const unrecognised: UnrecognisedFiles[] = [];
    const found = await scanRepository(copy.repository, {
      onUnrecognised: (files) => unrecognised.push(files),
    });
    expect(found.map(({ id }) => id)).toEqual(['pg-base-main-b']);
    expect(unrecognised.map(({ folder }) => folder)).toEqual([
      'b/2026-11-24',
      'b/2026-11-24/more/deep',
    ]);
  });

  it('tell of a folder beside them that cannot be read, and are all the same', async () => {
    const copy = await treeOf({
      ...clusterFiles('b/2026-11-24/main'),
      'b/2026-11-24/crm/x': 'x',
    });
    const { repository } = copy;
    const { list } = repository;
    repository.list = (folder) =>
      folder === 'b/2026-11-24/crm'
        ? Promise.reject(unreadable(folder))
        : list.call(repository, folder);
    const unseen: UnseenPart[] = [];
    const found = await scanRepository(repository, { onUnseen: (part) => unseen.push(part) });
    expect(found.map(({ id }) => id)).toEqual(['pg-base-main-b']);
    expect(unseen.map(({ path }) => path)).toEqual(['b/2026-11-24/crm']);
  });

  it('in a folder without a date are another point each time', async () => {
    const [tree] = await scan(await treeOf(clusterFiles('pg')));
    expect(tree).toMatchObject({ id: 'pg-base-pg', root: 'pg' });
    expect(tree!.points[0]!.id).toMatch(/^base@20\d\d-/);
    expect(tree!.points[0]!.files).toContain('global/pg_control');
  });

  it.each<[string, (copy: RepositoryCopy) => Promise<unknown>, string]>([
    [
      'a file',
      ({ at }) => rm(at('pg/2026-11-24/base/5/1259')),
      'base/5/1259, which backup_manifest lists, is not there',
    ],
    [
      'the end of a file',
      ({ at }) => truncate(at('pg/2026-11-24/base/5/1259'), 4096),
      'base/5/1259 does not have the size that backup_manifest says',
    ],
    [
      'the end of its manifest',
      ({ at }) => truncate(at('pg/2026-11-24/backup_manifest'), 300),
      'pg/2026-11-24/backup_manifest does not end with its own digest',
    ],
    [
      'manifest and control file, as one that is being made',
      async ({ at }) => {
        await rm(at('pg/2026-11-24/backup_manifest'));
        await rm(at('pg/2026-11-24/global/pg_control'));
      },
      'global/pg_control, which is written last, is not there',
    ],
  ])('without %s are incomplete, and say so', async (_, change, reason) => {
    expect(await pointAfter(change)).toMatchObject({ state: 'incomplete', reason });
  });

  it('without a manifest (PostgreSQL 12) are whole with the file that is written last', async () => {
    expect(await pointAfter(({ at }) => rm(at('pg/2026-11-24/backup_manifest')))).toMatchObject({
      state: 'complete',
      evidence: { closing: 'silent' },
    });
  });

  it('without a manifest tell by their label which log they lack', async () => {
    const { 'pg/2026-11-24/backup_manifest': _, ...files } = clusterFiles('pg/2026-11-24', {
      log: [segmentName(8)],
    });
    const [tree] = await scan(await treeOf(files));
    expect(tree!.points[0]).toMatchObject({
      state: 'complete',
      gap: expect.stringContaining('its write-ahead log from 0/900028 on is not in') as string,
    });
  });

  it('without a manifest say that a tablespace lies elsewhere', async () => {
    const point = await pointAfter(async ({ at }) => {
      await rm(at('pg/2026-11-24/backup_manifest'));
      await mkdir(at('pg/2026-11-24/pg_tblspc'));
      await symlink('/srv/fast', at('pg/2026-11-24/pg_tblspc/16385'));
    });
    expect(point).toMatchObject({
      state: 'broken',
      reason:
        'tablespace 16385 does not lie in the backup: what pg_tblspc/16385 leads to is not followed',
    });
  });

  it('without their log say which they need', async () => {
    const [tree] = await scan(await treeOf(clusterFiles('pg/2026-11-24', { log: [] })));
    expect(tree!.points[0]).toMatchObject({
      state: 'complete',
      gap: expect.stringContaining('its write-ahead log from 0/900028 to 0/900100') as string,
    });
    const part = { end: '0/A00100', log: [segmentName(9)] };
    const [other] = await scan(await treeOf(clusterFiles('pg/2026-11-24', part)));
    expect(other!.points[0]!.gap).toContain('is not in 2026-11-24');
  });

  it('that build on another one need it (PostgreSQL 17)', async () => {
    const [tree] = await scan(
      await treeOf({
        ...clusterFiles('pg/2026-11-23'),
        ...clusterFiles('pg/2026-11-24', {
          start: '0/A00028',
          end: '0/A00100',
          log: [segmentName(10)],
          from: '0/900028',
        }),
        ...clusterFiles('pg/2026-11-25', { from: '0/800028' }),
      }),
    );
    expect(tree!.points.map(briefPoint)).toMatchObject([
      { kind: 'full', needs: [] },
      { kind: 'increment', needs: ['2026-11-23'] },
      { kind: 'increment', needs: [], gap: expect.stringContaining('0/800028') as string },
    ]);
  });

  it('that build on one that is not whole are not, either', async () => {
    const copy = await treeOf({
      ...clusterFiles('pg/2026-11-23'),
      ...clusterFiles('pg/2026-11-24', {
        ...{ start: '0/A00028', end: '0/A00100', log: [segmentName(10)], from: '0/900028' },
      }),
    });
    await rm(copy.at('pg/2026-11-23/base/5/1259'));
    const [tree] = await scan(copy);
    const reason = 'base/5/1259, which backup_manifest lists, is not there';
    expect(tree!.points.map(({ state, reason: said }) => [state, said])).toEqual([
      ['incomplete', reason],
      ['incomplete', `it builds on 2026-11-23: ${reason}`],
    ]);
  });

  it('are not the folder of a cluster in which a server was started, nor other folders with dates', async () => {
    const copy = await treeOf({
      ...clusterFiles('pg/2026-11-24'),
      'other/2026-11-24/x': 'x',
      'other/2026-11-25/a/x': 'x',
    });
    await writeFile(copy.at('pg/2026-11-24/postmaster.opts'), 'x');
    expect(await scan(copy)).toEqual([]);
  });

  it('get their control file behind all data, and their manifest last', () => {
    const { rules } = baseFolderLayout;
    const paths = ['d/backup_label', 'd/global/1262', 'd/global/pg_control', 'd/backup_manifest'];
    expect(paths.map((path) => classOf(rules, path))).toEqual([0, 0, 1, 2]);
    expect(rules.foldersWith?.('d/global/pg_control')).toContain('d/pg_notify');
    expect(rules.foldersWith?.('d/base/5/1259')).toEqual([]);
  });
});
