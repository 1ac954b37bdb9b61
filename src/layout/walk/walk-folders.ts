import {
  isFilePassedOver,
  isFolderPassedOver,
  isHiddenFolder,
} from '../../domain/sources/passed-over.js';
import { faultOfSourceFile } from '../../domain/trees/one-file-fault.js';
import type { UnseenPart } from '../../domain/sources/unseen-part.js';
import { IMAGE_FORMATS } from '../../image/formats.js';
import type { SourceRepository, RepositoryEntry } from '../../repository/backup-repository.js';
import { joinPath, OWN_FOLDER } from '../../repository/repository-path.js';
import type { BackupLayout, Claim, ClaimedFile, ClaimedFiles } from '../backup-layout.js';
import { claimedBelow, DeeperClaims } from './deeper-claims.js';
import { filesOnTheirWay, type FileOnItsWay } from './on-their-way.js';
import { isPointOfLostChain, isTarget, targetOfChain } from './own-targets.js';
import { setApart } from './set-apart.js';
import { FORGETFUL, type FactStore } from '../file-facts.js';
import { claimedFromAbove, shareOut, type LayoutRows, type SharedOut } from './share-out.js';
import { SiblingRuns } from './sibling-runs.js';
import { claimText, isBug, isOfOnePlace, unreadPart, type UnreadPlace } from '../unread-place.js';

/** One folder of a repository, shared out among the layouts. */
export interface WalkedFolder {
  /** Path of the folder; `''` is the root. */
  readonly folder: string;
  readonly shares: readonly FolderShare[];
  /** What layouts of trees have claimed: nothing below it was looked at. */
  readonly trees: SharedOut['trees'];
  /** Files that no layout has claimed, or that it finds among what it has claimed and does not know; folders that none may have; links out of the repository. */
  readonly unclaimed: readonly RepositoryEntry[];
  /** As `SetApart.runBy`, of what is set apart there. Absent: nothing is. */
  readonly runBy?: string;
  /** As `SetApart.isWhole`. Absent: it is not so. */
  readonly isWhole?: true;
  /** What is set apart there, which is among `unclaimed`. Absent: nothing is, or nobody may have it. */
  readonly apart?: readonly RepositoryEntry[];
  /** Folders and disk images whose names cannot be part of a path, and targets of Longhaul. */
  readonly unseen: readonly UnseenPart[];
  /** What could not be read to tell whose it is. */
  readonly unread: readonly UnreadPlace[];
}

export interface FolderShare {
  readonly layout: BackupLayout;
  readonly claimed: ClaimedFiles;
  /** In the folders of the claim. */
  readonly onTheirWay: readonly FileOnItsWay[];
}

/** Longhaul's own chain, or its copy of a tree, lies in a folder with this record or its copy: such a folder is a target, never a source of a
 *  backup tool. */
const OWN_RECORD = /^(?:chain|tree)\.json(\.copy)?$/;

/** A folder as it is listed, its plain files and the folders in it that may hold backups sorted by name. */
interface ReadFolder {
  readonly folder: string;
  readonly files: readonly RepositoryEntry[];
  readonly within: readonly RepositoryEntry[];
  /** Names of folders that hold no source. */
  readonly passedOver: readonly string[];
  readonly unaddressable: readonly RepositoryEntry[];
  /** Links out of the repository. */
  readonly leadingOut: readonly RepositoryEntry[];
  /** They are not among `files`. */
  readonly onTheirWay: readonly FileOnItsWay[];
  /** Longhaul keeps something of its own there, as in the root of a target. */
  readonly hasOwnFolder: boolean;
}

/** All folders of a repository that may hold backups, one at a time, sorted by path within each folder; those that a layout has claimed come
 *  with the folder that they were claimed in. A target of Longhaul that lies in one is not looked into, and is named: it comes as a folder
 *  without files, as one that cannot be read.
 *  @param store what earlier looks found out
 *  @param siblings of this look
 *  @throws what the repository throws that says nothing of one folder or file, or is about the root */
