import type { BackupLayout, Claim, FolderNames } from './backup-layout.js';

/** Who gets what of one folder. */
export interface SharedOut {
  readonly claims: readonly { readonly layout: BackupLayout; readonly claim: Claim }[];
  /** Names of files that nobody claims. */
  readonly unclaimed: readonly string[];
  /** Names of folders that nobody claims. */
  readonly left: readonly string[];
}

/** Asks one layout after the other, each for what those before have left: so every file belongs to one backup, whatever the rows. */
export function shareOut(names: FolderNames, layouts: readonly BackupLayout[]): SharedOut {
  const claims: { layout: BackupLayout; claim: Claim }[] = [];
  let { files, folders } = names;
  for (const layout of layouts) {
    if (files.length === 0 && folders.length === 0) break;
    const claim = layout.claim({ folder: names.folder, files, folders });
    if (claim === null) continue;
    claims.push({ layout, claim });
    files = without(files, claim.files);
    folders = without(folders, claim.folders ?? []);
  }
  return { claims, unclaimed: files, left: folders };
}

function without(names: readonly string[], taken: readonly string[]): readonly string[] {
  if (taken.length === 0) return names;
  const gone = new Set(taken);
  return names.filter((name) => !gone.has(name));
}
