import type { FoundTree } from '../../domain/trees/source-tree.js';
import { ALL_ALLOWED } from '../../domain/sources/workload-rules.js';
import {
  calledWithoutKind,
  claimFolders,
  confirmFolders,
  isKind,
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
import { joinPath } from '../../repository/repository-path.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import { basePoints } from './base-points.js';
import { clusterFolders } from './cluster-folders.js';

/** Backups of `pg_basebackup` in its plain format: the files of a cluster in a folder, with `backup_label` and, since PostgreSQL 13, `backup_manifest`, which is put there
 *  last. A folder with a date in its name is one of several (`20261124/`, `base-2026-11-24/`, or a folder in such a one), any other is written over.
 *
 *  A workload is what has one name but for the date, in one folder; a restore point a backup. It is whole when its manifest has its end and its own digest, and all files that
 *  it lists are there with their sizes. Without a manifest the control file, which the tool writes last, has to be there, and nothing to change any more. Of an incremental one
 *  (PostgreSQL 17) the position in its label tells which it builds on: since then folders that say what kind they are (`full`, `inc1`) are of one workload. A cluster in which a
 *  server was started is none.
 *  Source: PostgreSQL documentation, pg_basebackup, Backup Manifest Format; folders that pg_basebackup 15 and 17 wrote. */
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
  isNamed: (name) => isDated(name) || isKind(name),
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
  const named = claimed.folders ?? [];
  const dated = await confirmFolders(reader, folder, named.filter(isDated), FOLDERS);
  const others = named.filter((name) => !isDated(name));
  const ofKinds = (await confirmFolders(reader, folder, others, FOLDERS))?.folders ?? [];
  const joined: string[] = [];
  for (const path of ofKinds)
    if ((await reader.orTell(() => mayBuildOnOthers(reader, folder, path))) === true)
      joined.push(path);
  const folders = [...(dated?.folders ?? []), ...joined];
  return folders.length === 0 ? null : { files: [], folders };
}

function isDated(name: string): boolean {
  return parseDatedName(name) !== null;
}

async function scan(reader: TreeReader, folder: string, claimed: Claim): Promise<FoundTree[]> {
  if (claimed.files.length > 0) {
    const files = await claimedTreeFiles(reader, folder, claimed);
    const points = await basePoints(reader, [{ name: '', createdAtMs: null, files }]);
    const name = folderName('PostgreSQL', folder);
    return [{ id: idOf('', folder), name, root: folder, points }];
  }
  const backups = await withKinds(reader, folder, await readBackups(reader, folder, claimed));
  const called = { id: 'pg-base', title: 'PostgreSQL' };
  const nameOf = ({ name, isOfKind }: BaseBackup) =>
    isOfKind ? calledWithoutKind(name) : calledAs(name);
  const trees = await treesByName(folder, called, backups, nameOf, (found) =>
    basePoints(reader, found),
  );
  return trees.map((tree) => withFormerIds(tree, backups));
}

/** One whose version cannot be read is left out, and told; one without it has not come so far, and is like those beside it. */
async function withKinds(
  reader: TreeReader,
  folder: string,
  backups: readonly NamedBackup[],
): Promise<BaseBackup[]> {
  const found: { backup: NamedBackup; isOfKind: boolean | null }[] = [];
  for (const backup of backups) {
    if (calledWithoutKind(backup.name) === calledAs(backup.name)) {
      found.push({ backup, isOfKind: false });
      continue;
    }
    const version = await reader.orTell(async () => ({
      mayBuild: await mayBuildOnOthers(reader, folder, backup.name),
    }));
    if (version !== null) found.push({ backup, isOfKind: version.mayBuild });
  }
  const isOneOfKind = found.some(({ isOfKind }) => isOfKind === true);
  return found.map(({ backup, isOfKind }) => ({ ...backup, isOfKind: isOfKind ?? isOneOfKind }));
}

interface BaseBackup extends NamedBackup {
  /** Its name says of what kind it is, and it may build on one of another kind, or another on it. */
  readonly isOfKind: boolean;
}

/** Version of PostgreSQL. */
const FIRST_INCREMENTAL = 17;

/** null: nothing tells. */
async function mayBuildOnOthers(
  reader: TreeReader,
  root: string,
  path: string,
): Promise<boolean | null> {
  const files = await reader.list(joinPath(root, path));
  const version = files.find(({ type, name }) => type === 'file' && name === 'PG_VERSION');
  if (version === undefined) return null;
  const text = new TextDecoder('latin1').decode(await reader.read(version.path, 0, VERSION_BYTES));
  return Number.parseInt(text, 10) >= FIRST_INCREMENTAL;
}

const VERSION_BYTES = 16;

/** Each kind was a workload of its own, and before that each folder. */
function withFormerIds(tree: FoundTree, backups: readonly BaseBackup[]): FoundTree {
  const { id, root, within = [] } = tree;
  const former = new Set(
    backups
      .filter(({ name, isOfKind }) => isOfKind && within.includes(name))
      .map(({ name }) => {
        const [first = '', ...rest] = name.split('/');
        return isDated(first)
          ? idOf(calledAs(name), root)
          : idOf(calledAs(rest.join('/')), joinPath(root, first));
      }),
  );
  former.delete(id);
  return former.size === 0 ? tree : { ...tree, otherIds: [...former] };
}

/** As `treesByName`. */
function idOf(name: string, folder: string): string {
  const prefix = name === '' ? 'pg-base' : `pg-base-${encodeURIComponent(name)}`;
  return folderWorkloadId(prefix, folder);
}

/** Without dates. */
function calledAs(name: string): string {
  const stems = name.split('/').map((part) => parseDatedName(part)?.stem ?? part);
  return stems.filter((stem) => stem !== '').join('-');
}
