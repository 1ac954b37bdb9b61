import { describe, expect, it } from 'vitest';
import { hanaLayout } from '../../../src/layout/hana/hana.js';
import { pbmLayout } from '../../../src/layout/mongodb/pbm.js';
import { walFolderLayout } from '../../../src/layout/postgres/wal-folder.js';
import { redoFolderLayout } from '../../../src/layout/rman/redo-folder.js';
import { rmanLayout } from '../../../src/layout/rman/rman.js';
import type { TreeLayout } from '../../../src/layout/tree-layout.js';
import { walkFolders } from '../../../src/layout/walk/walk-folders.js';
import type {
  BackupRepository,
  RepositoryEntry,
} from '../../../src/repository/backup-repository.js';
import { scanTreesWith } from '../../support/layout/scan-trees-with.js';

/** More than a call takes as arguments. */
const MANY = 130_000;
const AT_MS = Date.UTC(2026, 10, 24);

/** A repository of nothing but names, all of them files of one byte. */
function listing(folders: Readonly<Record<string, readonly string[]>>): BackupRepository {
  const stamp = {
    sizeBytes: 16 * 1024 * 1024,
    modifiedAtNs: `${AT_MS}000000`,
    changedAtNs: `${AT_MS}000000`,
    inode: '7',
  };
  const list = (folder: string): RepositoryEntry[] =>
    (folders[folder] ?? []).map((name) => ({
      name,
      path: folder === '' ? name : `${folder}/${name}`,
      type: folders[folder === '' ? name : `${folder}/${name}`] === undefined ? 'file' : 'folder',
      stamp,
    }));
  return {
    list: (folder: string) => Promise.resolve(list(folder)),
    stat: () => Promise.resolve(null),
    capabilities: { isOpaque: false },
  } as unknown as BackupRepository;
}

function many(name: (index: number) => string, count = MANY): string[] {
  return Array.from({ length: count }, (_, index) => name(index));
}

const hex = (value: number) => value.toString(16).toUpperCase().padStart(8, '0');

describe('more files than a call takes as arguments', () => {
  it('are walked when no layout knows them', async () => {
    const repository = listing({ '': ['share'], share: many((index) => `scan-${index}.pdf`) });
    let count = 0;
    for await (const { unclaimed } of walkFolders(repository, { trees: [], images: [] }))
      count += unclaimed.length;
    expect(count).toBe(MANY);
  });

  it.each<[string, TreeLayout, Record<string, readonly string[]>, number]>([
    [
      'a folder of write-ahead log',
      walFolderLayout,
      { '': ['wal'], wal: many((index) => `00000001${hex(index >> 8)}${hex(index & 255)}`) },
      1,
    ],
    [
      'write-ahead log of which every other segment is missing',
      walFolderLayout,
      {
        '': ['wal'],
        wal: many((index) => `00000001${hex(index >> 7)}${hex((2 * index) & 255)}`, 40_000),
      },
      40_000,
    ],
    [
      'a database of as many collections',
      pbmLayout,
      {
        '': ['pbm'],
        pbm: ['2026-11-24T00:00:00Z', 'pbmPitr'],
        'pbm/pbmPitr': [],
        'pbm/2026-11-24T00:00:00Z': ['rs0'],
        'pbm/2026-11-24T00:00:00Z/rs0': many((index) => `db.c${index}.s2`, MANY / 2),
      },
      1,
    ],
    [
      'archived logs',
      rmanLayout,
      {
        '': ['ORCL'],
        ORCL: ['archivelog'],
        'ORCL/archivelog': ['2026_11_24'],
        'ORCL/archivelog/2026_11_24': many((index) => `o1_mf_1_${index + 1}_7rjh01to_.arc`),
      },
      MANY,
    ],
    [
      'archived logs of which every other is missing',
      redoFolderLayout,
      // Packed: their heads are not read.
      { '': ['arch'], arch: many((index) => `1_${2 * index + 2}_987654321.arc.gz`, 40_000) },
      40_000,
    ],
    [
      'log backups of SAP HANA',
      hanaLayout,
      {
        '': ['hana'],
        hana: many(
          (index) =>
            index % 2 === 0
              ? `log_backup_2_0_${index * 64}_${(index + 2) * 64}.${AT_MS + index}`
              : `log_backup_0_0_0_0.${AT_MS + index}`,
          40_000,
        ),
      },
      20_000,
    ],
  ])('of %s are points', async (_, layout, folders, points) => {
    const [tree] = await scanTreesWith(layout, listing(folders));
    expect(tree!.points).toHaveLength(points);
    // One that takes each log for each other is not done in minutes.
  });
});
