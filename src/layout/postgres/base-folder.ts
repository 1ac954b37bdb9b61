import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import { ALL_ALLOWED } from '../../domain/sources/workload-rules.js';
import {
  backupsIn,
  claimFolders,
  confirmFolders,
  dateInPathMs,
  type BackupFolders,
  type NamesIn,
} from '../backup-folders.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { parseDatedName } from '../dated-name.js';
import { claimedTreeFiles, filesBelow, type TreeFile } from '../tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../workload-id.js';
import { basePoints, type BaseFolder } from './base-points.js';
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
        isWrittenOnce: isDated,
      },
      {
        name: 'control',
        match: /(?:^|\/)global\/pg_control$/,
        content: 'rewritten',
        isWrittenOnce: isDated,
      },
      {
        name: 'manifests',
        match: /(?:^|\/)backup_manifest$/,
        content: 'rewritten',
        isWrittenOnce: isDated,
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

function isDated(path: string): boolean {
  return parseDatedName(path.split('/', 1)[0]!) !== null;
}

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
  const own = await confirmFolders(reader, folder, claimed.folders ?? [], FOLDERS);
  return own.length === 0 ? null : { files: [], folders: own };
}

async function scan(reader: TreeReader, folder: string, claimed: Claim): Promise<FoundTree[]> {
  if (claimed.files.length > 0) {
    const files = await claimedTreeFiles(reader, folder, claimed);
    const points = await basePoints(reader, [{ name: '', createdAtMs: null, files }]);
    const name = folderName('PostgreSQL', folder);
    return [{ id: folderWorkloadId('pg-base', folder), name, root: folder, points }];
  }
  const workloads = new Map<string, { readonly within: string[]; readonly found: BaseFolder[] }>();
  for (const dated of claimed.folders ?? []) {
    const backups = await reader.orTell(() => backupsIn(reader, folder, dated, FOLDERS));
    for (const { path } of backups ?? []) {
      const files = await reader.orTell((): Promise<TreeFile[]> =>
        filesBelow(reader, folder, path),
      );
      if (files === null) continue;
      const stems = path.split('/').map((part) => parseDatedName(part)?.stem ?? part);
      const name = stems.filter((stem) => stem !== '').join('-');
      const known = workloads.get(name) ?? { within: [], found: [] };
      known.within.push(path);
      known.found.push({ name: path, createdAtMs: dateInPathMs(path), files });
      workloads.set(name, known);
    }
  }
  const trees: FoundTree[] = [];
  for (const [name, { within, found }] of workloads) {
    const points: TreePoint[] = await basePoints(reader, found);
    const parts = name === '' ? ['pg-base'] : ['pg-base', encodeURIComponent(name)];
    trees.push({
      id: folderWorkloadId(parts.join('-'), folder),
      name: name === '' ? folderName('PostgreSQL', folder) : name,
      ...{ root: folder, within, points },
    });
  }
  return trees;
}
