import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pgBackRestLayout } from '../../../../src/layout/postgres/pgbackrest.js';
import { parseInfo } from '../../../../src/layout/postgres/backrest-info.js';
import { classOf } from '../../../../src/domain/trees/tree-rules.js';
import { noRealTrees, realTree, treeOf } from '../../../support/layout/real-tree.js';
import type { RepositoryCopy } from '../../../support/layout/repository-copy.js';
import { briefPoint, scanTreesWith } from '../../../support/layout/scan-trees-with.js';

const scan = ({ repository }: RepositoryCopy) => scanTreesWith(pgBackRestLayout, repository);

const FULL = '20261126-005152F';
const DIFF = '20261126-005152F_20261126-005223D';
const INCR = '20261126-005152F_20261126-005232I';
const WAL = 'archive/demo/15-1/0000000100000000';
const INFO = 'backup/demo/backup.info';

async function pointsAfter(change: (copy: RepositoryCopy) => Promise<unknown>) {
  const copy = await realTree('pgbackrest/repo1-zst.tar.zst');
  await change(copy);
  const [tree] = await scan(copy);
  return new Map(tree!.points.map((point) => [point.id, point]));
}

describe.skipIf(noRealTrees)('a real repository of pgBackRest', () => {
  it('is a stanza with a full, a differential, an increment, and the log behind them', async () => {
    const [tree, ...others] = await scan(await realTree('pgbackrest/repo1-zst.tar.zst'));
    expect(others).toEqual([]);
    expect(tree).toMatchObject({
      ...{ id: 'pgbackrest-demo-.', name: 'demo', root: '' },
      within: ['archive/demo', 'backup/demo'],
    });
    const points = new Map(tree!.points.map((point) => [point.id, briefPoint(point)]));
    expect(points).toEqual(
      new Map([
        [FULL, { id: FULL, kind: 'full', state: 'complete', needs: [] }],
        [DIFF, { id: DIFF, kind: 'increment', state: 'complete', needs: [FULL] }],
        [INCR, { id: INCR, kind: 'increment', state: 'complete', needs: [FULL, DIFF] }],
        [
          '000000010000000000000006',
          { id: '000000010000000000000006', kind: 'log', state: 'complete', needs: [INCR] },
        ],
      ]),
    );
    // backup-timestamp-stop of backup.info
    expect(tree!.points.find(({ id }) => id === FULL)!.createdAtMs).toBe(1_795_654_325_000);
  });

  it('of which a backup was killed has it as incomplete', async () => {
    const copy = await realTree(
      'pgbackrest/repo1-zst.tar.zst',
      'pgbackrest/killed-full-part.tar.zst',
    );
    const [tree] = await scan(copy);
    expect(tree!.points.find(({ id }) => id === '20261126-005547F')).toMatchObject({
      state: 'incomplete',
      reason: 'backup.info does not list it, and it has no backup.manifest: it has not ended',
      evidence: { closing: 'awaited' },
    });
    expect(tree!.points.find(({ id }) => id === INCR)).toMatchObject({ state: 'complete' });
  });

  it('is read by the copy of its information while that is being written', async () => {
    const points = await pointsAfter(({ at }) => truncate(at(INFO), 700));
    expect([...points.values()].filter(({ state }) => state === 'complete')).toHaveLength(4);
  });

  it('whose information lies is broken, and no backup of it is listed', async () => {
    const points = await pointsAfter(async ({ at }) => {
      const text = await readFile(at(INFO), 'utf8');
      for (const path of [INFO, `${INFO}.copy`])
        await writeFile(at(path), text.replace('"full"', '"incr"'));
    });
    expect([...points.values()]).toMatchObject([
      {
        state: 'broken',
        reason: 'backup/demo/backup.info.copy does not have the digest that it claims',
      },
    ]);
  });

  it.each<[string, (copy: RepositoryCopy) => Promise<unknown>, string, string, string]>([
    [
      'a manifest',
      ({ at }) => rm(at(`backup/demo/${DIFF}/backup.manifest`)),
      ...([DIFF, 'broken', 'backup.info lists it, and it has no backup.manifest'] as const),
    ],
    [
      'the log of a backup',
      ({ at }) =>
        rm(at(`${WAL}/00000001000000000000000C-3470d4885054f506f68585b53dd52621dbfa98bd.zst`)),
      ...([
        DIFF,
        'incomplete',
        'the archive does not hold its write-ahead log, 00000001000000000000000C',
      ] as const),
    ],
  ])('without %s tells which backup suffers', async (_, change, id, state, reason) => {
    const points = await pointsAfter(change);
    expect(points.get(id)).toMatchObject({ state, reason });
    expect(points.get(FULL)).toMatchObject({ state: 'complete' });
  });

  it('that lacks log behind its backups names it', async () => {
    const points = await pointsAfter(({ at }) =>
      rm(at(`${WAL}/000000010000000000000009-fc0663f6d2745a7c4d117d5674c6f60d0b2a5a11.zst`)),
    );
    expect(points.get('00000001000000000000000A')).toMatchObject({
      gap: 'the write-ahead log 000000010000000000000009 is missing',
      needs: [INCR],
    });
  });

  it('that lacks the log in front of a new timeline names it', async () => {
    const copy = await realTree('pgbackrest/repo1-zst.tar.zst');
    const segment = `archive/demo/15-1/0000000200000000/000000020000000000000018-${'0'.repeat(40)}.zst`;
    await mkdir(dirname(copy.at(segment)), { recursive: true });
    await writeFile(copy.at(segment), 'x');
    const [tree] = await scan(copy);
    // The last that is there ends in 15.
    expect(tree!.points.find(({ id }) => id === '000000020000000000000018')!.gap).toBe(
      'the write-ahead log 000000010000000000000016 to 000000010000000000000017 is missing',
    );
  });

  it('has a class for every file, information last', async () => {
    const { repository } = await realTree('pgbackrest/repo1-zst.tar.zst');
    const { rules } = pgBackRestLayout;
    const names = new Map<string, string[]>();
    const waiting = [''];
    for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop())
      for (const { path, type } of await repository.list(folder)) {
        if (type === 'folder') waiting.push(path);
        if (type !== 'file') continue;
        const found = rules.classes[classOf(rules, path) ?? -1]?.name ?? 'none';
        names.set(found, [...(names.get(found) ?? []), path]);
      }
    expect([...names.keys()].sort()).toEqual([
      'archive-information',
      'backup-information',
      'data',
      'history',
      'log',
      'manifests',
    ]);
    expect(names.get('archive-information')).toHaveLength(2);
    expect(names.get('backup-information')).toHaveLength(2);
    expect(names.get('manifests')).toHaveLength(6);
  });
});

describe('folders named archive and backup', () => {
  it('are left to others when no information file of pgBackRest lies there', async () => {
    expect(await scan(await treeOf({ 'archive/2024/x': 'x', 'backup/vm/y': 'y' }))).toEqual([]);
  });

  it('with an encrypted information file are one point, whatever it holds', async () => {
    const [tree] = await scan(
      await treeOf({ 'archive/s/archive.info': 'Salted__1', 'backup/s/backup.info': 'Salted__2' }),
    );
    expect(tree!.points).toMatchObject([{ kind: 'snapshot', state: 'complete' }]);
  });

  it.each(['', 'x', '[a]\nb', '[a]\nb={', '[backrest]\nbackrest-checksum="00"'])(
    'and %j for information show no backup',
    (text) => {
      expect(parseInfo(text)).toBeNull();
    },
  );
});
