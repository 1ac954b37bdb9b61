import type { FoundTree } from '../../domain/trees/source-tree.js';
import { ALL_ALLOWED } from '../../domain/sources/workload-rules.js';
import {
  calledWithoutKind,
  claimFolders,
  confirmFolders,
  claimedBackups,
  confirmItself,
  isKind,
  isUnderDate,
  readBackups,
  readItself,
  treesByName,
  type BackupFolders,
  type NamedBackup,
} from '../trees/backup-folders.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { calledWithoutDates, parseDatedName } from '../names/dated-name.js';
import type { OtherLayouts, TreeLayout, TreeReader } from '../tree-layout.js';
import type { NamesIn } from '../names/names-in.js';
import { joinPath } from '../../repository/repository-path.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import { basePoints, listedInTop } from './base-points.js';
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
  restoredWith: 'of a plain one `cp -a 2026-11-24/. $PGDATA`, `chmod 700 $PGDATA`',
  linesInPlace: ['cp -a {files}/{id}/. PGDATA', 'chmod 700 PGDATA; pg_verifybackup PGDATA'],
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

const LABEL = 'backup_label';
const MANIFEST = 'backup_manifest';
/** Of a cluster, as the server and the tool call what is in its top; whatever else lies there is backed up with it.
 *  Source: PostgreSQL src/bin/initdb/initdb.c, src/backend/backup/basebackup.c; documentation, Database File Layout. */
const OWN_NAME =
  /^(?:PG_VERSION|base|global|pg_\w+|(?:backup_label|tablespace_map|backup_manifest|current_logfiles)(?:\.\w+)?|\w+\.(?:auto\.)?conf|(?:standby|recovery)\.(?:signal|done))$/;

const FOLDERS: BackupFolders = {
  isNamed: (name) => isDated(name) || isKind(name),
  isBackup(names) {
    const { files, folders } = names;
    const isCluster = files.includes('PG_VERSION') && files.includes(LABEL);
    return (
      isCluster && !wasStarted(names) && folders.includes('base') && folders.includes('global')
    );
  },
  // The label is there before all else; what copies a backup brings the folders in an order of its own.
  isUnderWay: (names) => names.files.includes(LABEL) && !wasStarted(names),
  isOwnName: (name) => OWN_NAME.test(name),
  listed: async (reader, folder, { files }) => {
    const manifest = files.includes(MANIFEST)
      ? (await reader.list(folder)).find(({ name }) => name === MANIFEST)
      : undefined;
    return manifest === undefined ? new Set() : listedInTop(reader, manifest);
  },
};

function wasStarted({ files }: NamesIn): boolean {
  return files.includes('postmaster.opts') || files.includes('postmaster.pid');
}

function claim(names: FolderNames): Claim | null {
  return claimFolders(names, FOLDERS);
}

function isItself({ files }: Claim): boolean {
  return files.includes(LABEL);
}

async function confirm(
  reader: TreeReader,
  folder: string,
  claimed: Claim,
  others: OtherLayouts,
): Promise<Claim | null> {
  const asked = { kind: FOLDERS, others };
  if (isItself(claimed)) return confirmItself(reader, folder, claimed, asked);
  const named = claimed.folders ?? [];
  const dated = await confirmFolders(reader, folder, named.filter(isDated), asked);
  const kinds = named.filter((name) => !isDated(name));
  const ofKinds = await confirmFolders(reader, folder, kinds, asked);
  const files = [...(dated?.files ?? [])];
  const folders = [...(dated?.folders ?? [])];
  for (const [path, own] of ofKinds === null ? [] : claimedBackups(ofKinds, FOLDERS)) {
    const mayBuild = await reader.orTell(() => mayBuildOnOthers(reader, folder, path));
    if (mayBuild !== true) continue;
    files.push(...own.files);
    folders.push(...own.folders);
  }
  return files.length + folders.length === 0 ? null : { files, folders };
}

function isDated(name: string): boolean {
  return parseDatedName(name) !== null;
}

async function scan(reader: TreeReader, folder: string, claimed: Claim): Promise<FoundTree[]> {
  if (isItself(claimed)) {
    const backup = await readItself(reader, folder, claimed);
    const points = await basePoints(reader, [backup]);
    const name = folderName('PostgreSQL', folder);
    const { isAlone, within } = backup;
    const shared = isAlone ? {} : { within };
    return [{ id: idOf('', folder), name, root: folder, ...shared, points }];
  }
  const read = await readBackups(reader, folder, claimed, FOLDERS);
  const backups = await withKinds(reader, folder, read.backups);
  const called = { id: 'pg-base', title: 'PostgreSQL' };
  const nameOf = ({ name, isOfKind }: BaseBackup) =>
    isOfKind ? calledWithoutKind(name) : calledWithoutDates(name);
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
    if (calledWithoutKind(backup.name) === calledWithoutDates(backup.name)) {
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
      .filter(({ isOfKind, within: own }) => isOfKind && own.every((path) => within.includes(path)))
      .map(({ name }) => {
        const [first = '', ...rest] = name.split('/');
        return isDated(first)
          ? idOf(calledWithoutDates(name), root)
          : idOf(calledWithoutDates(rest.join('/')), joinPath(root, first));
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
