import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { BackupError } from '../../src/domain/errors.js';
import type { SourceWorkload } from '../../src/domain/sources/source-workload.js';
import type { UnseenPart } from '../../src/domain/sources/unseen-part.js';
import { scanRepository } from '../../src/layout/scan-repository.js';
import type { SourceRepository } from '../../src/repository/backup-repository.js';
import { hanaBackups, recoveryArea } from '../support/layout/database-trees.js';
import { barmanFiles } from '../support/layout/barman-files.js';
import { probackupFiles } from '../support/layout/probackup-files.js';
import { clusterFiles } from '../support/layout/cluster-files.js';
import { noRealTrees, realTree, treeOf } from '../support/layout/real-tree.js';
import { copyToRepository, type RepositoryCopy } from '../support/layout/repository-copy.js';
import { denied, unreadable } from '../support/tree/storage-answers.js';

const PACKED = Buffer.concat([Buffer.from('MSSQLBAK'), Buffer.alloc(5000, 7)]);
const SEGMENT = Buffer.alloc(1024 * 1024);
const BSON = Buffer.from([5, 0, 0, 0, 0]);
/** Read by its name alone, in a folder of its own: it is there whatever else cannot be read. */
const NEIGHBOUR = 'zz/sales_backup_2026_11_24_063000_1234567.bak';

const ARCHIVE = Buffer.concat([Buffer.from([0x6d, 0xe2, 0x99, 0x81]), Buffer.alloc(5000)]);

const MADE: readonly [string, () => Promise<RepositoryCopy>][] = [
  ...['libvirt-push', 'ovirt', 'virtnbdbackup', 'streams'].map(
    (name) => [name, () => copyToRepository(name)] as [string, () => Promise<RepositoryCopy>],
  ),
  ['SAP HANA', () => treeOf(hanaBackups())],
  ['Oracle RMAN', () => treeOf(recoveryArea())],
  [
    'SQL Server',
    () =>
      treeOf({
        ...{ 'a/Sales.bak': PACKED, 'a/HR.bak': PACKED, 'a/HR.trn': PACKED, 'b/config.bak': 'x' },
        'ola/FULL/S_db_FULL_20261124_010000.bak': PACKED,
        'ola/LOG/S_db_LOG_20261124_050000.trn': PACKED,
      }),
  ],
  [
    'mongodump',
    () =>
      treeOf({
        ...{ 'a/x.archive': ARCHIVE, 'a/y.archive': ARCHIVE, 'b/z.archive': 'x' },
        ...{ 'c/dump-2026-11-24/shop/a.bson': BSON, 'c/dump-2026-11-24/hr/a.bson': BSON },
        ...{ 'c/dump-2026-11-25/shop/a.bson': BSON, 'c/dump/notes.txt': 'x' },
      }),
  ],
  [
    'base backups of PostgreSQL',
    () => treeOf({ ...clusterFiles('a/2026-11-24'), ...clusterFiles('b/now', { log: [] }) }),
  ],
  ['Barman', () => treeOf(barmanFiles())],
  ['pg_probackup', () => treeOf(probackupFiles())],
  [
    'WAL in folders of its own',
    () =>
      treeOf({
        '0000000100000000/000000010000000000000001': SEGMENT,
        '0000000100000001/000000010000000100000001': SEGMENT,
      }),
  ],
];

/** Whose the files are their heads alone say. */
async function underOtherNames(): Promise<RepositoryCopy> {
  const ola = await realTree('mssql/ft1-sql2008r2');
  const full = await readFile(ola.at('FULL/SQL2008_ft1_FULL_20170518_041742.bak'));
  const named = { 'b/nightly.bak': full, 'b/HR.bak': PACKED };
  return treeOf({
    ...named,
    'c/A_B_FULL_20170518_041742.bak': full,
    'd/A_B_ft1_FULL_20170518_041742.bak': full,
  });
}

