import { rm, truncate, utimes } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { classOf } from '../../../../src/domain/trees/tree-rules.js';
import { xtraBackupLayout } from '../../../../src/layout/mysql/xtrabackup.js';
import { scanRepository, scanWorkload } from '../../../../src/layout/scan-repository.js';
import { treeOf } from '../../../support/layout/real-tree.js';
import type { RepositoryCopy } from '../../../support/layout/repository-copy.js';
import { briefPoint, scanTreesWith } from '../../../support/layout/scan-trees-with.js';

const scan = ({ repository }: RepositoryCopy) => scanTreesWith(xtraBackupLayout, repository);

/** As mariadb-backup 10.11 writes it. */
function checkpoints(from: number, to: number, type?: string): string {
  const is = type ?? (from === 0 ? 'full-backuped' : 'incremental');
  return `backup_type = ${is}\nfrom_lsn = ${from}\nto_lsn = ${to}\nlast_lsn = ${to + 2018}\nrecover_binlog_info = 0\n`;
}

function information(from: number, to: number): string {
  return `uuid = b5348984\ntool_name = mariadb-backup\ninnodb_from_lsn = ${from}\ninnodb_to_lsn = ${to}\npartial = N\nincremental = ${from === 0 ? 'N' : 'Y'}\nformat = file\ncompressed = N\n`;
}

function backup(folder: string, from: number, to: number, type?: string): Record<string, string> {
  return {
    [`${folder}/ibdata1${from === 0 ? '' : '.delta'}`]: 'x'.repeat(64),
    [`${folder}/shop/t.ibd`]: 'y',
    [`${folder}/backup-my.cnf`]: '[mysqld]\n',
    [`${folder}/xtrabackup_checkpoints`]: checkpoints(from, to, type),
    [`${folder}/xtrabackup_info`]: information(from, to),
  };
}

/** Chunks of a stream: of each file its bytes, and its end. */
function streamOf(files: Readonly<Record<string, string>>): Buffer {
  const chunk = (type: string, name: string): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(name.length);
    return Buffer.concat([Buffer.from(`XBSTCK01\0${type}`), length, Buffer.from(name)]);
  };
  return Buffer.concat(
    Object.entries(files).flatMap(([name, text]) => {
      const head = Buffer.alloc(20);
      head.writeBigUInt64LE(BigInt(text.length), 0);
      return [chunk('P', name), head, Buffer.from(text), chunk('E', name)];
    }),
  );
}

