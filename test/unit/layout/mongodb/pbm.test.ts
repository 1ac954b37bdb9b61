import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { pbmLayout } from '../../../../src/layout/mongodb/pbm.js';
import { noRealTrees, realTree, treeOf } from '../../../support/layout/real-tree.js';
import type { RepositoryCopy } from '../../../support/layout/repository-copy.js';
import { briefPoint, scanTreesWith } from '../../../support/layout/scan-trees-with.js';

const scan = ({ repository }: RepositoryCopy) => scanTreesWith(pbmLayout, repository);
const BACKUP = '2022-02-07T14.05.59Z';
const CHUNK = 'pbmPitr/rs1/20220207/20220207140605-18.20220207141653-1.oplog.snappy';
const NEXT = 'pbmPitr/rs1/20220207/20220207141653-1.20220207141723-1.oplog.snappy';

describe.skipIf(noRealTrees)('a real store of Percona Backup for MongoDB', () => {
  it('of a sharded cluster is one workload: a backup, and pieces of the oplog that join to it', async () => {
    const [tree, ...others] = await scan(await realTree('../pbm.tar.zst'));
    expect(others).toEqual([]);
    expect(tree).toMatchObject({ id: 'pbm-pbm', name: 'pbm', root: 'pbm' });
    const points = tree!.points.map(briefPoint);
    expect(points).toHaveLength(7);
    expect(points[0]).toEqual({ id: BACKUP, kind: 'full', state: 'complete', needs: [] });
    expect(points).toContainEqual({ id: CHUNK, kind: 'log', state: 'complete', needs: [BACKUP] });
    expect(points).toContainEqual({ id: NEXT, kind: 'log', state: 'complete', needs: [CHUNK] });
    expect(points.every((point) => point.gap === undefined)).toBe(true);
    expect(tree!.points[0]!.files).toEqual([
      '.pbm.init',
      `${BACKUP}.pbm.json`,
      `${BACKUP}_cfg.dump.s2`,
      `${BACKUP}_cfg.oplog.s2`,
      `${BACKUP}_rs1.dump.s2`,
      `${BACKUP}_rs1.oplog.s2`,
      `${BACKUP}_rs2.dump.s2`,
      `${BACKUP}_rs2.oplog.s2`,
    ]);
    // 2022-02-07T14:06:05Z, the last write that the backup holds.
    expect(tree!.points[0]!.createdAtMs).toBe(1_644_242_765_000);
  });

  it('of another release reads the same', async () => {
    const [tree] = await scan(await realTree('pbm/pbm_disttxn_4x.tar.zst'));
    expect(tree!.points.map(({ kind, state, gap }) => [kind, state, gap])).toEqual([
      ['full', 'complete', undefined],
      ['log', 'complete', undefined],
      ['log', 'complete', undefined],
      ['log', 'complete', undefined],
    ]);
  });

  it('that lacks a piece of the oplog names what is missing', async () => {
    const copy = await realTree('../pbm.tar.zst');
    await rm(copy.at(`pbm/${CHUNK}`));
    const [tree] = await scan(copy);
    expect(tree!.points.find(({ id }) => id === NEXT)).toMatchObject({
      state: 'complete',
      needs: [],
      gap: 'no backup reaches to where its oplog of rs1 begins (2022-02-07T14:16:53Z,1)',
    });
  });

  it.each<[string, (json: string) => string, string, string]>([
    ['running', (json) => status(json, 'running'), 'inProgress', 'its status is running'],
    ['ended with an error', (json) => status(json, 'error'), 'broken', 'its status is error'],
    ['cut off', (json) => json.slice(0, 1000), 'broken', 'is no description of a backup'],
    ['a list', () => '[]', 'broken', 'is no description of a backup'],
    [
      'of another backup',
      (json) => json.replace('"2022-02-07T14:05:59Z"', '"2021-01-01T00:00:00Z"'),
      'broken',
      'describes "2021-01-01T00:00:00Z"',
    ],
    [
      'one that names files elsewhere',
      (json) => json.replace(`${BACKUP}_rs2.dump.s2`, '../../etc/passwd'),
      'broken',
      'names "../../etc/passwd", which has the part ".."',
    ],
    [
      'one that names an absolute path',
      (json) => json.replace(`${BACKUP}_rs2.dump.s2`, '/etc/passwd'),
      'broken',
      'is empty, absolute or has an empty part',
    ],
    [
      'one that names a missing file',
      (json) => json.replace(`${BACKUP}_rs2.dump.s2`, 'gone.dump.s2'),
      'incomplete',
      'gone.dump.s2 is missing',
    ],
    [
      'one with a replica set that leads elsewhere',
      (json) => json.replace('"name": "rs2"', '"name": "../x"'),
      'broken',
      'names the replica set "../x"',
    ],
    ['deeply nested', () => '['.repeat(100_000), 'broken', 'is no description of a backup'],
  ])('whose description is %s', async (_, change, state, reason) => {
    const copy = await realTree('../pbm.tar.zst');
    const path = copy.at(`pbm/${BACKUP}.pbm.json`);
    await writeFile(path, change(await readFile(path, 'utf8')));
    const point = (await scan(copy))[0]!.points.find(({ id }) => id === BACKUP);
    expect(point).toMatchObject({ state });
    expect(point!.reason).toContain(reason);
  });

  it('holds a backup that has not ended: there is only its folder', async () => {
    const copy = await realTree('../pbm.tar.zst');
    await mkdir(copy.at('pbm/2022-02-08T14:05:59Z/rs1'), { recursive: true });
    await writeFile(copy.at('pbm/2022-02-08T14:05:59Z/rs1/metadata.json'), '{}');
    const [tree] = await scan(copy);
    expect(tree!.points.find(({ id }) => id === '2022-02-08T14:05:59Z')).toMatchObject({
      state: 'incomplete',
      reason: '2022-02-08T14:05:59Z.pbm.json is not written: the backup has not ended',
      evidence: { closing: 'awaited' },
    });
  });
});