const REAL: readonly [string, () => Promise<RepositoryCopy>][] = [
  ['SQL Server', () => realTree('mssql/ft1-sql2008r2')],
  ['SQL Server under other names', underOtherNames],
  ['mongodump', () => realTree('mongodump')],
  ['Percona Backup', () => realTree('../pbm.tar.zst')],
  ['pgBackRest', () => realTree('pgbackrest/repo1-zst.tar.zst')],
  ['WAL', () => realTree('pgwal/wal-1MiB-segments.tar.zst')],
  ['OVF', () => realTree('ovf/govmomi')],
];

interface Shown {
  readonly workloads: readonly SourceWorkload[];
  readonly unseen: readonly UnseenPart[];
}

async function look(repository: SourceRepository): Promise<Shown> {
  const unseen: UnseenPart[] = [];
  const workloads = await scanRepository(repository, {
    onUnseen: (part) => unseen.push(part),
    onUnrecognised: () => undefined,
  });
  return { workloads, unseen };
}

/** Paths that a look lists and opens, but for the root. */
async function placesOf(repository: SourceRepository) {
  const { list, openRead } = repository;
  const [folders, files] = [new Set<string>(), new Set<string>()];
  repository.list = (folder) => (folders.add(folder), list.call(repository, folder));
  repository.openRead = (path) => (files.add(path), openRead.call(repository, path));
  const shown = await look(repository);
  Object.assign(repository, { list, openRead });
  folders.delete('');
  return { shown, folders: [...folders], files: [...files] };
}

async function lookWithout(repository: SourceRepository, path: string, error: Error) {
  const { list, openRead } = repository;
  const answer =
    <T>(from: (path: string) => Promise<T>) =>
    (asked: string): Promise<T> =>
      asked === path ? Promise.reject(error) : from.call(repository, asked);
  Object.assign(repository, { list: answer(list), openRead: answer(openRead) });
  try {
    return await look(repository);
  } finally {
    Object.assign(repository, { list, openRead });
  }
}

const idsOf = ({ workloads }: Shown): string[] => workloads.map(({ id }) => id);

/** As many as a build has time for, from the first to the last. */
function some(places: readonly string[]): string[] {
  const own = places.filter((path) => !path.startsWith('zz'));
  const step = Math.ceil(own.length / MAX_PLACES);
  return own.filter((_, index) => index % Math.max(1, step) === 0);
}

const MAX_PLACES = 7;

async function expectOneToBeTold(make: () => Promise<RepositoryCopy>): Promise<void> {
  const { repository, at } = await make();
  await mkdir(at('zz'));
  await writeFile(at(NEIGHBOUR), PACKED);
  const { shown, folders, files } = await placesOf(repository);
  expect(idsOf(shown)).toContain('mssql-sales-zz');
  for (const [index, path] of [...some(folders), ...some(files)].entries()) {
    const error = index % 2 === 0 ? denied(path) : unreadable(path);
    const less = await lookWithout(repository, path, error);
    expect(idsOf(less), path).toContain('mssql-sales-zz');
    const isUnknown = less.workloads.some(({ restorePoints }) =>
      restorePoints.some(({ state }) => state === 'unknown'),
    );
    const left = new Set(idsOf(less));
    const isGone = idsOf(shown).some((id) => !left.has(id));
    // Or the copies of what is gone are removed one day.
    if (isGone) expect(less.unseen, path).not.toEqual([]);
    // Nothing is less, or other, without a word.
    if (less.unseen.length === 0 && !isUnknown)
      expect({ path, ...less }).toEqual({ path, ...shown });
    if (folders.includes(path)) continue;
    const gone = new BackupError('FILE_MISSING', `there is no ${path}`, { details: { path } });
    expect(idsOf(await lookWithout(repository, path, gone)), path).toContain('mssql-sales-zz');
  }
}

describe('one folder or file that cannot be read, or went while it was looked at', () => {
  it.each(MADE)('takes nothing from what lies beside it, and is told: %s', (_, make) =>
    expectOneToBeTold(make),
  );

  it.skipIf(noRealTrees).each(REAL)(
    'takes nothing from what lies beside it, and is told, in a real tree: %s',
    (_, make) => expectOneToBeTold(make),
  );
});
