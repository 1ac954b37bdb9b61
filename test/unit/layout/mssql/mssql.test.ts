import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { mssqlLayout } from '../../../../src/layout/mssql/mssql.js';
import { scanRepository, scanWorkload } from '../../../../src/layout/scan-repository.js';
import { summed } from '../../../support/layout/mtf-file.js';
import { noRealTrees, realTree, treeOf } from '../../../support/layout/real-tree.js';
import type { RepositoryCopy } from '../../../support/layout/repository-copy.js';
import { denied } from '../../../support/tree/storage-answers.js';
import { briefPoint, scanTreesWith } from '../../../support/layout/scan-trees-with.js';

const scan = ({ repository }: RepositoryCopy) => scanTreesWith(mssqlLayout, repository);

const OLA = {
  full: 'FULL/SQL2008_ft1_FULL_20170518_041742.bak',
  diff1: 'DIFF/SQL2008_ft1_DIFF_20170518_041819.bak',
  diff2: 'DIFF/SQL2008_ft1_DIFF_20170518_041826.bak',
  log1: 'LOG/SQL2008_ft1_LOG_20170518_041831.trn',
  log2: 'LOG/SQL2008_ft1_LOG_20170518_041837.trn',
};

/** The points of the one database of Ola’s folders. */
async function pointsAfter(change: (copy: RepositoryCopy) => Promise<void>) {
  const copy = await realTree('mssql/ft1-sql2008r2');
  await change(copy);
  const trees = await scan(copy);
  expect(trees).toHaveLength(1);
  return trees[0]!.points;
}

