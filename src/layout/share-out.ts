import type { SourceRepository } from '../repository/backup-repository.js';
import type { BackupLayout, Claim, FolderNames } from './backup-layout.js';
import type { TreeLayout } from './tree-layout.js';
import { FolderReader } from './tree-reader.js';

/** Who gets what of one folder. */
export interface SharedOut {
  readonly trees: readonly { readonly layout: TreeLayout; readonly claim: Claim }[];
  readonly claims: readonly { readonly layout: BackupLayout; readonly claim: Claim }[];
  /** Names of files that nobody claims. */
  readonly unclaimed: readonly string[];
  /** Names of folders that nobody claims. */
  readonly left: readonly string[];
}

/** Asks one layout after the other, each for what those before have left: so every file belongs to one backup, whatever the rows. Those of trees
 *  come first: they know a folder by its names together, and what lies in it may look like an image. */
export async function shareOut(
  repository: SourceRepository,
  names: FolderNames,
  treeLayouts: readonly TreeLayout[],
  layouts: readonly BackupLayout[],
): Promise<SharedOut> {
  // What cannot be read of trees beside others is told by the scan.
  const reader = new FolderReader(repository, names.folder, undefined, () => undefined);
  const trees = await claimsOf(names, treeLayouts, (layout, claim) =>
    layout.confirm === undefined
      ? Promise.resolve(claim)
      : layout.confirm(reader, names.folder, claim),
  );
  const rest = { ...names, ...trees.left };
  const { claims, left } = await claimsOf(rest, layouts, (_, claim) => Promise.resolve(claim));
  return { trees: trees.claims, claims, unclaimed: left.files, left: left.folders };
}

async function claimsOf<L extends Pick<BackupLayout, 'claim'>>(
  names: FolderNames,
  layouts: readonly L[],
  confirm: (layout: L, claim: Claim) => Promise<Claim | null>,
): Promise<{
  readonly claims: { layout: L; claim: Claim }[];
  readonly left: Pick<FolderNames, 'files' | 'folders'>;
}> {
  const claims: { layout: L; claim: Claim }[] = [];
  let { files, folders } = names;
  for (const layout of layouts) {
    if (files.length === 0 && folders.length === 0) break;
    const claimed = layout.claim({ ...names, files, folders });
    const claim = claimed === null ? null : await confirm(layout, claimed);
    if (claim === null) continue;
    claims.push({ layout, claim });
    files = without(files, claim.files);
    folders = without(folders, claim.folders ?? []);
  }
  return { claims, left: { files, folders } };
}

function without(names: readonly string[], taken: readonly string[]): readonly string[] {
  if (taken.length === 0) return names;
  const gone = new Set(taken);
  return names.filter((name) => !gone.has(name));
}