export async function* walkFolders(
  repository: SourceRepository,
  layouts: LayoutRows,
  store: FactStore = FORGETFUL,
  siblings = new SiblingRuns(repository),
): AsyncGenerator<WalkedFolder> {
  const waiting = [''];
  const deeper = new DeeperClaims();
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const looked = await lookIntoOne(repository, folder);
    if ('unseen' in looked) {
      yield { folder, shares: [], trees: [], unclaimed: [], unread: [], ...looked };
      continue;
    }
    const { found, held } = deeper.leftOf(looked);
    const { walked, left } = await shareFolder(repository, found, layouts, { store, siblings });
    deeper.add(walked);
    for (const next of [...left, ...held].sort().reverse()) waiting.push(next);
    yield walked;
    if (walked.trees.some(({ claim }) => claim.leavesHidden !== true)) continue;
    for (const name of found.passedOver.filter(isHiddenFolder))
      yield* hiddenFolders(repository, joinPath(folder, name));
  }
}

/** `lookInto` of one folder beside others; the root is the whole repository. */
async function lookIntoOne(
  repository: SourceRepository,
  folder: string,
): Promise<ReadFolder | (Pick<WalkedFolder, 'unseen'> & Partial<Pick<WalkedFolder, 'unread'>>)> {
  try {
    return await lookInto(repository, folder);
  } catch (error) {
    if (folder === '' || !isOfOnePlace(error)) throw error;
    return { unseen: [], unread: [{ part: unreadPart(error, folder), error }] };
  }
}

/** What lies in a hidden folder and in those below it, one at a time: somebody may keep a machine there, so it is named, and that is all. One that may not be
 *  looked into holds nothing up. */
async function* hiddenFolders(
  repository: SourceRepository,
  root: string,
): AsyncGenerator<WalkedFolder> {
  const waiting = [root];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    try {
      const found = await lookInto(repository, folder);
      if ('unseen' in found) continue;
      const { runBy } = setApartIn(found, repository.capabilities.place);
      const none = { shares: [], trees: [], unseen: [], unread: [] };
      yield { folder, ...none, unclaimed: found.files, ...runBy };
      for (const { path } of found.within.toReversed()) waiting.push(path);
    } catch (error) {
      if (faultOfSourceFile(error) === null && !isBug(error)) throw error;
    }
  }
}

/** These folders alone, in their order, with what is claimed within them and without what else lies there. One that is absent has no files.
 *  @throws what the repository throws when a folder cannot be read */
export async function* readFolders(
  repository: SourceRepository,
  layouts: LayoutRows,
  folders: readonly string[],
  store: FactStore = FORGETFUL,
  siblings = new SiblingRuns(repository),
): AsyncGenerator<WalkedFolder> {
  for (const folder of folders) {
    const read = await readFolder(repository, folder);
    if (read === null) continue;
    const deeper = new DeeperClaims();
    for (const above of await claimedFromAbove(repository, folder, layouts, { store, siblings }))
      deeper.add(above);
    const { found } = deeper.leftOf(read);
    yield (await shareFolder(repository, found, layouts, { store, siblings })).walked;
  }
}

interface Look {
  readonly store: FactStore;
  readonly siblings: SiblingRuns;
}

