import { isFilePassedOver, isFolderPassedOver } from '../../domain/sources/passed-over.js';
import type { FoundTree } from '../../domain/trees/source-tree.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import { joinPath } from '../../repository/repository-path.js';
import type { Claim } from '../backup-layout.js';
import { claimedTreeFiles } from '../trees/tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';

/** Files that a layout of sets has claimed and lists in no point: nobody else is asked for them, and of a set only what points list is copied. What its
 *  tool leaves there that is no backup, and what lies in folders that are passed over, is none of them.
 *  @param found what it found in the claim
 *  @throws what the repository throws; a folder that may not be looked into is told, and holds nothing up */
export async function unlistedFiles(
  reader: TreeReader,
  folder: string,
  { layout, claim }: { readonly layout: TreeLayout; readonly claim: Claim },
  found: readonly FoundTree[],
): Promise<RepositoryEntry[]> {
  const { shape, ignored } = layout.rules;
  if (shape !== 'sets') return [];
  const listed = new Set(
    found.flatMap(({ root, points }) =>
      points.flatMap(({ files }) => (files ?? []).map((path) => joinPath(root, path))),
    ),
  );
  const parts = [
    { files: claim.files },
    ...(claim.folders ?? []).map((name) => ({ files: [], folders: [name] })),
  ];
  const unlisted: RepositoryEntry[] = [];
  for (const part of parts)
    for (const file of (await reader.orTell(() => claimedTreeFiles(reader, folder, part))) ?? [])
      if (!listed.has(file.path) && !isPassedOver(file.within) && !ignored?.test(file.within))
        if (!layout.isSpare?.(file.name)) unlisted.push(file);
  return unlisted;
}

function isPassedOver(within: string): boolean {
  const folders = within.split('/');
  const name = folders.pop()!;
  return isFilePassedOver(name) || folders.some(isFolderPassedOver);
}