describe.skipIf(noRealTrees)('backups of a real SQL Server', () => {
  it('in the folders of Ola Hallengren are one database, linked by log sequence numbers', async () => {
    const [tree, ...others] = await scan(await realTree('mssql/ft1-sql2008r2'));
    expect(others).toEqual([]);
    expect(tree).toMatchObject({ id: 'mssql-ft1-f2c3a3d5-.', name: 'ft1', root: '' });
    expect(tree!.points.map(briefPoint)).toEqual([
      { id: OLA.full, kind: 'full', state: 'complete', needs: [] },
      { id: OLA.diff1, kind: 'increment', state: 'complete', needs: [OLA.full] },
      { id: OLA.diff2, kind: 'increment', state: 'complete', needs: [OLA.full] },
      { id: OLA.log1, kind: 'log', state: 'complete', needs: [OLA.full] },
      { id: OLA.log2, kind: 'log', state: 'complete', needs: [OLA.log1] },
    ]);
    expect(tree!.points[0]).toMatchObject({
      createdAtMs: Date.UTC(2017, 4, 18, 4, 17, 42),
      sizeBytes: 1_462_784,
      files: [OLA.full],
    });
  });

  it('in a folder for each day are one database, whose logs join over the days', async () => {
    const copy = await realTree('mssql/ft1-sql2008r2');
    const days = { full: '2017-05-18/ft1.bak', log1: '20170519/ft1.trn', log2: '20170520/ft1.trn' };
    for (const [kind, path] of Object.entries(days)) {
      await mkdir(copy.at(path.split('/')[0]!), { recursive: true });
      await rename(copy.at(OLA[kind as keyof typeof days]), copy.at(path));
    }
    for (const folder of ['FULL', 'DIFF', 'LOG']) await rm(copy.at(folder), { recursive: true });
    await writeFile(copy.at('2017-05-18/backup.log'), 'done');
    await mkdir(copy.at('20170519/@eaDir'));
    await writeFile(copy.at('20170519/@eaDir/ft1.trn@SynoEAStream'), 'x');
    await mkdir(copy.at('2017-05-21'));
    await writeFile(copy.at('2017-05-21/web01.img'), Buffer.alloc(512));
    const found = await scanRepository(copy.repository);
    expect(
      found.map(({ id, tree }) => [
        id,
        ...(tree?.points ?? []).map(({ files, kind, needs }) => [
          ...[files![0], kind, needs.map((need) => need.split('@')[0])],
        ]),
      ]),
    ).toEqual([
      [
        'mssql-ft1-f2c3a3d5-.',
        [days.full, 'full', []],
        [days.log1, 'log', [days.full]],
        [days.log2, 'log', [days.log1]],
      ],
      ['raw-2017-05-21:web01.img'],
    ]);
  });

  it('under names of their own are told by what the files say', async () => {
    const [tree] = await scan(await realTree('mssql/doublediff-sql2008r2'));
    expect(tree!.name).toBe('doublediff');
    expect(tree!.points.map(({ kind, needs }) => [kind, needs])).toEqual([
      ['increment', ['difftest-full.bak@2018-12-21T11:26:31']],
      ['increment', ['difftest-full.bak@2018-12-21T11:26:31']],
      ['full', []],
    ]);
  });

  it('of an availability group are one database, whichever server took them', async () => {
    const points = await pointsAfter(async ({ at: pathOf }) => {
      for (const name of Object.values(OLA)) {
        const bytes = await readFile(pathOf(name));
        await rm(pathOf(name));
        const server = Buffer.from('SQL2008', 'utf16le');
        // The second server took the logs.
        if (name.startsWith('LOG'))
          for (let at = bytes.indexOf(server); at >= 0; at = bytes.indexOf(server, at + 1))
            bytes.write('SQL2009', at, 'utf16le');
        await writeFile(pathOf(name.replace('SQL2008_', 'CLU$GROUP_')), bytes);
      }
    });
    const named = (name: string) => name.replace('SQL2008_', 'CLU$GROUP_');
    expect(points.map(({ id, needs }) => [id, needs])).toEqual([
      [named(OLA.full), []],
      [named(OLA.diff1), [named(OLA.full)]],
      [named(OLA.diff2), [named(OLA.full)]],
      [named(OLA.log1), [named(OLA.full)]],
      [named(OLA.log2), [named(OLA.log1)]],
    ]);
  });

  it('that say of themselves to be one of several files are incomplete while the others are not there', async () => {
    // Behind the id of the media set, which begins at 0xa2 of these files.
    const points = await pointsAfter(async ({ at: pathOf }) => {
      const bytes = await readFile(pathOf(OLA.full));
      bytes.writeUInt16LE(3, 0xb6);
      await writeFile(pathOf(OLA.full), bytes);
    });
    expect(points[0]).toMatchObject({
      state: 'incomplete',
      reason: expect.stringContaining('its head counts 3 files, of which one is in') as string,
    });
    expect(points.slice(1).map(({ state, needs }) => [state, needs])).toEqual([
      ...[OLA.full, OLA.full, OLA.full, OLA.log1].map((id) => ['complete', [id]]),
    ]);
  });

  it('never show the account that ran them', async () => {
    const trees = [
      ...(await scan(await realTree('mssql/ft1-sql2008r2'))),
      ...(await scan(await realTree('mssql/doublediff-sql2008r2'))),
    ];
    expect(JSON.stringify(trees)).not.toMatch(/BASE\\\\|sqlserver|Administrator/i);
  });

  it.each<[string, (bytes: Buffer) => Buffer, string]>([
    ['cut in the middle', (bytes) => bytes.subarray(0, 700_000 - (700_000 % 512)), 'not written'],
    ['cut within a block', (bytes) => bytes.subarray(0, 700_001), 'it is cut off'],
    ['without its closing block', (bytes) => bytes.subarray(0, -512), 'not written'],
    ['with a bit flipped in its closing block', (bytes) => flipped(bytes, -500), 'not written'],
    [
      'without the end of its set',
      (bytes) => Buffer.from(bytes).fill(0, 0x164400, bytes.length - 512),
      'the end of its last set does not stand before its closing block',
    ],
    ['of which only the head is written', (bytes) => bytes.subarray(0, 512), 'not written'],
    ['that is empty', () => Buffer.alloc(0), 'has no head yet'],
    ['that is all zeros', () => Buffer.alloc(4096), 'has no head yet'],
  ])('that are a file %s are incomplete, and what needs it says so', async (_, change, reason) => {
    const points = await pointsAfter(async ({ at }) => {
      await writeFile(at(OLA.full), change(await readFile(at(OLA.full))));
    });
    const full = points.find(({ id }) => id === OLA.full)!;
    expect(full).toMatchObject({ state: 'incomplete', kind: 'full' });
    expect(full.reason).toContain(reason);
    expect(full.evidence).toMatchObject({ closing: 'awaited' });
    const diff = points.find(({ id }) => id === OLA.diff1)!;
    expect(diff).toMatchObject({ state: 'complete', needs: [OLA.full] });
    expect(diff.gap).toContain(`${OLA.full}, which it needs, is incomplete`);
  });

  it('that lack a log name the range that is missing', async () => {
    const points = await pointsAfter(({ at }) => rm(at(OLA.log1)));
    expect(points.find(({ id }) => id === OLA.log2)).toMatchObject({
      ...{ state: 'complete', needs: [] },
      gap: `the log from 25:132:1 (where ${OLA.full} ends) to 25:156:1 is missing`,
    });
  });

  it('that lack their full name it by its checkpoint', async () => {
    const points = await pointsAfter(({ at }) => rm(at(OLA.full)));
    expect(points.map(briefPoint)).toMatchObject([
      {
        id: OLA.diff1,
        gap: 'the full backup that it builds on (checkpoint 25:116:37) is not here',
      },
      { id: OLA.diff2 },
      { id: OLA.log1, needs: [], gap: 'no full backup of this database is here' },
      { id: OLA.log2, needs: [OLA.log1] },
    ]);
  });

  it('in one file, one behind the other, are points of their own', async () => {
    const copy = await realTree('mssql/ft1-sql2008r2');
    const [full, log] = await Promise.all(
      [OLA.full, OLA.log1].map((path) => readFile(copy.at(path))),
    );
    const two = await treeOf({ 'share/ft1.bak': appended(full!, log!) });
    const [tree] = await scan(two);
    expect(tree!.points.map(briefPoint)).toEqual([
      { id: 'ft1.bak@2017-05-18T04:17:42', kind: 'full', state: 'complete', needs: [] },
      {
        ...{ id: 'ft1.bak@2017-05-18T04:18:31#2', kind: 'log', state: 'complete' },
        needs: ['ft1.bak@2017-05-18T04:17:42'],
      },
    ]);
    expect(tree!.points.map(({ files }) => files)).toEqual([['ft1.bak'], ['ft1.bak']]);
  });
});

