import { mayHoldClass } from '../../../domain/trees/class-folders.js';
import type { FaultList, FileFault } from '../../../domain/trees/file-faults.js';
import { FAULT_REASONS, faultOfSourceFile } from '../../../domain/trees/one-file-fault.js';
import { compareBytes } from '../../../domain/byte-order.js';
import type { FileStamp } from '../../../domain/file-stamp.js';
import type { SourceTree } from '../../../domain/trees/source-tree.js';
import { foldedName, foldersOf, type NamesTold } from '../../../domain/trees/tree-path.js';
import { classOf, type TreeRules } from '../../../domain/trees/tree-rules.js';
import type { RepositoryEntry, SourceRepository } from '../../../repository/backup-repository.js';
import { joinPath, parentFolder } from '../../../repository/repository-path.js';
import type { ListedFile } from './listed-file.js';
import type { SourceLosses } from './source-losses.js';
import type { UnreadPlaces } from './unread-places.js';

export interface Walk {
  readonly repository: SourceRepository;
  readonly tree: Pick<SourceTree, 'root' | 'within' | 'points'>;
  readonly rules: TreeRules;
  readonly nowMs: number;
  /** `SettleRule.settleMs` of the repository. */
  readonly settleMs: number;
  /** What the target takes. */
  readonly limits: TargetLimits;
  /** Gets what cannot be copied. */
  readonly faults: FaultList;
  /** Gets folders of users' files that have no entry. */
  readonly emptyFolders: FaultList;
  /** Gets, of that, what a point may need, and the folders that cannot be looked into. */
  readonly unread: UnreadPlaces;
  /** Gets what tells whether a file that is missing was removed. */
  readonly losses: SourceLosses;
}

export interface TargetLimits {
  readonly maxFileBytes: number;
  readonly names: NamesTold;
}

const NO_FILE_OF_ITS_TYPE = 'it is no file that this type of backups has';
const SET_ASIDE = 'its tool found it damaged, and gave it this name';
const NO_PLAIN_FILE = 'it is a link, a device, a pipe or a socket';

/** null: the target takes it. */
function tooLarge(
  { sizeBytes }: Pick<FileStamp, 'sizeBytes'>,
  { maxFileBytes }: Pick<TargetLimits, 'maxFileBytes'>,
): string | null {
  if (sizeBytes <= maxFileBytes) return null;
  return `it has ${sizeBytes} bytes, and the target takes files of at most ${maxFileBytes}`;
}

/** The files of one class that are to be copied, sorted by the bytes of their paths. Whatever a look of one class has seen refers to nothing that was
 *  written after it, when those that it may refer to are looked at afterwards. */
export function listClass(walk: Walk, classIndex: number): AsyncGenerator<readonly ListedFile[]> {
  return walk.rules.shape === 'store' ? walkStore(walk, classIndex) : listSets(walk, classIndex);
}

/** What a look goes on with in a folder: a file of its class, or a folder by its path within the tree. */
type Found = ListedFile | { readonly folder: string };

interface OpenFolder {
  readonly found: readonly Found[];
  at: number;
}

async function* walkStore(walk: Walk, classIndex: number): AsyncGenerator<readonly ListedFile[]> {
  const look = new ClassLook(walk, classIndex);
  const open: OpenFolder[] = [{ found: await look.foundIn(''), at: 0 }];
  let part: ListedFile[] = [];
  for (let folder = open.at(-1); folder !== undefined; folder = open.at(-1)) {
    const found = folder.found[folder.at++];
    if (found === undefined) {
      open.pop();
      yield part;
      part = [];
    } else if ('folder' in found) open.push({ found: await look.foundIn(found.folder), at: 0 });
    else part.push(found);
  }
  yield part;
}

/** One look through a tree for the files of one class. */
class ClassLook {
  readonly #prefixLength: number;
  readonly #isOwn: (path: string) => boolean;

  constructor(
    private readonly walk: Walk,
    private readonly classIndex: number,
  ) {
    const { root, within } = walk.tree;
    this.#prefixLength = root === '' ? 0 : root.length + 1;
    this.#isOwn = within === undefined ? () => true : ownPaths(within);
  }

