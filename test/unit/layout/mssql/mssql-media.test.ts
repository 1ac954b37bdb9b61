import { readFile, utimes } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { mssqlLayout } from '../../../../src/layout/mssql/mssql.js';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import { FactKeeper } from '../../../../src/mover/fact-keeper.js';
import { mtfFile, packedFile } from '../../../support/layout/mtf-file.js';
import { noRealTrees, realTree, treeOf } from '../../../support/layout/real-tree.js';
import type { RepositoryCopy } from '../../../support/layout/repository-copy.js';
import { scanTreesWith } from '../../../support/layout/scan-trees-with.js';
import { CallCounter } from '../../../support/repository/count-calls.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

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
      expect(tree!.name).toBe('ft1');
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

  it('are one workload, whichever of them is seen', async () => {
    const [tree, ...others] = await withOtherServer();
    expect(others).toEqual([]);
    expect(tree).toMatchObject({ id: 'mssql-ft1-f2c3a3d5-b', name: 'ft1' });
    expect(tree!.points.filter(({ gap }) => gap !== undefined)).toEqual([]);
  });

  const family = (bytes: Buffer, ...places: number[]): Buffer => {
    for (const at of places.map((place) => bytes.indexOf('SCIN') + place))
      bytes.fill(7, at, at + 16);
    return bytes;
  };

  it('are two where the files are of another family', async () => {
    const trees = await withOtherServer((bytes) => family(bytes, 156, 224));
    expect(trees.map(({ id, name }) => [name, id.slice(0, 10), id.slice(-2)]).sort()).toEqual([
      ['ft1 (SQL2008)', 'mssql-ft1-', '-b'],
      ['ft1 (SQL2009)', 'mssql-ft1-', '-b'],
    ]);
    expect(trees.map(({ id }) => id)).toContain('mssql-ft1-07070707-b');
  });

  it.each([156, 224])(
    'are two where one has a copy of the database of the other (id at %i)',
    async (at) => {
      const trees = await withOtherServer((bytes) => family(bytes, at));
      expect(trees.map(({ id }) => id)).toContain('mssql-ft1-f2c3a3d5-b');
      expect(trees.map(({ name }) => name).sort()).toEqual(['ft1 (SQL2008)', 'ft1 (SQL2009)']);
    },
  );

  it.each([156, 224])(
    'are one where a server set its database back to a point in time (id at %i)',
    async (at) => {
      const copy = await realTree('mssql/ft1-sql2008r2');
      const [full, log] = await Promise.all(
        [OLA.full, OLA.log1].map((path) => readFile(copy.at(path))),
      );
      const trees = await scan(await treeOf({ 'b/1.bak': full!, 'b/2.bak': family(log!, at) }));
      expect(trees.map(({ id }) => id)).toEqual(['mssql-ft1-f2c3a3d5-b']);
    },
  );

  it('are not renamed by another database of their name, and files that tell nothing lie beside them', async () => {
    const copy = await realTree('mssql/ft1-sql2008r2');
    const full = await readFile(copy.at(OLA.full));
    const encrypted = Buffer.concat([Buffer.from('MSSQLBAK'), Buffer.alloc(5000, 7)]);
    const found = await scanRepository(
      (
        await treeOf({
          ...{ 'b/1.bak': full, 'b/2.bak': family(Buffer.from(full), 156, 224) },
          ...{ 'b/ft1_20261122.bak': encrypted, 'b/ft1_20261123.bak': encrypted },
        })
      ).repository,
    );
    expect(
      found.map(({ id, conflict, restorePoints }) => [id, conflict, restorePoints.length]),
    ).toEqual([
      ['mssql-ft1-07070707-b', undefined, 1],
      ['mssql-ft1-b', undefined, 2],
      ['mssql-ft1-f2c3a3d5-b', undefined, 1],
    ]);
  });

  it('keep the id of their workload while files come and go', async () => {
    const copy = await realTree('mssql/ft1-sql2008r2');
    const [full, log] = await Promise.all([OLA.full, OLA.log1].map((at) => readFile(copy.at(at))));
    const encrypted = Buffer.concat([Buffer.from('MSSQLBAK'), Buffer.alloc(5000, 7)]);
    const idsOf = async (files: Record<string, Buffer>) =>
      (await scan(await treeOf(files))).map(({ id, name }) => [id, name]);
    const files = { 'b/ft1_full.bak': full!, 'b/ft1_log.trn': log! };
    const sealed = {
      'b/ft1_diff.bak': encrypted,
      'b/SQL2008_ft1_FULL_20170519_010000.bak': encrypted,
    };
    for (const some of [
      files,
      { ...sealed, ...files },
      { ...files, ...sealed },
      { 'b/x.bak': packedFile(full!) },
    ])
      expect(await idsOf(some)).toEqual([['mssql-ft1-f2c3a3d5-b', 'ft1']]);
  });
});

