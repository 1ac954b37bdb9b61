import { readFile, utimes } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { mssqlLayout } from '../../../../src/layout/mssql/mssql.js';
import { mtfFile, packedFile } from '../../../support/layout/mtf-file.js';
import { noRealTrees, realTree, treeOf } from '../../../support/layout/real-tree.js';
import type { RepositoryCopy } from '../../../support/layout/repository-copy.js';
import { scanTreesWith } from '../../../support/layout/scan-trees-with.js';

const scan = ({ repository }: RepositoryCopy) => scanTreesWith(mssqlLayout, repository);

const OLA = {
  full: 'FULL/SQL2008_ft1_FULL_20170518_041742.bak',
  diff1: 'DIFF/SQL2008_ft1_DIFF_20170518_041819.bak',
  diff2: 'DIFF/SQL2008_ft1_DIFF_20170518_041826.bak',
  log1: 'LOG/SQL2008_ft1_LOG_20170518_041831.trn',
  log2: 'LOG/SQL2008_ft1_LOG_20170518_041837.trn',
};

describe.skipIf(noRealTrees)('files of SQL Server in blocks of other sizes', () => {
  it.each([512, 4096, 65_536])(
    'of %i bytes are whole, and say what they are',
    async (blockBytes) => {
      const copy = await realTree('mssql/ft1-sql2008r2');
      const full = mtfFile(await readFile(copy.at(OLA.full)), { blockBytes });
      const log = mtfFile(await readFile(copy.at(OLA.log1)), { blockBytes, sets: 3 });
      const [tree, ...others] = await scan(await treeOf({ 'b/ft1.bak': full, 'b/ft1.trn': log }));
      expect(others).toEqual([]);
      expect(tree!.name).toBe('ft1 (SQL2008)');
      expect(tree!.points.map(({ id, kind, state }) => [id, kind, state])).toEqual([
        ['ft1.bak@2017-05-18T04:17:42', 'full', 'complete'],
        ['ft1.trn@2017-05-18T04:18:31', 'log', 'complete'],
        ['ft1.trn@2017-05-18T04:18:31#2', 'log', 'complete'],
        ['ft1.trn@2017-05-18T04:18:31#3', 'log', 'complete'],
      ]);
    },
  );

  it.each([512, 4096, 65_536])(
    'of %i bytes are incomplete where they are cut',
    async (blockBytes) => {
      const copy = await realTree('mssql/ft1-sql2008r2');
      const log = mtfFile(await readFile(copy.at(OLA.log2)), { blockBytes, sets: 2 });
      // Without the end of the second set, so that the mark before that is the last.
      const ends = [log.length - blockBytes, log.length - blockBytes - 512];
      const marks = [...Array(log.length / 512).keys()].map((index) => 512 * index);
      const within = marks.filter((at) => log.toString('latin1', at, at + 4) === 'SFMB').at(-2)!;
      for (const end of [...ends, within + blockBytes]) {
        const [tree] = await scan(await treeOf({ 'b/ft1.trn': log.subarray(0, end) }));
        expect(tree!.points[0]).toMatchObject({ state: 'incomplete' });
      }
    },
  );

  it('hold more sets than a file mark names, each under the number that it has itself', async () => {
    const copy = await realTree('mssql/ft1-sql2008r2');
    const log = await readFile(copy.at(OLA.log2));
    const idsOf = async (sets: number) => {
      const [tree] = await scan(await treeOf({ 'b/ft1.trn': mtfFile(log, { sets }) }));
      return tree!.points.map(({ id }) => id);
    };
    const [few, many] = [await idsOf(20), await idsOf(70)];
    expect(many).toHaveLength(70);
    expect(many).toContain('ft1.trn@2017-05-18T04:18:37#70');
    expect(few.filter((id) => !many.includes(id))).toEqual([]);
  });
});

describe.skipIf(noRealTrees)('servers that take backups of one database in turn', () => {
  /** The logs as if another server had taken them. */
  async function withOtherServer(change: (bytes: Buffer) => void = () => undefined) {
    const copy = await realTree('mssql/ft1-sql2008r2');
    const files: Record<string, Buffer> = {};
    for (const [name, path] of Object.entries(OLA)) {
      const bytes = await readFile(copy.at(path));
      const server = Buffer.from('SQL2008', 'utf16le');
      if (name.startsWith('log')) {
        for (let at = bytes.indexOf(server); at >= 0; at = bytes.indexOf(server, at + 1))
          bytes.write('SQL2009', at, 'utf16le');
        change(bytes);
      }
      files[`b/${name}.bak`] = bytes;
    }
    return scan(await treeOf(files));
  }

  it('are one workload where the backups of one go on from those of the other', async () => {
    const [tree, ...others] = await withOtherServer();
    expect(others).toEqual([]);
    expect(tree).toMatchObject({ id: 'mssql-ft1-b', name: 'ft1' });
    expect(tree!.points.filter(({ gap }) => gap !== undefined)).toEqual([]);
  });

  it('are two where the files are of another family', async () => {
    const trees = await withOtherServer((bytes) =>
      bytes.fill(7, bytes.indexOf('SCIN') + 156, bytes.indexOf('SCIN') + 172),
    );
    expect(trees.map(({ name }) => name).sort()).toEqual(['ft1 (SQL2008)', 'ft1 (SQL2009)']);
  });
});

