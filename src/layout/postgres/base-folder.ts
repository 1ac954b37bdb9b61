import type { FoundTree } from '../../domain/trees/source-tree.js';
import { ALL_ALLOWED } from '../../domain/sources/workload-rules.js';
import {
  claimFolders,
  confirmFolders,
  isUnderDate,
  readBackups,
  treesByName,
  type BackupFolders,
  type NamedBackup,
  type NamesIn,
} from '../trees/backup-folders.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { parseDatedName } from '../names/dated-name.js';
import { claimedTreeFiles } from '../trees/tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import { basePoints } from './base-points.js';
import { clusterFolders } from './cluster-folders.js';

/** Backups of `pg_basebackup` in its plain format: the files of a cluster in a folder, with `backup_label` and, since PostgreSQL 13, `backup_manifest`, which is put there
 *  last. A folder with a date in its name is one of several (`20261124/`, `base-2026-11-24/`, or a folder in such a one), any other is written over.
 *
 *  A workload is what has one name but for the date, in one folder; a restore point a backup. It is whole when its manifest has its end and its own digest, and all files that
 *  it lists are there with their sizes. Without a manifest the control file, which the tool writes last, has to be there, and nothing to change any more. Of an incremental one
 *  (PostgreSQL 17) the position in its label tells which it builds on. A cluster in which a server was started is none.
 *  Source: PostgreSQL documentation, pg_basebackup, Backup Manifest Format; folders that pg_basebackup 15 wrote. */
export const baseFolderLayout: TreeLayout = {
  name: 'pg-base-folder',
  type: { id: 'postgresql-base', title: 'PostgreSQL (pg_basebackup)', rules: ALL_ALLOWED },
  rules: {
    shape: 'sets',
    // A cluster without its control file does not start: nobody takes a part of a copy for a whole one.
    classes: [
      {
        name: 'data',
        match: /^(?!(?:.*\/)?(?:global\/pg_control|backup_manifest)$)/,
        content: 'rewritten',
        isWrittenOnce: isUnderDate,
      },
      {
        name: 'control',
        match: /(?:^|\/)global\/pg_control$/,
        content: 'rewritten',
        isWrittenOnce: isUnderDate,
      },
      {
        name: 'manifests',
        match: /(?:^|\/)backup_manifest$/,
        content: 'rewritten',
        isWrittenOnce: isUnderDate,
      },
    ],
    ignored: /(?:^|\/)backup_manifest\.tmp$/,
    digestInName: null,
    foldersWith: clusterFolders,
    openFilesWaitMs: 60_000,
    keepRemovedForDays: 0,
    suspiciousShare: 0.5,
    keeps: { modes: true, times: true, links: false },
  },
  claim,
  confirm,
  scan,
};

const FOLDERS: BackupFolders = {
  isNamed: (name) => parseDatedName(name) !== null,
  isBackup(names) {
    const { files, folders } = names;
    const isCluster = files.includes('PG_VERSION') && files.includes('backup_label');
    return (
      isCluster && !wasStarted(names) && folders.includes('base') && folders.includes('global')
    );
  },
  // The label is there before all else; what copies a backup brings the folders in an order of its own.
  isUnderWay: (names) => names.files.includes('backup_label') && !wasStarted(names),
};

function wasStarted({ files }: NamesIn): boolean {
  return files.includes('postmaster.opts') || files.includes('postmaster.pid');
}

function claim(names: FolderNames): Claim | null {
  return claimFolders(names, FOLDERS);
}

async function confirm(reader: TreeReader, folder: string, claimed: Claim): Promise<Claim | null> {
  if (claimed.files.length > 0) return claimed;
  return confirmFolders(reader, folder, claimed.folders ?? [], FOLDERS);
}

async function scan(reader: TreeReader, folder: string, claimed: Claim): Promise<FoundTree[]> {
  if (claimed.files.length > 0) {
    const files = await claimedTreeFiles(reader, folder, claimed);
    const points = await basePoints(reader, [{ name: '', createdAtMs: null, files }]);
    const name = folderName('PostgreSQL', folder);
    return [{ id: folderWorkloadId('pg-base', folder), name, root: folder, points }];
  }
  const backups = await readBackups(reader, folder, claimed);
  const called = { id: 'pg-base', title: 'PostgreSQL' };
  return treesByName(folder, called, backups, calledAs, (found) => basePoints(reader, found));
}

/** Without dates. */
function calledAs({ name }: NamedBackup): string {
  const stems = name.split('/').map((part) => parseDatedName(part)?.stem ?? part);
  return stems.filter((stem) => stem !== '').join('-');
}
