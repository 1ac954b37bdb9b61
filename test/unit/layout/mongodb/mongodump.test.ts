import { randomBytes } from 'node:crypto';
import { copyFile, cp, readFile, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readBson } from '../../../../src/layout/mongodb/bson.js';
import { mongodumpLayout } from '../../../../src/layout/mongodb/mongodump.js';
import { scanRepository, scanWorkload } from '../../../../src/layout/scan-repository.js';
import { FactKeeper } from '../../../../src/mover/fact-keeper.js';
import { clusterFiles } from '../../../support/layout/cluster-files.js';
import { noRealTrees, realTree, treeOf } from '../../../support/layout/real-tree.js';
import type { SourceWorkload } from '../../../../src/domain/sources/source-workload.js';
import { copyToRepository, type RepositoryCopy } from '../../../support/layout/repository-copy.js';
import { scanTreesWith } from '../../../support/layout/scan-trees-with.js';
import { denied } from '../../../support/tree/storage-answers.js';
import { CallCounter } from '../../../support/repository/count-calls.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const statesOf = ({ restorePoints }: SourceWorkload) =>
  restorePoints.map(({ id, state, reason }) => [id, state, reason]);

const scan = ({ repository }: RepositoryCopy) => scanTreesWith(mongodumpLayout, repository);

describe.skipIf(noRealTrees)('real archives of mongodump', () => {
  it('of four releases are whole, each a workload by its name', async () => {
    const trees = await scan(await realTree('mongodump'));
    expect(trees.map(({ name, points }) => [name, points.map(({ state }) => state)])).toEqual([
      ['bad-format', ['complete']],
      ['dump-w-oplog', ['complete']],
      ['test.bar', ['complete']],
      ['timeseries_tests_dump', ['complete']],
    ]);
    expect(trees[1]).toMatchObject({
      id: 'mongodump-dump-w-oplog-.',
      within: ['dump-w-oplog.archive'],
    });
  });

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['in the middle', (bytes) => bytes.subarray(0, 3000)],
    ['before its last terminator', (bytes) => bytes.subarray(0, -4)],
    ['within its closing block', (bytes) => bytes.subarray(0, -20)],
  ])('that are cut off %s are not whole', async (_, cut) => {
    const copy = await realTree('mongodump');
    const path = copy.at('dump-w-oplog.archive');
    await writeFile(path, cut(await readFile(path)));
    const tree = (await scan(copy)).find(({ name }) => name === 'dump-w-oplog');
    expect(tree!.points).toMatchObject([{ state: 'incomplete', evidence: { closing: 'awaited' } }]);
  });

  it('of one name but for the date are points of one workload, compressed or not', async () => {
    const copy = await realTree('mongodump');
    await copyFile(copy.at('test.bar.archive'), copy.at('shop-2026-11-24.archive'));
    const packed = gzipSync(await readFile(copy.at('test.bar.archive')));
    await writeFile(copy.at('shop-2026-11-25.archive.gz'), packed);
    const tree = (await scan(copy)).find(({ name }) => name === 'shop');
    expect(tree!.points.map(({ id, createdAtMs, state }) => [id, createdAtMs, state])).toEqual([
      ['shop-2026-11-24.archive', Date.UTC(2026, 10, 24), 'complete'],
      ['shop-2026-11-25.archive.gz', Date.UTC(2026, 10, 25), 'complete'],
    ]);
  });
});

describe('compressed archives', () => {
  const packed = gzipSync(Buffer.from(randomBytes(64_000).toString('hex')));

  it.skipIf(noRealTrees)('are told by what is in them, under whatever name', async () => {
    const real = gzipSync(await readFile((await realTree('mongodump')).at('test.bar.archive')));
    const copy = await treeOf({
      ...{ 'm/mydb.gz': real, 'm/mydb-2026-11-24.gz': real, 'm/dump.tar.gz': real },
      ...{ 'm/notes.gz': packed, 'm/000000010000000000000001.gz': real },
    });
    const trees = await scan(copy);
    expect(trees.map(({ name, points }) => [name, points.map(({ state }) => state)])).toEqual([
      ['dump.tar', ['complete']],
      ['mydb', ['complete', 'complete']],
    ]);
  });

  it('that were cut off are not whole', async () => {
    const copy = await treeOf({
      'm/shop-2026-11-24.archive.gz': packed,
      'm/shop-2026-11-25.agz': packed.subarray(0, -1),
      'm/shop-2026-11-26.archive.gz': packed.subarray(0, 1_000),
    });
    const [tree] = await scan(copy);
    expect(tree!.points).toMatchObject([
      { state: 'complete', evidence: { closing: 'silent' } },
      {
        state: 'incomplete',
        reason: expect.stringMatching(/end as a gzip/) as string,
        evidence: { closing: 'awaited' },
      },
      { state: 'incomplete', evidence: { closing: 'awaited' } },
    ]);
  });

  it('are looked at once as long as they are the same', async () => {
    const source = new SimulatedRepository('primary');
    for (const name of ['shop-2026-11-24.agz', 'shop-2026-11-25.agz']) {
      const file = await source.openWrite(name, 'new');
      await file.write(packed, 0);
      await file.close();
    }
    const counter = new CallCounter(source);
    const facts = new FactKeeper();
    const look = async () => {
      counter.reset();
      const [workload] = await scanRepository(source, undefined, facts);
      expect(workload!.restorePoints.map(({ state }) => state)).toEqual(['complete', 'complete']);
      return counter.readBytes;
    };
    expect(await look()).toBeGreaterThan(2 * packed.length);
    expect(await look()).toBeLessThan(packed.length);
  });
});

