import { isFolderPassedOver } from '../domain/sources/passed-over.js';
import { joinPath } from '../repository/repository-path.js';
import type { Claim, FolderNames } from './backup-layout.js';
import { parseDatedName } from './dated-name.js';
import type { TreeReader } from './tree-layout.js';

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

export interface BackupFound {
  /** From the root. */
  readonly path: string;
  readonly isUnderWay: boolean;
}

/** A folder that is one, or folders in it that are. One that holds what others know, a disk of a machine or backups of another database, is left to them and to the walk. */
export async function backupsIn(
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
