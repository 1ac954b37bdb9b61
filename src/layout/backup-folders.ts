import { isFolderPassedOver } from '../domain/sources/passed-over.js';
import type { FoundTree, TreePoint } from '../domain/trees/source-tree.js';
import { joinPath } from '../repository/repository-path.js';
import type { Claim, FolderNames } from './backup-layout.js';
import { parseDatedName } from './dated-name.js';
import { filesBelow, type TreeFile } from './tree-files.js';
import type { TreeReader } from './tree-layout.js';
import { folderName, folderWorkloadId } from './workload-id.js';

/** Backups that are a folder each, whose files tell whose they are: the folder itself, or several beside each other, under dates or words. */
export interface BackupFolders {
  /** Whether folders of this name may be such, or hold some. Others keep folders of dates, too, any number of them. */
  isNamed(name: string): boolean;
  /** By names of files and folders in it. */
  isBackup(names: NamesIn): boolean;
  /** Whether beside others that are it is one that is still written. Absent: what `isBackup` says. */
  isUnderWay?(names: NamesIn): boolean;
}

export type NamesIn = Pick<FolderNames, 'files' | 'folders'>;

export function claimFolders({ files, folders }: FolderNames, kind: BackupFolders): Claim | null {
  if (kind.isBackup({ files, folders })) return { files, folders };
  const named = folders.filter((name) => kind.isNamed(name));
  return named.length === 0 ? null : { files: [], folders: named };
}

/** Folders that are such, or hold some. What one is hangs on nothing that lies beside it, and on no number: what a workload is called would change
 *  with the folders that come and go.
 *  @throws what the repository throws */
export async function confirmFolders(
  reader: TreeReader,
  folder: string,
  folders: readonly string[],
  kind: BackupFolders,
): Promise<string[]> {
  const own: string[] = [];
  let isTold = false;
  for (const name of folders) {
    const found = await reader.orTell(() => backupsIn(reader, folder, name, kind));
    if (found === null || found.length === 0) continue;
    own.push(name);
    isTold ||= found.some(({ isUnderWay }) => !isUnderWay);
  }
  return isTold ? own : [];
}

interface BackupFound {
  /** From the root. */
  readonly path: string;
  readonly isUnderWay: boolean;
}

/** A backup of one of several names. */
export interface NamedBackup {
  /** Path from the root of the tree; empty: it is that. */
  readonly name: string;
  /** As its name tells. null: it does not. */
  readonly createdAtMs: number | null;
  readonly files: readonly TreeFile[];
}

/** Those in the folders that are claimed; what cannot be looked into is told. */
export async function readBackups(
  reader: TreeReader,
  root: string,
  { folders = [] }: Claim,
  kind: BackupFolders,
): Promise<NamedBackup[]> {
  const backups: NamedBackup[] = [];
  for (const folder of folders) {
    const found = await reader.orTell(() => backupsIn(reader, root, folder, kind));
    for (const { path: name } of found ?? []) {
      const files = await reader.orTell(() => filesBelow(reader, root, name));
      if (files !== null) backups.push({ name, createdAtMs: dateInPathMs(name), files });
    }
  }
  return backups;
}

/** A workload for each name that backups have without their dates.
 *  @param called by which words their ids and, where they have no name, they are called */
export async function treesByName<B extends NamedBackup>(
  root: string,
  called: { readonly id: string; readonly title: string },
  backups: readonly B[],
  nameOf: (backup: B) => string,
  pointsOf: (found: readonly B[]) => Promise<TreePoint[]>,
): Promise<FoundTree[]> {
  const byName = new Map<string, B[]>();
  for (const backup of backups) {
    const name = nameOf(backup);
    const known = byName.get(name);
    if (known === undefined) byName.set(name, [backup]);
    else known.push(backup);
  }
  const trees: FoundTree[] = [];
  for (const [name, found] of byName) {
    const parts = name === '' ? [called.id] : [called.id, encodeURIComponent(name)];
    trees.push({
      id: folderWorkloadId(parts.join('-'), root),
      name: name === '' ? folderName(called.title, root) : name,
      ...{ root, within: found.map((one) => one.name), points: await pointsOf(found) },
    });
  }
  return trees;
}

/** Whether a file is one of a backup under a date, which nobody writes into again. */
export function isUnderDate(path: string): boolean {
  return parseDatedName(path.split('/', 1)[0]!) !== null;
}

/** A folder that is one, or folders in it that are. One that holds what others know, a disk of a machine or backups of another database, is left to them and to the walk. */
async function backupsIn(
  reader: TreeReader,
  root: string,
  name: string,
  kind: BackupFolders,
): Promise<BackupFound[]> {
  const names = await namesIn(reader, joinPath(root, name));
  const itself = asBackup(name, names, kind);
  if (itself !== null) return [itself];
  if (holdsOthers(names)) return [];
  const found: BackupFound[] = [];
  for (const folder of names.folders.filter((one) => !isFolderPassedOver(one))) {
    const path = `${name}/${folder}`;
    const inner = await reader.orTell(() => namesIn(reader, joinPath(root, path)));
    if (inner === null) continue;
    const one = asBackup(path, inner, kind);
    if (one !== null) found.push(one);
    else if (holdsOthers(inner)) return [];
  }
  return found;
}

function asBackup(path: string, names: NamesIn, kind: BackupFolders): BackupFound | null {
  if (kind.isBackup(names)) return { path, isUnderWay: false };
  return kind.isUnderWay?.(names) === true ? { path, isUnderWay: true } : null;
}

const OTHERS =
  /\.(?:raw|img|dd|qcow2|vmdk|a?vhdx?|ova|ovf|vma|dmg)(?:\.\w+)?$|^(?:backup_label|(?:xtrabackup|mariadb_backup)_checkpoints)$/i;

function holdsOthers({ files }: NamesIn): boolean {
  return files.some((name) => OTHERS.test(name));
}

/** Date of the innermost folder that has one, or of the file. null: nothing has. */
export function dateInPathMs(path: string): number | null {
  const dates = path.split('/').flatMap((part) => parseDatedName(part) ?? []);
  return dates.at(-1)?.createdAtMs ?? null;
}

async function namesIn(reader: TreeReader, path: string): Promise<NamesIn> {
  const entries = await reader.list(path);
  const namesOf = (wanted: string): string[] =>
    entries.flatMap(({ type, name }) => (type === wanted ? [name] : []));
  return { files: namesOf('file'), folders: namesOf('folder') };
}