  /** In the order of their bytes. What cannot be copied is told by the first look that sees it. */
  async foundIn(folder: string): Promise<Found[]> {
    const { repository, tree, rules } = this.walk;
    const here = folder === '' ? '' : `${folder}/`;
    const isFirst = this.#isFirstIn(here);
    const place = joinPath(tree.root, folder).replace(/^\/|\/$/g, '');
    const listed = await entriesUnlessUnread(this.walk, repository.list(place), folder);
    if (listed?.length === 0 && isFirst && folder !== '' && rules.isPartial === true)
      this.walk.emptyFolders.add({ path: folder, reason: 'it has no entry' });
    const entries = listed ?? [];
    const collisions = this.#collisionsOf(entries);
    const canLieHere = rules.classes.map((_, index) => mayHoldClass(rules, index, here));
    const found: Found[] = [];
    for (const entry of entries) {
      const path = entry.path.slice(this.#prefixLength);
      if (!this.#isOwn(path)) continue;
      if (rules.ignored?.test(entry.type === 'folder' ? `${path}/` : path) === true) continue;
      const own = entry.type === 'file' ? classOf(rules, path) : null;
      const isOfType = own !== null && canLieHere[own] === true;
      const reason = this.#reasonAgainst(entry, path, collisions, isOfType);
      if (reason !== null) {
        if (isFirst && !(reason === NO_FOLDER_OF_ITS_TYPE && (await this.#isEmpty(entry))))
          tellFault(this.walk, { path, reason }, entry);
      } else if (entry.type === 'folder') {
        if (this.#mayHold(`${path}/`)) found.push({ folder: path });
      } else if (own === this.classIndex)
        found.push({ path, stamp: entry.stamp, mode: entry.mode ?? null });
    }
    // As listed: names of one folder are in the order of their paths.
    return found;
  }

  #mayHold(folder: string): boolean {
    return mayHoldClass(this.walk.rules, this.classIndex, folder);
  }

  /** Looks go from the last class to the first. */
  #isFirstIn(folder: string): boolean {
    const { rules } = this.walk;
    for (let index = rules.classes.length - 1; index > this.classIndex; index--)
      if (mayHoldClass(rules, index, folder)) return false;
    return true;
  }

  #reasonAgainst(
    { type, name, stamp, unaddressable }: RepositoryEntry,
    path: string,
    collisions: ReadonlySet<string>,
    isOfType: boolean,
  ): string | null {
    const { rules, limits, losses } = this.walk;
    const damaged = type === 'file' ? (rules.setAside?.(path) ?? null) : null;
    if (damaged !== null) {
      losses.addSetAside(damaged);
      return SET_ASIDE;
    }
    if (unaddressable !== undefined)
      return 'its name is not UTF-8, or has a character that cannot be part of a path';
    if (type === 'other') return NO_PLAIN_FILE;
    if (collisions.has(name)) return FOLDED;
    if (type === 'folder')
      return rules.classes.some((_, index) => mayHoldClass(rules, index, `${path}/`))
        ? null
        : NO_FOLDER_OF_ITS_TYPE;
    return isOfType ? tooLarge(stamp, limits) : NO_FILE_OF_ITS_TYPE;
  }

  /** Whether nothing but folders lies in it: nobody misses anything then. */
  async #isEmpty({ path }: RepositoryEntry): Promise<boolean> {
    try {
      for (const entry of await this.walk.repository.list(path))
        if (entry.type !== 'folder' || !(await this.#isEmpty(entry))) return false;
      return true;
    } catch (error) {
      if (faultOfSourceFile(error) === null) throw error;
      return false;
    }
  }

  /** Of names that are one name at the target all but the first. */
  #collisionsOf(entries: readonly RepositoryEntry[]): ReadonlySet<string> {
    const collisions = new Set<string>();
    const { names } = this.walk.limits;
    if (names.caseSensitive && names.accentSensitive) return collisions;
    const seen = new Set<string>();
    for (const { name } of entries) {
      const key = foldedName(name, names);
      if (seen.has(key)) collisions.add(name);
      seen.add(key);
    }
    return collisions;
  }
}

const NO_FOLDER_OF_ITS_TYPE = 'nothing that this type of backups has lies in such a folder';

const FOLDED =
  'the target does not tell names apart that differ by case or the encoding of accents alone, and another one lies beside it';

/** Whether a path is one of those, lies below one, or is a folder on the way to one. */
function ownPaths(within: readonly string[]): (path: string) => boolean {
  const own = new Set(within);
  const above = new Set(within.flatMap(foldersOf));
  return (path) => own.has(path) || above.has(path) || foldersOf(path).some((at) => own.has(at));
}

/** Of paths that are one path at the target all but the first. */
function collidingPaths(paths: Iterable<string>, names: NamesTold): Set<string> {
  const collisions = new Set<string>();
  const seen = new Set<string>();
  for (const path of [...paths].sort(compareBytes)) {
    const key = foldedName(path, names);
    if (seen.has(key)) collisions.add(path);
    seen.add(key);
  }
  return collisions;
}

/** null: its storage does not read it, or does not allow that; the root is the tree itself.
 *  @throws what the storage says of itself */
async function entriesUnlessUnread(
  { unread, faults }: Walk,
  listing: Promise<RepositoryEntry[]>,
  folder: string,
): Promise<RepositoryEntry[] | null> {
  try {
    return await listing;
  } catch (error) {
    const outcome = faultOfSourceFile(error);
    if (folder === '' || outcome === null) throw error;
    const fault = { path: `${folder}/`, reason: FAULT_REASONS[outcome] };
    if (unread.addFolder(fault)) faults.add(fault);
    return null;
  }
}

/** A file that only the target does not take is one that points lack; so is one whose name cannot be told, where points are worth something without it. A link
 *  where a store has a file or a folder may lead to what the store needs. Any other that is no plain file none of the points has: it is passed over. */
function tellFault(
  { faults, unread, rules }: Walk,
  fault: FileFault,
  { type, unaddressable }: Pick<RepositoryEntry, 'type' | 'unaddressable'>,
): void {
  faults.add(fault);
  const { path } = fault;
  const asFolder = { ...fault, path: `${path}/` };
  if (type === 'file') unread.addFile(fault);
  else if (type === 'folder' && fault.reason === FOLDED) unread.addFolder(asFolder);
  else if (unaddressable === 'file') unread.addFile(fault);
  else if (rules.isPartial === true) {
    if (unaddressable === 'folder') unread.addFolder(asFolder);
  } else if (type === 'other' && unaddressable === undefined) unread.addLink(fault);
}

/** Files of the points alone, each once. */
async function* listSets(walk: Walk, classIndex: number): AsyncGenerator<readonly ListedFile[]> {
  const { repository, tree, rules, limits, faults, unread } = walk;
  const paths = new Set(tree.points.flatMap(({ files }) => files ?? []));
  const collisions = collidingPaths(paths, limits.names);
  const byFolder = new Map<string, string[]>();
  for (const path of paths) {
    const index = classOf(rules, path);
    if (index === null && classIndex === rules.classes.length - 1)
      faults.add({ path, reason: NO_FILE_OF_ITS_TYPE });
    if (index !== classIndex) continue;
    const folder = parentFolder(path);
    const known = byFolder.get(folder);
    if (known === undefined) byFolder.set(folder, [path]);
    else known.push(path);
  }
  const found: ListedFile[] = [];
  for (const [folder, wanted] of byFolder) {
    const place = [tree.root, folder].filter((part) => part !== '').join('/');
    const listed = await entriesUnlessUnread(walk, repository.list(place), folder);
    if (listed === null) {
      for (const path of wanted) unread.addFile({ path, reason: NOT_LOOKED_INTO });
      continue;
    }
    const entries = new Map(listed.map((entry) => [entry.name, entry]));
    for (const path of wanted) {
      const entry = entries.get(path.slice(folder === '' ? 0 : folder.length + 1));
      const reason = collisions.has(path) ? FOLDED : faultOfSet(entry, limits);
      if (reason !== null) tellFault(walk, { path, reason }, { type: 'file' });
      else found.push({ path, stamp: entry!.stamp, mode: entry!.mode ?? null });
    }
  }
  yield found.sort((a, b) => compareBytes(a.path, b.path));
}

const NOT_LOOKED_INTO = 'its folder cannot be looked into';

/** Why what lies under the name of a file of sets is not copied; null: it is. */
function faultOfSet(entry: RepositoryEntry | undefined, limits: TargetLimits): string | null {
  if (entry?.type === 'other') return NO_PLAIN_FILE;
  if (entry?.type !== 'file') return 'it is not there, and its restore point names it';
  return tooLarge(entry.stamp, limits);
}
