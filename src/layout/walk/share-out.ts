import { isBackupError } from '../../domain/errors.js';
import type { RepositoryEntry, SourceRepository } from '../../repository/backup-repository.js';
import { joinPath, lastName, parentFolder } from '../../repository/repository-path.js';
import type { BackupLayout, Claim, FolderNames } from '../backup-layout.js';
import { FolderFacts, type FactStore } from '../file-facts.js';
import { isFilePassedOver, isFolderPassedOver } from '../../domain/sources/passed-over.js';
import { DeeperClaims, withoutShared } from './deeper-claims.js';
import type { SiblingRuns } from './sibling-runs.js';
import { namesOf, type NamesIn } from '../names/names-in.js';
import type { OtherLayouts, TreeLayout } from '../tree-layout.js';
import { SharedReader } from './shared-reader.js';
import {
  claimText,
  isBug,
  isOfOnePlace,
  pathOfError,
  unreadPart,
  type UnreadPlace,
} from '../unread-place.js';

/** Who is asked for what lies in a folder. */
export interface LayoutRows {
  readonly trees: readonly TreeLayout[];
  readonly images: readonly BackupLayout[];
}

/** Who gets what of one folder. */
export interface SharedOut {
  readonly trees: readonly { readonly layout: TreeLayout; readonly claim: Claim }[];
  readonly claims: readonly { readonly layout: BackupLayout; readonly claim: Claim }[];
  /** Names of files that nobody claims. */
  readonly unclaimed: readonly string[];
  /** Names of folders that nobody claims. */
  readonly left: readonly string[];
  /** Files that nobody claims because they could not be read, and the folder itself where a layout failed over its names: they are not among the unclaimed. */
  readonly unread: readonly UnreadPlace[];
}

/** What earlier looks found out, and what this one has seen of runs. */
interface Look {
  readonly store: FactStore;
  readonly siblings: SiblingRuns;
}

/** Asks one layout after the other, each for what those before have left: so every file belongs to one backup, whatever the rows. Those of trees
 *  come first: they know a folder by its names together, and what lies in it may look like an image.
 *  @param fileOf the files of the folder by their names
 *  @param look what earlier looks found out, to which nothing is added, and what this one has seen of runs */
export async function shareOut(
  repository: SourceRepository,
  names: FolderNames,
  fileOf: ReadonlyMap<string, RepositoryEntry>,
  rows: LayoutRows,
  look: Look,
): Promise<SharedOut> {
  const { trees: treeLayouts, images: layouts } = rows;
  const { store, siblings } = look;
  const errors: unknown[] = [];
  const { folder } = names;
  let known: Promise<FolderFacts> | null = null;
  // Of a folder in which nobody claims anything nothing is loaded.
  const factsHere = (): Promise<FolderFacts> =>
    (known ??= FolderFacts.of(store, repository, folder, siblings));
  let shared: SharedReader | null = null;
  const trees = await claimsOf(names, treeLayouts, async (layout, claim) => {
    if (layout.confirm === undefined) return claim;
    const reader = (shared ??= new SharedReader(repository, folder, await factsHere(), (error) =>
      errors.push(error),
    ));
    const others = othersThan(layout, repository, rows, look);
    return orAsItIs(claim, () => layout.confirm?.(reader, folder, claim, others));
  });
  const rest = { ...names, ...trees.left };
  // What a layout may have claimed that failed is for none of those behind it.
  const asked = trees.failed === null ? layouts : [];
  const images = await claimsOf(rest, asked, async (layout, claim) => {
    if (layout.confirm === undefined) return claim;
    const own = claim.files.flatMap((name) => {
      const entry = fileOf.get(name);
      return entry === undefined ? [] : [{ ...entry, within: name }];
    });
    const facts = await factsHere();
    return orAsItIs(claim, () => layout.confirm?.(facts, { folder, files: own }, claim));
  });
  const { left } = images;
  // What cannot be read of what is claimed is told by the scan, and of a folder by the walk.
  const unread = new Map<string, UnreadPlace>();
  for (const error of errors) {
    const name = left.files.find((file) => joinPath(folder, file) === pathOfError(error));
    if (name !== undefined) unread.set(name, { part: unreadPart(error, folder), error });
  }
  const failed = trees.failed ?? images.failed;
  return {
    ...{ trees: trees.claims, claims: images.claims, left: left.folders },
    unclaimed: failed === null ? without(left.files, [...unread.keys()]) : [],
    unread: [
      // What went meanwhile is nothing that is not copied.
      ...[...unread.values()].filter(({ error }) => !isBackupError(error, 'FILE_MISSING')),
      ...(failed === null ? [] : [failed]),
    ],
  };
}

/** What layouts of trees claim in a folder that is looked at alone when they are asked in the ones above it, as the walk asks them: what they take in a folder hangs on what lies in
 *  that alone, and no claim reaches deeper than into a folder in a folder. But for autobackups and pieces of RMAN in folders of their own (`2026-11-24/orcl/autobackup`): in these it is asked
 *  as if they lay there alone, and leaves others the same. */
export async function claimedFromAbove(
  repository: SourceRepository,
  folder: string,
  rows: LayoutRows,
  look: Look,
): Promise<readonly ClaimedAbove[]> {
  const [parent, grandparent] = foldersAbove(folder);
  const claimed: ClaimedAbove[] = [];
  const deeper = new DeeperClaims();
  for (const above of [grandparent, parent]) {
    if (above === undefined) continue;
    const below = above === grandparent ? parent! : folder;
    if (deeper.holdsClaimed(below)) continue;
    const asked = { folder: above, files: [], folders: [lastName(below)], passedOver: [] };
    const { trees } = await shareOut(repository, asked, new Map(), rows, look);
    const found = { folder: above, trees };
    deeper.add(found);
    claimed.push(found);
  }
  return claimed;
}