it.skipIf(noRealTrees)(
  'a file of SQL Server that is not compressed and tells no known kind is not called compressed',
  async () => {
    const copy = await realTree('mssql/ft1-sql2008r2');
    const full = await readFile(copy.at(OLA.full));
    // Where D stands in a full, and I and L in the others.
    const at = full.indexOf('SCIN') + 87;
    expect(full.toString('latin1', at, at + 1)).toBe('D');
    full.write('?', at, 'latin1');
    const [tree] = await scan(await treeOf({ 'b/Sales_20261123.bak': full }));
    expect(tree!.points.map(({ state, gap }) => [state, gap?.slice(0, 66)])).toEqual([
      ['complete', 'neither it nor its name says whether it is a full or a differentia'],
    ]);
  },
);

describe.skipIf(noRealTrees)('backups of one database in folders for their kinds', () => {
  it.each<[string, string, string]>([
    ['Full', 'Log', 'bak'],
    ['full backups', 'Transaction Logs', 'bkp'],
    ['.', 'Logs', 'bak'],
    ['FULL/ft1', 'tlog/ft1', 'bak'],
  ])('called %s and %s are one workload', async (fulls, logs, ending) => {
    const copy = await realTree('mssql/ft1-sql2008r2');
    const [full, diff, log] = await Promise.all(
      [OLA.full, OLA.diff1, OLA.log1].map((at) => readFile(copy.at(at))),
    );
    const [tree, ...others] = await scan(
      await treeOf({
        [`b/${fulls}/ft1.${ending}`]: full!,
        [`b/${fulls}/ft1.diff`]: diff!,
        [`b/${logs}/ft1.tlog`]: log!,
        [`b/${logs}/old.diff`]: Buffer.from('--- a\n+++ b\n'),
      }),
    );
    expect(others).toEqual([]);
    expect(tree).toMatchObject({ id: 'mssql-ft1-f2c3a3d5-b', name: 'ft1', root: 'b' });
    const base = `${fulls}/ft1.${ending}@2017-05-18T04:17:42`.replace(/^\.\//, '');
    expect(tree!.points.map(({ kind, state, needs }) => [kind, state, needs])).toEqual([
      ['full', 'complete', []],
      ['increment', 'complete', [base]],
      ['log', 'complete', [base]],
    ]);
  });
});

it.skipIf(noRealTrees)(
  'of a folder for a kind of backups, or for a day, others have what is not of SQL Server',
  async () => {
    const copy = await realTree('mssql/ft1-sql2008r2');
    const full = await readFile(copy.at(OLA.full));
    const others = ['full/web/vda.qcow2', '2026-11-24/web01.raw', '2026-11-24/config.bak'];
    const { repository } = await treeOf({
      ...{ 'full/sql/ft1.bak': full, '2026-11-24/ft1.bak': full, '2026-11-25/a/ft1.bak': full },
      ...Object.fromEntries(others.map((path) => [path, 'x'.repeat(512)])),
    });
    const unrecognised: string[] = [];
    const found = await scanRepository(repository, {
      onUnrecognised: ({ examples }) => unrecognised.push(...examples),
    });
    expect(found.map(({ id, tree }) => [id, tree?.within ?? null])).toEqual([
      ['disk-full:web:vda.qcow2', null],
      ['mssql-ft1-f2c3a3d5-.', ['2026-11-24/ft1.bak', '2026-11-25/a/ft1.bak', 'full/sql/ft1.bak']],
      [expect.stringMatching(/^raw-.*:web01.raw$/), null],
    ]);
    expect(unrecognised).toEqual(['config.bak']);
  },
);

it.skipIf(noRealTrees)(
  'a folder for a kind of backups is one whatever else, and however much, lies in it',
  async () => {
    const copy = await realTree('mssql/ft1-sql2008r2');
    const full = await readFile(copy.at(OLA.full));
    const strange = (count: number, path: (index: number) => string) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [path(index), 'x']));
    const trees = await scan(
      await treeOf({
        ...strange(25, (index) => `full/a${index}.bak`),
        ...strange(25, (index) => `logs/a${index}/x.txt`),
        ...{ 'full/ft1.bak': full, 'logs/ft1/ft1.bak': full },
      }),
    );
    expect(trees.map(({ id }) => id)).toEqual(['mssql-ft1-f2c3a3d5-.']);
    expect(trees[0]!.within).toEqual(['full/ft1.bak', 'logs/ft1/ft1.bak']);
  },
);