function status(json: string, word: string): string {
  const at = json.lastIndexOf(
    '"status": "done",',
    json.indexOf('"conditions"', json.indexOf('"hb"')),
  );
  return `${json.slice(0, at)}"status": "${word}",${json.slice(at + '"status": "done",'.length)}`;
}

/** A document with one text and numbers of 64 bits, by hand (bsonspec.org). */
function fileDocument(name: string, stored: number, offset = 0, length = 0): Buffer {
  const text = Buffer.concat([Buffer.from(name), Buffer.of(0)]);
  const size = Buffer.alloc(4);
  size.writeInt32LE(text.length);
  const long = (field: string, value: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    return Buffer.concat([Buffer.of(0x12), Buffer.from(`${field}\0`), bytes]);
  };
  const body = Buffer.concat([
    Buffer.concat([Buffer.of(0x02), Buffer.from('filename\0'), size, text]),
    ...[
      long('offset', offset),
      long('length', length),
      long('fileSize', 9),
      long('stgSize', stored),
    ],
  ]);
  const total = Buffer.alloc(4);
  total.writeInt32LE(body.length + 5);
  return Buffer.concat([total, body, Buffer.of(0)]);
}

const BASE = '2026-11-24T06:30:00Z';
const INCREMENT = '2026-11-24T18:30:00Z';

function describeBackup(name: string, seconds: number, source?: string): string {
  return JSON.stringify({
    ...{ name, type: 'incremental', status: 'done', compression: 's2' },
    ...(source === undefined ? {} : { src_backup: source }),
    replsets: [{ name: 'rs1', status: 'done' }],
    last_write_ts: { T: seconds, I: 1 },
  });
}

/** A base and an increment as PBM 2 writes them, by the sources of its storage. */
function physicalStore(list = [fileDocument('/collection-0.wt', 5), fileDocument('/gone.wt', 0)]) {
  return {
    '.pbm.init': '2.4.0',
    [`${BASE}.pbm.json`]: describeBackup(BASE, 1_795_000_000),
    [`${BASE}/rs1/filelist.pbm`]: Buffer.concat(list),
    [`${BASE}/rs1/collection-0.wt.s2`]: 'abcde',
    [`${INCREMENT}.pbm.json`]: describeBackup(INCREMENT, 1_795_050_000, BASE),
    [`${INCREMENT}/rs1/filelist.pbm`]: fileDocument('/collection-0.wt', 3, 4096, 8192),
    [`${INCREMENT}/rs1/collection-0.wt.s2.4096-8192`]: 'abc',
  };
}