type ClaimedAbove = Pick<SharedOut, 'trees'> & { readonly folder: string };

/** Nearest first. */
function foldersAbove(folder: string): string[] {
  const above: string[] = [];
  for (let at = folder; at !== '' && above.length < 2;) {
    at = parentFolder(at);
    above.push(at);
  }
  return above;
}

function othersThan(
  layout: TreeLayout,
  repository: SourceRepository,
  rows: LayoutRows,
  look: Look,
): OtherLayouts {
  const others = { ...rows, trees: rows.trees.filter((row) => row !== layout) };
  return {
    taken: async (folder, names) => {
      const above = await claimedFromAbove(repository, folder, others, look);
      const fromAbove = above.flatMap((one) => namesWithin(one.folder, folder, one));
      const isTaken = (name: string): boolean => fromAbove.includes(name);
      const rest = {
        files: without(names.files, fromAbove),
        folders: without(names.folders, fromAbove),
      };
      const here = await takenIn(repository, folder, rest, others, look);
      return {
        files: [...names.files.filter(isTaken), ...here.files],
        folders: [...names.folders.filter(isTaken), ...here.folders],
      };
    },
  };
}

/** Names in a folder that are claimed from one above it, each or what lies in it. */
function namesWithin(above: string, folder: string, { trees }: Pick<SharedOut, 'trees'>): string[] {
  const start = `${folder}/`;
  return trees
    .flatMap(({ claim }) => [...claim.files, ...(claim.folders ?? [])])
    .map((path) => joinPath(above, path))
    .flatMap((path) => (path.startsWith(start) ? path.slice(start.length).split('/', 1) : []));
}

/** What these layouts take of names in a folder, and of the folders among them. */
async function takenIn(
  repository: SourceRepository,
  folder: string,
  names: NamesIn,
  rows: LayoutRows,
  look: Look,
): Promise<NamesIn> {
  const files = names.files.filter((name) => !isFilePassedOver(name));
  const folders = names.folders.filter((name) => !isFolderPassedOver(name));
  if (files.length + folders.length === 0) return { files, folders };
  const entries = files.length === 0 ? [] : await repository.list(folder);
  const fileOf = new Map(entries.map((entry) => [entry.name, entry]));
  const asked = { folder, files, folders, passedOver: [] };
  const { trees, claims, left } = await shareOut(repository, asked, fileOf, rows, look);
  const taken = new Set(
    [...trees, ...claims]
      .flatMap(({ claim }) => [...claim.files, ...(claim.folders ?? [])])
      .flatMap((path) => path.split('/', 1)),
  );
  for (const name of left)
    if (!taken.has(name) && (await holdsTaken(repository, joinPath(folder, name), rows, look)))
      taken.add(name);
  const isTaken = (name: string): boolean => taken.has(name);
  return { files: files.filter(isTaken), folders: folders.filter(isTaken) };
}

async function holdsTaken(
  repository: SourceRepository,
  folder: string,
  rows: LayoutRows,
  look: Look,
): Promise<boolean> {
  const entries = await orNothing(() => repository.list(folder));
  const all = namesOf(entries);
  const names = { files: [...all.files].sort(), folders: [...all.folders].sort() };
  const { files, folders } = await takenIn(repository, folder, names, rows, look);
  return files.length + folders.length > 0;
}

/** What cannot be listed is told by whoever keeps it. */
async function orNothing<T>(list: () => Promise<T[]>): Promise<T[]> {
  try {
    return await list();
  } catch (error) {
    if (!isOfOnePlace(error)) throw error;
    return [];
  }
}

/** One place that cannot be read stops nothing beside it: whose the claim is the scan finds out, or tells why it cannot. */
async function orAsItIs(
  claim: Claim,
  confirm: () => Promise<Claim | null> | undefined,
): Promise<Claim | null> {
  try {
    const confirmed = await confirm();
    return confirmed === undefined ? claim : confirmed;
  } catch (error) {
    if (!isOfOnePlace(error) && !isBug(error)) throw error;
    return claim;
  }
}

/** `failed`: the names made a layout fail; those behind it were not asked. */
async function claimsOf<L extends Pick<BackupLayout, 'claim' | 'type'>>(
  names: FolderNames,
  layouts: readonly L[],
  confirm: (layout: L, claim: Claim) => Promise<Claim | null>,
): Promise<{
  readonly claims: { layout: L; claim: Claim }[];
  readonly left: Pick<FolderNames, 'files' | 'folders'>;
  readonly failed: UnreadPlace | null;
}> {
  const claims: { layout: L; claim: Claim }[] = [];
  let { files, folders } = names;
  for (const layout of layouts) {
    if (files.length === 0 && folders.length === 0) break;
    let claimed: Claim | null;
    try {
      claimed = layout.claim({ ...names, files, folders });
    } catch (error) {
      if (!isBug(error)) throw error;
      const part = unreadPart(error, names.folder, claimText(layout, names.folder));
      const failed: UnreadPlace = { part, error, isOfImages: true };
      return { claims, left: { files, folders }, failed };
    }
    const claim = withoutShared(claimed === null ? null : await confirm(layout, claimed), claims);
    if (claim === null) continue;
    claims.push({ layout, claim });
    files = without(files, claim.files);
    folders = without(folders, claim.folders ?? []);
  }
  return { claims, left: { files, folders }, failed: null };
}

function without(names: readonly string[], taken: readonly string[]): readonly string[] {
  if (taken.length === 0) return names;
  const gone = new Set(taken);
  return names.filter((name) => !gone.has(name));
}