/** @returns `left`: paths of the folders that no layout has claimed */
async function shareFolder(
  repository: SourceRepository,
  found: ReadFolder,
  layouts: LayoutRows,
  look: Look,
): Promise<{ walked: WalkedFolder; left: string[] }> {
  const { folder, passedOver, unaddressable } = found;
  const { isOpaque, isDated, place } = repository.capabilities;
  const parted = isOpaque === true ? { ...found, apart: [], runBy: {} } : orBug(found, place);
  if ('error' in parted) return failedFolder(found, parted.error);
  const { files, within, apart, runBy } = parted;
  const names = {
    ...{ folder, files: files.map(nameOf), folders: within.map(nameOf), passedOver },
    ...(isOpaque === undefined ? {} : { isOpaque }),
    ...(isDated === undefined ? {} : { isDated }),
  };
  const fileOf = new Map(files.map((entry) => [entry.name, entry]));
  const shared = await shareOut(repository, names, fileOf, layouts, look);
  const { trees, claims, unclaimed, left } = shared;
  const unread = [...shared.unread];
  const unseen = unaddressable.filter(isFolderOrImage).map(unsupportedName);
  const strangers = [...apart, ...found.leadingOut, ...filesOf(unclaimed, fileOf)];
  // No layout is asked of a name that it could not open.
  for (const entry of unaddressable)
    if (!isFolderOrImage(entry) && !isFilePassedOver(entry.name)) strangers.push(entry);
  const shares: FolderShare[] = [];
  // What a file on its way will replace tells whose it is.
  const claimOf = new Map(
    (found.onTheirWay.length === 0 ? [] : claims).flatMap(({ claim }) =>
      claim.files.map((name) => [joinPath(folder, name), claim] as const),
    ),
  );
  // What a tree has claimed by its path in the folder of a machine is that one's.
  const ofTrees = claimedBelow(trees);
  for (const { layout, claim } of claims) {
    const own: ClaimedFile[] = claim.files.flatMap((name) => {
      const entry = fileOf.get(name);
      return entry === undefined ? [] : [{ ...entry, within: name }];
    });
    const onTheirWay = found.onTheirWay.filter(({ pathThen }) => {
      const owner = claimOf.get(pathThen);
      return owner === undefined || owner === claim;
    });
    try {
      const below = await filesOfFolders(repository, folder, claim, ofTrees);
      for (const file of below.onTheirWay) onTheirWay.push(file);
      for (const part of below.unseen) unseen.push(part);
      for (const file of below.files)
        if (layout.isOwn?.(file.within) === false) strangers.push(file);
        else own.push(file);
    } catch (error) {
      if (!isOfOnePlace(error) && !isBug(error)) throw error;
      const part = unreadPart(error, folder, claimText(layout, folder));
      unread.push({ part, error, isOfImages: true });
      continue;
    }
    shares.push({ layout, claimed: { folder, files: own }, onTheirWay });
  }
  return {
    walked: { folder, shares, trees, unclaimed: strangers, unseen, unread, apart, ...runBy },
    left: left.map((name) => joinPath(folder, name)),
  };
}

function filesOf(
  names: readonly string[],
  fileOf: ReadonlyMap<string, RepositoryEntry>,
): RepositoryEntry[] {
  return names.flatMap((name) => fileOf.get(name) ?? []);
}

/** `setApartIn`, or that the names made it fail. */
function orBug(
  found: ReadFolder,
  place: string | undefined,
): ReturnType<typeof setApartIn> | { readonly error: unknown } {
  try {
    return setApartIn(found, place);
  } catch (error) {
    if (!isBug(error)) throw error;
    return { error };
  }
}

/** Nobody knows what of it is a disk that a machine runs on: its files are for nobody, and the folders within are looked into. */
function failedFolder(
  { folder, within }: ReadFolder,
  error: unknown,
): { walked: WalkedFolder; left: string[] } {
  const unread: UnreadPlace[] = [{ part: unreadPart(error, folder), error, isOfImages: true }];
  const none = { shares: [], trees: [], unclaimed: [], unseen: [] };
  return { walked: { folder, ...none, unread }, left: within.map(({ path }) => path) };
}

/** What lies in the claimed folders of a folder, without what trees have of it. */
async function filesOfFolders(
  repository: SourceRepository,
  folder: string,
  { folders = [] }: Claim,
  isOfTree: (within: string) => boolean,
): Promise<Omit<ReadTree, 'files'> & { readonly files: ClaimedFile[] }> {
  const files: ClaimedFile[] = [];
  const unseen: UnseenPart[] = [];
  const onTheirWay: FileOnItsWay[] = [];
  for (const name of folders) {
    const tree = await readTree(repository, joinPath(folder, name));
    for (const part of tree.unseen) unseen.push(part);
    for (const file of tree.onTheirWay) onTheirWay.push(file);
    for (const entry of tree.files) {
      const within = folder === '' ? entry.path : entry.path.slice(folder.length + 1);
      if (!isOfTree(within)) files.push({ ...entry, within });
    }
  }
  return { files, unseen, onTheirWay };
}