describe.skipIf(noRealTrees)(
  'compressed files of SQL Server whose descriptors can be unpacked',
  () => {
    it('say whose they are and of which kind, whatever they are called', async () => {
      const copy = await realTree('mssql/ft1-sql2008r2');
      const [full, diff, log] = await Promise.all(
        [OLA.full, OLA.diff1, OLA.log1].map(async (path) =>
          packedFile(await readFile(copy.at(path))),
        ),
      );
      const backups = await treeOf({
        'b/ft1_backup_2026_11_22_063000_1234567.bak': full!,
        'b/ft1_backup_2026_11_23_063000_1234567.bak': diff!,
        'b/ft1_backup_2026_11_23_070000_1234567.trn': log!,
        'b/nightly.bak': full!,
        'b/log.bak': log!,
      });
      const [tree, ...others] = await scan(backups);
      expect(others).toEqual([]);
      expect(tree).toMatchObject({ id: 'mssql-SQL2008-ft1-b', name: 'ft1 (SQL2008)' });
      expect(tree!.points.slice(0, 3).map(({ kind, needs, gap }) => [kind, needs, gap])).toEqual([
        ['full', [], undefined],
        ['increment', ['ft1_backup_2026_11_22_063000_1234567.bak'], undefined],
        ['log', ['ft1_backup_2026_11_22_063000_1234567.bak'], undefined],
      ]);
      // What else lies in it is not known.
      const unknown = tree!.points.find(({ id }) => id.startsWith('log.bak'))!;
      expect(unknown.kind).toBe('full');
      expect(unknown.gap).toContain('whether it is a full or a differential');
      const own = tree!.points.find(({ id }) => id.startsWith('nightly.bak'));
      expect(own).toMatchObject({ kind: 'full', needs: [] });
    });

    it('are told by their names when a bit of their descriptors is wrong', async () => {
      const copy = await realTree('mssql/ft1-sql2008r2');
      const bytes = packedFile(await readFile(copy.at(OLA.full)));
      // SSET stands byte by byte, two and two changed places.
      bytes[bytes.indexOf('SSTE') + 9]! ^= 1;
      const [tree] = await scan(await treeOf({ 'b/Sales.bak': bytes }));
      expect(tree!.name).toBe('Sales');
    });
  },
);

describe('compressed files of people’s own names', () => {
  const packed = Buffer.concat([Buffer.from('MSSQLBAK'), Buffer.alloc(5000, 7)]);

  /** Written one minute after the other. */
  async function treesOfNames(...names: string[]) {
    const copy = await treeOf(Object.fromEntries(names.map((name) => [`b/${name}`, packed])));
    for (const [index, name] of names.entries()) {
      const at = new Date(Date.UTC(2026, 10, 24, 6, index));
      await utimes(copy.at(`b/${name}`), at, at);
    }
    return scan(copy);
  }

  it('are of the database that their names say', async () => {
    const trees = await treesOfNames(
      ...['Sales_20261122.bak', 'Sales-2026-11-23-diff.bak', 'HR_full_2026-11-22.bak'],
      ...['hr.bak', 'Change_Log.bak', 'Sales_log_20261124.trn'],
    );
    expect(trees.map(({ name, points }) => [name, points.length]).sort()).toEqual([
      ['Change_Log', 1],
      ['HR', 2],
      ['Sales', 3],
    ]);
    const sales = trees.find(({ name }) => name === 'Sales')!;
    expect(sales.points.map(({ id, kind, needs }) => [id, kind, needs])).toEqual([
      ['Sales_20261122.bak', 'full', []],
      ['Sales-2026-11-23-diff.bak', 'increment', ['Sales_20261122.bak']],
      ['Sales_log_20261124.trn', 'log', ['Sales_20261122.bak']],
    ]);
  });

  it('that do not say of which kind they are need the one before them, and are a warning', async () => {
    const [tree] = await treesOfNames(
      ...['Sales_full_20261121.bak', 'Sales_20261122.bak', 'Sales_20261123.bak'],
    );
    expect(tree!.points.map(({ id, needs, gap }) => [id, needs, gap?.slice(0, 28)])).toEqual([
      ['Sales_full_20261121.bak', [], undefined],
      [
        'Sales_20261122.bak',
        ['Sales_full_20261121.bak'],
        'it is compressed or encrypted'.slice(0, 28),
      ],
      ['Sales_20261123.bak', ['Sales_20261122.bak'], 'it is compressed or encrypted'.slice(0, 28)],
    ]);
  });

  it('and without a date are another point when they were written anew', async () => {
    const [tree] = await treesOfNames('Sales.bak');
    expect(tree!.points[0]!.id).toBe('Sales.bak@2026-11-24T06:00:00');
  });
});