/** The second file's sets behind the first's, as NOINIT writes them: without a head of their own, and with file marks that name all before. */
function appended(first: Buffer, second: Buffer): Buffer {
  const sets = Buffer.from(second.subarray(0x600));
  const closing = sets.length - 512;
  const shift = first.length - 0x600;
  const marks = [0x13a00 + shift, first.length - 512, 0x164200, 0x400];
  sets.writeUInt32LE(marks.length, closing + 56);
  marks.forEach((mark, index) => sets.writeBigUInt64LE(BigInt(mark), closing + 72 + 8 * index));
  sets.writeUInt16LE(2, 62);
  return Buffer.concat([first, summed(summed(sets, 0), closing)]);
}

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[changed.length + at]! ^= 4;
  return changed;
}

describe('files with the endings of SQL Server', () => {
  it('that begin like none of its files are left to others', async () => {
    const copy = await treeOf({
      'share/config.bak': 'text of an editor',
      'db/LOG/httpd.log': 'x',
      'db/FULL/notes.txt': 'x',
    });
    expect(await scan(copy)).toEqual([]);
    const strangers: string[] = [];
    await scanRepository(copy.repository, {
      onUnrecognised: ({ examples }) => strangers.push(...examples),
    });
    expect(strangers.sort()).toEqual(['config.bak', 'httpd.log', 'notes.txt']);
  });

  it('and a name of its tools, but other content, are broken', async () => {
    const name = 'S_db_FULL_20261124_063000.bak';
    const [tree] = await scan(await treeOf({ [`share/${name}`]: 'text of an editor' }));
    expect(tree!.points).toMatchObject([
      {
        state: 'broken',
        reason: `share/${name} begins with neither TAPE nor MSSQLBAK: it is no backup of SQL Server`,
      },
    ]);
  });

  it('that are compressed by the server wait until nothing is written any more, and follow their names', async () => {
    const packed = Buffer.concat([Buffer.from('MSSQLBAK'), Buffer.alloc(5000, 7)]);
    const [tree] = await scan(
      await treeOf({
        'sales_backup_2026_11_24_063000_1234567.bak': packed,
        'sales_backup_2026_11_24_070000_1234567.trn': packed,
      }),
    );
    expect(tree).toMatchObject({ id: 'mssql-sales-.', name: 'sales' });
    expect(tree!.points).toMatchObject([
      {
        kind: 'full',
        state: 'complete',
        evidence: { closing: 'silent' },
        createdAtMs: Date.UTC(2026, 10, 24, 6, 30),
      },
      { kind: 'log', needs: ['sales_backup_2026_11_24_063000_1234567.bak'] },
    ]);
  });

  it('that are striped are one set, incomplete while one is missing', async () => {
    const packed = Buffer.concat([Buffer.from('MSSQLBAK'), Buffer.alloc(5000, 7)]);
    const name = (stripe: number) => `FULL/S_db_FULL_20261124_063000_${stripe}.bak`;
    const files = Object.fromEntries([1, 2, 3].map((stripe) => [name(stripe), packed]));
    const [whole] = await scan(await treeOf(files));
    expect(whole!.points).toMatchObject([
      { id: name(1), state: 'complete', files: [name(1), name(2), name(3)] },
    ]);
    const { [name(2)]: _missing, ...rest } = files;
    const [lacking] = await scan(await treeOf(rest));
    expect(lacking!.points).toMatchObject([
      { state: 'incomplete', reason: 'it is striped, and file 2 is missing' },
    ]);
  });
});