describe('dumps to folders', () => {
  it('of a date are points of one workload', async () => {
    const dump = (day: string) => ({
      [`m/dump-${day}/shop/orders.bson`]: 'x',
      [`m/dump-${day}/shop/orders.metadata.json`]: '{}',
      [`m/dump-${day}/admin/system.version.bson.gz`]: 'x',
    });
    const [tree, ...others] = await scan(
      await treeOf({
        ...dump('2026-11-24'),
        ...dump('2026-11-25'),
        'm/dump-2026-11-26/x.txt': 'x',
      }),
    );
    expect(others).toEqual([]);
    expect(tree).toMatchObject({ id: 'mongodump-dump-m', name: 'dump', root: 'm' });
    expect(tree!.points).toMatchObject([
      {
        ...{ id: 'dump-2026-11-24', kind: 'full', state: 'complete' },
        files: [
          'dump-2026-11-24/admin/system.version.bson.gz',
          'dump-2026-11-24/shop/orders.bson',
          'dump-2026-11-24/shop/orders.metadata.json',
        ],
        evidence: { closing: 'silent' },
      },
      { id: 'dump-2026-11-25' },
    ]);
  });

  it('are found as the manual writes them: under a date alone, and of one database', async () => {
    const [tree, ...others] = await scan(
      await treeOf({
        'backup/20250315/shop/orders.bson': 'x',
        'backup/20250315/shop/orders.metadata.json': '{}',
        'backup/20250316/shop/orders.bson.gz': 'x',
        'backup/20250316/shop/orders.metadata.json.gz': 'x',
        'backup/20250317/vm/disk.bson': 'of somebody else',
      }),
    );
    expect(others).toEqual([]);
    expect(tree).toMatchObject({ id: 'mongodump-backup', name: 'backup', root: 'backup' });
    expect(tree!.points).toMatchObject([
      { id: '20250315', state: 'complete' },
      { id: '20250316', state: 'complete' },
    ]);
  });

  it('in folders of dates leave to others what lies beside them', async () => {
    const dump = (day: string) => ({
      [`b/${day}/shop/orders.bson`]: 'x',
      [`b/${day}/shop/orders.metadata.json`]: '{}',
      [`b/${day}/dump.log`]: 'x',
    });
    const many: Record<string, string> = {};
    for (let index = 0; index < 12; index++) many[`b/2026-11-24/a${index}/x.txt`] = 'x';
    const { repository } = await treeOf({
      ...{ ...dump('2026-11-23'), ...dump('2026-11-24'), ...many },
      ...{ 'b/2026-11-24/web01.raw': 'x'.repeat(512), 'b/2026-11-24/prelude.json': '{}' },
      ...clusterFiles('b/2026-11-24/main'),
    });
    const found = await scanRepository(repository, { onUnrecognised() {} });
    expect(found.map(({ id }) => id)).toEqual([
      'mongodump-b',
      'pg-base-main-b',
      expect.stringContaining('web01.raw'),
    ]);
    expect(found[0]!.tree!.points.map(({ id, files }) => [id, files])).toEqual([
      [
        '2026-11-23',
        ['dump.log', 'shop/orders.bson', 'shop/orders.metadata.json'].map(
          (name) => `2026-11-23/${name}`,
        ),
      ],
      [
        '2026-11-24',
        ['dump.log', 'prelude.json', 'shop/orders.bson', 'shop/orders.metadata.json'].map(
          (name) => `2026-11-24/${name}`,
        ),
      ],
    ]);
  });

  it('in the folder of a date leave to machines there what describes them, in both looks', async () => {
    const push = await copyToRepository('libvirt-push');
    const id = 'libvirt-0b5f0c9e-7a34-4b8e-9f0d-3c1d6a2e4f51';
    const there = (await scanRepository(push.repository)).find((one) => one.id === id)!;
    const [folder] = there.folders as [string];
    const day = '2026-11-24';
    const under = await treeOf({
      [`${day}/app/users.bson`]: 'x',
      [`${day}/app/users.metadata.json`]: '{}',
      [`${day}/dump.log`]: 'x',
    });
    await cp(push.at(folder), under.at(day), { recursive: true });
    const found = await scanRepository(under.repository);
    const machine = found.find((one) => one.id === id)!;
    expect(statesOf(machine)).toEqual(statesOf(there));
    expect(found.find((one) => one.id === 'mongodump-.')!.tree!.points).toMatchObject([
      {
        files: ['dump.log', 'app/users.bson', 'app/users.metadata.json'].map((f) => `${day}/${f}`),
      },
    ]);
    expect(await scanWorkload(under.repository, id, machine.folders)).toEqual(machine);
  });

  it('in the folder of a date are of no other who is looked for there alone', async () => {
    const { repository } = await treeOf({
      ...{ '2026-11-24/app/users.bson': 'x', '2026-11-24/app/users.metadata.json': '{}' },
      ...{ '2026-11-24/web.img': 'x'.repeat(512), '2026-11-24/mongo.log': 'x' },
      '2026-11-24/vzdump-qemu-100-2026_11_24-06_30_00.vma': 'x',
      '2026-11-24/vzdump-qemu-100-2026_11_24-06_30_00.log': 'x',
    });
    const all = await scanRepository(repository);
    expect(all.map(({ id }) => id)).toEqual([
      'mongodump-.',
      'proxmox-qemu-100-.',
      'raw-2026-11-24:web.img',
    ]);
    const files = all[0]!.tree!.points[0]!.files!.filter((path) => path.endsWith('.log'));
    expect(files).toEqual(['2026-11-24/mongo.log']);
    for (const { id } of all.slice(1))
      expect(await scanWorkload(repository, id, ['2026-11-24'])).toEqual(
        all.find((one) => one.id === id),
      );
    expect(await scanWorkload(repository, 'mongodump-2026-11-24:app', ['2026-11-24'])).toBeNull();
  });

  it('in folders of dates are found by as many listings of the folder they lie in, however many they are', async () => {
    const listingsOf = async (count: number) => {
      const names = Array.from({ length: count }, (_, at) => `b/202611${String(at + 10)}/shop/a`);
      const { repository } = await treeOf(
        Object.fromEntries(
          names.flatMap((name) => [
            [`${name}.bson`, 'x'],
            [`${name}.metadata.json`, '{}'],
          ]),
        ),
      );
      const counter = new CallCounter(repository);
      const [found] = await scanRepository(repository, { onUnrecognised() {} });
      expect(found!.tree!.points).toHaveLength(count);
      return counter.listed.filter((folder) => folder === 'b').length;
    };
    expect(await listingsOf(12)).toBe(await listingsOf(2));
  });

  it.each([
    ['beside others', { 'b/2026-11-24/web.img': 'x'.repeat(512) }, '2026-11-24/main'],
    ['alone', {}, '2026-11-24'],
  ])(
    'in the folder of a date %s are not known while a folder in it cannot be read',
    async (_, more, named) => {
      const dump = (day: string) => ({
        [`b/${day}/shop/a.bson`]: 'x',
        [`b/${day}/shop/a.metadata.json`]: '{}',
      });
      const { repository } = await treeOf({
        ...{ ...dump('2026-11-23'), ...dump('2026-11-24'), ...more },
        'b/2026-11-24/main/x': 'x',
      });
      const { list } = repository;
      repository.list = (folder) =>
        folder === 'b/2026-11-24/main'
          ? Promise.reject(denied(folder))
          : list.call(repository, folder);
      const unseen: string[] = [];
      const found = await scanRepository(repository, { onUnseen: ({ path }) => unseen.push(path) });
      const points = found.find(({ id }) => id === 'mongodump-b')!.tree!.points;
      expect(points.map(({ id, state }) => [id, state])).toEqual([
        ['2026-11-23', 'complete'],
        ['2026-11-24', 'unknown'],
      ]);
      expect(points[1]!.reason).toContain(`${named} cannot be read`);
      expect(unseen).toEqual(['b/2026-11-24/main']);
    },
  );

  it('as archives in folders of dates are points of one workload', async () => {
    const archive = Buffer.concat([Buffer.from([0x6d, 0xe2, 0x99, 0x81]), Buffer.alloc(64, 1)]);
    const [tree, ...others] = await scan(
      await treeOf({
        ...{ 'b/2026-11-23/shop.archive': archive, 'b/2026-11-24/shop.archive': archive },
        'b/2026-11-25/shop.archive': 'of somebody else',
      }),
    );
    expect(others).toEqual([]);
    expect(tree).toMatchObject({ id: 'mongodump-shop-b', root: 'b' });
    expect(tree!.points.map(({ id, createdAtMs }) => [id, createdAtMs])).toEqual([
      ['2026-11-23/shop.archive', Date.UTC(2026, 10, 23)],
      ['2026-11-24/shop.archive', Date.UTC(2026, 10, 24)],
    ]);
  });

  it('into a folder itself are a workload for each database, or one with what is of all of them', async () => {
    const of = (folder: string) => ({
      [`${folder}/shop/orders.bson`]: 'x',
      [`${folder}/shop/orders.metadata.json`]: '{}',
      [`${folder}/admin/system.version.bson`]: 'x',
      [`${folder}/admin/system.version.metadata.json`]: '{}',
      [`${folder}/photos/x.jpg`]: 'x',
    });
    const copy = await treeOf({ ...of('backup'), ...of('all'), 'all/oplog.bson': 'x' });
    const trees = await scan(copy);
    expect(trees.map(({ id, name, points }) => [id, name, points[0]?.files?.length])).toEqual([
      ['mongodump-all', 'all', 5],
      ['mongodump-backup:admin', 'admin', 2],
      ['mongodump-backup:shop', 'shop', 2],
    ]);
    const strangers: string[] = [];
    await scanRepository(copy.repository, {
      onUnrecognised: ({ folder }) => strangers.push(folder),
    });
    expect(strangers.sort()).toEqual(['all/photos', 'backup/photos']);
  });

  it('and archives of others are left to others', async () => {
    const copy = await treeOf({
      'x.archive': 'no magic',
      'y.archive.gz': 'no gzip',
      'dump/readme.txt': 'x',
    });
    expect(await scan(copy)).toEqual([]);
    const strangers: string[] = [];
    await scanRepository(copy.repository, {
      onUnrecognised: ({ examples }) => strangers.push(...examples),
    });
    expect(strangers.sort()).toEqual(['readme.txt', 'x.archive', 'y.archive.gz']);
  });
});

