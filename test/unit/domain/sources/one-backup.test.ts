import { expect, it } from 'vitest';
import { asOneBackup } from '../../../../src/domain/sources/one-backup.js';
import {
  otherToolOf,
  toolOfTree,
  unrecognisedReason,
} from '../../../../src/domain/sources/unrecognised.js';

/** As a scan finds them, each folder with one file of this name. */
function placesOf(...paths: string[]) {
  const treeTools = new Map<string, string>();
  const places = paths.map((path) => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const folder = name === path ? '.' : path.slice(0, -name.length - 1);
    const tree = toolOfTree([name]);
    if (tree !== null) treeTools.set(folder, tree);
    const above = [...treeTools].find(([one]) => one === '.' || folder.startsWith(`${one}/`))?.[1];
    const tool = otherToolOf(folder, [{ name, sizeBytes: 100_000_000 }]) ?? above;
    return { folder, fileCount: 1, examples: [name], ...(tool === undefined ? {} : { tool }) };
  });
  return asOneBackup(places, treeTools);
}

const HEX = 'ab'.repeat(32);
const U = '2b7e1f04-9c3d-4a58-8e61-d0f5b9a3c7e8';
const V = '3c8f1f04-9c3d-4a58-8e61-d0f5b9a3c7e8';
const BLOCK = '01HV3K8ZP5Q2W7R9T4Y6X8C1D3';

// Names as the manuals of each give them; none of the tools was asked.
it.each<[string, string, string[]]>([
  [
    'borg 2',
    'store',
    [
      ...[`store/archives/${HEX}`, 'store/config/manifest', `store/data/00/01/${HEX}`],
      `store/data/ff/fe/${HEX}`,
    ],
  ],
  ['borg 2', '.', [`archives/${HEX}`, `data/00/01/${HEX}`]],
  ['restic or rustic', 'r', [`r/data/00/${HEX}`, `r/data/ff/${HEX}`, `r/snapshots/${HEX}`]],
  [
    'PostgreSQL as a copy of its data folder',
    'pg',
    ['pg/PG_VERSION', 'pg/base/1/PG_VERSION', 'pg/base/5/PG_VERSION', 'pg/pg_xact/0000'],
  ],
  [
    'PostgreSQL as a copy of its data folder',
    'tbs',
    ['tbs/PG_15_202209061/5/16390', 'tbs/PG_15_202209061/6/16391'],
  ],
  ['pg_basebackup', 'pg', ['pg/backup_label', 'pg/base/1/PG_VERSION', 'pg/pg_wal/x']],
  [
    'MySQL or MariaDB as a copy of their data folder',
    'my',
    ['my/ibdata1', 'my/mysql/user.MYD', 'my/shop/orders.ibd'],
  ],
  [
    'MongoDB as a copy of its data folder',
    'mongo',
    ['mongo/WiredTiger', 'mongo/diagnostic.data/metrics.interim', 'mongo/journal/WiredTigerLog.1'],
  ],
  ['etcd', 'e', ['e/member/snap/db', 'e/member/wal/0000000000000000-0000000000000000.wal']],
  [
    'Cassandra or ScyllaDB',
    'c',
    [
      `c/shop/orders-${'0a'.repeat(16)}/nb-1-big-Data.db`,
      `c/shop/users-${'0b'.repeat(16)}/nb-1-big-Data.db`,
    ],
  ],
  ['Prometheus or Thanos', 'p', [`p/${BLOCK}/meta.json`, `p/${BLOCK}/chunks/000001`]],
  ['Elasticsearch or OpenSearch', 'es', ['es/index.latest', 'es/indices/Ab_1/0/__1']],
  [
    'Xen Orchestra',
    'x/xo-vm-backups',
    [`x/xo-vm-backups/${U}/20261124T010000Z.json`, `x/xo-vm-backups/${V}/cache.json.gz`],
  ],
  ['a storage domain of oVirt', 'd', [`d/images/${U}/${V}`, `d/images/${V}/${U}`]],
  ['rsnapshot', 'rs', ['rs/daily.0/web/etc/hosts', 'rs/daily.1/web/etc/hosts']],
  [
    'Time Machine or another program that writes sparse bundles',
    'tm/mac.sparsebundle',
    ['tm/mac.sparsebundle/token', 'tm/mac.sparsebundle/bands/0'],
  ],
  ['Commvault', 'cv/V_1', ['cv/V_1/CHUNK_1/SFILE_1', 'cv/V_1/CHUNK_2/SFILE_1']],
])('a backup of %s in many folders is one place, its topmost folder', (tool, root, paths) => {
  const places = placesOf(...paths);
  expect(places).toMatchObject([{ folder: root, tool, fileCount: paths.length }]);
  expect(unrecognisedReason(places[0]!)).toContain(`as it seems, a backup of ${tool}`);
});

it('what lies beside or within a backup and is another is a place of its own', () => {
  const places = placesOf(
    ...['a/notes.txt', `a/archives/${HEX}`, `a/data/00/01/${HEX}`, 'a/photos/1.jpg'],
    ...['pg/PG_VERSION', 'pg/base/1/PG_VERSION', 'pg/dumps/2026-11-24.sql.gz', 'pgx/0000'],
  );
  expect(places.map(({ folder, fileCount }) => [folder, fileCount])).toEqual([
    ...[['a', 3] as const, ['a/photos', 1] as const],
    ...[['pg', 2] as const, ['pg/dumps', 1] as const, ['pgx', 1] as const],
  ]);
});

it('one place for 65,536 folders takes no time to find', () => {
  const hex = (n: number) => n.toString(16).padStart(2, '0');
  const places = Array.from({ length: 65_536 }, (_, index) => ({
    ...{ folder: `b/data/${hex(index >> 8)}/${hex(index & 255)}`, fileCount: 2, examples: [HEX] },
    tool: 'borg 2',
  }));
  const began = performance.now();
  expect(asOneBackup(places, new Map())).toEqual([
    {
      ...{ folder: 'b', fileCount: 131_072, tool: 'borg 2' },
      examples: [`data/00/00/${HEX}`, `data/00/01/${HEX}`, `data/00/02/${HEX}`],
    },
  ]);
  expect(performance.now() - began).toBeLessThan(5000);
});