describe.skipIf(noRealTrees)('stripes of one set, whatever their files are called', () => {
  const NAMES = ['ft1-a', 'ft1-b', 'other'] as const;

  /** The count stands behind the id of the media set, which begins at 0xa2 of these files. */
  async function stripes(mediaSets: readonly number[], pack = (bytes: Buffer): Buffer => bytes) {
    const copy = await realTree('mssql/ft1-sql2008r2');
    const real = await readFile(copy.at(OLA.full));
    const files = mediaSets.map((mediaSet, index) => {
      const bytes = Buffer.from(real).fill(mediaSet, 0xa2, 0xb2);
      bytes.writeUInt16LE(3, 0xb6);
      return [`b/${NAMES[index]!}.bak`, pack(bytes)];
    });
    const trees = await scan(await treeOf(Object.fromEntries(files) as Record<string, Buffer>));
    return trees.flatMap(({ points }) => points.map(({ state, files: of }) => [state, of]));
  }

  it.each<[string, ((bytes: Buffer) => Buffer) | undefined]>([
    ['plain', undefined],
    ['packed', packedFile],
  ])('that are %s are one point, incomplete while one is missing', async (_, pack) => {
    const all = NAMES.map((name) => `${name}.bak`);
    expect(await stripes([5, 5, 5], pack)).toEqual([['complete', all]]);
    expect(await stripes([5, 5], pack)).toEqual([['incomplete', all.slice(0, 2)]]);
    expect(await stripes([5, 5, 6], pack)).toEqual([
      ['incomplete', all.slice(0, 2)],
      ['incomplete', all.slice(2)],
    ]);
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
      expect(tree).toMatchObject({ id: 'mssql-ft1-f2c3a3d5-b', name: 'ft1' });
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

describe('files of SQL Server', () => {
  it('are read once as long as they are the same', async () => {
    const source = new SimulatedRepository('primary');
    const bytes = Buffer.concat([Buffer.from('MSSQLBAK'), Buffer.alloc(100_000, 7)]);
    for (const kind of ['FULL', 'DIFF'])
      await putFile(source, `S_db_${kind}_20261124_010000.bak`, bytes);
    const counter = new CallCounter(source);
    const facts = new FactKeeper();
    const look = async () => {
      counter.reset();
      const [workload] = await scanRepository(source, undefined, facts);
      expect(workload!.restorePoints.map(({ state }) => state)).toEqual(['complete', 'complete']);
      return counter.readBytes;
    };
    expect(await look()).toBeGreaterThan(60_000);
    expect(await look()).toBe(0);
  });
});

async function putFile(source: SimulatedRepository, path: string, bytes: Buffer): Promise<void> {
  const file = await source.openWrite(path, 'new');
  await file.write(bytes, 0);
  await file.close();
}