describe('readBson', () => {
  it.each<[string, string]>([
    ['no bytes', ''],
    ['a length beyond its end', 'ff000000'],
    ['a negative length', 'ffffffff00'],
    ['no end', '0500000001'],
    ['a text longer than itself', '10000000' + '02' + '6100' + 'ffffff7f' + '00000000' + '00'],
    ['a nested document longer than itself', '0c000000' + '03' + '6100' + 'ff000000' + '00'],
    ['a name without an end', '08000000' + '02' + '6161' + '00'],
    ['a type that nobody knows', '08000000' + '55' + '6100' + '00'],
  ])('refuses a document with %s', (_, hex) => {
    expect(readBson(Buffer.from(hex, 'hex'), 0)).toBeNull();
  });

  it('steps over what is nested, however deep', () => {
    // { a: { b: {} }, n: 7 }, bsonspec.org
    const inner = '05000000' + '00';
    const outer = '0d000000' + '03' + '6200' + inner + '00';
    const bytes = Buffer.from(
      '1c000000' + '03' + '6100' + outer + '10' + '6e00' + '07000000' + '00',
      'hex',
    );
    expect(readBson(bytes, 0)).toEqual(new Map([['n', 7]]));
  });
});

describe('a dump of all databases', () => {
  const all = {
    ...{ 'all/prelude.json': '{}', 'all/shop/a.bson': 'x', 'all/shop/a.metadata.json': '{}' },
    ...{ 'all/hr/a.bson': 'x', 'all/views/v.metadata.json': '{}' },
  };

  it('has its databases of views, too', async () => {
    const [tree] = await scan(await treeOf(all));
    expect(tree!.within).toContain('views');
  });

  it('is told, and copied by nobody, while one of its databases cannot be listed', async () => {
    const { repository } = await treeOf(all);
    const { list } = repository;
    repository.list = (folder) =>
      folder === 'all/hr' ? Promise.reject(denied(folder)) : list.call(repository, folder);
    const unseen: string[] = [];
    const onUnseen = ({ path }: { readonly path: string }) => unseen.push(path);
    expect(await scanRepository(repository, { onUnseen })).toEqual([]);
    expect(unseen).toEqual(['all/hr']);
  });
});