describe('a store with physical backups', () => {
  it('links increments to what they build on', async () => {
    const [tree] = await scan(await treeOf(physicalStore()));
    expect(tree!.points.map(briefPoint)).toEqual([
      { id: BASE, kind: 'full', state: 'complete', needs: [] },
      { id: INCREMENT, kind: 'increment', state: 'complete', needs: [BASE] },
    ]);
    const { [`${BASE}.pbm.json`]: _gone, ...rest } = physicalStore();
    const points = (await scan(await treeOf(rest)))[0]!.points;
    expect(points.find(({ id }) => id === INCREMENT)).toMatchObject({
      state: 'complete',
      gap: `the backup that it builds on, ${BASE}, is not here`,
    });
  });

  it.each<[string, Buffer[], string, string]>([
    ['names a file elsewhere', [fileDocument('../../../x', 5)], 'broken', 'has the part ".."'],
    [
      'names a missing file',
      [fileDocument('/index-1.wt', 5)],
      'incomplete',
      'index-1.wt.s2 is missing',
    ],
    ['tells another size', [fileDocument('/collection-0.wt', 6)], 'incomplete', 'has 5 bytes'],
    [
      'is cut off',
      [fileDocument('/collection-0.wt', 5).subarray(0, 30)],
      'incomplete',
      'is cut off',
    ],
    ['is no BSON', [Buffer.from('not a list of files')], 'broken', 'is no list of files'],
    ['says it is endless', [Buffer.from('ffffff7f00', 'hex')], 'broken', 'is no list of files'],
    ['has a document of no bytes', [Buffer.alloc(64)], 'broken', 'is no list of files'],
  ])('whose list %s', async (_, list, state, reason) => {
    const [tree] = await scan(await treeOf(physicalStore(list)));
    const base = tree!.points.find(({ id }) => id === BASE);
    expect(base).toMatchObject({ state });
    expect(base!.reason).toContain(reason);
  });
});

/** A logical backup of one replica set, and a piece of the oplog in which its last write lies: 2026-11-18T11:06:40Z. */
function logicalStore(namespaces?: unknown) {
  return {
    '.pbm.init': '2.4.0',
    [`${BASE}.pbm.json`]: JSON.stringify({
      ...{ name: BASE, type: 'logical', status: 'done', compression: 's2', nss: namespaces },
      replsets: [{ name: 'rs1', backup_name: `${BASE}/d`, oplog_name: `${BASE}/o` }],
      last_write_ts: { T: 1_795_000_000, I: 1 },
    }),
    ...{ [`${BASE}/d`]: 'dump', [`${BASE}/o`]: 'oplog' },
    'pbmPitr/rs1/20261118/20261118110600-1.20261118111600-1.oplog.s2': 'piece',
  };
}

describe('a backup of some namespaces', () => {
  it('says so, and the oplog is not replayed on it', async () => {
    const [tree] = await scan(await treeOf(logicalStore(['shop.*', 'crm.people'])));
    expect(tree!.points.find(({ id }) => id === BASE)).toMatchObject({
      state: 'complete',
      ofPart: 'it holds shop.*, crm.people alone, and none of the rest',
    });
    expect(tree!.points.find(({ kind }) => kind === 'log')).toMatchObject({
      needs: [],
      gap: 'no backup reaches to where its oplog of rs1 begins (2026-11-18T11:06:00Z,1)',
    });
  });

  // percona-backup-mongodb pbm/util/nss.go: these do not make it selective.
  it.each([[undefined], [null], [[]], [['*.*']], [['']]])(
    'is none where it names %j',
    async (nss) => {
      const [tree] = await scan(await treeOf(logicalStore(nss)));
      expect(tree!.points.find(({ id }) => id === BASE)).not.toHaveProperty('ofPart');
      expect(tree!.points.find(({ kind }) => kind === 'log')).toMatchObject({ needs: [BASE] });
    },
  );
});
