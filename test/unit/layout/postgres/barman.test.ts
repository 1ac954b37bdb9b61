import { randomBytes } from 'node:crypto';
import { rm, utimes, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { mayHoldClass } from '../../../../src/domain/trees/class-folders.js';
import { classOf } from '../../../../src/domain/trees/tree-rules.js';
import { barmanLayout } from '../../../../src/layout/postgres/barman.js';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import {
  BARMAN_IDS,
  barmanBackup as backup,
  barmanInfo as info,
  barmanLog as wals,
  SHARD,
} from '../../../support/layout/barman-files.js';
import { segmentName } from '../../../support/layout/cluster-files.js';
import { treeOf } from '../../../support/layout/real-tree.js';
import type { RepositoryCopy } from '../../../support/layout/repository-copy.js';
import { briefPoint, scanTreesWith } from '../../../support/layout/scan-trees-with.js';

const MIB = 1024 * 1024;
const [FIRST, SECOND] = BARMAN_IDS;
const scan = ({ repository }: RepositoryCopy) => scanTreesWith(barmanLayout, repository);
const pointsOf = async (files: Record<string, Buffer>) => {
  const [tree] = await scan(await treeOf(files));
  return new Map(tree!.points.map((point) => [point.id, point]));
};

describe('the folder that Barman keeps for a server', () => {
  it('is a workload, with its backups and the log behind them', async () => {
    const copy = await treeOf({
      ...backup(FIRST, 9),
      ...backup(SECOND, 12),
      ...wals(9, 10, 11, 12, 13, 14),
      'main/incoming/x': Buffer.from('x'),
    });
    const [tree, ...others] = await scan(copy);
    expect(others).toEqual([]);
    expect(tree).toMatchObject({
      ...{ id: 'barman-main', name: 'main', root: 'main' },
      within: ['identity.json', 'base', 'incoming', 'wals'],
    });
    const log = segmentName(9);
    const points = new Map(tree!.points.map((point) => [point.id, briefPoint(point)]));
    expect(points).toEqual(
      new Map([
        [FIRST, { id: FIRST, kind: 'full', state: 'complete', needs: [] }],
        [SECOND, { id: SECOND, kind: 'full', state: 'complete', needs: [] }],
        [log, { id: log, kind: 'log', state: 'complete', needs: [SECOND] }],
      ]),
    );
    const first = tree!.points.find(({ id }) => id === FIRST)!;
    expect([new Date(first.createdAtMs).toISOString(), first.sizeBytes]).toEqual([
      '2026-11-23T21:00:03.371Z',
      24_236_525,
    ]);
    // Nobody else has a part of it: the log was a workload of its own.
    const all = await scanRepository(copy.repository);
    expect(all.map(({ id }) => id)).toEqual(['barman-main']);
  });

  it.each<[string, Readonly<Record<string, string>>, string, string]>([
    [
      'runs',
      { status: 'STARTED' },
      'incomplete',
      'Barman says that it is STARTED: it has not ended',
    ],
    [
      'has failed',
      { status: 'FAILED', error: 'failure copying' },
      'broken',
      'Barman says that it has failed: failure copying',
    ],
    [
      'builds on one that is gone',
      { parent_backup_id: '20261122T210000' },
      'broken',
      'it builds on 20261122T210000, which is not there',
    ],
  ])('of which a backup %s says so', async (_, more, state, reason) => {
    const points = await pointsOf({ ...backup(FIRST, 9, more), ...wals(9, 10) });
    expect(points.get(FIRST)).toMatchObject({ state, reason });
  });

  it('has a block-level incremental that needs its parent, and all that this builds on', async () => {
    const third = '20261125T210000';
    const points = await pointsOf({
      ...backup(FIRST, 9),
      ...backup(SECOND, 12, { parent_backup_id: FIRST }),
      ...backup(third, 13, { parent_backup_id: SECOND }),
      ...wals(9, 10, 11, 12, 13, 14),
    });
    expect(points.get(third)).toMatchObject({ kind: 'increment', needs: [FIRST, SECOND] });
    expect(points.get(SECOND)).toMatchObject({
      ...{ kind: 'increment', needs: [FIRST], state: 'complete' },
    });
  });

  it('has one whose tablespace is gone as none that can be restored, and what builds on it', async () => {
    const tablespaces = `[('fast', 16385, '/srv/a, b'), ("it's", 16390, '/srv/c')]`;
    const files = {
      ...backup(FIRST, 9, { tablespaces }),
      ...backup(SECOND, 12, { parent_backup_id: FIRST }),
      ...wals(9, 10, 11, 12, 13),
      [`main/base/${FIRST}/16385/PG_15_202209061/5/1`]: Buffer.from('x'),
    };
    const lost = await pointsOf(files);
    const reason = 'backup.info says that it is done, and tablespace 16390 is not there';
    expect(lost.get(FIRST)).toMatchObject({ state: 'broken', reason });
    expect(lost.get(SECOND)).toMatchObject({
      ...{ state: 'broken', reason: `it builds on ${FIRST}: ${reason}` },
    });
    const tar = { [`main/base/${FIRST}/data/16390.tar.gz`]: Buffer.from('x') };
    const whole = await pointsOf({ ...files, ...tar });
    expect(whole.get(FIRST)).toMatchObject({ state: 'complete' });
    expect(whole.get(SECOND)).toMatchObject({ state: 'complete' });
  });

  it('has a backup without its log as incomplete, and names a gap in the log', async () => {
    const points = await pointsOf({
      ...backup(FIRST, 9),
      ...backup(SECOND, 13),
      ...wals(9, 10, 11, 13),
    });
    expect(points.get(FIRST)).toMatchObject({ state: 'complete' });
    expect(points.get(SECOND)).toMatchObject({
      state: 'incomplete',
      reason: `the archive does not hold its write-ahead log, ${segmentName(13)} to ${segmentName(14)}`,
    });
    expect(points.get(segmentName(13))).toMatchObject({
      gap: `the write-ahead log ${segmentName(12)} is missing`,
    });
  });

  it('has a segment that arrives in a replica as none, and the backup that needs it as incomplete', async () => {
    const files = { ...backup(FIRST, 9), ...backup(SECOND, 12), ...wals(9, 10, 11, 12, 13) };
    const path = `main/${SHARD}/${segmentName(13)}`;
    const points = await pointsOf({ ...files, [path]: Buffer.alloc(400_000) });
    const reason = `wals/0000000100000000/${segmentName(13)} has 400000 bytes, and the other segments have 1048576`;
    expect(points.get(FIRST)).toMatchObject({ state: 'complete' });
    expect(points.get(SECOND)).toMatchObject({ state: 'incomplete', reason });
    expect(points.get(path.slice('main/'.length))).toMatchObject({ state: 'incomplete', reason });
    expect(points.get(segmentName(9))).toMatchObject({ state: 'complete', needs: [FIRST] });
  });

  it('waits for time to tell that a compressed segment is whole', async () => {
    const zipped = Object.fromEntries(
      [9, 10, 11, 12, 13].map((at) => [
        `main/${SHARD}/${segmentName(at)}`,
        gzipSync(Buffer.alloc(1024 * 1024)),
      ]),
    );
    const copy = await treeOf({
      ...{ ...backup(FIRST, 9), ...backup(SECOND, 12), ...wals(), ...zipped },
    });
    const now = Math.floor(Date.now() / 1000);
    for (const at of [9, 10, 11, 12])
      await utimes(copy.at(`main/${SHARD}/${segmentName(at)}`), now - 3600, now - 3600 + at * 60);
    const [tree] = await scan(copy);
    const points = new Map(tree!.points.map((point) => [point.id, point]));
    expect(points.get(SECOND)).toMatchObject({
      ...{ state: 'complete', evidence: { closing: 'silent' } },
    });
    // The newest may still arrive.
    expect(points.get(segmentName(9))!.createdAtMs).toBe((now - 3600 + 12 * 60) * 1000);
  });

  /** A packet of a session key of OpenPGP (RFC 9580, 4.2): since 3.14 Barman encrypts segments under their names. */
  const ENCRYPTED = Buffer.concat([Buffer.from('85018c03', 'hex'), Buffer.alloc(300_000, 0x5a)]);
  it.each<[string, Buffer]>([
    ['are encrypted', ENCRYPTED],
    ['are packed by a command of its operator', Buffer.alloc(300_000, 0x5a)],
    [
      'are packed to the size of other segments',
      gzipSync(randomBytes(3 * MIB)).subarray(0, 2 * MIB),
    ],
  ])('has its backups complete when segments %s under their names', async (_, segment) => {
    const log = [9, 10].map((at) => [`main/${SHARD}/${segmentName(at)}`, segment]);
    const files = { ...backup(FIRST, 9), ...wals(), ...Object.fromEntries(log) };
    const copy = await treeOf(files as Record<string, Buffer>);
    const [tree] = await scan(copy);
    expect(tree!.points.map(({ id, state }) => [id, state])).toContainEqual([FIRST, 'complete']);
    expect(tree!.points.filter(({ state }) => state === 'incomplete')).toEqual([]);
  });

  it.each<[string, Buffer]>([
    ['a page of PostgreSQL 9', Buffer.from('61d00700', 'hex')],
    ['a page of PostgreSQL 18', Buffer.from('18d10700', 'hex')],
    ['a page of PostgreSQL 15 on a big-endian machine', Buffer.from('d1100007', 'hex')],
    ['what a proxy answers, alone among plain ones', Buffer.from('<html>', 'latin1')],
    ['zeros', Buffer.alloc(4)],
    ['nothing', Buffer.alloc(0)],
  ])('has a segment as cut off that is short and begins with %s', async (_, head) => {
    const segment = head.length === 0 ? head : Buffer.concat([head, Buffer.alloc(400_000)]);
    const path = `main/${SHARD}/${segmentName(10)}`;
    const points = await pointsOf({ ...backup(FIRST, 9), ...wals(9), [path]: segment });
    expect(points.get(FIRST)).toMatchObject({ state: 'incomplete' });
    expect(points.get(path.slice('main/'.length))).toMatchObject({ state: 'incomplete' });
  });

  it('has one whose information or data are gone as none that can be restored', async () => {
    const copy = await treeOf({ ...backup(FIRST, 9), ...backup(SECOND, 9), ...wals(9, 10) });
    await rm(copy.at(`main/base/${FIRST}/backup.info`));
    await rm(copy.at(`main/base/${SECOND}/data`), { recursive: true });
    const [tree] = await scan(copy);
    expect(tree!.points.map(({ id, state, reason }) => [id, state, reason])).toEqual(
      expect.arrayContaining([
        [FIRST, 'incomplete', 'it has no backup.info: it has not ended'],
        [SECOND, 'broken', 'backup.info says that it is done, and its data are not there'],
      ]),
    );
  });

  it('has its information in a folder of its own, too (Barman 3.13)', async () => {
    const files = { ...backup(FIRST, 9), ...wals(9, 10) };
    const copy = await treeOf({ ...files, [`main/meta/${FIRST}-backup.info`]: info(FIRST, 9) });
    await rm(copy.at(`main/base/${FIRST}/backup.info`));
    const [tree] = await scan(copy);
    expect(tree!.points.find(({ id }) => id === FIRST)).toMatchObject({ state: 'complete' });
    expect(tree!.within).toContain('meta');
  });

  it('is none that holds no backup of Barman', async () => {
    const copy = await treeOf({ 'x/base/20261123T210000/disk.raw': 'x', 'x/wals/x': 'x' });
    await writeFile(copy.at('x/base/y'), 'x');
    expect(await scan(copy)).toEqual([]);
  });

  it('is copied log first, then data, and what lists them last', () => {
    const { rules } = barmanLayout;
    const paths = [
      ...['wals/00000002.history', `${SHARD}/${segmentName(9)}`],
      `${SHARD}/${segmentName(9)}.00000028.backup`,
      ...[`base/${FIRST}/data/base/5/1259`, `base/${FIRST}/16384/PG_15_202209061/5/1`],
      ...[`base/${FIRST}/data/global/pg_control`, `base/${FIRST}/backup.info`],
      ...[`meta/${FIRST}-backup.info`, 'wals/xlog.db', 'main-xlog.db', 'identity.json'],
      // Barman 3.19: what `barman keep` notes, and the list of log where that lies elsewhere.
      ...[`meta/${FIRST}-keep`, `meta/${FIRST}-backup_manifest`, 'meta/main-xlog.db'],
    ];
    const classes = paths.map((path) => classOf(rules, path)!);
    expect(classes.map((index) => rules.classes[index]!.name)).toEqual([
      ...['histories', 'log', 'labels', 'data', 'data', 'control'],
      ...['information', 'meta', 'catalogue', 'rootCatalogue', 'server'],
      ...['meta', 'meta', 'metaCatalogue'],
    ]);
    // A look at a class comes by where its files lie.
    const isLookedAt = paths.map((path, at) =>
      mayHoldClass(rules, classes[at]!, path.slice(0, path.lastIndexOf('/') + 1)),
    );
    expect(isLookedAt).toEqual(paths.map(() => true));
    expect(rules.ignored!.test(`streaming/${segmentName(9)}.partial`)).toBe(true);
    expect(rules.pointOf!(`base/${FIRST}/data/PG_VERSION`)).toBe(FIRST);
    // A link to a tablespace is passed over, and no folder under its name.
    const link = `base/${FIRST}/data/pg_tblspc/16385`;
    expect([rules.ignored!.test(link), rules.ignored!.test(`${link}/`)]).toEqual([true, false]);
    // What is archived is renamed into place.
    const [log, list, data] = [paths[1]!, 'wals/xlog.db', `base/${FIRST}/data/PG_VERSION`];
    expect([log, list, data].map((path) => rules.isFullSize!(path, 7))).toEqual([
      true,
      true,
      false,
    ]);
    expect(rules.foldersWith!(`base/${FIRST}/data/global/pg_control`)).toContain(
      `base/${FIRST}/data/pg_notify`,
    );
  });
});
