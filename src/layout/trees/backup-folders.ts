import { isFilePassedOver, isFolderPassedOver } from '../../domain/sources/passed-over.js';
import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import { joinPath, lastName, parentFolder } from '../../repository/repository-path.js';
import type { Claim, ClaimedNames, FolderNames } from '../backup-layout.js';
import { parseDatedName } from '../names/dated-name.js';
import { ownPart, type OwnNames } from './own-part.js';
import { claimedTreeFiles, type TreeFile } from './tree-files.js';
import type { OtherLayouts, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import { namesOf, type NamesIn } from '../names/names-in.js';

/** Backups that are a folder each, whose files tell whose they are: the folder itself, or several beside each other, under dates or words. */
export interface BackupFolders extends OwnNames {
  /** Whether folders of this name may be such, or hold some. Others keep folders of dates, too, any number of them. */
  isNamed(name: string): boolean;
  /** By names of files and folders in it. */
  isBackup(names: NamesIn): boolean;
  /** Whether beside others that are it is one that is still written. Absent: what `isBackup` says. */
  isUnderWay?(names: NamesIn): boolean;
  /** Whether it is one without those of its files that are backups of their own. Absent: what `isBackup` says. */
  isWithoutFiles?(names: NamesIn): boolean;
  /** Whether a file in a folder that `isNamed` is a backup of its own. Absent: none is. */
  isFile?(name: string): boolean;
}

export function claimFolders({ files, folders }: FolderNames, kind: BackupFolders): Claim | null {
  if (kind.isBackup({ files, folders })) return { files, folders };
  const named = folders.filter((name) => kind.isNamed(name));
  return named.length === 0 ? null : { files: [], folders: named };
}

/** A folder that is a backup itself, without what others have put into it.
 *  @param claimed all of it
 *  @throws what the repository throws */
export async function confirmItself(
  reader: TreeReader,
  root: string,
  { files, folders = [] }: Claim,
  { kind, others }: Asked,
): Promise<ClaimedNames> {
  const asked = { ...kind, isFile: undefined };
  const nested = new NestedBackups(reader, asked, others);
  const own = await ownPart(reader, root, { files, folders }, { ...asked, others: nested });
  return own ?? { files, folders };
}

interface Asked {
  readonly kind: BackupFolders;
  readonly others: OtherLayouts;
}

/** Those of its own kind that lie in one are taken from it, too. */
class NestedBackups implements OtherLayouts {
  readonly files: string[] = [];
  readonly folders = new Map<string, NamesIn>();

  constructor(
    private readonly reader: TreeReader,
    private readonly kind: Pick<BackupFolders, 'isBackup' | 'isFile'>,
    private readonly others: OtherLayouts,
  ) {}

  async taken(folder: string, { files, folders }: NamesIn): Promise<NamesIn> {
    const { kind, reader } = this;
    for (const name of files) if (kind.isFile?.(name) === true) this.files.push(name);
    for (const name of folders) {
      const names = await reader.orTell(() => namesIn(reader, joinPath(folder, name)));
      if (names !== null && kind.isBackup(names)) this.folders.set(name, names);
    }
    const rest = await this.others.taken(folder, {
      files: files.filter((name) => !this.files.includes(name)),
      folders: folders.filter((name) => !this.folders.has(name)),
    });
    return {
      files: [...this.files, ...rest.files],
      folders: [...this.folders.keys(), ...rest.folders],
    };
  }
}

/** Those that are such, or hold some, by the paths of these; what lies beside them is not theirs. What one is hangs on nothing that lies beside it, and on no number: what a workload
 *  is called would change with the folders that come and go. Of one into which others have put something, it is what is in its top. A folder beside them that cannot be read may be one, and is told with them.
 *  @returns null: there is none
 *  @throws what the repository throws */
export async function confirmFolders(
  reader: TreeReader,
  root: string,
  folders: readonly string[],
  { kind, others }: Asked,
): Promise<ClaimedNames | null> {
  const found: BackupFound[] = [];
  for (const name of folders) {
    const inIt = await reader.orTell(() => backupsIn(reader, root, name, kind));
    for (const one of inIt ?? [unread(name)]) found.push(one);
  }
  if (!found.some(({ isTold }) => isTold)) return null;
  const claim = { files: [] as string[], folders: [] as string[] };
  for (const { path, isFile: isOneFile, names } of found) {
    // A folder may be the backup by a file that is one.
    const mayHoldFiles = names !== null && isWithoutFiles(names, kind);
    const isFile = (name: string): boolean => mayHoldFiles && kind.isFile?.(name) === true;
    const nested = new NestedBackups(reader, { ...kind, isFile }, others);
    const asked = { ...kind, others: nested };
    const own = names && (await ownPart(reader, joinPath(root, path), names, asked));
    for (const name of nested.files) claim.files.push(`${path}/${name}`);
    // By what is in its top, as the one that it lies in.
    for (const [name, inIt] of nested.folders) {
      for (const file of inIt.files) claim.files.push(`${path}/${name}/${file}`);
      for (const folder of inIt.folders) claim.folders.push(`${path}/${name}/${folder}`);
    }
    // Only what others have taken made it one.
    if (own !== null && kind.isBackup(names!) && !kind.isBackup(own)) continue;
    if (own === null) claim[isOneFile ? 'files' : 'folders'].push(path);
    for (const name of own?.files ?? []) claim.files.push(`${path}/${name}`);
    for (const name of own?.folders ?? []) claim.folders.push(`${path}/${name}`);
  }
  return claim.files.length + claim.folders.length === 0 ? null : claim;
}

interface BackupFound {
  /** From the root. */
  readonly path: string;
  readonly isFile: boolean;
  /** Whether it tells for itself what it is: not one that is under way, or cannot be read. */
  readonly isTold: boolean;
  /** What lies in it. null: it is a file, or cannot be read. */
  readonly names: NamesIn | null;
}

/** A backup of one of several names. */
export interface NamedBackup {
  /** Path from the root of the tree; empty: it is that. */
  readonly name: string;
  /** As its name tells. null: it does not. */
  readonly createdAtMs: number | null;
  readonly files: readonly TreeFile[];
  /** Paths from the root that it is. */
  readonly within: readonly string[];
}

/** What `confirmItself` has left of a folder that is a backup.
 *  @returns `isAlone`: nothing else lies in the folder */
export async function readItself(
  reader: TreeReader,
  folder: string,
  claim: Claim,
): Promise<NamedBackup & { readonly isAlone: boolean }> {
  const files = await claimedTreeFiles(reader, folder, claim);
  const within = [...claim.files, ...(claim.folders ?? [])];
  const own = new Set(within);
  const isAlone = (await reader.list(folder)).every(({ name }) => own.has(name) || isLeft(name));
  return { name: '', createdAtMs: null, files, within, isAlone };
}

/** No layout gets to see it. */
function isLeft(name: string): boolean {
  return isFilePassedOver(name) || isFolderPassedOver(name);
}

/** Folders that `confirmFolders` has found; what cannot be looked into is told.
 *  @returns `files`: of the claim, those that are of none of them */
export async function readBackups(
  reader: TreeReader,
  root: string,
  { files: claimed, folders = [] }: Claim,
  kind: WhatItIs,
): Promise<{ readonly backups: NamedBackup[]; readonly files: readonly string[] }> {
  const claims = claimedBackups({ files: claimed, folders }, kind);
  const taken = new Set(claims.flatMap(([, own]) => own.files));
  const backups: NamedBackup[] = [];
  for (const [name, own] of claims) {
    const files = await reader.orTell(() => claimedTreeFiles(reader, root, own));
    const within = [...own.files, ...own.folders];
    if (files !== null) backups.push({ name, createdAtMs: dateInPathMs(name), files, within });
  }
  return { backups, files: claimed.filter((path) => !taken.has(path)) };
}

/** Of a claim of `confirmFolders` each folder that is a backup, by its path from the root, with what is claimed of it. */
export function claimedBackups(
  { files, folders }: ClaimedNames,
  kind: WhatItIs,
): [path: string, own: ClaimedNames][] {
  const inTops = byTop({ files, folders }, kind);
  const taken = new Set([...inTops.values()].flatMap((own) => own.folders));
  return [
    ...inTops,
    ...folders
      .filter((path) => !taken.has(path))
      .map((path): [string, ClaimedNames] => [path, { files: [], folders: [path] }]),
  ];
}

/** Backups that are claimed by what is in their tops, by their paths. */
function byTop(
  { files, folders }: ClaimedNames,
  kind: WhatItIs,
): ReadonlyMap<string, { readonly files: string[]; readonly folders: string[] }> {
  const tops = new Map<string, { files: string[]; folders: string[] }>();
  const isNoFile = (path: string): boolean => kind.isFile?.(lastName(path)) !== true;
  const add = (path: string, what: 'files' | 'folders'): void => {
    const top = parentFolder(path);
    const known = tops.get(top) ?? { files: [], folders: [] };
    known[what].push(path);
    tops.set(top, known);
  };
  for (const path of files) add(path, 'files');
  for (const path of folders) add(path, 'folders');
  for (const [top, own] of tops) {
    const names = { files: own.files.map(lastName), folders: own.folders.map(lastName) };
    if (top === '' || asBackup(top, names, kind) === null) tops.delete(top);
    else if (isWithoutFiles(names, kind))
      tops.set(top, { ...own, files: own.files.filter(isNoFile) });
  }
  return tops;
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
      ...{ root, within: found.flatMap((one) => one.within), points: await pointsOf(found) },
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
    .map((file) => ({ path: `${name}/${file}`, isFile: true, isTold: true, names: null }));
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

/** Whether a folder is one whatever files that are such themselves lie in it. */
function isWithoutFiles({ files, folders }: NamesIn, kind: WhatItIs): boolean {
  const others = files.filter((name) => kind.isFile?.(name) !== true);
  const isBackup = kind.isWithoutFiles ?? kind.isBackup;
  return asBackup('', { files: others, folders }, { ...kind, isBackup }) !== null;
}

type WhatItIs = Pick<BackupFolders, 'isBackup' | 'isWithoutFiles' | 'isUnderWay' | 'isFile'>;

function asBackup(path: string, names: NamesIn, kind: WhatItIs): BackupFound | null {
  if (kind.isBackup(names)) return { path, isFile: false, isTold: true, names };
  return kind.isUnderWay?.(names) === true ? { ...unread(path), names } : null;
}

function unread(path: string): BackupFound {
  return { path, isFile: false, isTold: false, names: null };
}

/** Date of the innermost folder that has one, or of the file. null: nothing has. */
export function dateInPathMs(path: string): number | null {
  const dates = path.split('/').flatMap((part) => parseDatedName(part) ?? []);
  return dates.at(-1)?.createdAtMs ?? null;
}

async function namesIn(reader: TreeReader, path: string): Promise<NamesIn> {
  return namesOf(await reader.list(path));
}