describe('folders of Ola Hallengren', () => {
  it('are of one database although partial backups and files of others lie beside them', async () => {
    const packed = Buffer.concat([Buffer.from('MSSQLBAK'), Buffer.alloc(5000, 7)]);
    const copy = await treeOf({
      'db/FULL/S_db_FULL_20261124_010000.bak': packed,
      'db/FULL_PARTIAL/S_db_FULL_PARTIAL_20261124_020000.bak': packed,
      'db/DIFF/S_db_DIFF_20261124_030000.bak': packed,
      'db/DIFF_PARTIAL/S_db_DIFF_PARTIAL_20261124_040000.bak': packed,
      'db/LOG/S_db_LOG_20261124_050000.trn': packed,
      'db/scripts/restore.sql': 'x',
    });
    const [tree, ...others] = await scan(copy);
    expect(others).toEqual([]);
    expect(tree!.name).toBe('db');
    const brief = (path: string) => path.split('/')[0];
    expect(tree!.points.map(({ id, needs }) => [brief(id), ...needs.map(brief)])).toEqual([
      ...[['FULL'], ['FULL_PARTIAL'], ['DIFF', 'FULL'], ['DIFF_PARTIAL', 'FULL_PARTIAL']],
      ['LOG', 'FULL'],
    ]);
    const ofPart = 'it holds some filegroups alone, and none of the rest';
    expect(tree!.points.map((point) => [brief(point.id), point.ofPart])).toEqual([
      ...[
        ['FULL', undefined],
        ['FULL_PARTIAL', ofPart],
        ['DIFF', undefined],
      ],
      ...[
        ['DIFF_PARTIAL', ofPart],
        ['LOG', undefined],
      ],
    ]);
  });
});

describe('folders for kinds of backups under names of their own', () => {
  const packed = Buffer.concat([Buffer.from('MSSQLBAK'), Buffer.alloc(5000, 7)]);
  const files = { 'b/FULL/sales.bak': packed, 'b/LOG/sales.trn': packed };

  it.each(['2026-11-24/srv1', 'FULL/srv1', 'LOG'])(
    'leave to others what lies beside one of them in %s',
    async (folder) => {
      const bak = `b/${folder}/SQL01_shop_FULL_20261124_010000.bak`;
      // As a disk with partitions begins: others may call a piece of RMAN so.
      const disk = Buffer.concat([Buffer.alloc(510), Buffer.from('55aa', 'hex')]);
      const { repository } = await treeOf({
        ...{ [bak]: 'x', [`b/${folder}/web01.img`]: disk },
        [`b/${folder}/vms/app01.raw`]: 'x'.repeat(512),
        [`b/${folder}/c-7-20261124-00`]: 'x',
        [`b/${folder}/0v2k3j4l_1_1`]: 'x',
      });
      const found = await scanRepository(repository, { onUnrecognised() {} });
      expect(found.map(({ type }) => type)).toEqual([
        'sql-server',
        ...['raw-image', 'raw-image', 'oracle-rman'],
      ]);
      expect(found[0]!.id).toBe('mssql-shop-sql01-b');
      for (const one of found)
        expect(await scanWorkload(repository, one.id, one.folders)).toEqual(one);
    },
  );

  it('stay together beside what a NAS leaves in them', async () => {
    const trees = await scan(
      await treeOf({ ...files, 'b/FULL/@eaDir/sales.bak@SynoEAStream': 'x' }),
    );
    expect(trees.map(({ id, points }) => [id, points.length])).toEqual([['mssql-sales-b', 2]]);
  });

  it('stay together when the only file of one cannot be read', async () => {
    const { repository } = await treeOf(files);
    const { openRead } = repository;
    repository.openRead = (path) =>
      path.endsWith('.bak') ? Promise.reject(denied(path)) : openRead.call(repository, path);
    const unseen: string[] = [];
    const found = await scanRepository(repository, { onUnseen: ({ path }) => unseen.push(path) });
    expect(
      found.map(({ id, restorePoints }) => [id, ...restorePoints.map(({ state }) => state)]),
    ).toEqual([['mssql-sales-b', expect.anything(), expect.anything()]]);
    expect(unseen).toEqual(['b/FULL/sales.bak']);
  });
});

describe('sets that do not show their log sequence numbers', () => {
  it('build on the full before them that is no copy-only one', async () => {
    const packed = Buffer.concat([Buffer.from('MSSQLBAK'), Buffer.alloc(5000, 7)]);
    const names = [
      'S_db_FULL_20261122_010000.bak',
      'S_db_FULL_COPY_ONLY_20261123_010000.bak',
      'S_db_DIFF_20261124_010000.bak',
    ];
    const copy = await treeOf(Object.fromEntries(names.map((name) => [`share/${name}`, packed])));
    const [tree] = await scan(copy);
    expect(tree!.points.map(({ id, needs }) => [id, needs])).toEqual([
      [names[0], []],
      [names[1], []],
      [names[2], [names[0]]],
    ]);
  });
});