/** A folder in two: what layouts are asked about, and what none may have. */
function setApartIn(
  { folder, files, within }: ReadFolder,
  place: string | undefined,
): Pick<ReadFolder, 'files' | 'within'> & {
  readonly apart: readonly RepositoryEntry[];
  readonly runBy: Pick<WalkedFolder, 'runBy' | 'isWhole'>;
} {
  const names = { folder, place, files: files.map(nameOf), folders: within.map(nameOf) };
  const found = setApart(names);
  if (found === null) return { files, within, apart: [], runBy: {} };
  const set = new Set([...found.files, ...found.folders]);
  const isApart = ({ name }: RepositoryEntry): boolean => set.has(name);
  return {
    files: files.filter((entry) => !isApart(entry)),
    within: within.filter((entry) => !isApart(entry)),
    apart: [...files, ...within].filter(isApart),
    runBy:
      found.runBy === null
        ? {}
        : { runBy: found.runBy, ...(found.isWhole ? { isWhole: true } : {}) },
  };
}

interface ReadTree {
  readonly files: RepositoryEntry[];
  readonly unseen: UnseenPart[];
  readonly onTheirWay: FileOnItsWay[];
}

/** All plain files at any depth below a claimed folder, each folder before those within it. In there every name counts. */
async function readTree(repository: SourceRepository, root: string): Promise<ReadTree> {
  const files: RepositoryEntry[] = [];
  const unseen: UnseenPart[] = [];
  const onTheirWay: FileOnItsWay[] = [];
  const waiting = [root];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const found = await lookInto(repository, folder);
    if ('unseen' in found) {
      for (const part of found.unseen) unseen.push(part);
      continue;
    }
    // One by one: a folder may hold more than a call takes arguments.
    for (const file of found.files) files.push(file);
    for (const file of found.onTheirWay) onTheirWay.push(file);
    for (const entry of found.unaddressable) unseen.push(unsupportedName(entry));
    for (const { path } of found.within.toReversed()) waiting.push(path);
  }
  return { files, unseen, onTheirWay };
}

/** A folder, or what is not looked into there because it is, or lies in, a target of Longhaul. */
async function lookInto(
  repository: SourceRepository,
  folder: string,
): Promise<ReadFolder | { readonly unseen: readonly UnseenPart[] }> {
  const found = await readFolder(repository, folder);
  if (found === null) {
    const path = targetOfChain(folder);
    return { unseen: path === null ? [] : [target(path)] };
  }
  const isOneItself = folder !== '' && found.hasOwnFolder && (await isTarget(repository, folder));
  if (isOneItself) return { unseen: [target(folder)] };
  return (await isPointOfLostChain(repository, folder, found.files)) ? { unseen: [] } : found;
}

/** null: a chain of Longhaul lies there. */
async function readFolder(
  repository: SourceRepository,
  folder: string,
): Promise<ReadFolder | null> {
  const entries = (await repository.list(folder)).sort(byName);
  const isChain = entries.some(({ type, name }) => type === 'file' && OWN_RECORD.test(name));
  if (isChain) return null;
  const files = entries.filter(({ type, name }) => type === 'file' && !isFilePassedOver(name));
  const folders = entries.filter(({ type }) => type === 'folder');
  const within = folders.filter(({ name }) => !isFolderPassedOver(name));
  const passedOver = folders.map(nameOf).filter(isFolderPassedOver);
  const unaddressable = entries.filter((entry) => entry.unaddressable !== undefined);
  const hasOwnFolder = folders.some(({ name }) => name === OWN_FOLDER);
  const onTheirWay = filesOnTheirWay(entries.filter(({ name }) => isFilePassedOver(name)));
  const leadingOut = entries.filter(
    ({ name, leadsOut }) => leadsOut && !isFilePassedOver(name) && !isFolderPassedOver(name),
  );
  const others = { unaddressable, leadingOut };
  return { folder, files, within, passedOver, ...others, onTheirWay, hasOwnFolder };
}

/** Other files may have any name. */
function isFolderOrImage({ unaddressable, name }: RepositoryEntry): boolean {
  const ending = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  return unaddressable === 'folder' || IMAGE_FORMATS.some(({ extension }) => extension === ending);
}

function unsupportedName({ path }: RepositoryEntry): UnseenPart {
  return { path, code: 'NAME_UNSUPPORTED' };
}

function target(path: string): UnseenPart {
  return { path, code: 'SOURCE_HOLDS_TARGET' };
}

function nameOf({ name }: RepositoryEntry): string {
  return name;
}

function byName(a: RepositoryEntry, b: RepositoryEntry): number {
  return a.name < b.name ? -1 : 1;
}