describe('backups of XtraBackup and mariadb-backup', () => {
  it('in folders of dates are a full and what builds on it, by positions in the log', async () => {
    const copy = await treeOf({
      ...backup('my/full-2026-11-23', 0, 100),
      ...backup('my/inc-2026-11-24', 100, 150),
      ...backup('my/inc-2026-11-25', 150, 180),
      ...backup('my/diff-2026-11-26', 100, 200),
      ...backup('my/crm-2026-11-26', 0, 150),
    });
    const trees = await scan(copy);
    expect(trees.map(({ id }) => id)).toEqual(['xtrabackup-crm-my', 'xtrabackup-my']);
    expect(trees[1]!.points.map(briefPoint)).toEqual([
      { id: 'full-2026-11-23', kind: 'full', state: 'complete', needs: [] },
      { id: 'inc-2026-11-24', kind: 'increment', state: 'complete', needs: ['full-2026-11-23'] },
      { id: 'inc-2026-11-25', kind: 'increment', state: 'complete', needs: ['inc-2026-11-24'] },
      { id: 'diff-2026-11-26', kind: 'increment', state: 'complete', needs: ['full-2026-11-23'] },
    ]);
    expect(trees[1]!.points[0]!.files).toContain('full-2026-11-23/shop/t.ibd');
  });

  it.each([1, 3, 4, 12])(
    'of one day beside its full are of one workload, be they %i',
    async (count) => {
      const names = Array.from({ length: count }, (_, index) => `inc${index + 1}`);
      const copy = await treeOf(
        Object.assign(
          backup('my/2026-11-22/full', 0, 100),
          backup('my/2026-11-21/full', 0, 50),
          ...names.map((name, index) => backup(`my/2026-11-22/${name}`, 100 + index, 101 + index)),
        ) as Record<string, string>,
      );
      const trees = await scan(copy);
      expect(trees.map(({ id }) => id)).toEqual(['xtrabackup-my']);
      const ids = ['full', ...names].map((name) => `2026-11-22/${name}`);
      expect(trees[0]!.points.map(briefPoint)).toEqual([
        { id: '2026-11-21/full', kind: 'full', state: 'complete', needs: [] },
        { id: ids[0], kind: 'full', state: 'complete', needs: [] },
        ...ids
          .slice(1)
          .map((id, index) => ({ id, kind: 'increment', state: 'complete', needs: [ids[index]] })),
      ]);
    },
  );

  it('with folders of dates below those of their kinds are of one workload', async () => {
    const copy = await treeOf({
      ...backup('my/full/2026-11-15', 0, 100),
      ...backup('my/full/2026-11-22', 0, 200),
      ...backup('my/inc/2026-11-16', 100, 120),
      ...backup('my/inc/2026-11-17', 120, 140),
      ...backup('my/inc/2026-11-18', 140, 160),
      ...backup('my/inc/2026-11-23', 200, 220),
    });
    const trees = await scan(copy);
    expect(trees.map(({ id }) => id)).toEqual(['xtrabackup-my']);
    expect(trees[0]!.points.map(({ id, needs }) => [id, ...needs])).toEqual([
      ['full/2026-11-15'],
      ['inc/2026-11-16', 'full/2026-11-15'],
      ['inc/2026-11-17', 'inc/2026-11-16'],
      ['inc/2026-11-18', 'inc/2026-11-17'],
      ['full/2026-11-22'],
      ['inc/2026-11-23', 'full/2026-11-22'],
    ]);
  });

  it('are the same whatever lies before and behind them', async () => {
    const others = ['2026-11-20-files', '2026-11-22', '2026-11-25-files'];
    const copy = await treeOf({
      ...backup('b/2026-11-21-db', 0, 100),
      ...backup('b/2026-11-23-db', 0, 150),
      ...Object.fromEntries(others.map((name) => [`b/${name}/x`, 'x'])),
    });
    const trees = await scan(copy);
    expect(trees.map(({ id, points }) => [id, points.length])).toEqual([['xtrabackup-db-b', 2]]);
  });

  it('called by what they are, are dated by their last file', async () => {
    const copy = await treeOf({ ...backup('my/base', 0, 100), ...backup('my/inc1', 100, 150) });
    for (const [folder, hour] of [
      ['base', 6],
      ['inc1', 7],
    ] as const) {
      const at = new Date(Date.UTC(2026, 10, 24, hour));
      await utimes(copy.at(`my/${folder}/xtrabackup_info`), at, at);
    }
    const [tree, ...others] = await scan(copy);
    expect(others).toEqual([]);
    expect(tree!.points.map(briefPoint)).toMatchObject([
      { id: 'base@2026-11-24T06:00:00', kind: 'full', needs: [] },
      { id: 'inc1@2026-11-24T07:00:00', needs: ['base@2026-11-24T06:00:00'] },
    ]);
  });

  it('say what they build on where that is not here, or takes nothing any more', async () => {
    const copy = await treeOf({
      ...backup('my/full-2026-11-23', 0, 100, 'full-prepared'),
      ...backup('my/inc-2026-11-24', 100, 150),
      ...backup('my/inc-2026-11-25', 170, 180),
    });
    const [tree] = await scan(copy);
    expect(tree!.points.map(({ gap }) => gap ?? '')).toEqual([
      '',
      'full-2026-11-23, which it builds on, was prepared without --apply-log-only: nothing can be applied to it any more',
      'the backup that it builds on (log sequence number 170) is not here',
    ]);
  });

  it('that are still written wait for their last files', async () => {
    const copy = await treeOf({
      ...backup('my/full-2026-11-23', 0, 100),
      ...backup('my/full-2026-11-24', 0, 150),
    });
    await rm(copy.at('my/full-2026-11-24/xtrabackup_info'));
    await rm(copy.at('my/full-2026-11-24/xtrabackup_checkpoints'));
    const [tree] = await scan(copy);
    expect(tree!.points[1]).toMatchObject({
      state: 'incomplete',
      reason: 'xtrabackup_checkpoints, which is written at the end, is not there',
      evidence: { closing: 'awaited' },
    });
  });

  it('as streams are whole when their last chunk closes a file, and tell what they build on', async () => {
    const copy = await treeOf({
      'my/full-2026-11-23.xbstream': streamOf({
        ibdata1: 'x',
        xtrabackup_info: information(0, 100),
      }),
      'my/inc-2026-11-24.xbstream': streamOf({ a: 'x', xtrabackup_info: information(100, 150) }),
      'my/inc-2026-11-25.xbstream': streamOf({ a: 'x', xtrabackup_info: information(150, 180) }),
    });
    await truncate(copy.at('my/inc-2026-11-25.xbstream'), 30);
    const [tree] = await scan(copy);
    expect(tree!.points.map(briefPoint)).toMatchObject([
      { id: 'full-2026-11-23.xbstream', kind: 'full', state: 'complete', needs: [] },
      { kind: 'increment', state: 'complete', needs: ['full-2026-11-23.xbstream'] },
      { state: 'incomplete' },
    ]);
  });

  it.each([
    ['my/2026-11-23/full.xbstream', 'my/2026-11-24/inc.xbstream'],
    ['my/full/2026-11-23.xbstream', 'my/inc/2026-11-24.xbstream'],
  ])('as streams in a folder for each are of one workload: %s, %s', async (full, inc) => {
    const others = { 'my/2026-11-24/web01.raw': 'x'.repeat(512), 'my/full/x.xyz': 'x' };
    const { repository } = await treeOf({
      ...{ [full]: streamOf({ ibdata1: 'x', xtrabackup_info: information(0, 100) }), ...others },
      [inc]: streamOf({ a: 'x', xtrabackup_info: information(100, 150) }),
    });
    const found = await scanRepository(repository, { onUnrecognised() {} });
    expect(found.map(({ id }) => id)).toEqual([expect.stringMatching(/^raw-my:/), 'xtrabackup-my']);
    const within = full.slice('my/'.length);
    expect(found[1]!.tree!.points.map(briefPoint)).toEqual([
      { id: within, kind: 'full', state: 'complete', needs: [] },
      { id: inc.slice('my/'.length), kind: 'increment', state: 'complete', needs: [within] },
    ]);
  });

  it('as packed files in a stream are told by the checkpoints before them', async () => {
    const packed = { 'xtrabackup_info.zst': '(packed)' };
    const pages = { 'ib_buffer_pool.zst': 'p'.repeat(300_000) };
    const stream = (from: number, to: number) =>
      streamOf({ a: 'x', xtrabackup_checkpoints: checkpoints(from, to), ...pages, ...packed });
    const copy = await treeOf({
      'my/a-2026-11-23.xbstream': stream(0, 100),
      'my/a-2026-11-24.xbstream': stream(100, 150),
    });
    const [tree] = await scan(copy);
    expect(tree!.points.map(briefPoint)).toEqual([
      { id: 'a-2026-11-23.xbstream', kind: 'full', state: 'complete', needs: [] },
      {
        ...{ id: 'a-2026-11-24.xbstream', kind: 'increment', state: 'complete' },
        needs: ['a-2026-11-23.xbstream'],
      },
    ]);
  });

  /** What `--extra-lsndir` puts down. */
  const positions = (folder: string, from: number, to: number) => ({
    [`${folder}/xtrabackup_checkpoints`]: checkpoints(from, to),
    [`${folder}/xtrabackup_info`]: information(from, to),
  });

  it('are no folders that hold the positions of a stream alone', async () => {
    const copy = await treeOf({
      ...positions('my/lsn', 0, 100),
      ...positions('all', 0, 100),
      ...backup('all/full-2026-11-23', 0, 100),
    });
    expect((await scan(copy)).map(({ id, points }) => [id, points.length])).toEqual([
      ['xtrabackup-all', 1],
    ]);
    const others: unknown[] = [];
    await scanRepository(copy.repository, { onUnrecognised: (files) => others.push(files) });
    const examples = ['xtrabackup_checkpoints', 'xtrabackup_info'];
    expect(others).toEqual([
      { folder: 'all', fileCount: 2, examples },
      { folder: 'my/lsn', fileCount: 2, examples },
    ]);
  });

  it.each([
    ...['backup.xbstream.gz.enc', 'backup.xbstream.gpg', 'backup.xbstream.xbcrypt', 'backup.gz'],
    ...['full.zst', 'mysql.stream', 'backup.tar.gz', 'backup'],
  ])('are streams called %s beside their positions, which do not close them', async (name) => {
    for (const folder of ['my/2026-11-23', 'my/full', 'db']) {
      const stream = { [`${folder}/${name}`]: 'x'.repeat(500), [`${folder}/run.sh`]: '' };
      const copy = await treeOf({ ...positions(folder, 0, 100), ...stream });
      const found = await scanRepository(copy.repository);
      const alone = await scanWorkload(copy.repository, found[0]!.id, found[0]!.folders);
      expect(alone).toEqual(found[0]);
      expect(found.map(({ id }) => id)).toEqual([`xtrabackup-${folder.split('/')[0]}`]);
      const [point] = found[0]!.tree!.points;
      expect(point).toMatchObject({ kind: 'full', state: 'complete' });
      expect(point!.evidence!.closing).toBe('silent');
      expect(point!.files!.map((path) => path.split('/').at(-1))).toContain(name);
    }
  });

  it('are streams under any name that begin as one, cut off or not', async () => {
    const whole = streamOf({ a: 'x'.repeat(500), xtrabackup_info: information(0, 100) });
    const copy = await treeOf({
      ...positions('my/2026-11-23', 0, 100),
      'my/2026-11-23/backup.dat': whole,
      ...positions('my/2026-11-24', 0, 100),
      'my/2026-11-24/backup.dat': whole.subarray(0, 300),
    });
    const [tree] = await scan(copy);
    expect(tree!.points.map(({ state }) => state)).toEqual(['complete', 'incomplete']);
  });

  it('are no positions beside what others know', async () => {
    for (const folder of ['my/2026-11-23', 'db']) {
      const disk = Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.alloc(70_000)]);
      const copy = await treeOf({
        ...positions(folder, 0, 100),
        [`${folder}/web01.qcow2`]: disk,
      });
      const found = await scanRepository(copy.repository, { onUnseen() {}, onUnrecognised() {} });
      expect(found.map(({ type }) => type)).not.toContain('mysql-xtrabackup');
      expect(found).toHaveLength(1);
    }
  });

  it('as streams beside their positions are whole when the stream is, and tell what they build on', async () => {
    const of = (from: number, to: number) =>
      gzipSync(streamOf({ a: 'x'.repeat(500), xtrabackup_info: information(from, to) }));
    const copy = await treeOf({
      ...positions('my/2026-11-23', 0, 100),
      'my/2026-11-23/backup.xb.gz': of(0, 100),
      ...positions('my/2026-11-24', 100, 150),
      'my/2026-11-24/backup.xb.gz': of(100, 150),
      ...positions('my/2026-11-25', 150, 180),
      'my/2026-11-25/backup.xb.gz': of(150, 180),
    });
    await truncate(copy.at('my/2026-11-25/backup.xb.gz'), 60);
    const [tree] = await scan(copy);
    expect(tree!.points.map(briefPoint)).toMatchObject([
      { id: '2026-11-23', kind: 'full', state: 'complete', needs: [] },
      { id: '2026-11-24', kind: 'increment', state: 'complete', needs: ['2026-11-23'] },
      { id: '2026-11-25', state: 'incomplete' },
    ]);
  });

  it.each([
    ['my/crm-2026-11-24', 'full', 'nothing tells whether it is a full'],
    ['my/crm-full-2026-11-24', 'full', undefined],
    ['full/crm-2026-11-24', 'full', undefined],
    ['my/crm-differential-2026-11-24', 'increment', 'nothing tells which backup it builds on'],
    ['my/inc1-2026-11-24', 'increment', 'nothing tells which backup it builds on'],
  ])(
    'as a packed stream are what their names say, and else say so: %s',
    async (name, kind, gap) => {
      const stream = gzipSync(streamOf({ a: 'x', xtrabackup_info: information(100, 150) }));
      const [tree] = await scan(await treeOf({ [`${name}.xbstream.gz`]: stream }));
      expect(tree!.points).toMatchObject([{ kind, state: 'complete' }]);
      if (gap === undefined) expect(tree!.points[0]!.gap).toBeUndefined();
      else expect(tree!.points[0]!.gap).toContain(gap);
    },
  );

  it('that are encrypted are whole with their last files, and increments by what these have of pages', async () => {
    const files = (folder: string, pages: string) => ({
      [`${folder}/${pages}.zst.xbcrypt`]: 'x',
      [`${folder}/xtrabackup_checkpoints.xbcrypt`]: 'x',
      [`${folder}/xtrabackup_info.zst.xbcrypt`]: 'x',
    });
    const copy = await treeOf({
      ...files('my/2026-11-23', 'ibdata1'),
      ...files('my/2026-11-24', 'ibdata1.delta'),
    });
    const [tree] = await scan(copy);
    expect(tree!.points.map(briefPoint)).toMatchObject([
      { kind: 'full', state: 'complete', needs: [] },
      { kind: 'increment', state: 'complete', gap: 'nothing tells which backup it builds on' },
    ]);
    const { rules } = xtraBackupLayout;
    expect(classOf(rules, '2026-11-23/xtrabackup_info.zst.xbcrypt')).toBe(1);
  });

  it('are no folders of other backups that are called full', async () => {
    expect(await scan(await treeOf({ 'sql/FULL/x.bak': 'x', 'sql/2026-11-24/x': 'x' }))).toEqual(
      [],
    );
  });

  it('leave logs of SQL Server beside them in a folder of a date to that', async () => {
    const { repository } = await treeOf({
      ...backup('b/2026-11-24', 0, 900),
      'b/2026-11-24/LOG/SQL01_shop_LOG_20261124_020000.trn': 'x',
      'b/2026-11-24/FULL/SQL01_shop_FULL_20261124_010000.bak': 'x',
    });
    const found = await scanRepository(repository);
    const files = found.map(({ id, tree }) => [id, tree!.points.flatMap((one) => one.files ?? [])]);
    expect(files).toEqual([
      [
        'mssql-shop-sql01-b',
        [
          '2026-11-24/FULL/SQL01_shop_FULL_20261124_010000.bak',
          '2026-11-24/LOG/SQL01_shop_LOG_20261124_020000.trn',
        ],
      ],
      ['xtrabackup-b', expect.not.arrayContaining([expect.stringContaining('/LOG/')])],
    ]);
  });

  it('get what closes them behind all data', () => {
    const { rules } = xtraBackupLayout;
    const paths = ['f/ibdata1', 'f/shop/t.ibd', 'f/xtrabackup_checkpoints', 'f/xtrabackup_info'];
    expect(paths.map((path) => classOf(rules, path))).toEqual([0, 0, 1, 1]);
  });
});
