import { isBackupError } from '../../domain/errors.js';
import type { RepositoryEntry, SourceRepository } from '../../repository/backup-repository.js';
import { joinPath } from '../../repository/repository-path.js';
import type { BackupLayout, Claim, FolderNames } from '../backup-layout.js';
import { FolderFacts, type FactStore } from '../file-facts.js';
import { withoutShared } from './deeper-claims.js';
import type { SiblingRuns } from './sibling-runs.js';
import type { TreeLayout } from '../tree-layout.js';
import { SharedReader } from './shared-reader.js';
import {
  claimText,
  isBug,
  isOfOnePlace,
  pathOfError,
  unreadPart,
  type UnreadPlace,
} from '../unread-part.js';

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

/** Asks one layout after the other, each for what those before have left: so every file belongs to one backup, whatever the rows. Those of trees
 *  come first: they know a folder by its names together, and what lies in it may look like an image.
 *  @param fileOf the files of the folder by their names
 *  @param look what earlier looks found out, to which nothing is added, and what this one has seen of runs */
export async function shareOut(
  repository: SourceRepository,
  names: FolderNames,
  fileOf: ReadonlyMap<string, RepositoryEntry>,
  { trees: treeLayouts, images: layouts }: LayoutRows,
  { store, siblings }: { readonly store: FactStore; readonly siblings: SiblingRuns },
): Promise<SharedOut> {
  const errors: unknown[] = [];
  const { folder } = names;
  const reader = new SharedReader(repository, folder, undefined, (error) => errors.push(error));
  const trees = await claimsOf(names, treeLayouts, (layout, claim) =>
    orAsItIs(claim, () => layout.confirm?.(reader, folder, claim)),
  );
  const rest = { ...names, ...trees.left };
  // What a layout may have claimed that failed is for none of those behind it.
  const asked = trees.failed === null ? layouts : [];
  const images = await claimsOf(rest, asked, async (layout, claim) => {
    if (layout.confirm === undefined) return claim;
    const own = claim.files.flatMap((name) => {
      const entry = fileOf.get(name);
      return entry === undefined ? [] : [{ ...entry, within: name }];
    });
    const facts = await FolderFacts.of(store, repository, folder, siblings);
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

/** What layouts of trees claim in a folder that is looked at alone when they are asked in the one above it, as the walk asks them: what they take in a folder hangs on what lies in
 *  that alone. */
export async function claimedFromAbove(
  repository: SourceRepository,
  folder: string,
  { trees: layouts }: Pick<LayoutRows, 'trees'>,
  look: { readonly store: FactStore; readonly siblings: SiblingRuns },
): Promise<readonly (Pick<SharedOut, 'trees'> & { readonly folder: string })[]> {
  if (folder === '') return [];
  const end = folder.lastIndexOf('/');
  const above = folder.slice(0, Math.max(0, end));
  const names = { folder: above, files: [], folders: [folder.slice(end + 1)], passedOver: [] };
  const rows = { trees: layouts, images: [] };
  const { trees } = await shareOut(repository, names, new Map(), rows, look);
  return [{ folder: above, trees }];
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
