import { joinPath } from '../repository/repository-path.js';
import type { Claim, FolderNames } from './backup-layout.js';
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

/** The first and the last of the folders tell whether these are such.
 *  @throws what the repository throws */
export async function confirmFolders(
  reader: TreeReader,
  folder: string,
  folders: readonly string[],
  kind: BackupFolders,
): Promise<string[]> {
  const isOwn = async (name: string, all: boolean): Promise<boolean> =>
    ((await reader.orTell(() => backupsIn(reader, folder, name, kind, all))) ?? []).length > 0;
  const [first, last] = [folders[0], folders.at(-1)];
  if (first === undefined || last === undefined) return [];
  if (!(await isOwn(last, false)) && !(await isOwn(first, false))) return [];
  const own: string[] = [];
  for (const name of folders) if (await isOwn(name, true)) own.push(name);
  return own;
}

/** A folder that is one, or folders in it that are, as paths from the root.
 *  @param all also those that are still written */
export async function backupsIn(
  reader: TreeReader,
  root: string,
  name: string,
  kind: BackupFolders,
  all = true,
): Promise<string[]> {
  const isOwn = (names: NamesIn): boolean =>
    kind.isBackup(names) || (all && kind.isUnderWay?.(names) === true);
  const names = await namesIn(reader, joinPath(root, name));
  if (isOwn(names)) return [name];
  if (names.folders.length > MOST_BESIDE) return [];
  const found: string[] = [];
  for (const within of names.folders)
    if (isOwn(await namesIn(reader, joinPath(root, `${name}/${within}`))))
      found.push(`${name}/${within}`);
  return found;
}

/** What is no such backup may have any number of folders. */
const MOST_BESIDE = 3;

async function namesIn(reader: TreeReader, path: string): Promise<NamesIn> {
  const entries = await reader.list(path);
  const namesOf = (wanted: string): string[] =>
    entries.flatMap(({ type, name }) => (type === wanted ? [name] : []));
  return { files: namesOf('file'), folders: namesOf('folder') };
}
