import { isFilePassedOver, isFolderPassedOver } from '../../domain/sources/passed-over.js';
import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import { joinPath } from '../../repository/repository-path.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { parseDatedName } from '../names/dated-name.js';
import { filesBelow, type TreeFile } from './tree-files.js';
import type { TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';

/** Backups that are a folder each, whose files tell whose they are: the folder itself, or several beside each other, under dates or words. */
export interface BackupFolders {
  /** Whether folders of this name may be such, or hold some. Others keep folders of dates, too, any number of them. */
  isNamed(name: string): boolean;
  /** By names of files and folders in it. */
  isBackup(names: NamesIn): boolean;
  /** Whether beside others that are it is one that is still written. Absent: what `isBackup` says. */
  isUnderWay?(names: NamesIn): boolean;
  /** Whether a file in a folder that `isNamed` is a backup of its own. Absent: none is. */
  isFile?(name: string): boolean;
}

export type NamesIn = Pick<FolderNames, 'files' | 'folders'>;

export function claimFolders({ files, folders }: FolderNames, kind: BackupFolders): Claim | null {
  if (kind.isBackup({ files, folders })) return { files, folders };
  const named = folders.filter((name) => kind.isNamed(name));
  return named.length === 0 ? null : { files: [], folders: named };
}

/** Those that are such, or hold some, by the paths of these; what lies beside them is not theirs. What one is hangs on nothing that lies beside it, and on no number: what a workload
 *  is called would change with the folders that come and go. A folder beside them that cannot be read may be one, and is told with them.
 *  @returns null: there is none
 *  @throws what the repository throws */
export async function confirmFolders(
  reader: TreeReader,
  root: string,
  folders: readonly string[],
  kind: BackupFolders,
): Promise<Required<Claim> | null> {
  const found: BackupFound[] = [];
  for (const name of folders) {
    const inIt = await reader.orTell(() => backupsIn(reader, root, name, kind));
    for (const one of inIt ?? [unread(name)]) found.push(one);
  }
  if (!found.some(({ isTold }) => isTold)) return null;
  const pathsOf = (isFile: boolean): string[] =>
    found.flatMap((one) => (one.isFile === isFile ? [one.path] : []));
  return { files: pathsOf(true), folders: pathsOf(false) };
}

interface BackupFound {
  /** From the root. */
  readonly path: string;
  readonly isFile: boolean;
  /** Whether it tells for itself what it is: not one that is under way, or cannot be read. */
  readonly isTold: boolean;
}

/** A backup of one of several names. */
export interface NamedBackup {
  /** Path from the root of the tree; empty: it is that. */
  readonly name: string;
  /** As its name tells. null: it does not. */
  readonly createdAtMs: number | null;
  readonly files: readonly TreeFile[];
}

/** Those that `confirmFolders` has found; what cannot be looked into is told. */
export async function readBackups(
  reader: TreeReader,
  root: string,
  { folders = [] }: Claim,
): Promise<NamedBackup[]> {
  const backups: NamedBackup[] = [];
  for (const name of folders) {
    const files = await reader.orTell(() => filesBelow(reader, root, name));
    if (files !== null) backups.push({ name, createdAtMs: dateInPathMs(name), files });
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

/** What a backup is, in its name. */
const KIND = /(?<![a-z])(?:full|base|incr?(?:emental)?|diff(?:erential)?)[-_]?\d*(?![a-z])/gi;

/** Whether a name says nothing but what kind of backup it is: `full`, `inc1`. */
export function isKind(name: string): boolean {
  return name.replaceAll(KIND, '') === '';
}

/** What a backup is called, by its path: without dates, and without what kind it is. */
export function calledWithoutKind(path: string): string {
  return path
    .split('/')
    .map((part) => (parseDatedName(part)?.stem ?? part).replaceAll(KIND, ''))
    .map((part) => part.replaceAll(/^[-_.@ ]+|[-_.@ ]+$/g, ''))
    .filter((part) => part !== '')
    .join('-');
}

/** Whether a file is one of a backup under a date, which nobody writes into again. */
export function isUnderDate(path: string): boolean {
  return parseDatedName(path.split('/', 1)[0]!) !== null;
}

/** A folder that is one, or what is in it. */
async function backupsIn(
  reader: TreeReader,
  root: string,
  name: string,
  kind: BackupFolders,
): Promise<BackupFound[]> {
  const names = await namesIn(reader, joinPath(root, name));
  const itself = asBackup(name, names, kind);
  if (itself !== null) return [itself];
  const found: BackupFound[] = names.files
    .filter((file) => kind.isFile?.(file) === true && !isFilePassedOver(file))
    .map((file) => ({ path: `${name}/${file}`, isFile: true, isTold: true }));
  const unseen: BackupFound[] = [];
  for (const folder of names.folders.filter((one) => !isFolderPassedOver(one))) {
    const path = `${name}/${folder}`;
    const inner = await reader.orTell(() => namesIn(reader, joinPath(root, path)));
    const one = inner === null ? null : asBackup(path, inner, kind);
    if (one !== null) found.push(one);
    else if (inner === null) unseen.push(unread(path));
  }
  return found.length === 0 ? [] : [...found, ...unseen];
}

function asBackup(path: string, names: NamesIn, kind: BackupFolders): BackupFound | null {
  if (kind.isBackup(names)) return { path, isFile: false, isTold: true };
  return kind.isUnderWay?.(names) === true ? { path, isFile: false, isTold: false } : null;
}

function unread(path: string): BackupFound {
  return { path, isFile: false, isTold: false };
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
